"""What is kept of a crash: one file with version, platform and stack, and no value of a patient."""

import faulthandler
import logging
import platform
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from samdesk import __version__
from samdesk.app import logs

logger = logging.getLogger(__name__)

Told = Callable[[BaseException, Path | None], None]


class CrashFile:
    """Where the faults of one start are written.

    Args:
        folder: of the log files.
        told: called with the error and the file after each fault that nobody caught; it may come
            from any thread.
    """

    def __init__(self, folder: Path, told: Told) -> None:
        self._path = folder / f"crash-{logs.start_id}.txt"
        self._native = folder / f"fault-{logs.start_id}.txt"
        self._told = told
        self._native_file: TextIO | None = None
        self._hooks: tuple[Callable[..., Any], Callable[..., Any]] | None = None

    def install(self) -> None:
        """Take up every way in which a program ends unasked."""
        self._hooks = sys.excepthook, threading.excepthook
        sys.excepthook = self._on_error
        threading.excepthook = self._on_thread_error
        try:
            self._native.parent.mkdir(parents=True, exist_ok=True)
            self._native_file = self._native.open("w", encoding="utf-8")
        except OSError:
            return
        faulthandler.enable(self._native_file)

    def close(self) -> None:
        """Give the hooks back and give up the file for native faults; an empty one is removed."""
        if self._hooks is not None:
            sys.excepthook, threading.excepthook = self._hooks
            self._hooks = None
        if self._native_file is None:
            return
        faulthandler.disable()
        self._native_file.close()
        self._native_file = None
        if self._native.exists() and self._native.stat().st_size == 0:
            self._native.unlink()

    def write(self, error: BaseException) -> Path | None:
        """Write down where an error came from; None where the file cannot be written."""
        logger.error("crash.written kind=%s", type(error).__name__)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(report(error))
        except OSError:
            return None
        return self._path

    def _on_error(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        path = self.write(error)
        self._told(error, path)

    def _on_thread_error(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            self._on_error(args.exc_type, args.exc_value, args.exc_traceback)


def report(error: BaseException) -> str:
    """Put together what the crash file says of an error."""
    lines = [
        f"samdesk {__version__}",
        f"{platform.platform()}, Python {platform.python_version()}",
        f"frozen: {bool(getattr(sys, 'frozen', False))}",
        "",
        logs.place(error),
        "",
        "last events:",
        *(f"  {event}" for event in logs.events),
        "",
        "",
    ]
    return "\n".join(lines)
