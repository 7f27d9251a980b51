"""A soft organ of the canonical body: its shape and how it is painted."""

from dataclasses import dataclass

from samdesk.core.phantom.shapes import Shape


@dataclass(frozen=True, eq=False)
class Organ:
    """A painted body.

    Attributes:
        name: of the organ.
        tissue: key of the patient's grey values.
        shape: where.
        texture: how much the tissue's texture varies, in HU.
        moves: group that moves together against the skeleton; empty where it does not.
    """

    name: str
    tissue: str
    shape: Shape
    texture: float = 4.0
    moves: str = ""
