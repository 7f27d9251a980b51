"""Searches of one embedding for many descriptors, with or without an expected place."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samdesk.core.geometry import Points
from samdesk.model.peak import refined
from samdesk.model.similarity import Array, Keys

# S'(x) = S(x) - STRENGTH (|x - expected| / scale)^2 (sam.md 4.6 b).
STRENGTH = 0.3
# Boxes in scales: mostly the first is enough, and is proven to be; beyond the last the loss is
# 0.67, more than two similarities of one scan differ by.
REACHES = (0.8, 1.5)
BLOCK_ROWS = 16384


@dataclass(frozen=True, eq=False)
class Found:
    """Answers to m descriptors.

    Attributes:
        at_mm: (m, 3) LPS mm; not a number where nothing could be searched.
        similarity: (m,) cosine at the best cell.
        rows: (m,) the best cells' row numbers, -1 where there is none.
    """

    at_mm: Points
    similarity: Array
    rows: NDArray[np.int64]


def everywhere(keys: Keys, queries: Array, *, is_thin: bool = False) -> Found:
    """Search all body cells.

    Args:
        keys: of the scan that is searched.
        queries: (m, c) descriptors.
        is_thin: look at every second cell along each axis first, then uphill; 8 times faster.
    """
    if not len(keys.rows) or not len(queries):
        return _nothing(len(queries))
    rows, numbers = keys.thin if is_thin else (keys.rows, None)
    best = np.full(len(queries), -np.inf, np.float32)
    where = np.zeros(len(queries), np.int64)
    every = np.arange(len(queries))
    for start in range(0, len(rows), BLOCK_ROWS):
        block = queries @ rows[start : start + BLOCK_ROWS].T
        top = block.argmax(axis=1)
        value = block[every, top]
        better = value > best
        best[better] = value[better]
        where[better] = top[better] + start
    if numbers is not None:
        where = numbers[where].astype(np.int64)
    at_mm, similarity = refined(keys, queries, where)
    return Found(at_mm, similarity, where)


def near(keys: Keys, queries: Array, expected_mm: Points, scale_mm: float) -> Found:
    """Search around expected places, with a loss that grows with the square of the distance.

    Args:
        keys: of the scan that is searched.
        queries: (m, c) descriptors of places close to each other, as a neighborhood is.
        expected_mm: (m, 3) where each is expected.
        scale_mm: distance at which the loss is 0.3.
    """
    rows = np.full(len(queries), -1, np.int64)
    open_ = np.arange(len(queries))
    for reach in REACHES:
        if not len(open_):
            break
        best = _best_within(keys, queries[open_], expected_mm[open_], scale_mm, reach)
        if best is not None:
            rows[open_] = best[0]
            # A cosine is at most 1: what lies further out than this cannot win any more.
            open_ = open_[np.sqrt((1.0 - best[1]).clip(0.0) / STRENGTH) > reach]
    if (rows < 0).any():
        return _nothing(len(queries))
    at_mm, similarity = refined(keys, queries, rows)
    return Found(at_mm, similarity, rows)


def _best_within(
    keys: Keys, queries: Array, expected_mm: Points, scale_mm: float, reach: float
) -> tuple[NDArray[np.int64], Array] | None:
    """Give the best rows and their values within `reach` scales, or None where no body is there."""
    box = _box(keys, expected_mm, reach * scale_mm)
    if box is None or not len(queries):
        return None
    numbers = keys.row_of[box]
    numbers = numbers[numbers >= 0]
    if not len(numbers):
        return None
    values = queries @ keys.rows[numbers].T
    values -= losses(keys, numbers, expected_mm, scale_mm)
    best = values.argmax(axis=1)
    return numbers[best].astype(np.int64), values[np.arange(len(queries)), best]


def guided(keys: Keys, queries: Array, expected_mm: Points, scale_mm: float) -> Array:
    """Give the cosine at the best of every second cell, for places anywhere in the scan, (m,)."""
    rows, numbers = keys.thin
    every = np.arange(len(queries))
    best = np.full(len(queries), -np.inf, np.float32)
    cosine = np.full(len(queries), -1.0, np.float32)
    for start in range(0, len(rows), BLOCK_ROWS):
        block = slice(start, start + BLOCK_ROWS)
        alike = queries @ rows[block].T
        value = alike - losses(keys, numbers[block], expected_mm, scale_mm)
        top = value.argmax(axis=1)
        better = value[every, top] > best
        best[better] = value[every, top][better]
        cosine[better] = alike[every, top][better]
    return cosine


def losses(keys: Keys, rows: NDArray[np.integer], expected_mm: Points, scale_mm: float) -> Array:
    """Give the loss of each row for each expected place, (m, n) float32."""
    index = keys.index[rows].astype(np.float32)
    expected = keys.cells.to_index(expected_mm)
    spacing = np.array(keys.cells.spacing)
    factor = np.sqrt(STRENGTH) * spacing / scale_mm
    a, b = index * factor.astype(np.float32), (expected * factor).astype(np.float32)
    square: Array = b @ (-2.0 * a).T
    square += (a * a).sum(1)
    square += (b * b).sum(1)[:, None]
    return np.maximum(square, np.float32(0.0), out=square)


def _box(keys: Keys, expected_mm: Points, reach_mm: float) -> tuple[slice, slice, slice] | None:
    """Give the cells that lie around the expected places, or None where the scan has none."""
    spacing = np.array(keys.cells.spacing)
    index = keys.cells.to_index(expected_mm)
    low = np.floor(index.min(axis=0) - reach_mm / spacing).astype(int)
    high = np.ceil(index.max(axis=0) + reach_mm / spacing).astype(int) + 1
    low = np.maximum(low, 0)
    high = np.minimum(high, keys.row_of.shape)
    if (low >= high).any():
        return None
    k, j, i = (slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    return k, j, i


def _nothing(n: int) -> Found:
    return Found(np.full((n, 3), np.nan), np.full(n, -1.0, np.float32), np.full(n, -1, np.int64))
