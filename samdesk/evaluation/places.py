"""Where in a volume the patient is, and places drawn there with a fixed seed."""

import numpy as np
from numpy.typing import NDArray

from samdesk.core.geometry import Geometry, Points
from samdesk.core.volume import Volume

BODY_HU = -400.0
BONE_HU = 300.0
# Coarser than any detail and fine enough for a mask of the body.
MASK_MM = 4.0


def body_mask(volume: Volume) -> tuple[NDArray[np.bool_], Geometry]:
    """Find the patient: the largest dense part, holes filled slice by slice.

    Returns:
        (k, j, i) mask and its grid; every n-th voxel of the volume, about 4 mm apart.
    """
    from scipy import ndimage

    steps = [max(1, round(MASK_MM / spacing)) for spacing in volume.geometry.spacing]
    array = volume.array[:: steps[0], :: steps[1], :: steps[2]]
    affine = volume.geometry.affine.copy()
    affine[:3, :3] *= steps
    dense = ndimage.binary_opening(array > BODY_HU, iterations=1)
    labels, count = ndimage.label(dense)
    if count:
        sizes = np.bincount(labels.ravel())
        sizes[0] = 0
        dense = labels == sizes.argmax()
    k, j, i = dense.shape
    filled = np.stack([ndimage.binary_fill_holes(part) for part in dense])
    return filled, Geometry((k, j, i), affine)


def draw_in_body(
    volume: Volume, n: int, rng: np.random.Generator, *, inset_mm: float = 8.0
) -> Points:
    """Draw places inside the patient, away from the skin.

    Args:
        volume: CT in HU.
        n: how many.
        rng: the only source of chance.
        inset_mm: least distance to the skin within a slice.

    Returns:
        (n, 3) LPS mm, anywhere within voxels; fewer than n only where there is no body at all.
    """
    from scipy import ndimage

    mask, grid = body_mask(volume)
    spacing = grid.spacing
    depth = np.stack([ndimage.distance_transform_edt(part, spacing[1:]) for part in mask])
    index = np.argwhere(depth >= inset_mm)
    return _jittered(index, grid, n, rng)


def draw_in_bone(volume: Volume, n: int, rng: np.random.Generator) -> Points:
    """Draw places in bone: above 300 HU, in pieces larger than contrast in a vessel leaves.

    Returns:
        (n, 3) LPS mm.
    """
    from scipy import ndimage

    mask, grid = body_mask(volume)
    dense = np.asarray(volume.array, np.float32) > BONE_HU
    labels, _ = ndimage.label(dense)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    least = 2000.0 / abs(np.linalg.det(volume.geometry.affine[:3, :3]))
    index = np.argwhere((sizes >= least)[labels])
    inside = np.clip(
        np.rint(grid.to_index(volume.geometry.to_mm(index.astype(np.float64)))).astype(int), 0, None
    )
    inside = np.minimum(inside, np.array(mask.shape) - 1)
    return _jittered(index[mask[tuple(inside.T)]], volume.geometry, n, rng)


def _jittered(index: NDArray[np.intp], grid: Geometry, n: int, rng: np.random.Generator) -> Points:
    if len(index) == 0:
        return np.empty((0, 3))
    chosen = index[rng.integers(len(index), size=n)].astype(np.float64)
    return grid.to_mm(chosen + rng.uniform(-0.5, 0.5, chosen.shape))


def cropped(volume: Volume, first: int, last: int) -> Volume:
    """Keep the slices `first` to `last` (inclusive) of a volume, where they lie."""
    array = volume.array[first : last + 1]
    affine = volume.geometry.affine.copy()
    affine[:3, 3] = volume.geometry.to_mm(np.array([[first, 0.0, 0.0]]))[0]
    k, j, i = array.shape
    return Volume(array, Geometry((k, j, i), affine), volume.modality, volume.unit)


def mirrored(volume: Volume) -> Volume:
    """Swap left and right of the picture on the same grid, as a wrong header would."""
    axis = int(np.abs(volume.geometry.affine[0, :3]).argmax())
    flipped = volume.array[
        tuple(slice(None, None, -1 if n == axis else 1) for n in range(3))
    ].copy()
    return Volume(flipped, volume.geometry, volume.modality, volume.unit)


def resampled(volume: Volume, spacing: tuple[float, float, float], shift_mm: float) -> Volume:
    """Give the same volume on another grid, moved by a part of a voxel, at the same places.

    Args:
        volume: along the patient's axes.
        spacing: mm along (k, j, i) of the new grid.
        shift_mm: how far inside the old one the new grid begins, along each axis.
    """
    from scipy import ndimage

    corners = volume.geometry.corners_mm
    low, high = corners.min(axis=0) + shift_mm, corners.max(axis=0)
    k, j, i = (int(n) for n in np.floor((high - low)[::-1] / spacing) + 1)
    grid = Geometry.aligned((k, j, i), spacing, low)
    matrix = np.linalg.inv(volume.geometry.affine) @ grid.affine
    array = ndimage.affine_transform(
        np.asarray(volume.array, np.float32), matrix[:3, :3], matrix[:3, 3],
        output_shape=grid.shape, order=1, mode="nearest",
    )  # fmt: skip
    return Volume(np.rint(array).astype(np.int16), grid, volume.modality, volume.unit)
