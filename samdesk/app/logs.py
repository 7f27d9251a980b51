"""Log files that tell what happened, and nothing of a patient.

Records hold codes and counts. What other libraries say is kept out, because they quote the values
they read; exceptions are written as their place in the code, without their sentence.
"""

import copy
import logging
import re
import secrets
import traceback
import warnings
from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

ROOM = "samdesk"
# These libraries put the values of tags and headers into their messages.
TALKATIVE = ("pydicom", "nibabel", "PIL", "highdicom", "pylibjpeg", "imagecodecs")
UID = re.compile(r"\b\d+(?:\.\d+){5,}\b")
UID_TAIL = 6
FILES_KEPT = 20
EVENTS_KEPT = 50
# Sentences of these errors are about code; those of others may quote a value out of a file.
ABOUT_CODE = (ImportError, AttributeError, NameError, ZeroDivisionError, RecursionError)

_SHOWWARNING = warnings.showwarning
_ours: list[logging.Handler] = []

start_id = secrets.token_hex(4)
events: deque[str] = deque(maxlen=EVENTS_KEPT)

logger = logging.getLogger(__name__)


class NoTalk(logging.Filter):
    """Keep out what talkative libraries say below an error."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Decide whether a record is written."""
        return record.levelno >= logging.ERROR or not _talks(record)


class PlaceOnly(logging.Formatter):
    """Write events with shortened UIDs, and errors as the lines of code that they went through."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a cleaned copy, because other handlers get the same record."""
        clean = copy.copy(record)
        if _talks(record):
            clean.msg, clean.args = f"message.withheld library={record.name.split('.')[0]}", ()
            clean.exc_info = clean.exc_text = clean.stack_info = None
        else:
            error = record.exc_info[1] if record.exc_info else None
            clean.msg, clean.args = shortened(record.getMessage()), ()
            clean.exc_info, clean.exc_text = None, place(error) if error else None
        return super().format(clean)


class _Events(logging.Handler):
    """Remember the names of the last events, for the crash file."""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the first word of the message, which is the event's name."""
        words = str(record.msg).split(maxsplit=1)
        events.append(f"{record.name} {words[0] if words else ''}")


def start(folder: Path, *, level: int = logging.INFO) -> Path | None:
    """Begin to log into a new file of `folder`, named by the time and a random id.

    Returns:
        The file, or None where the folder cannot be written: then there is no log.
    """
    stop()
    root = logging.getLogger()
    root.setLevel(logging.WARNING)
    logging.getLogger(ROOM).setLevel(level)
    warnings.showwarning = _tell_warning
    root.addHandler(_listening(_Events()))
    path = folder / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{start_id}.log"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _forget_old(folder)
        handler = logging.FileHandler(path, encoding="utf-8", delay=True)
    except OSError:
        return None
    handler.setFormatter(PlaceOnly("%(asctime)s %(levelname)s %(name)s %(message)s"))
    # A disk that fills up while logging must not print the record, with its stack, on the screen.
    logging.raiseExceptions = False
    root.addHandler(_listening(handler))
    return path


def stop() -> None:
    """End the log, and leave the process's logging as it was found."""
    root = logging.getLogger()
    while _ours:
        handler = _ours.pop()
        root.removeHandler(handler)
        handler.close()
    warnings.showwarning = _SHOWWARNING
    logging.raiseExceptions = True


def place(error: BaseException) -> str:
    """Say where an error was raised: its kind and stack, with no local and no value."""
    lines = []
    chain: BaseException | None = error
    while chain is not None:
        for frame in traceback.extract_tb(chain.__traceback__):
            lines.append(f"  {short(frame.filename)}:{frame.lineno} in {frame.name}")
        told = f": {shortened(str(chain))}" if isinstance(chain, ABOUT_CODE) else ""
        lines.append(f"{type(chain).__module__}.{type(chain).__qualname__}{told}")
        chain = chain.__cause__ or (None if chain.__suppress_context__ else chain.__context__)
        if chain is not None:
            lines.append("which came of:")
    return "\n".join(lines)


def short(filename: str) -> str:
    """Give the end of a source file's path, without the folders of this machine."""
    return "/".join(Path(filename).parts[-3:])


def shortened(text: str) -> str:
    """Shorten every UID of a text to its last six digits."""
    return UID.sub(lambda found: "..." + found.group().replace(".", "")[-UID_TAIL:], text)


def _listening(handler: logging.Handler) -> logging.Handler:
    handler.addFilter(NoTalk())
    _ours.append(handler)
    return handler


def _talks(record: logging.LogRecord) -> bool:
    return record.name.split(".")[0] in TALKATIVE


def _forget_old(folder: Path) -> None:
    # A start that wrote nothing leaves no file, so the newest by name are the newest by time.
    for old in sorted(folder.glob("*.log"))[: -FILES_KEPT + 1]:
        old.unlink(missing_ok=True)


def _tell_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Log that Python warned, by kind and place: the message may quote a value."""
    del message, file, line
    logger.warning("python.warned kind=%s at=%s:%d", category.__name__, short(filename), lineno)
