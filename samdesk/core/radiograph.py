"""A radiograph: a two-dimensional X-ray picture, and what its millimetres rest on."""

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from samdesk.core.volume import Modality
from samdesk.errors import GeometryError


class Scale(Enum):
    """What the millimetres of a radiograph rest on."""

    CALIBRATED = "calibrated"
    DETECTOR = "at the detector"
    MAGNIFIED = "corrected for magnification"
    BY_HAND = "calibrated by hand"
    NONE = "pixels"


@dataclass(frozen=True, eq=False)
class Radiograph:
    """A picture (j, i) with its pixel size.

    Attributes:
        array: (j, i) float32 or uint8/int16/uint16, row by row from the top left; made read-only.
        pixel_mm: (row, column) distance of pixel centres in mm; None where the scale is NONE.
        scale: what the mm rest on.
        is_inverted: MONOCHROME1; the numbers stay, the grey scale is turned over when drawn.
        modality: CR, DX, MG or other.

    Source:
        DICOM PS3.3 10.7.1.3 (Pixel Spacing against Imager Pixel Spacing).
    """

    array: NDArray[np.generic]
    pixel_mm: tuple[float, float] | None = None
    scale: Scale = Scale.NONE
    is_inverted: bool = False
    modality: Modality = Modality.OTHER

    def __post_init__(self) -> None:
        if self.array.ndim != 2 or min(self.array.shape) < 1:
            raise GeometryError(f"A radiograph is a picture; this has shape {self.array.shape}.")
        if (self.pixel_mm is None) != (self.scale is Scale.NONE):
            raise GeometryError("A radiograph has mm exactly if it says what they rest on.")
        if self.pixel_mm is not None and not all(
            np.isfinite(size) and size > 0 for size in self.pixel_mm
        ):
            raise GeometryError(f"Pixel sizes must be above 0 mm; these are {self.pixel_mm}.")
        view = self.array.view()
        view.flags.writeable = False
        object.__setattr__(self, "array", view)

    def length(self, start: tuple[float, float], end: tuple[float, float]) -> tuple[float, str]:
        """Measure between two (x, y) places in pixels; 0, 0 is the centre of the first pixel.

        Returns:
            The length and its unit: mm where the scale is known, else px.
        """
        dx, dy = end[0] - start[0], end[1] - start[1]
        if self.pixel_mm is None:
            return float(np.hypot(dx, dy)), "px"
        return float(np.hypot(dx * self.pixel_mm[1], dy * self.pixel_mm[0])), "mm"
