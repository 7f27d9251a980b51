"""A named point that a person placed in a baseline scan."""

from dataclasses import dataclass

from samdesk.core.geometry import Position
from samdesk.core.ids import PointId


@dataclass(frozen=True)
class TemplatePoint:
    """A named point.

    Attributes:
        id: unique in the project.
        name: what the person calls it.
        at_mm: (x, y, z) LPS mm; in a radiograph (x, y, 0) pixels.
        diameter_mm: size of the lesion it marks, or None.
        label, note: free words.
    """

    id: PointId
    name: str
    at_mm: Position
    diameter_mm: float | None = None
    label: str = ""
    note: str = ""
