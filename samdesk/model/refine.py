"""A match between two scans of one patient, moved by comparing the grey values around it.

Only for one patient: across patients, or without the local affine, it made real matches worse
(sam.md 4.6 d: 4.9 -> 6.8 mm; with it, follow-ups went from 3.8 to 1.9 mm).
"""

import numpy as np
from numpy.typing import NDArray

from samdesk.core.geometry import Points
from samdesk.core.volume import Volume

Array = NDArray[np.float64]

STEP_MM = 2.0
HALF_CUBE = 10
REACH = 4
LEAST_CORRELATION = 0.5
# Fat to bone: grey values beyond these would let one calcification decide.
LOW_HU, HIGH_HU = -1000.0, 400.0
# A cube of one tissue has no place of its own.
LEAST_SPREAD_HU = 15.0


def refined(
    volumes: tuple[Volume, Volume], from_mm: Points, to_mm: Points, linear: Array
) -> tuple[Points, float]:
    """Move a match by the shift at which 40 mm cubes of the two scans correlate best.

    Args:
        volumes: A and B.
        from_mm: (3,) the place in A.
        to_mm: (3,) its match in B.
        linear: (3, 3) how the neighborhood is stretched and turned from A to B.

    Returns:
        The match, moved where the correlation is above 0.5 and its peak lies inside the reach,
        and the correlation (0 where the match was left).
    """
    cube = _lattice(HALF_CUBE)
    template = _sampled(volumes[0], from_mm + cube.reshape(-1, 3)).reshape(cube.shape[:3])
    if not np.isfinite(template).all() or template.std() < LEAST_SPREAD_HU:
        return to_mm, 0.0
    wide = _lattice(HALF_CUBE + REACH)
    field = _sampled(volumes[1], to_mm + wide.reshape(-1, 3) @ linear.T).reshape(wide.shape[:3])
    if not np.isfinite(field).all():
        return to_mm, 0.0
    scores = correlations(template, field)
    best = np.unravel_index(int(scores.argmax()), scores.shape)
    top = float(scores[best])
    is_inside = all(0 < n < 2 * REACH for n in best)
    if top < LEAST_CORRELATION or not is_inside:
        return to_mm, 0.0
    shift = np.array([_peak(scores, best, axis) for axis in range(3)])
    # Lattice axes are x, y, z of A.
    moved: Points = to_mm + linear @ (shift * STEP_MM)
    return moved, top


def correlations(template: Array, field: Array) -> Array:
    """Normalized cross-correlation of a cube with a larger one at every shift.

    Args:
        template: (n, n, n).
        field: (n + 2r, ...).

    Returns:
        (2r + 1, ...) correlations; shift 0 is in the middle.
    """
    from scipy.signal import fftconvolve

    centered = template - template.mean()
    count = template.size
    product = fftconvolve(field, centered[::-1, ::-1, ::-1], mode="valid")
    ones = np.ones(template.shape)
    total = fftconvolve(field, ones, mode="valid")
    square = fftconvolve(field**2, ones, mode="valid")
    spread = np.sqrt(np.maximum(square - total**2 / count, 1.0))
    out: Array = product / (spread * max(float(np.sqrt((centered**2).sum())), 1e-9))
    return out


def _peak(scores: Array, best: tuple[np.intp, ...], axis: int) -> float:
    """Top of the parabola through the best shift and its neighbors, in steps from the middle."""
    low, middle, high = (
        float(scores[tuple(int(n) + d * (a == axis) for a, n in enumerate(best))])
        for d in (-1, 0, 1)
    )
    bend = low - 2 * middle + high
    part = 0.0 if bend > -1e-9 else float(np.clip(0.5 * (low - high) / bend, -0.5, 0.5))
    return int(best[axis]) - REACH + part


def _lattice(half: int) -> Array:
    """Offsets on a cubic lattice, (n, n, n, 3) of (x, y, z) mm, axes x, y, z."""
    side = np.arange(-half, half + 1) * STEP_MM
    return np.stack(np.meshgrid(side, side, side, indexing="ij"), axis=-1)


def _sampled(volume: Volume, points_mm: Points) -> Array:
    """Read smoothed, clipped values at places; not a number outside the scan."""
    from scipy import ndimage

    index = volume.geometry.to_index(points_mm)
    shape = np.array(volume.array.shape)
    low = np.maximum(np.floor(index.min(axis=0)).astype(int) - 2, 0)
    high = np.minimum(np.ceil(index.max(axis=0)).astype(int) + 3, shape)
    if (low >= high).any():
        return np.full(len(points_mm), np.nan)
    block = volume.array[tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))]
    values = np.clip(block.astype(np.float32), LOW_HU, HIGH_HU)
    sigma = 0.4 * STEP_MM / np.array(volume.geometry.spacing)
    values = ndimage.gaussian_filter(values, np.minimum(sigma, 3.0), mode="nearest")
    # Half a voxel of rim is filled with the nearest value, so that a cube may touch the border.
    out = ndimage.map_coordinates(values, (index - low).T, order=1, mode="nearest")
    outside = ((index < -3.0) | (index > shape + 2.0)).any(axis=1)
    result: Array = np.where(outside, np.nan, out).astype(np.float64)
    return result
