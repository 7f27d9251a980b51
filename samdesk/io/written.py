"""Points as a file writes them, before anything is made of their numbers."""

import math
import re
from dataclasses import dataclass, field

from samdesk.core.geometry import Position
from samdesk.errors import ReadError

NEEDED = "The table needs a first line name,x,y,z (patient millimeters, LPS) or name,r,a,s."
# In place of a space: the numbers are voxel indices (i, j, k).
VOXELS = "voxels"
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?")


@dataclass(frozen=True)
class WrittenPoint:
    """A point in the file's own numbers; texts as they are, perhaps empty."""

    place: Position
    name: str
    diameter_mm: float | None = None
    label: str = ""
    note: str = ""


@dataclass
class Written:
    """What a file of points holds.

    Attributes:
        space: the name of the space ("LPS", "left-posterior-superior" and so on) or VOXELS.
        points: in the order of the file.
        left_out: lines (in JSON: numbers of the points, from 1) whose places are no numbers.
    """

    space: str
    points: list[WrittenPoint] = field(default_factory=list)
    left_out: list[int] = field(default_factory=list)


def number(text: str, *, comma: bool = False) -> float | None:
    """Read a finite number; None for everything else, also for words that Python would take.

    Args:
        text: a cell.
        comma: a comma may be the decimal sign, where another character separates the columns.
    """
    words = text.strip()
    if comma and "." not in words:
        words = words.replace(",", ".", 1)
    if not _NUMBER.fullmatch(words):
        return None
    value = float(words)
    return value if math.isfinite(value) else None


def no_table(shown: str, why: str) -> ReadError:
    """Make the error for a file that is no list of points."""
    return ReadError(f"{shown} is no list of points: {why}.", code="not-recognised", hint=NEEDED)
