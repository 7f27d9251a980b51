"""The place between cells where a map of a radiograph is highest."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from samdesk.model.flat_input import Array, Places


def corners(at: Places, shape: Sequence[int], stride: int) -> tuple[NDArray[np.intp], Array]:
    """Give the four cells around input pixels and their shares.

    Args:
        at: (n, 2) of (x, y); beyond the map the nearest place in it counts.
        shape: cells (j, i).
        stride: pixels a cell; cell n's centre is at stride * n + (stride - 1) / 2.

    Returns:
        (n, 4) flat cell numbers and (n, 4) float32 shares that sum to 1.
    """
    ends = np.array([shape[1], shape[0]], np.float64) - 1
    index = np.clip((at - (stride - 1) / 2) / stride, 0.0, ends)
    low = np.minimum(np.floor(index), np.maximum(ends - 1, 0)).astype(np.intp)
    part = index - low
    high = np.minimum(low + 1, ends.astype(np.intp))
    flat = np.empty((len(at), 4), np.intp)
    share = np.empty((len(at), 4), np.float32)
    for corner in range(4):
        bits = np.array([corner & 1, corner >> 1])
        chosen = np.where(bits, high, low)
        flat[:, corner] = chosen[:, 1] * shape[1] + chosen[:, 0]
        share[:, corner] = np.where(bits, part, 1 - part).prod(axis=1)
    return flat, share


def refined(score: Array, shape: tuple[int, int], stride: int) -> Places:
    """Give the highest place of each map, between cells by a parabola along both axes.

    Args:
        score: (n, cells) in flat order.
        shape: cells (j, i).
        stride: input pixels a cell.

    Returns:
        (n, 2) input pixels (x, y).
    """
    maps = score.reshape(-1, *shape)
    best = score.argmax(axis=1)
    j, i = np.divmod(best, shape[1])
    every = np.arange(len(maps))
    middle = maps[every, j, i].astype(np.float64)
    shifts = []
    for a, b in ((0, 1), (1, 0)):
        before = maps[every, np.maximum(j - a, 0), np.maximum(i - b, 0)].astype(np.float64)
        after = maps[every, np.minimum(j + a, shape[0] - 1), np.minimum(i + b, shape[1] - 1)]
        bow = before - 2 * middle + after
        slope = (before - after) / 2
        shift = np.where(bow < -1e-6, slope / np.where(bow < -1e-6, bow, -1.0), 0.0)
        shifts.append(np.clip(shift, -0.5, 0.5))
    out = np.stack([i + shifts[0], j + shifts[1]], axis=1)
    return np.asarray(out * stride + (stride - 1) / 2, np.float64)


def others(
    score: Array, alike: Array, centers: Places, far: NDArray[np.bool_], n_most: int
) -> list[tuple[NDArray[np.float64], float]]:
    """Give further peaks of one map, best first, each away from every better one.

    Args:
        score: (cells,) by which peaks are chosen.
        alike: (cells,) their similarity.
        centers: (cells, 2) input pixels.
        far: (cells,) where a peak may lie; cells near the first one are not far.
        n_most: at most so many.
    """
    left = np.where(far, score, -np.inf)
    apart = 0.0 if far.all() else float(np.linalg.norm(centers[~far].max(0) - centers[~far].min(0)))
    found: list[tuple[NDArray[np.float64], float]] = []
    while len(found) < n_most and np.isfinite(left).any():
        best = int(left.argmax())
        found.append((centers[best], float(alike[best])))
        left[np.linalg.norm(centers - centers[best], axis=1) <= apart / 2] = -np.inf
    return found
