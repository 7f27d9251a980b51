"""Known warps and crops of a real scan: exact pairs of places, made with a fixed seed.

The copy is turned, scaled, bent, cropped, resampled, recolored and made noisy. It measures
invariance to just that; scans of other people are another benchmark.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from samdesk.core.geometry import Geometry, Points
from samdesk.core.volume import Volume
from samdesk.evaluation.base import Case
from samdesk.evaluation.places import draw_in_body

TURN_DEG = 8.0
SCALE_SHARE = 0.08
BEND_MM = (4.0, 12.0)
CONTROL_MM = (45.0, 60.0)
KEPT_SHARE = (0.6, 0.8)
SLICE_MM = (2.0, 5.0)
TABLE_MM = 40.0
NOISE_HU = (8.0, 25.0)
AIR_HU = -1000.0
# Tissue may shrink to this part of its volume; a bend that does worse is softened.
LEAST_VOLUME = 0.3
SOFTENED = 0.9
N_PROBES = 4000
# A place nearer to the end of the crop than this is neither clearly in it nor clearly out of it.
INSIDE_MM, OUTSIDE_MM = 5.0, 25.0


@dataclass(frozen=True, eq=False)
class Warp:
    """A smooth map from the places of the copy to the places of the scan it was made from.

    scan = center + linear (copy - center - shift) + bend(copy)

    Attributes:
        center: (3,) LPS mm, of the scan.
        shift: (3,) mm, how far the table moved.
        linear: (3, 3).
        control: (3, k, j, i) mm in x, y, z, coefficients of a cubic B-spline.
        control_origin: (3,) LPS mm of the first control point, of the copy.
        control_mm: distance of control points.
    """

    center: NDArray[np.float64]
    shift: NDArray[np.float64]
    linear: NDArray[np.float64]
    control: NDArray[np.float64]
    control_origin: NDArray[np.float64]
    control_mm: float

    def to_scan(self, copy_mm: Points) -> Points:
        """Take places of the copy to the scan, exactly.

        Args:
            copy_mm: (n, 3) LPS mm.
        """
        from scipy import ndimage

        at = ((copy_mm - self.control_origin) / self.control_mm).T[::-1]
        bend = [
            ndimage.map_coordinates(part, at, order=3, mode="nearest", prefilter=False)
            for part in self.control
        ]
        straight = self.center + (copy_mm - self.center - self.shift) @ self.linear.T
        scan: Points = straight + np.stack(bend, axis=1)
        return scan

    def to_copy(self, scan_mm: Points, steps: int = 60) -> Points:
        """Take places of the scan to the copy, by iteration to far below a hundredth of a mm.

        Args:
            scan_mm: (n, 3) LPS mm.
            steps: of the iteration; the bend's slope is well below one, so it converges.
        """
        inverse = np.linalg.inv(self.linear)
        copy = (scan_mm - self.center) @ inverse.T + self.center + self.shift
        for _ in range(steps):
            copy = copy + (scan_mm - self.to_scan(copy)) @ inverse.T
        return copy


def draw_warp(volume: Volume, rng: np.random.Generator) -> Warp:
    """Draw a warp of the strength stated at the top of this file.

    Args:
        volume: that will be warped.
        rng: the only source of chance.
    """
    from scipy import ndimage

    center = volume.geometry.center_mm
    turn = _rotation(np.deg2rad(rng.uniform(-TURN_DEG, TURN_DEG, 3)))
    linear = turn @ np.diag(1 + rng.uniform(-SCALE_SHARE, SCALE_SHARE, 3))
    shift = rng.uniform(-TABLE_MM, TABLE_MM, 3)
    control_mm = float(rng.uniform(*CONTROL_MM))
    corners = volume.geometry.corners_mm + shift
    low = corners.min(axis=0) - 3 * control_mm
    cells = np.ceil((np.ptp(corners, axis=0) + 6 * control_mm) / control_mm).astype(int) + 1
    control = rng.uniform(-1, 1, (3, *cells[::-1])) * rng.uniform(*BEND_MM)
    for axis in (1, 2, 3):  # so that the spline goes through the drawn displacements
        control = ndimage.spline_filter1d(control, order=3, axis=axis, mode="nearest")
    warp = Warp(center, shift, linear, control, low, control_mm)
    while not _is_smooth(warp, corners, rng):
        warp = replace(warp, control=warp.control * SOFTENED)
    return warp


def warped_copy(
    volume: Volume,
    warp: Warp,
    rng: np.random.Generator,
    kept_share: tuple[float, float] = KEPT_SHARE,
) -> Volume:
    """Make the copy: warped, cropped along z, resampled, recolored, noisy.

    Args:
        volume: CT in HU.
        warp: from `draw_warp`.
        rng: the only source of chance.
        kept_share: least and most of the length that the crop keeps; (1, 1) for no crop.

    Returns:
        int16 volume along the patient's axes.
    """
    from scipy import ndimage

    grid = _cropped_grid(volume.geometry, warp, rng, kept_share)
    ratio = np.array(grid.spacing) / np.array(volume.geometry.spacing)
    sigma = np.where(ratio > 1.01, 0.4 * ratio, 0.0)
    array = np.asarray(volume.array, dtype=np.float32)
    if (sigma > 0).any():
        array = ndimage.gaussian_filter(array, sigma, mode="nearest")
    out = np.empty(grid.shape, np.float32)
    rows = np.indices(grid.shape[1:]).reshape(2, -1).T
    for k in range(grid.shape[0]):
        index = np.column_stack([np.full(len(rows), k), rows]).astype(np.float64)
        source = volume.geometry.to_index(warp.to_scan(grid.to_mm(index)))
        values = ndimage.map_coordinates(array, source.T, order=1, mode="constant", cval=AIR_HU)
        out[k] = values.reshape(grid.shape[1:])
    out = _recolored(out, rng)
    out += rng.normal(0, rng.uniform(*NOISE_HU), out.shape).astype(np.float32)
    return Volume(np.clip(out, -1024, 3071).astype(np.int16), grid, volume.modality, volume.unit)


def make_case(
    name: str,
    volume: Volume,
    seed: int,
    n: int = 40,
    kept_share: tuple[float, float] = KEPT_SHARE,
) -> Case:
    """Make a warped copy of a scan and pairs of places in the body.

    Args:
        name: of the scan.
        volume: CT in HU.
        seed: decides everything.
        n: places inside the crop; up to half as many outside it.
        kept_share: least and most of the length that the crop keeps; (1, 1) for no crop.
    """
    rng = np.random.default_rng([seed, 7])
    warp = draw_warp(volume, rng)
    copy = warped_copy(volume, warp, rng, kept_share)
    places = draw_in_body(volume, 12 * n, rng)
    truth = warp.to_copy(places)
    low, high = copy.geometry.corners_mm.min(axis=0), copy.geometry.corners_mm.max(axis=0)
    inside = ((truth > low + INSIDE_MM) & (truth < high - INSIDE_MM)).all(axis=1)
    outside = copy.geometry.outside_mm(truth) > OUTSIDE_MM
    absent = places[outside][: n // 2]
    return Case(
        f"warp of {name}", volume, copy, places[inside][:n], truth[inside][:n], absent=absent
    )


def _cropped_grid(
    geometry: Geometry, warp: Warp, rng: np.random.Generator, kept_share: tuple[float, float]
) -> Geometry:
    """Lay a grid over the warped scan and keep a part of its length."""
    corners = warp.to_copy(geometry.corners_mm)
    low, high = corners.min(axis=0), corners.max(axis=0)
    length = high[2] - low[2]
    kept = length * rng.uniform(*kept_share)
    low[2] += rng.uniform(0, length - kept)
    high[2] = low[2] + kept
    flat = max(float(rng.uniform(1.8, 2.6)), *geometry.spacing[1:])
    thick = max(float(rng.uniform(*SLICE_MM)), geometry.spacing[0])
    spacing = (thick, flat, flat)
    k, j, i = (int(n) for n in np.floor((high - low)[::-1] / spacing) + 1)
    return Geometry.aligned((k, j, i), spacing, low)


def _recolored(hu: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Change grey values piecewise linearly and never backwards, as kernels and phases do."""
    knots = np.array([-1024.0, -850.0, -100.0, 50.0, 200.0, 3071.0])
    reach = np.array([0.0, 40.0, 30.0, 30.0, 60.0, 300.0])
    moved = np.maximum.accumulate(knots + rng.uniform(-1, 1, len(knots)) * reach)
    return np.interp(hu, knots, moved).astype(np.float32)


def _is_smooth(warp: Warp, corners: Points, rng: np.random.Generator) -> bool:
    """Tell whether the warp folds nowhere, by the volume of small tetrahedra, and can be undone."""
    places = rng.uniform(corners.min(axis=0), corners.max(axis=0), (N_PROBES, 3))
    there = warp.to_scan(places)
    edges = np.stack([warp.to_scan(places + step) - there for step in np.eye(3)], axis=1)
    back = warp.to_scan(warp.to_copy(there))
    is_undone = bool(np.abs(back - there).max() < 1e-3)
    return is_undone and bool(np.linalg.det(edges).min() > LEAST_VOLUME)


def _rotation(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn about x, then y, then z."""
    (cx, cy, cz), (sx, sy, sz) = np.cos(angles), np.sin(angles)
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    turn: NDArray[np.float64] = about_z @ about_y @ about_x
    return turn
