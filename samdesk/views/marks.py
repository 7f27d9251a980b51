"""What a mark on an image says, and in which color; how it is drawn is in widgets/overlays.py."""

from dataclasses import dataclass
from enum import Enum

from samdesk.core.geometry import Position


class Kind(Enum):
    """What a mark says; each has a color and a shape."""

    SOURCE = "source"
    SUGGESTED = "suggested"
    ACCEPTED = "accepted"
    MOVED = "moved"
    UNCERTAIN = "uncertain"
    REJECTED = "rejected"
    OTHER = "alternative"
    WAITING = "waiting"
    TIE = "place of an alignment"
    STRUCK = "struck out of an alignment"


COLORS = {
    Kind.SOURCE: "#FFFFFF",
    Kind.SUGGESTED: "#2F8FE0",
    Kind.ACCEPTED: "#2F8FE0",
    Kind.MOVED: "#2F8FE0",
    Kind.UNCERTAIN: "#F5A623",
    Kind.REJECTED: "#FF6F61",
    Kind.OTHER: "#F5A623",
    Kind.WAITING: "#9AA4AF",
    Kind.TIE: "#8CC8FF",
    Kind.STRUCK: "#F5A623",
}

# Marks that are many: they are drawn in their own slice only, and not faintly beside it.
IN_SLICE_ONLY = frozenset({Kind.TIE, Kind.STRUCK})


@dataclass(frozen=True)
class Mark:
    """A mark at a place.

    Attributes:
        kind: what it says.
        at_mm: where, in the frame of the scan.
        text: beside it; may be empty.
        is_movable: the mouse can take hold of it.
    """

    kind: Kind
    at_mm: Position
    text: str = ""
    is_movable: bool = False
