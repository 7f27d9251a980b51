"""From a volume in any orientation to the grid that the network sees; used by training too.

The network always sees the patient's own axes: k to the head, j to the back, i to the left. A scan
that lies obliquely, mirrored or tilted is resampled onto that grid, so that a left kidney looks the
same however its file was stored.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from samdesk.core.geometry import Geometry
from samdesk.core.volume import Volume
from samdesk.model.intensities import HU, PERCENTILE, Scale

AIR_HU = -1000.0
# sam.md 1: without a blur of this part of the ratio, 1 mm edges of bone alias.
BLUR_SHARE = 0.4
# Part of a voxel that an index may be wrong by.
ROUNDING = 1e-6


def network_grid(geometry: Geometry, spacing_mm: float, multiple_of: int) -> Geometry:
    """Give the isotropic grid along the patient's axes that covers `geometry`.

    Padding goes to the far end of each axis, so that the first voxel stays where it is.
    """
    corners = geometry.corners_mm
    low, high = corners.min(axis=0), corners.max(axis=0)
    # The tolerance keeps a grid that already fits from growing by rounding.
    cells = np.floor((high - low) / spacing_mm + 1e-6).astype(int) + 1
    k, j, i = (int(-(-n // multiple_of) * multiple_of) for n in cells[::-1])
    return Geometry.aligned((k, j, i), (spacing_mm,) * 3, low)


def to_network_grid(
    volume: Volume, spacing_mm: float, multiple_of: int = 1, intensities: str = HU
) -> tuple[NDArray[np.float32], Geometry]:
    """Resample a volume, with an anti-alias filter, to the network's grid.

    Args:
        volume: in any orientation, oblique, left-handed or sheared.
        spacing_mm: edge of the isotropic voxels.
        multiple_of: each side is padded to a multiple of this with air.
        intensities: "hu" leaves the values as they are; "percentile" brings those of a scan
            without a unit to fixed numbers.

    Returns:
        (k, j, i) float32 in the volume's units or fixed numbers, air outside the scan, and its
        grid.
    """
    out, grid = _resampled(volume, spacing_mm, multiple_of)
    return (Scale.of(volume).fixed(out) if intensities == PERCENTILE else out), grid


def _resampled(
    volume: Volume, spacing_mm: float, multiple_of: int
) -> tuple[NDArray[np.float32], Geometry]:
    from scipy import ndimage

    grid = network_grid(volume.geometry, spacing_mm, multiple_of)
    array, affine = _blurred(volume, spacing_mm)
    # index of the source as a linear function of the index of the grid
    matrix = np.linalg.inv(affine) @ grid.affine
    air = AIR_HU if volume.unit.value == "HU" else float(array.min())
    linear, offset = matrix[:3, :3], matrix[:3, 3]
    if np.abs(linear - np.diag(np.diag(linear))).max() >= 1e-9:
        out = ndimage.affine_transform(
            array, linear, offset, output_shape=grid.shape, order=1, cval=air, output=np.float32
        )
        return out, grid
    scale = np.diag(linear)  # scipy's separable path is several times faster
    out = ndimage.affine_transform(
        array, scale, offset, output_shape=grid.shape, order=1, mode="nearest", output=np.float32
    )
    # scipy would take the outermost voxels of a scan stored from the other side for outside, by
    # rounding in the last digit; so what lies beyond is filled with air here.
    for axis, (n, size) in enumerate(zip(grid.shape, array.shape, strict=True)):
        at = offset[axis] + scale[axis] * np.arange(n)
        beyond = (at < -ROUNDING) | (at > size - 1 + ROUNDING)
        out[(slice(None),) * axis + (beyond,)] = air
    return out, grid


def channels(
    hu: NDArray[np.float32], windows: Sequence[tuple[float, float, float, float]]
) -> NDArray[np.float32]:
    """Make the network's input channels.

    Args:
        hu: (k, j, i).
        windows: (low, high, center, divisor) of each channel.

    Returns:
        (c, k, j, i) float32.
    """
    out = np.empty((len(windows), *hu.shape), np.float32)
    for channel, (low, high, center, divisor) in zip(out, windows, strict=True):
        np.clip(hu, low, high, out=channel)
        channel -= center
        channel /= divisor
    return out


def _blurred(volume: Volume, spacing_mm: float) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Bring axes that are finer than the target close to it, blurred; axes in grid order.

    Whole steps of averaging come first, because they are far cheaper than a wide Gaussian and
    leave less data to filter; the mean of n voxels lies at the middle of the n.
    """
    from scipy import ndimage

    array: NDArray[np.float32] = np.asarray(volume.array)
    affine = volume.geometry.affine.copy()
    spacing = np.array(volume.geometry.spacing)
    # Put the stored axes in the order (z, y, x) of the patient, so that the separable path works.
    order = _axes_in_patient_order(affine)
    array = array.transpose(order)
    affine[:, :3] = affine[:, list(order)]
    spacing = spacing[list(order)]
    for axis in range(3):
        n = min(int(spacing_mm / spacing[axis] + 1e-6), array.shape[axis])
        if n >= 2:
            whole = array.shape[axis] // n * n
            sliced = array[(slice(None),) * axis + (slice(whole),)]  # a view; a copy costs 0.3 s
            shape = [*sliced.shape[:axis], whole // n, n, *sliced.shape[axis + 1 :]]
            array = sliced.reshape(shape).mean(axis=axis + 1, dtype=np.float32)
            affine[:3, 3] += affine[:3, axis] * (n - 1) / 2
            affine[:3, axis] *= n
            spacing[axis] *= n
    array = np.asarray(array, dtype=np.float32)
    sigma = np.where(spacing < spacing_mm * 0.999, BLUR_SHARE * spacing_mm / spacing, 0.0)
    # A mean of n voxels already blurs by about 0.29 of its own width.
    sigma = np.where(sigma > 0, np.sqrt(np.maximum(sigma**2 - 0.29**2, 0.0)), 0.0)
    if (sigma > 0.2).any():
        array = ndimage.gaussian_filter(array, sigma, mode="nearest", truncate=3.0)
    return array, affine


def _axes_in_patient_order(affine: NDArray[np.float64]) -> tuple[int, int, int]:
    """Tell which stored axis runs most along z, y and x."""
    from scipy.optimize import linear_sum_assignment

    direction = np.abs(affine[:3, :3]) / np.linalg.norm(affine[:3, :3], axis=0)
    _, chosen = linear_sum_assignment(-direction[::-1])
    return int(chosen[0]), int(chosen[1]), int(chosen[2])
