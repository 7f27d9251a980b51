"""Every place of a real scan that is known: from lists, from masks, and one from the lungs by rule.

Three kinds, because they are not equally certain: `LISTED` places of the manifest's lists and
centers of whole organs; `MASKED` ends of organs, vessels beside a vertebra and heads of the last
ribs, worked out from masks; `RULED` lung apices and the dome of the liver, found by a rule in
the grey values, which are 5 to 8 mm uncertain and never counted among the others.
"""

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samdesk.core.geometry import Geometry, Points, Position
from samdesk.core.progress import Progress
from samdesk.core.volume import Volume
from samdesk.errors import ReadError
from samdesk.evaluation.scans import RealScan
from samdesk.io import registry

LISTED, MASKED, RULED = "listed", "from masks", "by rule"
Masks = Mapping[str, NDArray[np.bool_]]

# Ends of organs: name of the place, organ, axis (0 x to the left, 1 y to the back, 2 z to the
# head), and the end that is meant.
ENDS: tuple[tuple[str, str, int, int], ...] = (
    ("kidney_right_upper_pole", "kidney_right", 2, 1),
    ("kidney_right_lower_pole", "kidney_right", 2, -1),
    ("kidney_right_most_lateral", "kidney_right", 0, -1),
    ("kidney_left_upper_pole", "kidney_left", 2, 1),
    ("kidney_left_lower_pole", "kidney_left", 2, -1),
    ("kidney_left_most_lateral", "kidney_left", 0, 1),
    ("liver_dome", "liver", 2, 1),
    ("liver_lowest", "liver", 2, -1),
    ("spleen_highest", "spleen", 2, 1),
    ("spleen_lowest", "spleen", 2, -1),
    ("aortic_arch_top", "aorta", 2, 1),
    ("aortic_bifurcation", "aorta", 2, -1),
    ("sternum_top", "sternum", 2, 1),
    ("iliac_crest_right", "hip_right", 2, 1),
    ("iliac_crest_left", "hip_left", 2, 1),
    ("heart_lowest", "heart", 2, -1),
)
# Centers of tubes at the height of a whole vertebra.
TUBES = ("aorta", "inferior_vena_cava", "spinal_cord")
LEVELS = tuple(f"vertebrae_{part}" for part in ("T11", "T12", "L1", "L2", "L3", "L4", "L5"))
RIBS = tuple(f"rib_{side}_{n}" for side in ("left", "right") for n in (10, 11, 12))
# An end is the center of what lies within so much of the outermost voxel.
END_MM = 5.0
# An organ that comes so near to a face of the scan may go on beyond it.
CUT_MM = 4.0
RIB_HEAD_MM = 10.0


@dataclass(frozen=True)
class Place:
    """A known place.

    Attributes:
        at_mm: LPS mm.
        kind: LISTED, MASKED or RULED.
    """

    at_mm: Position
    kind: str


def places_of(scan: RealScan, volume: Volume) -> Generator[Progress, None, dict[str, Place]]:
    """Gather all known places of a scan by name.

    Args:
        scan: of the manifest.
        volume: the scan, opened.

    Raises:
        ReadError: the masks cannot be read or do not lie on the scan's grid.
    """
    found = {
        name: Place(at, RULED if name in scan.automatic else LISTED)
        for name, at in scan.points.items()
    }
    if scan.masks is not None and scan.labels:
        array = yield from _masks_array(scan, volume)
        masks = {name: array == label for name, label in scan.labels.items()}
        for name, at in _from_masks(masks, volume.geometry, scan.points):
            found.setdefault(name, Place(at, MASKED))
    dome = liver_dome(volume)
    carina = scan.points.get("carina")
    is_shadow = carina and dome and carina[2] - dome[2] < LEAST_BELOW_CARINA_MM
    if dome is not None and not is_shadow:
        found.setdefault("liver_dome", Place(dome, RULED))
    return found


def misfits(scan: RealScan, geometry: Geometry) -> list[str]:
    """Name the listed places of a scan that lie outside it, a sentence each."""
    names = list(scan.points)
    if not names:
        return []
    outside = geometry.outside_mm(np.array([scan.points[name] for name in names]))
    return [
        f"The place {name} of {scan.name} lies {far:.0f} mm outside that scan."
        for name, far in zip(names, outside, strict=True)
        if far > 1.0
    ]


def _masks_array(scan: RealScan, volume: Volume) -> Generator[Progress, None, NDArray[np.generic]]:
    opened = yield from registry.open_path(str(scan.masks))
    image = opened.image
    if not isinstance(image, Volume) or image.array.shape != volume.array.shape:
        raise ReadError(
            f"The masks of {scan.name} do not lie on the grid of that scan.", code="files-missing"
        )
    array: NDArray[np.generic] = np.asarray(image.array)
    return array


def _from_masks(
    masks: Masks, geometry: Geometry, listed: Mapping[str, Position]
) -> Iterator[tuple[str, Position]]:
    tried: list[tuple[str, Position | None]] = [
        (name, end_of(masks[organ], geometry, axis, sign))
        for name, organ, axis, sign in ENDS
        if organ in masks
    ]
    tried += [
        (f"{tube}_at_{level.removeprefix('vertebrae_')}", _beside(masks[tube], geometry, at))
        for level, at in listed.items()
        for tube in TUBES
        if level in LEVELS and tube in masks
    ]
    tried += [(f"{rib}_head", _rib_head(masks[rib], geometry)) for rib in RIBS if rib in masks]
    yield from ((name, at) for name, at in tried if at is not None)


def end_of(mask: NDArray[np.bool_], geometry: Geometry, axis: int, sign: int) -> Position | None:
    """Find an end of an organ along a patient's axis.

    Args:
        mask: (k, j, i) of the organ.
        geometry: of its grid.
        axis: 0, 1 or 2 for x, y or z.
        sign: 1 for the end with the larger coordinate, -1 for the other.

    Returns:
        The center of what lies within 5 mm of the outermost voxel; None where the organ is not
        there or reaches a face of the scan on that side.
    """
    index = np.argwhere(mask)
    if len(index) == 0:
        return None
    mm = geometry.to_mm(index.astype(np.float64))
    along = sign * mm[:, axis]
    near = mm[along >= along.max() - END_MM]
    return _position(near.mean(axis=0)) if _is_inside(geometry, near) else None


def _beside(mask: NDArray[np.bool_], geometry: Geometry, level: Position) -> Position | None:
    """Center the part of a tube that lies beside a vertebra, in the slice of its center."""
    from scipy import ndimage

    index = geometry.to_index(np.array([level]))[0]
    k = round(float(index[0]))
    if not 0 <= k < mask.shape[0]:
        return None
    labels, count = ndimage.label(mask[k])
    if count == 0:
        return None
    centers = np.array(ndimage.center_of_mass(mask[k], labels, range(1, count + 1)))
    mm = geometry.to_mm(np.column_stack([np.full(count, float(k)), centers]))
    nearest = int(np.linalg.norm(mm[:, :2] - np.array(level)[:2], axis=1).argmin())
    return _position(np.array([mm[nearest, 0], mm[nearest, 1], level[2]]))


def _rib_head(mask: NDArray[np.bool_], geometry: Geometry) -> Position | None:
    """Center the end of a rib that touches the spine: the medial, upper, back one."""
    index = np.argwhere(mask)
    if len(index) == 0:
        return None
    mm = geometry.to_mm(index.astype(np.float64))
    middle = geometry.center_mm[0]
    first = mm[np.abs(mm[:, 0] - middle).argmin()]
    near = mm[np.linalg.norm(mm - first, axis=1) <= RIB_HEAD_MM]
    return _position(near.mean(axis=0)) if _is_inside(geometry, near) else None


def _is_inside(geometry: Geometry, mm: Points) -> bool:
    """Tell whether places keep away from the first and the last slice and the sides."""
    index = geometry.to_index(mm)
    margin = CUT_MM / np.array(geometry.spacing)
    last = np.array(geometry.shape) - 1
    return bool(((index >= margin) & (index <= last - margin)).all())


# The rule for the lungs: air inside the body, in pieces of at least so many ml; the dome of the
# right diaphragm is the highest place of the lung's floor, away from the lung's rim, where the
# ribs and the heart raise it.
LUNG_HU = -500.0
LEAST_ML = 150.0
RIM_MM = 25.0
# The heart's bed beside the middle of the body is no dome.
MEDIAN_MM = 15.0
SMOOTH_MM = 6.0
LEAST_ABOVE_MM, LEAST_BELOW_MM = 10.0, 12.0
LARGEST_HOLE_MM2 = 400.0
# A floor as high as this is a shadow in a sick lung.
LEAST_BELOW_CARINA_MM = 40.0


def liver_dome(volume: Volume) -> Position | None:
    """Find the dome of the right diaphragm by the floor of the lung.

    Args:
        volume: CT in HU; slices along z.

    Returns:
        LPS mm; None where the scan does not show it with tissue below and lung above.
    """
    lungs, grid = _lungs(volume)
    if lungs is None:
        return None
    index = np.argwhere(lungs)
    x = grid.to_mm(index.astype(np.float64))[:, 0]
    right = np.zeros_like(lungs)
    right[tuple(index[x < np.median(x) - MEDIAN_MM].T)] = True
    return _dome(right, grid)


def _lungs(volume: Volume) -> tuple[NDArray[np.bool_] | None, Geometry]:
    """Find air inside the body, on about 4 mm; None where there are no lungs."""
    from scipy import ndimage

    from samdesk.evaluation.places import body_mask

    body, grid = body_mask(volume)
    steps = [
        max(1, round(b / a)) for a, b in zip(volume.geometry.spacing, grid.spacing, strict=True)
    ]
    array = volume.array[:: steps[0], :: steps[1], :: steps[2]]
    air = np.stack([ndimage.binary_erosion(part, iterations=2) for part in body])
    air &= array < LUNG_HU
    labels, count = ndimage.label(ndimage.binary_opening(air, iterations=1))
    if not count:
        return None, grid
    voxel_ml = abs(float(np.linalg.det(grid.affine[:3, :3]))) / 1000
    sizes = np.bincount(labels.ravel()) * voxel_ml
    sizes[0] = 0
    large = sizes >= LEAST_ML
    lungs: NDArray[np.bool_] = large[labels]
    return (lungs if lungs.any() else None), grid


def _dome(lung: NDArray[np.bool_], grid: Geometry) -> Position | None:
    """Find the highest place of the floor of a lung, away from its rim."""
    from scipy import ndimage

    up = 1.0 if grid.affine[2, 0] > 0 else -1.0
    stack = lung if up > 0 else lung[::-1]
    columns = stack.sum(axis=0) * grid.spacing[0] >= LEAST_ABOVE_MM
    hole_mm2 = (ndimage.binary_fill_holes(columns) & ~columns).sum() * np.prod(grid.spacing[1:])
    if hole_mm2 > LARGEST_HOLE_MM2:
        return None  # the dome rises through the top of the scan
    depth = ndimage.distance_transform_edt(columns, grid.spacing[1:])
    floor = stack.argmax(axis=0).astype(np.float64)
    has_floor = columns & (floor > 0)
    sigma = [SMOOTH_MM / spacing for spacing in grid.spacing[1:]]
    weight = ndimage.gaussian_filter(has_floor.astype(np.float64), sigma)
    smooth = ndimage.gaussian_filter(np.where(has_floor, floor, 0.0), sigma) / (weight + 1e-9)
    inner = has_floor & (depth >= RIM_MM)
    if not inner.any():
        return None
    j, i = np.unravel_index(np.where(inner, smooth, -1.0).argmax(), inner.shape)
    k = smooth[j, i]
    above, below = (stack.shape[0] - 1 - k) * grid.spacing[0], k * grid.spacing[0]
    if above < LEAST_ABOVE_MM or below < LEAST_BELOW_MM:
        return None
    k = k if up > 0 else stack.shape[0] - 1 - k
    return _position(grid.to_mm(np.array([[k, float(j), float(i)]]))[0])


def _position(mm: NDArray[np.float64]) -> Position:
    return (float(mm[0]), float(mm[1]), float(mm[2]))
