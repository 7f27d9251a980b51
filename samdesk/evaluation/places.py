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
    dense = np.asarray(volume.array) > BONE_HU
    labels, _ = ndimage.label(dense)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    least = 2000.0 / abs(np.linalg.det(volume.geometry.affine[:3, :3]))
    index = np.argwhere((sizes >= least)[labels])
    inside = np.clip(np.rint(grid.to_index(volume.geometry.to_mm(index))).astype(int), 0, None)
    inside = np.minimum(inside, np.array(mask.shape) - 1)
    return _jittered(index[mask[tuple(inside.T)]], volume.geometry, n, rng)


def _jittered(
    index: NDArray[np.intp], grid: Geometry, n: int, rng: np.random.Generator
) -> Points:
    if len(index) == 0:
        return np.empty((0, 3))
    chosen = index[rng.integers(len(index), size=n)].astype(np.float64)
    return grid.to_mm(chosen + rng.uniform(-0.5, 0.5, chosen.shape))
