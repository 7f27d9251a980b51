"""Values of a volume on a plane, or at single places."""

import numpy as np
from numpy.typing import NDArray

from samdesk.core.geometry import Geometry, Points
from samdesk.core.plane import Plane
from samdesk.core.volume import Unit, Volume

AIR_HU = -1024.0
NEAREST, LINEAR = 0, 1

# Indices this close to a voxel's center count as on it, so that a plane on the voxels is a copy.
# At a step of 3,000 between two voxels this is an error of 0.3.
ON_VOXEL = 1e-4

Values = NDArray[np.float32] | NDArray[np.int16]


def empty_value(volume: Volume) -> float:
    """Value that stands for "outside the scan": air, or the least that there is."""
    return AIR_HU if volume.unit is Unit.HU else 0.0


def reslice(volume: Volume, plane: Plane, *, order: int = LINEAR) -> Values:
    """Give the values of a volume on a plane.

    Args:
        volume: in any orientation, oblique, left-handed or sheared.
        plane: any plane; one on the voxels is copied without arithmetic.
        order: LINEAR between voxel centers, or NEAREST.

    Returns:
        (rows, columns) of `plane`; in the type of the volume where voxels are copied, else
        float32. A place outside the scan has `empty_value`; a voxel reaches half a spacing
        beyond its center.
    """
    to_index = np.linalg.inv(volume.geometry.affine)
    start = to_index[:3, :3] @ plane.origin_mm + to_index[:3, 3]
    steps = to_index[:3, :3] @ plane.steps_mm
    copied = _copied(volume, plane, start, steps)
    if copied is not None:
        return copied
    return _interpolated(volume, plane, start, steps, order)


def values_at(volume: Volume, mm: Points, *, order: int = NEAREST) -> NDArray[np.float64]:
    """Give the values of a volume at places.

    Args:
        volume: any volume.
        mm: (n, 3) LPS mm.
        order: NEAREST (what a voxel says) or LINEAR.

    Returns:
        (n,) float64; NaN outside the scan.
    """
    index = volume.geometry.to_index(mm)
    if order == NEAREST:
        # Without scipy, because the pointer asks this in the window before anything else does.
        last = np.array(volume.geometry.shape) - 1
        k, j, i = np.clip(np.rint(index), 0, last).astype(np.int64).T
        values: NDArray[np.float64] = volume.array[k, j, i].astype(np.float64)
    else:
        from scipy import ndimage

        values = ndimage.map_coordinates(
            volume.array, index.T, order=order, mode="nearest", output=np.float64
        )
    values[~_inside(index, volume.geometry)] = np.nan
    return values


def _copied(
    volume: Volume, plane: Plane, start: NDArray[np.float64], steps: NDArray[np.float64]
) -> Values | None:
    """Copy voxels where each pixel of the plane is one; None where it is not so."""
    whole = np.rint(steps)
    drift = np.abs(steps - whole).max(axis=0) * np.maximum(np.array(plane.size) - 1, 1)
    off_voxel = np.abs(start - np.rint(start)).max() + drift.max()
    if off_voxel > ON_VOXEL or not (np.abs(whole).sum(axis=0) == 1).all():
        return None
    row_axis, column_axis = (int(np.abs(whole[:, n]).argmax()) for n in (0, 1))
    out = np.full(plane.size, empty_value(volume), dtype=volume.array.dtype)
    first = np.rint(start).astype(int)
    (across,) = {0, 1, 2} - {row_axis, column_axis}
    if not 0 <= first[across] < volume.array.shape[across]:
        return out
    stack: NDArray[np.generic] = volume.array.transpose(across, row_axis, column_axis)
    n_rows, n_columns = (volume.array.shape[axis] for axis in (row_axis, column_axis))
    rows = _overlap(int(first[row_axis]), int(whole[row_axis, 0]), plane.size[0], n_rows)
    columns = _overlap(
        int(first[column_axis]), int(whole[column_axis, 1]), plane.size[1], n_columns
    )
    out[rows[0], columns[0]] = stack[int(first[across]), rows[1], columns[1]]
    return out


def _overlap(first: int, step: int, wanted: int, there: int) -> tuple[slice, slice]:
    """Give the part of a row of pixels that lies on voxels, and those voxels, as slices."""
    reach = np.arange(wanted) * step + first
    (hit,) = np.nonzero((reach >= 0) & (reach < there))
    if hit.size == 0:
        return slice(0, 0), slice(0, 0)
    low, high = int(reach[hit[0]]), int(reach[hit[-1]])
    voxels = slice(low, high + 1) if step > 0 else slice(low, high - 1 if high else None, -1)
    return slice(int(hit[0]), int(hit[-1]) + 1), voxels


def _interpolated(
    volume: Volume,
    plane: Plane,
    start: NDArray[np.float64],
    steps: NDArray[np.float64],
    order: int,
) -> NDArray[np.float32]:
    from scipy import ndimage

    # The output is a stack of one picture, so its own first axis moves nowhere.
    matrix = np.column_stack((np.zeros(3), steps))
    shape = (1, *plane.size)
    # "nearest" carries the outermost voxels half a spacing outwards; beyond it is cut off below.
    values: NDArray[np.float32] = ndimage.affine_transform(
        volume.array, matrix, start, output_shape=shape, order=order, mode="nearest",
        output=np.float32,
    )[0]  # fmt: skip
    _cut(values, plane, start, steps, volume)
    return values


def _cut(
    values: NDArray[np.float32],
    plane: Plane,
    start: NDArray[np.float64],
    steps: NDArray[np.float64],
    volume: Volume,
) -> None:
    """Put `empty_value` where the plane leaves the scan; in place."""
    rows, columns = np.arange(plane.size[0])[:, None], np.arange(plane.size[1])[None]
    for axis, n in enumerate(volume.geometry.shape):
        index = start[axis] + rows * steps[axis, 0] + columns * steps[axis, 1]
        values[(index < -0.5) | (index > n - 0.5)] = empty_value(volume)


def _inside(index: Points, geometry: Geometry) -> NDArray[np.bool_]:
    within = (index >= -0.5) & (index <= np.array(geometry.shape) - 0.5)
    inside: NDArray[np.bool_] = np.all(within, axis=1)
    return inside
