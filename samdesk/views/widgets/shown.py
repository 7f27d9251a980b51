"""What a slice view draws: a volume along its own axes, or a radiograph."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from samdesk.core.geometry import Position
from samdesk.core.orientation import position_words
from samdesk.core.plane import Frame, Plane, View
from samdesk.core.radiograph import Radiograph, Scale
from samdesk.core.reslice import reslice, values_at
from samdesk.core.volume import Modality, Unit, Volume
from samdesk.core.window import Preset, Window, first_window, percentile_window, presets_for

# Values a pixel of a window drag: gui.md 2c.
CT_STEP_HU = 4.0
STEPS = 500

SCALE_WORDS = {
    Scale.CALIBRATED: "mm, calibrated",
    Scale.DETECTOR: "mm at the detector",
    Scale.MAGNIFIED: "mm, corrected for magnification",
    Scale.BY_HAND: "mm, calibrated by hand",
    Scale.NONE: "px, no scale in the file",
}


@dataclass(frozen=True, eq=False)
class ShownVolume:
    """A volume in three views.

    Attributes:
        volume: what is drawn; its array may still be filling.
        has_orientation: the file says where left is; else no letters are drawn.
        has_scale: the file says how large a voxel is.
        arrived: one for each slice k, whether it is there; None when all are.
    """

    volume: Volume
    has_orientation: bool = True
    has_scale: bool = True
    arrived: NDArray[np.bool_] | None = None
    frame: Frame = field(init=False)
    views: tuple[View, ...] = (View.AXIAL, View.CORONAL, View.SAGITTAL)
    is_inverted: bool = False
    presets: tuple[Preset, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "frame", Frame.of(self.volume.geometry))
        presets = presets_for(self.volume.modality, self.volume.unit)
        object.__setattr__(self, "presets", presets)

    @property
    def center_mm(self) -> Position:
        """The middle, where looking begins."""
        x, y, z = (float(value) for value in self.volume.geometry.center_mm)
        return x, y, z

    @property
    def scale_words(self) -> str:
        """What its millimeters rest on; empty where that goes without saying."""
        return "" if self.has_scale else "voxels, no scale in the file"

    def plane(self, view: View, through_mm: Position) -> Plane:
        """Give the plane of a view through a place."""
        return self.frame.plane(view, through_mm)

    def values(self, plane: Plane) -> NDArray[np.generic]:
        """Give the values of a plane, (rows, columns)."""
        return reslice(self.volume, plane)

    def missing(self, plane: Plane) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Tell which rows and which columns of a plane have not been read yet."""
        rows, columns = plane.size
        if self.arrived is None or self.arrived.all():
            return np.zeros(rows, np.bool_), np.zeros(columns, np.bool_)
        down = np.stack((np.arange(rows), np.zeros(rows)), axis=1).astype(np.float64)
        along = np.stack((np.zeros(columns), np.arange(columns)), axis=1).astype(np.float64)
        for_rows, for_columns = self._slices(plane.to_mm(down)), self._slices(plane.to_mm(along))
        # Slices follow each other down the picture or along it; else it is one slice as a whole.
        if np.ptp(for_rows) > 0:
            return ~self.arrived[for_rows], np.zeros(columns, np.bool_)
        return np.zeros(rows, np.bool_), ~self.arrived[for_columns]

    def letters(self, plane: Plane) -> tuple[str, str, str, str]:
        """Letters for (left, right, top, bottom); empty where the orientation is not known."""
        return plane.edge_letters if self.has_orientation else ("", "", "", "")

    def count(self, view: View) -> int:
        """Number of slices."""
        return self.frame.count(view)

    def number(self, view: View, at_mm: Position) -> int:
        """Number of the slice at a place, from 0."""
        return self.frame.number(view, at_mm)

    def moved(self, view: View, at_mm: Position, number: int) -> Position:
        """Take a place into another slice."""
        return self.frame.moved(view, at_mm, number)

    def step_mm(self, view: View) -> float:
        """Distance of slices."""
        return self.frame.step_mm(view)

    def place_words(self, at_mm: Position) -> str:
        """Write a place for a person."""
        if not self.has_orientation or not self.has_scale:
            k, j, i = self.volume.geometry.to_index(np.array([at_mm]))[0]
            return f"voxel {i:.0f}, {j:.0f}, {k:.0f}"
        return f"{position_words(at_mm)} mm"

    def value_words(self, at_mm: Position) -> str:
        """Write the value at a place; empty outside."""
        value = float(values_at(self.volume, np.array([at_mm]))[0])
        if np.isnan(value):
            return ""
        return f"{value:.0f} HU" if self.volume.unit is Unit.HU else _number(value)

    def first_window(self, asked: tuple[float, float] | None) -> Window:
        """Choose the window to begin with."""
        return first_window(self.volume.array, self.volume.modality, self.volume.unit, asked)

    def percentile_window(self) -> Window:
        """Choose the window from the values."""
        return percentile_window(self.volume.array)

    def drag_step(self) -> float:
        """Values a pixel of a window drag."""
        if self.volume.modality is Modality.CT and self.volume.unit is Unit.HU:
            return CT_STEP_HU
        return self.percentile_window().width / STEPS

    def pixel_words(self, length_px: float, pixel_mm: float) -> tuple[float, str]:
        """Turn a length in units of the plane into a number and its unit."""
        return length_px * pixel_mm, "mm" if self.has_scale else "voxels"

    def _slices(self, mm: NDArray[np.float64]) -> NDArray[np.int64]:
        slices = np.rint(self.volume.geometry.to_index(mm)[:, 0]).astype(np.int64)
        return np.clip(slices, 0, self.volume.geometry.shape[0] - 1)


@dataclass(frozen=True, eq=False)
class ShownRadiograph:
    """A radiograph in one view; places are (x, y, 0) pixels."""

    radiograph: Radiograph
    views: tuple[View, ...] = (View.AXIAL,)
    presets: tuple[Preset, ...] = ()

    @property
    def is_inverted(self) -> bool:
        """Whether black and white change places (MONOCHROME1)."""
        return self.radiograph.is_inverted

    @property
    def center_mm(self) -> Position:
        """The middle, where looking begins."""
        rows, columns = self.radiograph.array.shape
        return (columns - 1) / 2, (rows - 1) / 2, 0.0

    @property
    def scale_words(self) -> str:
        """What its millimeters rest on; empty where that goes without saying."""
        return SCALE_WORDS[self.radiograph.scale]

    def plane(self, view: View, through_mm: Position) -> Plane:
        """Give the plane of a view through a place."""
        rows, columns = self.radiograph.array.shape
        return Plane((0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (1.0, 1.0), (rows, columns))

    def values(self, plane: Plane) -> NDArray[np.generic]:
        """Give the values of a plane, (rows, columns)."""
        return self.radiograph.array

    def missing(self, plane: Plane) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Tell which rows and which columns of a plane have not been read yet."""
        return np.zeros(plane.size[0], np.bool_), np.zeros(plane.size[1], np.bool_)

    def letters(self, plane: Plane) -> tuple[str, str, str, str]:
        """Letters for (left, right, top, bottom); empty where the orientation is not known."""
        return ("", "", "", "")

    def count(self, view: View) -> int:
        """Number of slices."""
        return 1

    def number(self, view: View, at_mm: Position) -> int:
        """Number of the slice at a place, from 0."""
        return 0

    def moved(self, view: View, at_mm: Position, number: int) -> Position:
        """Take a place into another slice."""
        return at_mm

    def step_mm(self, view: View) -> float:
        """Distance of slices."""
        return 1.0

    def place_words(self, at_mm: Position) -> str:
        """Write a place for a person."""
        return f"x {at_mm[0]:.1f}  y {at_mm[1]:.1f} px"

    def value_words(self, at_mm: Position) -> str:
        """Write the value at a place; empty outside."""
        column, row = round(at_mm[0]), round(at_mm[1])
        rows, columns = self.radiograph.array.shape
        if not (0 <= row < rows and 0 <= column < columns):
            return ""
        return _number(float(self.radiograph.array[row, column]))

    def first_window(self, asked: tuple[float, float] | None) -> Window:
        """Choose the window to begin with."""
        radiograph = self.radiograph
        return first_window(radiograph.array, radiograph.modality, Unit.NONE, asked)

    def percentile_window(self) -> Window:
        """Choose the window from the values."""
        return percentile_window(self.radiograph.array)

    def drag_step(self) -> float:
        """Values a pixel of a window drag."""
        return self.percentile_window().width / STEPS

    def pixel_words(self, length_px: float, pixel_mm: float) -> tuple[float, str]:
        """Turn a length in units of the plane into a number and its unit."""
        return self.radiograph.length((0.0, 0.0), (length_px, 0.0))


Shown = ShownVolume | ShownRadiograph


def shown(image: Volume | Radiograph, codes: Sequence[str] = ()) -> Shown:
    """Make what views draw of an opened image.

    Args:
        image: a volume or a radiograph.
        codes: of the notices that came with it.
    """
    if isinstance(image, Radiograph):
        return ShownRadiograph(image)
    return ShownVolume(
        image, has_orientation="no-orientation" not in codes, has_scale="no-scale" not in codes
    )


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 or value == round(value) else f"{value:.3g}"
