"""Build the bundle, say how large it is and how soon it starts, and have it test itself.

The selftest runs from another folder with an empty environment: what the bundle needs must be in it.
"""

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
        print(f"start to --version: {first:.2f} s cold, {again:.2f} s warm")
        code = run(program, "selftest", folder=elsewhere).returncode
    if size > MOST_MB:
        print(f"The bundle is larger than {MOST_MB} MB.")
        return 1
    return code


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
    return subprocess.run([str(program), *words], cwd=folder, env=environment, check=False)


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
