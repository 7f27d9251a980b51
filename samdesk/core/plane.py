"""Planes in the patient, for viewing: where each pixel of a picture lies, in mm.

The three views follow the radiological convention: one looks from the feet (axial), from the
front (coronal) and from the patient's left (sagittal), so that the patient's right is on the left
of the picture, the front is at the top of axial pictures and on the left of sagittal ones.
"""

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from samdesk.core.geometry import Geometry, Points, Position
from samdesk.core.orientation import letters, nearest_axes
from samdesk.errors import GeometryError

# Axes of a stack count as at right angles up to this cosine (0.06 degrees); scanners write
# direction cosines with as few as four decimals.
SQUARE = 1e-3


class View(Enum):
    """The three customary views."""

    AXIAL = "axial"
    CORONAL = "coronal"
    SAGITTAL = "sagittal"


# For each view: axis of the frame drawn to the right, its sign, axis drawn downwards, its sign,
# axis along which slices follow each other, and its sign. The order is head to feet, front to back
# and right to left, whatever the order in the file.
_DRAWN = {
    View.AXIAL: (0, 1, 1, 1, 2, -1),
    View.CORONAL: (0, 1, 2, -1, 1, 1),
    View.SAGITTAL: (1, 1, 2, -1, 0, 1),
}


@dataclass(frozen=True)
class Plane:
    """A rectangle of pixels in the patient.

    Attributes:
        origin_mm: (x, y, z) of the center of the pixel at the top left.
        right, down: unit vectors in mm along which columns and rows grow; at right angles.
        pixel_mm: distance of pixel centers along (down, right).
        size: (rows, columns).

    Raises:
        GeometryError: vectors that are not units at right angles, or sizes of nothing.
    """

    origin_mm: Position
    right: Position
    down: Position
    pixel_mm: tuple[float, float]
    size: tuple[int, int]

    def __post_init__(self) -> None:
        axes = np.array((self.right, self.down), dtype=np.float64)
        if not np.allclose(axes @ axes.T, np.eye(2), atol=1e-6):
            raise GeometryError("A plane needs two unit vectors at right angles.")
        if min(self.size) < 1 or not min(self.pixel_mm) > 0:
            raise GeometryError("A plane needs at least one pixel of a size above 0 mm.")

    @property
    def normal(self) -> Points:
        """Unit vector (3,) away from the one who looks: right x down."""
        return np.cross(self.right, self.down)

    @property
    def steps_mm(self) -> Points:
        """Columns of a (3, 2) matrix: mm for one row down, and for one column to the right."""
        down = np.array(self.down) * self.pixel_mm[0]
        right = np.array(self.right) * self.pixel_mm[1]
        return np.stack((down, right), axis=1)

    @property
    def edge_letters(self) -> tuple[str, str, str, str]:
        """Letters for the (left, right, top, bottom) edge, from the vectors really drawn."""
        right, down = np.array(self.right), np.array(self.down)
        return letters(-right), letters(right), letters(-down), letters(down)

    def to_mm(self, pixels: NDArray[np.float64]) -> Points:
        """Take (n, 2) pixels (row, column) to (n, 3) mm; 0, 0 is the center of the first."""
        mm: Points = np.asarray(pixels, dtype=np.float64) @ self.steps_mm.T + self.origin_mm
        return mm

    def to_pixel(self, mm: Points) -> NDArray[np.float64]:
        """Take (n, 3) mm to the (n, 2) pixels (row, column) straight before or behind them."""
        offset = np.asarray(mm, dtype=np.float64) - self.origin_mm
        axes = np.array((self.down, self.right), dtype=np.float64)
        pixels: NDArray[np.float64] = offset @ axes.T / self.pixel_mm
        return pixels

    def distance_mm(self, mm: Points) -> NDArray[np.float64]:
        """Give how far (n, 3) places lie behind the plane, (n,) in mm; negative before it."""
        distance: NDArray[np.float64] = (np.asarray(mm) - self.origin_mm) @ self.normal
        return distance


@dataclass(frozen=True, eq=False)
class Frame:
    """Three directions at right angles that a scan is looked at along.

    Attributes:
        axes: (3, 3), rows are unit vectors that lead (nearly) to the left, the back and the head.
        spacing: mm between slices along each of them.
        origin_mm: a place where the slices of all three axes meet.
        low, high: (3,) first and last slice along each axis, counted from `origin_mm`.
    """

    axes: Points
    spacing: tuple[float, float, float]
    origin_mm: Points
    low: NDArray[np.int64]
    high: NDArray[np.int64]

    @classmethod
    def of(cls, geometry: Geometry) -> "Frame":
        """Make the frame of a scan's own axes, so that its slices are drawn as they were taken.

        Of a stack whose axes are not at right angles (a tilted gantry) the slices are kept, and the
        third axis is the slices' normal.
        """
        columns = geometry.affine[:3, :3]
        order = nearest_axes(columns)
        units = columns / np.linalg.norm(columns, axis=0)
        axes = np.array(
            [units[:, axis] * np.copysign(1.0, units[n, axis]) for n, axis in enumerate(order)]
        )
        spacing = [geometry.spacing[axis] for axis in order]
        across = order.index(0)  # the patient axis that the slices follow each other along
        cosines = np.abs(axes @ axes.T - np.eye(3)).max()
        if cosines > SQUARE:
            first, second = (n for n in range(3) if n != across)
            axes[second] -= axes[first] * (axes[first] @ axes[second])
            axes[second] /= np.linalg.norm(axes[second])
            normal = np.cross(axes[(across + 1) % 3], axes[(across + 2) % 3])
            # Slices lie closer than the way from voxel to voxel when the stack leans.
            spacing[across] *= abs(float(normal @ units[:, 0]))
            axes[across] = normal
        return cls._covering(geometry, _right_angled(axes, across), spacing)

    @classmethod
    def of_patient(cls, geometry: Geometry) -> "Frame":
        """Make the frame of the patient's axes, with the finest spacing of the scan on all."""
        return cls._covering(geometry, np.eye(3), [min(geometry.spacing)] * 3)

    @classmethod
    def _covering(cls, geometry: Geometry, axes: Points, spacing: list[float]) -> "Frame":
        origin = geometry.affine[:3, 3]
        along = (geometry.corners_mm - origin) @ axes.T / spacing
        # The tolerance keeps a grid that fits from growing by a slice through rounding.
        low = np.floor(along.min(axis=0) + 1e-4).astype(np.int64)
        high = np.ceil(along.max(axis=0) - 1e-4).astype(np.int64)
        sx, sy, sz = spacing
        return cls(axes, (sx, sy, sz), np.array(origin), low, high)

    def count(self, view: View) -> int:
        """Number of slices of a view."""
        axis = _DRAWN[view][4]
        return int(self.high[axis] - self.low[axis] + 1)

    def step_mm(self, view: View) -> float:
        """Distance of two slices of a view, in mm."""
        return self.spacing[_DRAWN[view][4]]

    def number(self, view: View, at_mm: Position) -> int:
        """Number of the slice nearest to a place, from 0, head to feet and so on."""
        axis, sign = _DRAWN[view][4:]
        along = float(self.axes[axis] @ (np.array(at_mm) - self.origin_mm)) / self.spacing[axis]
        nearest = int(np.clip(np.rint(along), self.low[axis], self.high[axis]))
        return nearest - int(self.low[axis]) if sign > 0 else int(self.high[axis]) - nearest

    def moved(self, view: View, at_mm: Position, number: int) -> Position:
        """Take a place along the view's axis into the slice of that number, within the scan."""
        axis, sign = _DRAWN[view][4:]
        number = int(np.clip(number, 0, self.count(view) - 1))
        nearest = int(self.low[axis]) + number if sign > 0 else int(self.high[axis]) - number
        along = float(self.axes[axis] @ (np.array(at_mm) - self.origin_mm))
        x, y, z = np.array(at_mm) + self.axes[axis] * (nearest * self.spacing[axis] - along)
        return float(x), float(y), float(z)

    def plane(self, view: View, through_mm: Position) -> Plane:
        """Make the plane of a view that shows the slice nearest to a place, as large as the scan.

        Its pixels lie on the voxels wherever the scan's axes are those of the frame.
        """
        right, right_sign, down, down_sign, across, _ = _DRAWN[view]
        slice_mm = self.moved(view, through_mm, self.number(view, through_mm))
        along = float(self.axes[across] @ (np.array(slice_mm) - self.origin_mm))
        corner = self.origin_mm + self.axes[across] * along
        for axis, sign in ((right, right_sign), (down, down_sign)):
            first = self.low[axis] if sign > 0 else self.high[axis]
            corner = corner + self.axes[axis] * (float(first) * self.spacing[axis])
        rows, columns = (int(self.high[axis] - self.low[axis] + 1) for axis in (down, right))
        return Plane(
            _position(corner),
            _position(self.axes[right] * right_sign),
            _position(self.axes[down] * down_sign),
            (self.spacing[down], self.spacing[right]),
            (rows, columns),
        )


def _right_angled(axes: Points, across: int) -> Points:
    """Remove what four decimals leave, and make the axes a right-handed set."""
    second, third = axes[(across + 1) % 3], axes[(across + 2) % 3]
    third = third - second * float(second @ third)
    third = third / np.linalg.norm(third)
    axes = axes.copy()
    axes[(across + 2) % 3] = third
    axes[across] = np.cross(second, third)
    return axes


def _position(vector: Points) -> Position:
    x, y, z = (float(value) for value in vector)
    return x, y, z
