"""Run everything that is checked: format, lint, imports, types, tests and the coverage list.

`make test` and the CI call this. Every part runs, whatever came of the one before; the last lines
say what each took and what did not pass. `check.py quick` leaves the tests out.
"""

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
PYTHON_FOLDERS = ("samdesk", "tests", "packaging")


@dataclass(frozen=True)
class Outcome:
    """How a part ended: its name, exit code, seconds and what it printed."""

    name: str
    code: int
    seconds: float
    text: str


def run(name: str, *words: str, shown: bool = False) -> Outcome:
    """Run one part; `shown` lets its output through while it runs."""
    environment = {
        "OMP_NUM_THREADS": "1",
        **os.environ,
        "QT_QPA_PLATFORM": "offscreen",
        "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}",
        "PYTHONUTF8": "1",
    }
    start = time.monotonic()
    done = subprocess.run(
        words,
        cwd=ROOT,
        env=environment,
        check=False,
        text=True,
        stdout=None if shown else subprocess.PIPE,
        stderr=None if shown else subprocess.STDOUT,
    )
    return Outcome(name, done.returncode, time.monotonic() - start, done.stdout or "")


def tests(words: list[str]) -> list[Outcome]:
    """Run the tests under coverage, then hold the listed files to full coverage."""
    for old in ROOT.glob(".coverage*"):
        old.unlink()
    python = sys.executable
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    workers = os.environ.get("SAMDESK_TEST_WORKERS") or str(min(cores or 1, 8))
    spread = ("-n", workers, "--dist", "loadscope") if workers != "1" else ()
    tested = run(
        "tests", python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--cov", "--cov-report=",
        *spread, *words, shown=True,
    )  # fmt: skip
    report = "coverage.json"
    measured = run("coverage", python, "-m", "coverage", "json", "-q", "-o", report)
    listed = run("coverage list", python, "packaging/complete.py", report)
    return [tested, measured, listed]


def coverage_share() -> str:
    """Say how much of the lines and branches the tests reached."""
    report = ROOT / "coverage.json"
    if not report.is_file():
        return ""
    totals = json.loads(report.read_text(encoding="utf-8"))["totals"]
    return f"coverage {totals['percent_covered']:.1f} % of lines and branches"


def main(words: list[str]) -> int:
    """Run all parts and sum up; 0 where every one passed."""
    quick = words[:1] == ["quick"]
    outcomes = [
        run("format", "ruff", "format", "--check", *PYTHON_FOLDERS),
        run("lint", "ruff", "check", *PYTHON_FOLDERS),
        run("imports", "lint-imports"),
    ]
    with ThreadPoolExecutor(1) as beside:
        # The type checker keeps one core busy while the tests begin on the others.
        types = beside.submit(run, "types", "mypy")
        if not quick:
            outcomes += tests(words)
        outcomes.append(types.result())
    for outcome in outcomes:
        if outcome.code and outcome.text:
            print(f"\n--- {outcome.name}\n{outcome.text.rstrip()}")
    print()
    for outcome in outcomes:
        mark = "FAILED" if outcome.code else "ok"
        print(f"{outcome.name:<14} {mark:<7} {outcome.seconds:7.1f} s")
    if not quick:
        print(coverage_share())
    failed = [outcome.name for outcome in outcomes if outcome.code]
    print(f"check: did not pass: {', '.join(failed)}" if failed else "check: all passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
