"""How well organs lie on each other after a registration: Dice of labels known in both scans."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from samdesk.core.geometry import Geometry, Points
from samdesk.core.phantom.organs import organs
from samdesk.core.phantom.render import dense_map
from samdesk.core.phantom.shapes import Shape
from samdesk.core.volume import Modality, Unit, Volume
from samdesk.errors import ReadError
from samdesk.evaluation.base import Case
from samdesk.evaluation.made import made_patient
from samdesk.evaluation.scans import RealScan
from samdesk.io import registry
from samdesk.io.base import finish
from samdesk.registration.transform import Registration

LabelAt = Callable[[Points], NDArray[np.int32]]

GRID_MM = 4.0
# Smaller organs lie between the points of the grid.
LEAST_ML = 4.0
MADE_ORGANS = (
    "liver", "spleen", "left_kidney", "right_kidney", "stomach", "gallbladder", "pancreas",
    "bladder",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Labels:
    """Which organ lies where, in both volumes of a case.

    Attributes:
        names: of the organs, by number; 0 is none of them.
        template, target: give the number at (n, 3) places in LPS mm.
    """

    names: Mapping[int, str]
    template: LabelAt
    target: LabelAt


@dataclass(frozen=True, eq=False)
class LabeledCase(Case):
    """A case with organs beside the places.

    Attributes:
        labels: None where no organ is known in both volumes.
        version: everything that the case depends on, as in `arms.Asked`.
    """

    labels: Labels | None = None
    version: str = ""


def dice_of(case: LabeledCase, registration: Registration) -> dict[str, float]:
    """Give the Dice coefficient of each organ on a grid of 4 mm over the template.

    The target's organs are read where the registration takes the points of the grid, so no mask
    is resampled.

    Returns:
        0 to 1 by the organ's name; organs that no point of the grid meets are left out.
    """
    if case.labels is None:
        return {}
    corners = case.template.geometry.corners_mm
    low, high = corners.min(axis=0), corners.max(axis=0)
    k, j, i = (int(n) for n in np.floor((high - low)[::-1] / GRID_MM) + 1)
    grid = Geometry.aligned((k, j, i), (GRID_MM,) * 3, low)
    points = grid.to_mm(np.indices(grid.shape).reshape(3, -1).T.astype(np.float64))
    ours = case.labels.template(points)
    theirs = case.labels.target(registration.map_grid(grid))
    out: dict[str, float] = {}
    for number, name in case.labels.names.items():
        a, b = ours == number, theirs == number
        if a.any():
            out[name] = float(2 * (a & b).sum() / (a.sum() + b.sum()))
    return out


def masks_of(one: RealScan, other: RealScan) -> Labels:
    """Give the organs that both scans show whole, from their masks.

    Raises:
        ReadError: a scan has no masks, or they cannot be read.
    """
    first, second = _mask(one), _mask(other)
    common = {
        one.labels[name]: name
        for name in sorted(one.labels.keys() & other.labels.keys())
        if _is_whole(first, one.labels[name]) and _is_whole(second, other.labels[name])
    }
    renumbered = {other.labels[name]: number for number, name in common.items()}
    theirs = _reader(second)

    def target(points: Points) -> NDArray[np.int32]:
        found = theirs(points)
        out = np.zeros(len(found), np.int32)
        for number, ours in renumbered.items():
            out[found == number] = ours
        return out

    return Labels(common, _reader(first), target)


def made_labels(case: Case, template: tuple[int, int], target: tuple[int, int]) -> Labels:
    """Give the organs of two made scans, exact to half a voxel.

    Args:
        case: of these two.
        template: (seed, date).
        target: (seed, date).
    """
    names = dict(enumerate(MADE_ORGANS, start=1))
    ours = _made_mask(*template, case.template.geometry)
    theirs = _made_mask(*target, case.target.geometry)
    return Labels(names, _reader(ours), _reader(theirs))


def _made_mask(seed: int, timepoint: int, grid: Geometry) -> Volume:
    """Draw the organs of a made patient on the grid of a scan."""
    (k, j, i), (sk, sj, si) = grid.shape, grid.spacing
    x0, y0, z0 = grid.affine[:3, 3]
    dense = dense_map(made_patient(seed), timepoint)
    x, y, z = dense.on_axes(x0 + si * np.arange(i), y0 + sj * np.arange(j), z0 + sk * np.arange(k))
    out = np.zeros(grid.shape, np.int16)
    for number, name in enumerate(MADE_ORGANS, start=1):
        for shape in _shapes()[name]:
            near = np.ones(grid.shape, bool)
            for part, low, high in zip((x, y, z), shape.low, shape.high, strict=True):
                near &= (part >= low) & (part <= high)
            inside = shape.distance(x[near], y[near], z[near]) < 0
            out[near] = np.where(inside, number, out[near])
    return Volume(out, grid, Modality.OTHER, Unit.NONE)


@lru_cache(maxsize=1)
def _shapes() -> Mapping[str, list[Shape]]:
    return {name: [organ.shape for organ in organs() if organ.name == name] for name in MADE_ORGANS}


def _mask(scan: RealScan) -> Volume:
    if scan.masks is None:
        raise ReadError(f"The scan {scan.name} has no masks.", code="files-missing")
    image = finish(registry.open_path(str(scan.masks))).image
    if not isinstance(image, Volume):
        raise ReadError(f"The masks of {scan.name} are no volume.", code="not-a-volume")
    return image


def _is_whole(mask: Volume, number: int) -> bool:
    """Tell whether an organ is there, large enough, and not cut by an end of the scan."""
    inside = mask.array == number
    ml = float(inside.sum()) * abs(np.linalg.det(mask.geometry.affine[:3, :3])) / 1000.0
    return ml >= LEAST_ML and not (inside[0].any() or inside[-1].any())


def _reader(mask: Volume) -> LabelAt:
    def label_at(points: Points) -> NDArray[np.int32]:
        index = np.rint(mask.geometry.to_index(points)).astype(int)
        shape = np.array(mask.array.shape)
        inside = ((index >= 0) & (index < shape)).all(axis=1)
        k, j, i = np.clip(index, 0, shape - 1).T
        out: NDArray[np.int32] = np.where(inside, mask.array[k, j, i], 0).astype(np.int32)
        return out

    return label_at
