"""From a volume in any orientation to the picture and mask that an intensity registration sees."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from samdesk.core.geometry import Geometry
from samdesk.core.volume import Unit, Volume
from samdesk.errors import SamdeskError

AIR_HU = -1000.0
# Beyond this, metal and contrast would take most of the histogram's bins.
DENSEST_HU = 1000.0
BODY_HU = -500.0
BLUR_SHARE = 0.4
# Fewer voxels than this along an axis leave nothing for a gradient.
THINNEST = 4


def toolkit() -> Any:
    """Give SimpleITK, imported when it is first needed; it ships no types worth checking."""
    import SimpleITK

    return SimpleITK


def working_image(volume: Volume, spacing_mm: float) -> Any:
    """Resample a volume to an isotropic grid along the patient's axes.

    Args:
        volume: in any orientation, oblique, left-handed or sheared.
        spacing_mm: edge of the voxels, at least that of the volume to be worth the time.

    Returns:
        A SimpleITK float32 image whose physical points are LPS mm; air outside the scan.

    Raises:
        SamdeskError: fewer than four voxels along an axis.
    """
    sitk = toolkit()

    affine = volume.geometry.affine[:, [2, 1, 0, 3]]  # columns for (i, j, k), as SimpleITK counts
    image = sitk.GetImageFromArray(np.ascontiguousarray(volume.array, dtype=np.float32))
    air = AIR_HU if volume.unit is Unit.HU else float(volume.array.min())
    for axis, spacing in enumerate(volume.geometry.spacing[::-1]):
        sigma = BLUR_SHARE * spacing_mm / spacing
        if spacing < spacing_mm * 0.999 and image.GetSize()[axis] >= THINNEST:
            image = sitk.RecursiveGaussian(image, sigma, direction=axis)
    to_index = np.linalg.inv(affine)
    transform = sitk.AffineTransform(to_index[:3, :3].ravel().tolist(), to_index[:3, 3].tolist())
    grid = _aligned_grid(volume.geometry, spacing_mm)
    if min(grid.shape) < THINNEST:
        raise SamdeskError(
            f"A grid of {grid.shape} voxels at {spacing_mm:g} mm is too thin to register.",
            hint="Registration needs a volume of several slices.",
        )
    origin = grid.affine[:3, 3].tolist()
    out = sitk.Resample(
        image, grid.shape[::-1], transform, sitk.sitkLinear, origin, (spacing_mm,) * 3,
        np.eye(3).ravel().tolist(), air, sitk.sitkFloat32,
    )  # fmt: skip
    return sitk.Clamp(out, sitk.sitkFloat32, AIR_HU, DENSEST_HU) if _is_hu(volume) else out


def body_mask(image: Any, is_hu: bool) -> Any:
    """Find the patient in a working image: the largest dense part, holes filled slice by slice.

    Lungs are holes of a slice; the table stays outside unless it touches.

    Args:
        image: of `working_image`.
        is_hu: whether its values are HU; else the threshold is Otsu's.

    Returns:
        A SimpleITK uint8 image, 1 in the body and a margin of one voxel.
    """
    sitk = toolkit()
    from scipy import ndimage

    values = sitk.GetArrayFromImage(image)
    dense = values > (BODY_HU if is_hu else _otsu(image))
    labels, count = ndimage.label(ndimage.binary_opening(dense, iterations=1))
    body = dense
    if count:
        sizes = np.bincount(labels.ravel())
        sizes[0] = 0
        body = labels == sizes.argmax()
    body = np.stack([ndimage.binary_fill_holes(part) for part in body])
    body = ndimage.binary_dilation(body, iterations=1)
    mask = sitk.GetImageFromArray(body.astype(np.uint8))
    mask.CopyInformation(image)
    return mask


def mask_center_mm(mask: Any) -> NDArray[np.float64]:
    """Give the middle of a mask's voxels, (3,) LPS mm; of the whole grid when it is empty."""
    sitk = toolkit()

    index = np.argwhere(sitk.GetArrayViewFromImage(mask))
    middle = index.mean(axis=0) if len(index) else (np.array(mask.GetSize()[::-1]) - 1) / 2
    point = mask.TransformContinuousIndexToPhysicalPoint([float(v) for v in middle[::-1]])
    return np.array(point, dtype=np.float64)


def shrunk(image: Any, factor: int) -> Any:
    """Blur and subsample an image for a coarser level."""
    sitk = toolkit()

    if factor == 1:
        return image
    smooth = sitk.SmoothingRecursiveGaussian(image, 0.5 * factor * image.GetSpacing()[0])
    factors = [min(factor, max(1, n // THINNEST)) for n in image.GetSize()]
    return sitk.Shrink(smooth, factors)


def is_hu(*volumes: Volume) -> bool:
    """Tell whether the values of all volumes are HU."""
    return all(_is_hu(volume) for volume in volumes)


def _is_hu(volume: Volume) -> bool:
    return volume.unit is Unit.HU


def _otsu(image: Any) -> float:
    sitk = toolkit()

    chosen = sitk.OtsuThresholdImageFilter()
    chosen.Execute(image)
    return float(chosen.GetThreshold())


def _aligned_grid(geometry: Geometry, spacing_mm: float) -> Geometry:
    corners = geometry.corners_mm
    low, high = corners.min(axis=0), corners.max(axis=0)
    k, j, i = (int(n) for n in (np.floor((high - low) / spacing_mm + 1e-6) + 1)[::-1])
    return Geometry.aligned((k, j, i), (spacing_mm,) * 3, low)
