"""Several pictures at one place: copies, conflicts, or volumes that follow each other in time."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samdesk.io.dicom import tags
from samdesk.io.dicom.frames import Frame
from samdesk.io.dicom.stacking import SAME_PLACE_MM

# In this order: the first that tells the pictures of every place apart explains them.
AXES = (
    (tags.TEMPORAL_POSITION, "temporal-position", "temporal position"),
    (tags.CARDIAC_PERCENT, "cardiac-percent", "cardiac phase in %"),
    (tags.TRIGGER_TIME, "trigger-time", "trigger time in ms"),
    (tags.B_VALUE, "b-value", "b-value"),
    (tags.ECHO_TIME, "echo-time", "echo time in ms"),
    (tags.ACQUISITION, "acquisition", "acquisition"),
)


@dataclass(frozen=True)
class Split:
    """How frames at shared places were taken apart.

    Attributes:
        volumes: indices of frames, one tuple for each volume.
        values: what tells the volumes apart: the value of the axis, or 1, 2, 3.
        axis: the axis's word, "" where there was one volume only, "instance-order" if guessed.
        words: the axis for a sentence.
        is_complete: whether every volume has a picture at every place.
        dropped: indices that repeat a picture of the same place.
    """

    volumes: tuple[tuple[int, ...], ...]
    values: tuple[float, ...] = (1.0,)
    axis: str = ""
    words: str = ""
    is_complete: bool = True
    dropped: tuple[int, ...] = ()


def same_place(along: NDArray[np.float64]) -> NDArray[np.intp]:
    """Number the places of slices: (n,) mm along the normal -> (n,) place numbers."""
    order = np.argsort(along, kind="stable")
    new = np.diff(along[order], prepend=along[order[0]] - 1) > SAME_PLACE_MM
    places = np.empty(len(along), dtype=np.intp)
    places[order] = np.cumsum(new) - 1
    return places


def split(frames: Sequence[Frame], along: NDArray[np.float64]) -> Split:
    """Take frames apart so that each volume has one frame at each place.

    Args:
        frames: slices of one stack, in any order.
        along: (n,) mm of their origins along the normal.
    """
    places = same_place(along)
    keep, dropped = _drop_copies(frames, places)
    counts = Counter(int(places[n]) for n in keep)
    most = max(counts.values())
    if most == 1:
        return Split((tuple(keep),), dropped=tuple(dropped))
    shared = sum(1 for count in counts.values() if count > 1)
    found = _by_axis(frames, places, keep, most) if shared * 2 >= len(counts) else None
    if found is not None:
        volumes, values, axis, words = found
        complete = all(len(volume) == len(counts) for volume in volumes)
        return Split(volumes, values, axis, words, complete, tuple(dropped))
    ranked = _ranked(frames, places, keep)
    if shared * 2 < len(counts):
        first = tuple(n for n in keep if ranked[n] == 0)
        rest = [n for n in keep if ranked[n] > 0]
        return Split((first,), dropped=tuple(dropped + rest))
    volumes = tuple(tuple(n for n in keep if ranked[n] == rank) for rank in range(most))
    complete = all(count == most for count in counts.values())
    numbers = tuple(float(rank + 1) for rank in range(most))
    return Split(volumes, numbers, "instance-order", "order of numbers", complete, tuple(dropped))


def _drop_copies(frames: Sequence[Frame], places: NDArray[np.intp]) -> tuple[list[int], list[int]]:
    """Keep one of the frames that carry the same object id at the same place."""
    seen: set[tuple[bytes, int, int]] = set()
    keep, dropped = [], []
    for n, frame in enumerate(frames):
        uid = frame.header.raw(tags.SOP_UID)
        key = (uid, frame.number, int(places[n]))
        if uid and key in seen:
            dropped.append(n)
        else:
            seen.add(key)
            keep.append(n)
    return keep, dropped


def _by_axis(
    frames: Sequence[Frame], places: NDArray[np.intp], keep: list[int], most: int
) -> tuple[tuple[tuple[int, ...], ...], tuple[float, ...], str, str] | None:
    for tag, axis, words in AXES:
        values = {n: frames[n].number_of(tag) for n in keep}
        known = {value for value in values.values() if value is not None}
        if len(known) != most or None in values.values():
            continue
        pairs = {(int(places[n]), values[n]) for n in keep}
        if len(pairs) != len(keep):
            continue
        order = sorted(known)
        volumes = tuple(tuple(n for n in keep if values[n] == value) for value in order)
        return volumes, tuple(order), axis, words
    return None


def _ranked(frames: Sequence[Frame], places: NDArray[np.intp], keep: list[int]) -> dict[int, int]:
    """Number the frames of each place by their instance numbers."""
    at: defaultdict[int, list[int]] = defaultdict(list)
    for n in keep:
        at[int(places[n])].append(n)
    ranks: dict[int, int] = {}
    for members in at.values():
        members.sort(key=lambda n: (frames[n].number_of(tags.INSTANCE) or 0.0, frames[n].number, n))
        ranks |= {n: rank for rank, n in enumerate(members)}
    return ranks
