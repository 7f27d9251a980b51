"""Descriptors against an embedding: key matrix, similarity maps, peaks, and places between cells.

Fine and coarse similarity are one cosine here: keys are [F ; up(G)] / sqrt(2), the same numbers
that the loss of the training compares (sam.md 2.5), so one matrix product answers many questions.
All products are float32; half precision would tie at the maximum.
"""

from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from samdesk.core.geometry import Geometry, Points
from samdesk.model.cells import unit
from samdesk.model.embedding import Embedding

Array = NDArray[np.float32]

# Decision 21: peaks of a similarity map that are told apart lie at least this far from each other.
APART_MM = 15.0
KEYS_BYTES = 800_000_000
# Every second cell along each axis is enough to find the hill that a match stands on.
COARSE_STEP = 2
# Bounds the memory of lifting coarse channels to a torso's 640,000 fine cells to 60 MB.
CHANNELS_AT_ONCE = 8


@dataclass(frozen=True, eq=False)
class Keys:
    """The keys of an embedding's body cells, ready for matrix products.

    Attributes:
        embedding: whose they are.
        rows: (n, c) float32 of length 1, one row for each body cell.
        row_of: (k, j, i) int32, row of a cell, or -1 outside the body.
        index: (n, 3) int32, (k, j, i) of each row.
    """

    embedding: Embedding
    rows: Array
    row_of: NDArray[np.int32]
    index: NDArray[np.int32]

    @property
    def cells(self) -> Geometry:
        """Grid of the cells."""
        return self.embedding.fine_cells

    @property
    def size_bytes(self) -> int:
        """Memory that the arrays take."""
        return self.rows.nbytes + self.row_of.nbytes + self.index.nbytes

    @cached_property
    def thin(self) -> tuple[Array, NDArray[np.int32]]:
        """Every second body cell along each axis: (m, c) rows and (m,) their row numbers."""
        chosen = np.flatnonzero((self.index % COARSE_STEP == 0).all(axis=1)).astype(np.int32)
        if not len(chosen):
            chosen = np.arange(len(self.rows), dtype=np.int32)
        return np.ascontiguousarray(self.rows[chosen]), chosen

    def places(self, rows: NDArray[np.integer]) -> Points:
        """Give the centers of cells by their row numbers, (n, 3) mm."""
        return self.cells.to_mm(self.index[rows].astype(np.float64))


class KeyShelf:
    """Keys of the embeddings used last, within a memory bound."""

    def __init__(self, bound_bytes: int = KEYS_BYTES) -> None:
        self._bound_bytes = bound_bytes
        self._held: OrderedDict[str, Keys] = OrderedDict()
        self._lock = Lock()

    def get(self, embedding: Embedding) -> Keys:
        """Give the keys of an embedding, made now where they are not held."""
        with self._lock:
            held = self._held.get(embedding.key)
            if held is not None:
                self._held.move_to_end(embedding.key)
                return held
        keys = keys_of(embedding)
        with self._lock:
            self._held[embedding.key] = keys
            # The two of a pair are always kept, whatever they take.
            while len(self._held) > 2 and self._size_bytes() > self._bound_bytes:
                self._held.popitem(last=False)
        return keys

    def _size_bytes(self) -> int:
        return sum(keys.size_bytes for keys in self._held.values())


def keys_of(embedding: Embedding) -> Keys:
    """Make the key matrix of an embedding's body cells."""
    body = embedding.body
    index = np.argwhere(body).astype(np.int32)
    row_of = np.full(body.shape, -1, np.int32)
    row_of[body] = np.arange(len(index), dtype=np.int32)
    n_fine = len(embedding.fine)
    rows = np.empty((len(index), n_fine + len(embedding.coarse)), np.float32)
    flat = np.flatnonzero(body)
    fine = embedding.fine.reshape(n_fine, -1)
    rows[:, :n_fine] = fine[:, flat].T
    unit(rows[:, :n_fine])
    taps = _taps(embedding)
    for start in range(0, len(embedding.coarse), CHANNELS_AT_ONCE):
        coarse = embedding.coarse[start : start + CHANNELS_AT_ONCE].astype(np.float32)
        lifted = _lifted(coarse, taps).reshape(len(coarse), -1)
        rows[:, n_fine + start : n_fine + start + len(coarse)] = lifted[:, flat].T
    unit(rows[:, n_fine:])
    rows *= np.float32(np.sqrt(0.5))
    return Keys(embedding, rows, row_of, index)


def dense(keys: Keys, similarity: Array, outside: float = -1.0) -> Array:
    """Spread the similarity of the body cells over the grid.

    Args:
        keys: whose cells.
        similarity: (n,) of the rows.
        outside: value of cells that are not body.

    Returns:
        (k, j, i) float32.
    """
    out = np.full(keys.row_of.shape, outside, np.float32)
    out[keys.embedding.body] = similarity
    return out


def peaks(keys: Keys, similarity: Array, most: int = 6) -> NDArray[np.int32]:
    """Find the places that look most alike, best first, at least 15 mm from each other.

    Args:
        keys: whose cells.
        similarity: (n,) of the rows.
        most: how many to give.

    Returns:
        Row numbers.
    """
    grid = dense(keys, similarity, outside=-2.0)
    highest = _highest_near(grid)
    rows = keys.row_of[(grid >= highest) & keys.embedding.body]
    if len(rows) > 500:
        rows = rows[np.argpartition(similarity[rows], -500)[-500:]]
    rows = rows[np.argsort(-similarity[rows], kind="stable")]
    places = keys.places(rows)
    found: list[int] = []
    for n, place in enumerate(places):
        apart = np.linalg.norm(places[found] - place, axis=1)
        if not found or apart.min() >= APART_MM:
            found.append(n)
        if len(found) == most:
            break
    return rows[found]


def _highest_near(grid: Array) -> Array:
    """Maximum over 3 x 3 x 3 cells, axis by axis."""
    out = grid
    for axis in range(3):
        padded = np.moveaxis(out, axis, 0)
        best = padded.copy()
        np.maximum(best[1:], padded[:-1], out=best[1:])
        np.maximum(best[:-1], padded[1:], out=best[:-1])
        out = np.moveaxis(best, 0, axis)
    return out


def _taps(embedding: Embedding) -> list[tuple[NDArray[np.intp], Array]]:
    """For each axis: the coarse cell before each fine cell, and the share of the one after it."""
    ends = np.array(embedding.fine_cells.shape, dtype=np.float64) - 1
    low, high = embedding.coarse_cells.to_index(
        embedding.fine_cells.to_mm(np.array([[0.0, 0.0, 0.0], ends]))
    )
    taps = []
    for axis, n_coarse in enumerate(embedding.coarse_cells.shape):
        at = np.linspace(low[axis], high[axis], embedding.fine_cells.shape[axis])
        at = np.clip(at, 0, n_coarse - 1)
        before = np.minimum(at.astype(np.intp), max(n_coarse - 2, 0))
        taps.append((before, (at - before).astype(np.float32)))
    return taps


def _lifted(coarse: Array, taps: list[tuple[NDArray[np.intp], Array]]) -> Array:
    """Interpolate coarse channels (c, k, j, i) to the fine cells, axis by axis."""
    out = coarse
    for axis in (3, 2, 1):
        before, share = taps[axis - 1]
        shape = [1, 1, 1, 1]
        shape[axis] = len(share)
        first = np.take(out, before, axis=axis)
        second = np.take(out, np.minimum(before + 1, out.shape[axis] - 1), axis=axis)
        second -= first
        second *= share.reshape(shape)
        first += second
        out = first
    return out
