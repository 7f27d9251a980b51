"""Where the cells of an embedding lie, and what lies between them.

The one place that knows the offset of a cell's centre: cell n of stride s covers the voxels
s n ... s n + s - 1, so its centre is voxel s n + (s - 1) / 2 (sam.md 1). Everything else asks the
cells' Geometry.
"""

import numpy as np
from numpy.typing import NDArray

from samdesk.core.geometry import Geometry, Points

Array = NDArray[np.float32]


def cells_of(grid: Geometry, stride: int) -> Geometry:
    """Give the grid of the cells of `stride` voxels over the voxels of `grid`."""
    k, j, i = (n // stride for n in grid.shape)
    affine = grid.affine.copy()
    affine[:3, 3] += affine[:3, :3].sum(axis=1) * (stride - 1) / 2
    affine[:3, :3] *= stride
    return Geometry((k, j, i), affine)


def corners(index: Points, shape: tuple[int, int, int]) -> tuple[NDArray[np.intp], Array]:
    """Give the eight cells around each index and their shares of it.

    Args:
        index: (n, 3) of (k, j, i) with fractions; beyond the grid the nearest place in it counts.
        shape: of the grid.

    Returns:
        (n, 8) flat cell numbers and (n, 8) float32 shares that sum to 1.
    """
    ends = np.asarray(shape, dtype=np.float64) - 1
    index = np.clip(index, 0.0, ends)
    low = np.minimum(np.floor(index), np.maximum(ends - 1, 0)).astype(np.intp)
    part = index - low
    high = np.minimum(low + 1, ends.astype(np.intp))
    flat = np.empty((len(index), 8), np.intp)
    share = np.empty((len(index), 8), np.float32)
    for corner in range(8):
        bits = np.array([corner >> 2 & 1, corner >> 1 & 1, corner & 1])
        at = np.where(bits, high, low)
        flat[:, corner] = (at[:, 0] * shape[1] + at[:, 1]) * shape[2] + at[:, 2]
        share[:, corner] = np.where(bits, part, 1 - part).prod(axis=1)
    return flat, share


def interpolated(vectors: NDArray[np.int8], cells: Geometry, points_mm: Points) -> Array:
    """Read unit vectors at places between the cells.

    Args:
        vectors: (c, k, j, i), any scale.
        cells: their grid.
        points_mm: (n, 3) LPS mm.

    Returns:
        (n, c) float32 of length 1 (0 where all neighbours are 0).
    """
    flat, share = corners(cells.to_index(points_mm), cells.shape)
    table = vectors.reshape(len(vectors), -1)
    out = np.einsum("cnm,nm->nc", table[:, flat].astype(np.float32), share, optimize=True)
    return unit(out)


def unit(vectors: Array) -> Array:
    """Scale the rows of (n, c) to length 1 in place and give them back; zero rows stay zero."""
    length = np.sqrt(np.einsum("nc,nc->n", vectors, vectors))
    vectors /= np.maximum(length, 1e-6)[:, None]
    return vectors
