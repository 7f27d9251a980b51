"""What reading has to say to a person: notices and refusals, each with code and sentence."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Notice:
    """Something the user should know about data that was opened all the same.

    Attributes:
        code: one of the warning codes of docs/guide/messages.md.
        sentence: what is so, with its number and place; no patient name.
        number: the figure of the sentence, for programs; None where there is none.
    """

    code: str
    sentence: str
    number: float | None = None


@dataclass(frozen=True)
class Refusal:
    """A file or series that was not opened.

    Attributes:
        path: the file (or folder) it is about.
        code: one of the refusal codes of docs/guide/messages.md.
        reason: a sentence for a person.
        hint: the next step, or empty.
    """

    path: Path
    code: str
    reason: str
    hint: str = ""
