"""The front door: the window, a command, or a training worker (`--worker PLAN`)."""

import multiprocessing
import sys
from collections.abc import Sequence
from pathlib import Path


def main(argv: Sequence[str] | None = None) -> int:
    """Start what the words of the command line ask for, and give back the exit code."""
    # A spawned child of a frozen program begins here again, so this line comes first.
    multiprocessing.freeze_support()
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["--worker"] and len(words) == 2:
        from samdesk.training.worker import main as work

        return work(Path(words[1]))
    from samdesk.app.cli import run

    return run(words)


if __name__ == "__main__":
    sys.exit(main())
