"""Build the bundle, say how large it is and how soon it starts, and have it test itself.

The selftest runs in another folder with an empty environment: what the bundle needs is in it.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUNDLE = ROOT / "dist" / "samdesk"
# More than this and something came in that the program does not need.
MOST_MB = 900
STARTS = 3


def main() -> int:
    """Build, measure and check; 0 where the bundle passed."""
    build()
    program = BUNDLE / ("samdesk-cli.exe" if sys.platform == "win32" else "samdesk")
    size = megabytes()
    print(f"bundle: {BUNDLE.relative_to(ROOT)}, {size:.0f} MB")
    largest = sorted(parts().items(), key=lambda part: -part[1])[:6]
    print("  " + ", ".join(f"{name} {mb:.0f} MB" for name, mb in largest))
    with tempfile.TemporaryDirectory() as elsewhere:
        first = started(program, elsewhere)
        again = min(started(program, elsewhere) for _ in range(STARTS))
        done = run(program, "selftest", "--json", folder=elsewhere)
    checks = json.loads(done.stdout)["checks"] if done.stdout else []
    for check in checks:
        mark = "ok    " if check["passed"] else "FAILED"
        print(f"  {mark} {check['name']:<13} {check['seconds']:6.2f} s  {check['text']}")
    window = next((check["seconds"] for check in checks if check["name"] == "window"), 0.0)
    print(f"start: {first:.2f} s the first time, then {again:.2f} s; window {window:.2f} s later")
    if size > MOST_MB:
        print(f"The bundle is larger than {MOST_MB} MB.")
        return 1
    print("selftest of the bundle:", "passed" if done.returncode == 0 else "did not pass")
    return done.returncode


def build() -> None:
    """Have PyInstaller build the folder anew."""
    with tempfile.TemporaryDirectory() as folder:
        note = Path(folder) / "build.txt"
        asked = subprocess.run(
            ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"],
            capture_output=True,
            text=True,
            check=False,
        )
        note.write_text(asked.stdout.strip() + "\n", encoding="utf-8")
        shutil.rmtree(BUNDLE, ignore_errors=True)
        words = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level", "ERROR"]
        words += ["--distpath", str(ROOT / "dist"), "--workpath", str(ROOT / "build")]
        words += [str(ROOT / "packaging" / "samdesk.spec")]
        start = time.monotonic()
        subprocess.run(
            words, cwd=ROOT, check=True, env=os.environ | {"SAMDESK_BUILD_NOTE": str(note)}
        )
        print(f"built in {time.monotonic() - start:.0f} s")


def run(program: Path, *words: str, folder: str) -> subprocess.CompletedProcess[bytes]:
    """Run the bundle's program as on a machine that knows nothing of this one."""
    environment = {"QT_QPA_PLATFORM": "offscreen", "HOME": folder, "SAMDESK_HOME": folder}
    if sys.platform == "win32":
        environment |= {name: os.environ[name] for name in ("SYSTEMROOT", "TEMP")}
    return subprocess.run(
        [str(program), *words], cwd=folder, env=environment, stdout=subprocess.PIPE, check=False
    )


def started(program: Path, folder: str) -> float:
    """Give the seconds from start to the end of `--version`."""
    start = time.monotonic()
    run(program, "--version", folder=folder)
    return time.monotonic() - start


def megabytes() -> float:
    """Give the size of the bundle in MB."""
    return sum(parts().values())


def parts() -> dict[str, float]:
    """Give the MB of each library in the bundle."""
    sizes: dict[str, float] = {}
    for path in BUNDLE.rglob("*"):
        if path.is_file() and not path.is_symlink():
            place = path.relative_to(BUNDLE).parts
            name = place[1] if len(place) > 2 else "program"
            sizes[name] = sizes.get(name, 0.0) + path.stat().st_size / 1e6
    return sizes


if __name__ == "__main__":
    sys.exit(main())
