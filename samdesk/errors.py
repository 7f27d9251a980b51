"""Every error that samdesk raises on purpose.

SamdeskError
    ReadError               a file or series cannot become a volume
    GeometryError           numbers that do not describe a place in the patient
    ModelError              a trained network cannot be used
    NoRoom                  not enough disk or memory, said before starting where it can be known
    Stopped                 a person ended it
    DisplayError            no window can open
    UsageError              a command was asked in a way it does not understand
    RunError                a training run ended badly
    RegistrationError       two volumes cannot be laid onto each other
"""


class SamdeskError(Exception):
    """An error with two sentences for the user: what happened, and what can be done.

    Attributes:
        what: what happened, with the name of the thing and the numbers that show it.
        code: the refusal's code (docs/guide/messages.md), or "fault" where no code fits.
        hint: the next step, or an empty string where there is none.
    """

    def __init__(self, what: str, *, code: str = "fault", hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.code = code
        self.hint = hint


class ReadError(SamdeskError):
    """A file or series cannot become a volume."""


class GeometryError(SamdeskError):
    """Numbers that do not describe a place in the patient."""


class ModelError(SamdeskError):
    """A trained network cannot be used."""


class NoRoom(SamdeskError):
    """Not enough disk or memory."""


class Stopped(SamdeskError):
    """A person ended it."""


class DisplayError(SamdeskError):
    """No window can open."""


class UsageError(SamdeskError):
    """A command was asked in a way it does not understand."""


class RunError(SamdeskError):
    """A training run ended badly."""


class RegistrationError(SamdeskError):
    """Two volumes cannot be laid onto each other."""
