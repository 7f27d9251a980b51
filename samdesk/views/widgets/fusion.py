"""Two aligned scans in one picture: in two colors, blended, or as a checkerboard."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from samdesk.core.plane import Plane, View
from samdesk.core.window import Window
from samdesk.views.widgets.shown import Shown

# Blue and orange stay apart for every kind of color vision, and add up to gray where both scans
# agree: each takes the half of green that the other leaves.
ONLY_HERE = (0.0, 0.5, 1.0)
ONLY_OTHER = (1.0, 0.5, 0.0)
# Where the other scan does not reach, this one is shown darker, so that gray never seems to agree.
ALONE_SHARE = 0.5
LEAST_TILE_MM, MOST_TILE_MM = 6.0, 60.0

Gray = NDArray[np.uint8]
Values = NDArray[np.float32]


class FusionMode(Enum):
    """How two scans are put into one picture."""

    COLORS = "colors"
    BLEND = "blend"
    CHECKERBOARD = "checkerboard"
    OFF = "off"


@dataclass(frozen=True, eq=False)
class Fusion:
    """What is drawn together with the scan of a pane.

    Attributes:
        mode: how; never OFF.
        share: 0 shows this scan alone, 1 the other one; of a checkerboard, the size of its tiles.
        title: of the other scan, such as its date.
        values: gives the other scan on a plane of this one, not a number where it does not reach;
            None while that is being drawn.
        window: black and white of the other scan; None for those of this one.
    """

    mode: FusionMode
    share: float
    title: str
    values: Callable[[View, Plane], Values | None]
    window: Window | None = None

    def picture(
        self, shown: Shown, plane: Plane, values: Values, window: Window, *, is_inverted: bool
    ) -> QImage:
        """Draw both scans on a plane, one pixel for each of the plane's.

        Args:
            shown: the scan of the pane.
            plane: of it.
            values: (rows, columns) of the other scan there.
            window: black and white.
            is_inverted: whether they change places.
        """
        is_there = np.isfinite(values)
        here = window.to_gray(shown.values(plane), is_inverted=is_inverted)
        filled = np.where(is_there, values, 0).astype(np.float32)
        other = (self.window or window).to_gray(filled, is_inverted=is_inverted)
        colors = self._colors(here, other, plane)
        colors[~is_there] = here[~is_there, None] * ALONE_SHARE
        rows, columns = here.shape
        rgb = np.ascontiguousarray(np.rint(colors).astype(np.uint8))
        image = QImage(rgb.tobytes(), columns, rows, 3 * columns, QImage.Format.Format_RGB888)
        return image.copy()  # the bytes above go out of scope

    def _colors(self, here: Gray, other: Gray, plane: Plane) -> NDArray[np.float32]:
        """Give (rows, columns, 3) of 0 to 255."""
        ours, theirs = (one[..., None].astype(np.float32) for one in (here, other))
        if self.mode is FusionMode.CHECKERBOARD:
            both = np.where(tiles(plane, self.tile_mm)[..., None], theirs, ours)
            return np.repeat(both, 3, axis=2)
        if self.mode is FusionMode.BLEND:
            return np.repeat((1 - self.share) * ours + self.share * theirs, 3, axis=2)
        # In the middle both are full; towards an end the other one fades.
        ours = ours * min(1.0, 2 * (1 - self.share))
        theirs = theirs * min(1.0, 2 * self.share)
        colors = ours * np.array(ONLY_HERE, np.float32) + theirs * np.array(ONLY_OTHER, np.float32)
        return np.asarray(colors, np.float32)

    @property
    def tile_mm(self) -> float:
        """Edge of a checkerboard's tiles."""
        return LEAST_TILE_MM + self.share * (MOST_TILE_MM - LEAST_TILE_MM)


def tiles(plane: Plane, size_mm: float) -> NDArray[np.bool_]:
    """Give (rows, columns) of a plane, True on every other tile of a checkerboard."""
    rows, columns = (
        np.floor(np.arange(n) * mm / size_mm).astype(np.int64)
        for n, mm in zip(plane.size, plane.pixel_mm, strict=True)
    )
    out: NDArray[np.bool_] = (rows[:, None] + columns) % 2 == 1
    return out
