"""Which build of samdesk this is."""

import shutil
import subprocess
from pathlib import Path

from samdesk import __version__
from samdesk.app import paths

# The bundle's build writes the commit here; a checkout asks git.
FILE = "build.txt"
WAIT_S = 2.0


def commit() -> str:
    """Give the commit this program was built from, short; empty where nobody knows."""
    written = paths.resources() / FILE
    if written.is_file():
        return written.read_text(encoding="utf-8").strip()
    checkout = Path(__file__).resolve().parents[2]
    git = shutil.which("git")
    if git is None or not (checkout / ".git").exists():
        return ""
    try:
        asked = subprocess.run(  # noqa: S603 - git, in the folder of this file
            [git, "-C", str(checkout), "rev-parse", "--short", "HEAD"],
            check=True,
            capture_output=True,
            text=True,
            timeout=WAIT_S,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return asked.stdout.strip()


def words() -> str:
    """Name program, version and build, as in `samdesk 0.1.0 (build 453ab0e)`."""
    known = commit()
    return f"samdesk {__version__} (build {known})" if known else f"samdesk {__version__}"
