"""Hold the files that promised full coverage to it, and name those that got there.

A promise is kept on a machine without real scans too, so what only they reach does not count. A
file that got there unasked is named, and whoever sees it puts it on the list.
"""

import json
import sys
from pathlib import Path

COMPLETE = {
    "samdesk/errors.py",
    "samdesk/core/changes.py",
    "samdesk/core/edits.py",
    "samdesk/core/geometry.py",
    "samdesk/core/history.py",
    "samdesk/core/ids.py",
    "samdesk/core/match.py",
    "samdesk/core/matchbook.py",
    "samdesk/core/models.py",
    "samdesk/core/orientation.py",
    "samdesk/core/plane.py",
    "samdesk/core/point.py",
    "samdesk/core/progress.py",
    "samdesk/core/project.py",
    "samdesk/core/radiograph.py",
    "samdesk/core/reading.py",
    "samdesk/core/reading_notes.py",
    "samdesk/core/reslice.py",
    "samdesk/core/runs.py",
    "samdesk/core/study.py",
    "samdesk/core/volume.py",
    "samdesk/core/window.py",
    "samdesk/io/atomic.py",
    "samdesk/model/manifest.py",
    "samdesk/services/jobs.py",
    "samdesk/services/relay.py",
    "samdesk/services/store.py",
    "samdesk/app/exit_codes.py",
    "samdesk/app/paths.py",
}


def check(report: Path) -> tuple[list[str], list[str]]:
    """Read `coverage json` and say what does not agree with COMPLETE.

    Returns:
        Files that lost full coverage, and files that have it and are not on the list.
    """
    files = json.loads(report.read_text(encoding="utf-8"))["files"]
    share = {name.replace("\\", "/"): file["summary"] for name, file in files.items()}
    full = {name for name, file in share.items() if file["percent_covered"] == 100}
    told = {name for name, file in share.items() if file["num_statements"] > 0}
    lost = []
    for name in sorted(COMPLETE - full):
        lines = files.get(name, {}).get("missing_lines", [])
        lost.append(f"{name} promised full coverage and lost it (lines {lines or 'unknown'})")
    return lost, sorted((full & told) - COMPLETE)


if __name__ == "__main__":
    lost, won = check(Path(sys.argv[1]))
    print("\n".join(lost))
    if won:
        print(f"{len(won)} more files are fully covered and could be added to COMPLETE:")
        print("\n".join(f"  {name}" for name in won))
    sys.exit(bool(lost))
