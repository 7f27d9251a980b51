"""What the number means that samdesk ends with."""

from enum import IntEnum

from samdesk.errors import (
    DisplayError,
    GeometryError,
    ModelError,
    NoRoom,
    ReadError,
    RegistrationError,
    SamdeskError,
    Stopped,
    UsageError,
)


class ExitCode(IntEnum):
    """How a command ended; the numbers are a promise to scripts."""

    DONE = 0
    FAULT = 1
    USAGE = 2
    REFUSED = 3
    PART = 4
    MODEL = 5
    NO_DISPLAY = 6
    NO_ROOM = 7
    STOPPED = 130


DONE = ExitCode.DONE
FAULT = ExitCode.FAULT
USAGE = ExitCode.USAGE
REFUSED = ExitCode.REFUSED
PART = ExitCode.PART
MODEL = ExitCode.MODEL
NO_DISPLAY = ExitCode.NO_DISPLAY
NO_ROOM = ExitCode.NO_ROOM
STOPPED = ExitCode.STOPPED

BY_ERROR: tuple[tuple[type[SamdeskError], ExitCode], ...] = (
    (ReadError, REFUSED),
    (GeometryError, REFUSED),
    (RegistrationError, REFUSED),
    (ModelError, MODEL),
    (NoRoom, NO_ROOM),
    (Stopped, STOPPED),
    (DisplayError, NO_DISPLAY),
    (UsageError, USAGE),
)


def of(error: SamdeskError) -> ExitCode:
    """Give the exit code that an error of samdesk ends a command with."""
    for kind, code in BY_ERROR:
        if isinstance(error, kind):
            return code
    return FAULT
