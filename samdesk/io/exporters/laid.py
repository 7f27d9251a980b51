"""Two volumes on one grid as a picture: each alone, and both in one."""

import io

import numpy as np
from numpy.typing import NDArray

from samdesk.core.volume import Unit, Volume

LOW_HU, HIGH_HU = -200.0, 300.0
PIXEL_MM = 1.5
GAP = 6
MOST_PIXELS = 360


def laid_picture(fixed: Volume, moved: Volume) -> bytes:
    """Draw the middle axial, coronal and sagittal slice of two volumes on one grid.

    Args:
        fixed: along any axes; each array axis is drawn as it is stored.
        moved: on the same grid.

    Returns:
        PNG: rows axial, coronal, sagittal; columns fixed, moved, both (fixed magenta, moved green).
    """
    rows = []
    for axis in range(3):
        at = fixed.array.shape[axis] // 2
        ours, theirs = (
            _panel(_gray(volume, axis, at), _spacing(volume, axis)) for volume in (fixed, moved)
        )
        both = np.stack([ours, theirs, ours], axis=-1)
        gap = np.full((len(ours), GAP, 3), 255, np.uint8)
        gray = [np.repeat(part[..., None], 3, axis=2) for part in (ours, theirs)]
        rows.append(np.concatenate([gray[0], gap, gray[1], gap, both], axis=1))
    width = max(row.shape[1] for row in rows)
    padded = [np.pad(row, ((0, GAP), (0, width - row.shape[1]), (0, 0)), constant_values=255)
              for row in rows]  # fmt: skip
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(np.concatenate(padded)).save(out, format="PNG", optimize=True)
    return out.getvalue()


def _gray(volume: Volume, axis: int, at: int) -> NDArray[np.float32]:
    picture = np.take(volume.array, at, axis=axis).astype(np.float32)
    low, high = (LOW_HU, HIGH_HU) if volume.unit is Unit.HU else np.percentile(picture, (1, 99))
    scale = 255 / max(float(high - low), 1e-6)
    gray: NDArray[np.float32] = np.clip((picture - low) * scale, 0, 255).astype(np.float32)
    # Slices run to the head: the upper end is drawn on top.
    is_up = axis > 0 and volume.geometry.affine[2, 0] > 0
    return gray[::-1] if is_up else gray


def _spacing(volume: Volume, axis: int) -> tuple[float, float]:
    sides = [length for n, length in enumerate(volume.geometry.spacing) if n != axis]
    return sides[0], sides[1]


def _panel(gray: NDArray[np.float32], spacing: tuple[float, float]) -> NDArray[np.uint8]:
    """Draw a slice with square pixels by its nearest voxels."""
    counts = [
        max(1, min(MOST_PIXELS, round(n * length / PIXEL_MM)))
        for n, length in zip(gray.shape, spacing, strict=True)
    ]
    rows, columns = (
        np.minimum((np.arange(count) + 0.5) * n / count, n - 1).astype(int)
        for count, n in zip(counts, gray.shape, strict=True)
    )
    panel: NDArray[np.uint8] = np.rint(gray[rows][:, columns]).astype(np.uint8)
    return panel
