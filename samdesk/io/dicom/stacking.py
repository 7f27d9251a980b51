"""From the positions of slices to one grid: the only place where slice spacing is decided.

Only Image Position (Patient) projected on the slice normal counts. Slice Location, Spacing Between
Slices and instance numbers are never looked at, and no spacing is ever assumed.
"""

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SAME_PLACE_MM = 0.01
STEP_SHARE = 0.01
DRIFT_MM = 0.1
# Steps may agree one by one and still add up to a place that is wrong by this part of a step.
OFF_GRID_SHARE = 0.1
# So many wider steps in a row are a change of the spacing, fewer are absent slices.
RUN_OF_STEPS = 3
# Scanners write direction cosines with as few as four decimals.
COSINE_ERROR = 2e-3


class Lean(Enum):
    """How a stack departs from a box."""

    NONE = "none"
    TILT = "tilt"
    SHEAR = "shear"


@dataclass(frozen=True, eq=False)
class Gap:
    """A place where slices are absent.

    Attributes:
        at_mm: middle of the gap along the axis of the patient that the normal is closest to.
        axis: that axis: "x", "y" or "z".
        lost: how many slices of the regular step would fit there.
    """

    at_mm: float
    axis: str
    lost: int


@dataclass(frozen=True, eq=False)
class Layout:
    """How slices lie on a grid.

    Attributes:
        order: indices of the given slices, sorted along the normal.
        places: (n,) where each slice of `order` lies on the grid, in grid slices; whole numbers
            where the stack is even or has gaps.
        count: slices of the grid.
        affine: 4 x 4 of the grid, (k, j, i, 1) to (x, y, z, 1) mm.
        step_mm: distance of grid slices along the normal.
        is_even: whether the steps between slices are one step, or whole multiples of it.
        worst_mm: largest difference of a step from the regular one where it is not even.
        gaps: where slices are absent.
        lean: tilt or shear, and its size in degrees.
        shifts: (n, 2) mm along (rows' direction j, columns' direction i) by which each slice of
            `order` lies beside the straight line of origins; zeros unless it wanders.
    """

    order: tuple[int, ...]
    places: Floats
    count: int
    affine: Floats
    step_mm: float
    is_even: bool = True
    worst_mm: float = 0.0
    gaps: tuple[Gap, ...] = ()
    lean: Lean = Lean.NONE
    lean_degrees: float = 0.0
    shifts: Floats | None = None


@lru_cache(maxsize=4096)
def directions(orientation: tuple[float, ...] | None) -> Floats | None:
    """Check direction cosines and complete them with the normal.

    Args:
        orientation: Image Orientation (Patient): x, y, z along a row, then along a column.

    Returns:
        (3, 3): unit vectors along i, along j, and the normal i x j; None where the numbers are
        not two perpendicular unit vectors.

    Source:
        DICOM PS3.3 C.7.6.2.1.1.
    """
    if orientation is None or len(orientation) != 6:
        return None
    row, column = np.array(orientation[:3]), np.array(orientation[3:])
    lengths = float(np.linalg.norm(row)), float(np.linalg.norm(column))
    if any(abs(length - 1) > COSINE_ERROR for length in lengths):
        return None
    if abs(float(row @ column)) > COSINE_ERROR:
        return None
    row = row / lengths[0]
    column = column - (column @ row) * row
    column = column / np.linalg.norm(column)
    axes = np.stack([row, column, np.cross(row, column)])
    axes.flags.writeable = False
    return axes


def lay_out(
    origins: Floats, axes: Floats, pixel_mm: tuple[float, float], single_mm: float
) -> Layout:
    """Find the grid of slices that lie at different places along their normal.

    Args:
        origins: (n, 3) centres of the first pixels, mm LPS, in any order.
        axes: (3, 3) of `directions`.
        pixel_mm: distance of rows (along j) and of columns (along i).
        single_mm: size of a voxel across the picture where there is one slice only.

    Source:
        DICOM PS3.3 C.7.6.2.1.1, equation C.7.6.2.1-1.
    """
    row, column, normal = axes
    along = origins @ normal
    order = np.argsort(along, kind="stable")
    origins, along = origins[order], along[order]
    if len(order) == 1:
        affine = _affine(origins[0], normal * single_mm, column * pixel_mm[0], row * pixel_mm[1])
        return Layout((int(order[0]),), np.zeros(1), 1, affine, single_mm)
    slope, shifts = _drift(origins, along, row, column)
    lean, degrees = _lean(slope, float(along[-1] - along[0]))
    direction = normal if lean is Lean.NONE else normal + slope[1] * row + slope[0] * column
    places, step, worst = _places(along)
    even = worst == 0.0
    count = round(float(places[-1])) + 1
    start = origins[0] - (shifts[0, 0] * column + shifts[0, 1] * row)
    affine = _affine(start, direction * step, column * pixel_mm[0], row * pixel_mm[1])
    wanders = bool(np.abs(shifts).max() > DRIFT_MM)
    return Layout(
        order=tuple(int(index) for index in order),
        places=places,
        count=count,
        affine=affine,
        step_mm=step,
        is_even=even,
        worst_mm=worst,
        gaps=_gaps(places, origins, normal) if even else (),
        lean=Lean.SHEAR if wanders else lean,
        lean_degrees=degrees,
        shifts=shifts if wanders else None,
    )


def _affine(origin: Floats, k: Floats, j: Floats, i: Floats) -> Floats:
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1], affine[:3, 2], affine[:3, 3] = k, j, i, origin
    return affine


def _drift(origins: Floats, along: Floats, row: Floats, column: Floats) -> tuple[Floats, Floats]:
    """Fit the straight line of origins.

    Returns:
        (2,) mm sideways along (j, i) for each mm along the normal, and (n, 2) what is left of
        each origin beside that line.
    """
    sideways = np.stack([origins @ column, origins @ row], axis=1)
    centered = along - along.mean()
    slope = centered @ (sideways - sideways.mean(axis=0)) / (centered @ centered)
    if float(np.abs(slope).max() * (along[-1] - along[0])) <= DRIFT_MM:
        slope = np.zeros(2)
    line = sideways.mean(axis=0) + centered[:, None] * slope
    left = sideways - line
    if float(np.abs(left).max()) <= DRIFT_MM:
        # Rounding: the first slice keeps its true place, the line starts there.
        left = np.zeros_like(left)
    return slope, left


def _lean(slope: Floats, length_mm: float) -> tuple[Lean, float]:
    """Name the drift: a gantry tilts about the row axis, so origins move along columns only."""
    down, across = np.abs(slope) * length_mm
    if max(down, across) <= DRIFT_MM:
        return Lean.NONE, 0.0
    degrees = float(np.degrees(np.arctan(np.linalg.norm(slope))))
    return (Lean.TILT if across <= DRIFT_MM else Lean.SHEAR), degrees


def _places(along: Floats) -> tuple[Floats, float, float]:
    """Give the grid place of each sorted slice, the step, and the worst error (0 when even)."""
    steps = np.diff(along)
    middle = float(np.sort(steps)[(len(steps) - 1) // 2])
    # Where most slices are absent the smallest step, not the middle one, is the scanner's.
    for step in (middle, float(steps.min())):
        multiples = _multiples(steps, step)
        if multiples is None:
            continue
        places = np.concatenate([[0.0], np.cumsum(multiples)])
        step = float((along[-1] - along[0]) / places[-1])
        off = np.abs(along - along[0] - places * step).max()
        if off <= max(SAME_PLACE_MM, OFF_GRID_SHARE * step):
            return places, step, 0.0
    return _uneven(along, steps)


def _multiples(steps: Floats, step: float) -> Floats | None:
    """Give how many regular steps each step is; None where they are not, or the spacing changes."""
    tolerance = max(STEP_SHARE * step, SAME_PLACE_MM)
    multiples: Floats = np.maximum(np.round(steps / step), 1.0)
    if not (np.abs(steps - multiples * step) <= tolerance * multiples).all():
        return None
    return None if _longest_run(multiples > 1) >= RUN_OF_STEPS else multiples


def _uneven(along: Floats, steps: Floats) -> tuple[Floats, float, float]:
    """Lay a grid under uneven slices: their finer steps, ends on ends."""
    length = float(along[-1] - along[0])
    finer = float(np.sort(steps)[(len(steps) - 1) // 4])
    finer = max(finer, length / (4 * len(steps)))
    step = length / max(1, round(length / finer))
    worst = float(np.abs(steps - np.median(steps)).max())
    return (along - along[0]) / step, step, max(worst, SAME_PLACE_MM)


def _longest_run(wide: NDArray[np.bool_]) -> int:
    longest = run = 0
    for is_wide in wide:
        run = run + 1 if is_wide else 0
        longest = max(longest, run)
    return longest


def _gaps(places: Floats, origins: Floats, normal: Floats) -> tuple[Gap, ...]:
    axis = int(np.abs(normal).argmax())
    gaps = []
    for k in np.flatnonzero(np.diff(places) > 1.5):
        middle = float((origins[k, axis] + origins[k + 1, axis]) / 2)
        gaps.append(Gap(middle, "xyz"[axis], round(float(places[k + 1] - places[k])) - 1))
    return tuple(gaps)
