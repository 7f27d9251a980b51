"""Slices at uneven places onto the even grid of their layout, by linear interpolation."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from samdesk.io.dicom.stacking import Floats, Layout

Values = NDArray[np.int16] | NDArray[np.float32]


def straighten(values: Values, shifts: Floats, pixel_mm: tuple[float, float]) -> Values:
    """Move slices sideways to where the straight line of origins would have them.

    Args:
        values: (n, j, i) slices in the order of the layout.
        shifts: (n, 2) mm along (j, i) that each slice lies beside the line.
        pixel_mm: distance of rows, of columns.
    """
    moved = np.empty_like(values)
    for n, (down, across) in enumerate(shifts / np.array(pixel_mm)):
        moved[n] = _shift(values[n], -float(down), -float(across))
    return moved


def _shift(picture: Values, down: float, across: float) -> Values:
    """Sample a picture at (j + down, i + across), edges repeated, bilinear."""
    picture = _shift_rows(picture, down)
    moved = _shift_rows(np.swapaxes(picture, 0, 1), across)
    return np.swapaxes(moved, 0, 1)


def _shift_rows(picture: Values, by: float) -> Values:
    rows = np.clip(np.arange(picture.shape[0]) + by, 0, picture.shape[0] - 1)
    low = np.floor(rows).astype(np.intp)
    high = np.minimum(low + 1, picture.shape[0] - 1)
    share = (rows - low).astype(np.float32)[:, None]
    return _blend(picture[low], picture[high], share)


def _blend(low: Values, high: Values, share: NDArray[np.float32] | float) -> Values:
    mixed = low.astype(np.float32) * (1 - share) + high.astype(np.float32) * share
    return np.round(mixed).astype(np.int16) if low.dtype == np.int16 else mixed


def onto_grid(values: Values, places: Floats, count: int) -> Values:
    """Interpolate slices at `places` onto the grid slices 0 .. count - 1.

    Args:
        values: (n, j, i) slices that could be read, in order.
        places: (n,) their places in grid slices, rising.
        count: slices of the grid.
    """
    grid = np.empty((count, *values.shape[1:]), values.dtype)
    for k in range(count):
        above = int(np.clip(np.searchsorted(places, k), 1, max(1, len(places) - 1)))
        if len(places) == 1:
            grid[k] = values[0]
            continue
        low, high = places[above - 1], places[above]
        share = float(np.clip((k - low) / (high - low), 0.0, 1.0))
        grid[k] = _blend(values[above - 1], values[above], share)
    return grid


def fill_gaps(grid: Values, read: list[int]) -> None:
    """Fill grid slices that have no picture between their nearest neighbors, in place.

    Args:
        grid: (k, j, i), slices of `read` filled.
        read: grid slices that have a picture, rising; slices beyond its ends are not touched.
    """
    for below, above in pairwise(read):
        for k in range(below + 1, above):
            grid[k] = _blend(grid[below], grid[above], (k - below) / (above - below))


def is_direct(layout: Layout) -> bool:
    """Whether every slice lies on a grid slice, so that nothing has to be resampled."""
    return layout.is_even and layout.shifts is None
