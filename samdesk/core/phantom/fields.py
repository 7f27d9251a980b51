"""How the organs of one person differ in place: displacement fields over the canonical body.

Organs carry their own shift and scale, bones and the wall of the trunk hold still, and the room
between follows by normalized Gaussian averaging. So a liver can lie a vertebra higher in one
person than in another while both have the same skeleton.

Source:
    Knutsson and Westin, Normalized and differential convolution, CVPR 1993.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from samdesk.core.phantom import organs, skeleton, trunk
from samdesk.core.phantom.maps import spline_weights
from samdesk.core.phantom.shapes import Shape

STEP_MM = 8.0
LOW_MM = np.array([-232.0, -168.0, -120.0])
SHAPE = (108, 44, 59)  # z, y, x
SPREAD_MM = 15.0
FREE_WEIGHT = 0.015

Field = NDArray[np.float64]


@lru_cache(maxsize=1)
def axes() -> tuple[Field, Field, Field]:
    """Give x, y, z of the nodes, each an array that broadcasts to `SHAPE`."""
    z, y, x = (low + STEP_MM * np.arange(n) for low, n in zip(LOW_MM[::-1], SHAPE, strict=True))
    return x[None, None, :], y[None, :, None], z[:, None, None]


def _grids() -> tuple[NDArray[np.float32], ...]:
    return tuple(np.broadcast_to(a, SHAPE).astype(np.float32) for a in axes())


def _fill(mask: NDArray[np.float64], shape: Shape) -> None:
    low = np.maximum(np.floor((np.array(shape.low) - LOW_MM) / STEP_MM).astype(int) - 1, 0)
    high = np.ceil((np.array(shape.high) - LOW_MM) / STEP_MM).astype(int) + 2
    box = tuple(slice(low[a], max(high[a], low[a])) for a in (2, 1, 0))
    x, y, z = (g[box] for g in _grids())
    if not x.size:
        return
    d = shape.distance(x, y, z)
    mask[box] = np.maximum(mask[box], np.clip(0.5 - d / STEP_MM, 0, 1))


@lru_cache(maxsize=1)
def masks() -> Mapping[str, NDArray[np.float64]]:
    """Give the share of each moving group in each node, and of what holds still ("still")."""
    made: dict[str, NDArray[np.float64]] = {}
    for organ in organs.organs():
        if organ.moves:
            _fill(made.setdefault(organ.moves, np.zeros(SHAPE)), organ.shape)
    still = np.zeros(SHAPE)
    for bone in skeleton.bones():
        _fill(still, bone.shape)
    x, y, z = _grids()
    chest = 1 / (1 + np.exp(-(z - 300) / 12))
    wall = np.clip((trunk.cage_distance(x, y, z) + 4) / 6, 0, 1) * chest
    belly = np.clip((trunk.BODY.distance(x, y, z) + 26) / 8, 0, 1) * (1 - chest)
    still = np.maximum(still, np.maximum(wall, belly))
    moving = sum(made.values())
    made["still"] = np.clip(still - 0.7 * np.clip(moving, 0, 1), 0, 1)
    return made


@lru_cache(maxsize=1)
def centers() -> Mapping[str, NDArray[np.float64]]:
    """Give the center of each moving group in canonical mm."""
    x, y, z = axes()
    found = {}
    for name, mask in masks().items():
        total = mask.sum()
        found[name] = np.array([(mask * a).sum() / total for a in (x, y, z)])
    return found


def noise(rng: np.random.Generator, rms_mm: float, smooth_mm: float) -> Field:
    """Draw a smooth displacement field (z, y, x, 3) with the given size.

    Random numbers on coarse knots with a cubic B-spline between them are as smooth as noise under
    a Gaussian of about 0.6 of the knots' distance, and drawn far sooner.
    """
    step = smooth_mm / 0.6 / STEP_MM
    matrices = [_between(count, step) for count in SHAPE]
    made = np.empty((*SHAPE, 3))
    for part in range(3):
        values = rng.standard_normal([m.shape[1] for m in matrices])
        for axis, matrix in enumerate(matrices):
            values = np.moveaxis(np.tensordot(matrix, values, axes=(1, axis)), 0, axis)
        made[..., part] = values * (rms_mm / max(float(values.std()), 1e-9))
    return made


def _between(count: int, step: float) -> Field:
    """Make the matrix (count, knots) that takes values at knots to `count` nodes."""
    at = np.arange(count) / step
    base = np.floor(at).astype(int)
    matrix = np.zeros((count, int(base[-1]) + 4))
    for k, weights in enumerate(spline_weights(at - base).T):
        matrix[np.arange(count), base + k] = weights
    return matrix


def organ_field(
    wanted: Mapping[str, Callable[[NDArray[np.float64]], Field] | Field],
) -> Field:
    """Make the field (z, y, x, 3) in which each group has its own displacement.

    Args:
        wanted: for each group its displacement in mm at the nodes, broadcast to (z, y, x, 3), or
            a function that takes the group's center and gives it. Groups left out hold still
            only as far as their surroundings do.
    """
    known = centers()
    total = np.full(SHAPE, FREE_WEIGHT)
    total += ndimage.gaussian_filter(masks()["still"], SPREAD_MM / STEP_MM)
    sums = np.zeros((*SHAPE, 3))
    for name, value in wanted.items():
        mask = masks()[name]
        shift = value(known[name]) if callable(value) else value
        box = _reach(mask)
        moved = np.broadcast_to(shift, sums.shape)
        part = np.stack([mask, *(moved[..., p] * mask for p in range(3))])
        near = ndimage.gaussian_filter(
            part[(slice(None), *box)], (0, *[SPREAD_MM / STEP_MM] * 3), truncate=3, mode="constant"
        )
        total[box] += near[0]
        sums[box] += np.moveaxis(near[1:], 0, -1)
    field: Field = sums / total[..., None]
    return field


def _reach(mask: Field) -> tuple[slice, ...]:
    """Give the box of a mask with room for the averaging around it."""
    room = int(np.ceil(3 * SPREAD_MM / STEP_MM)) + 1
    box = []
    for axis in range(3):
        hit = np.flatnonzero(mask.any(axis=tuple(a for a in range(3) if a != axis)))
        box.append(slice(max(int(hit[0]) - room, 0), int(hit[-1]) + room + 1))
    return tuple(box)


def read(field: Field, x: Field, y: Field, z: Field) -> Field:
    """Read a field at places, linear between nodes; (..., 3)."""
    at = np.stack([(z - LOW_MM[2]) / STEP_MM, (y - LOW_MM[1]) / STEP_MM, (x - LOW_MM[0]) / STEP_MM])
    return np.stack(
        [ndimage.map_coordinates(field[..., p], at, order=1, mode="nearest") for p in range(3)],
        axis=-1,
    )
