"""A volume: its values, its grid, and what the values mean."""

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from samdesk.core.geometry import Geometry
from samdesk.errors import GeometryError


class Modality(Enum):
    """What made the picture, by DICOM's words."""

    CT = "CT"
    MR = "MR"
    CR = "CR"
    DX = "DX"
    MG = "MG"
    PT = "PT"
    OTHER = "OT"


class Unit(Enum):
    """What the values of a volume count."""

    HU = "HU"
    NONE = ""


@dataclass(frozen=True, eq=False)
class Volume:
    """A three-dimensional array with its place in the patient.

    Attributes:
        array: (k, j, i), int16 or float32, native byte order; made read-only.
        geometry: the grid, of the same shape.
        modality: what made it.
        unit: HU in CT whose values are known to be HU, else none.
    """

    array: NDArray[np.int16] | NDArray[np.float32]
    geometry: Geometry
    modality: Modality = Modality.CT
    unit: Unit = Unit.HU

    def __post_init__(self) -> None:
        if self.array.shape != self.geometry.shape:
            raise GeometryError(
                f"The array has {self.array.shape} voxels and its grid {self.geometry.shape}."
            )
        view = self.array.view()
        view.flags.writeable = False
        object.__setattr__(self, "array", view)
