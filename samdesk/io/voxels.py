"""Stored numbers turned into the voxels of a volume: finite, native order, int16 or float32."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samdesk.core.reading_notes import Notice
from samdesk.core.volume import Modality, Unit
from samdesk.errors import ReadError

Voxels = NDArray[np.int16] | NDArray[np.float32]
Stored = NDArray[np.generic]

_INT16 = np.iinfo(np.int16)
# Samples that decide whether values are Hounsfield units.
_SAMPLES = 200_000
# Bytes of voxels that are looked at for it before a series is opened.
GLANCE_BYTES = 1024 * 1024
# Slices are worked on in blocks of about this many voxels, so that no second copy is whole.
_BLOCK = 4 * 1024 * 1024


@dataclass(frozen=True)
class Rescale:
    """Numbers to multiply with and to add; 1 and 0 leave the stored numbers."""

    slope: float = 1.0
    intercept: float = 0.0

    @property
    def is_whole(self) -> bool:
        """Whether whole numbers stay whole."""
        return self.slope == int(self.slope) and self.intercept == int(self.intercept)


def settle(stored: Stored, rescale: Rescale, shown: str) -> tuple[Voxels, list[Notice]]:
    """Turn stored numbers into voxels, exact in int16 where they fit, else in float32.

    Args:
        stored: (k, j, i), integers or floats of any byte order; not changed.
        rescale: applied in double precision.
        shown: name of the file for sentences.

    Returns:
        The voxels and what was seen in them: non-finite, flat-image.

    Raises:
        ReadError: no voxel is finite.
    """
    if stored.dtype.kind in "iu" and rescale.is_whole:
        low = int(stored.min()) * int(rescale.slope) + int(rescale.intercept)
        high = int(stored.max()) * int(rescale.slope) + int(rescale.intercept)
        if _INT16.min <= min(low, high) and max(low, high) <= _INT16.max:
            return _whole(stored, rescale), _flat(low == high, low)
    return _fractional(stored, rescale, shown)


def _whole(stored: Stored, rescale: Rescale) -> NDArray[np.int16]:
    if rescale == Rescale():
        return stored.astype(np.int16, copy=False)
    slope, intercept = int(rescale.slope), int(rescale.intercept)
    voxels = np.empty(stored.shape, dtype=np.int16)
    for part in _blocks(stored):
        voxels[part] = stored[part].astype(np.int64) * slope + intercept
    return voxels


def _fractional(
    stored: Stored, rescale: Rescale, shown: str
) -> tuple[NDArray[np.float32], list[Notice]]:
    voxels = np.empty(stored.shape, dtype=np.float32)
    low, high, odd = np.inf, -np.inf, 0
    # A number too large for float32 becomes infinite and is counted with the others.
    with np.errstate(over="ignore", invalid="ignore"):
        for part in _blocks(stored):
            block = stored[part].astype(np.float64)
            if rescale != Rescale():
                block = block * rescale.slope + rescale.intercept
            small = block.astype(np.float32)
            voxels[part] = small
            good = small[np.isfinite(small)]
            odd += small.size - good.size
            if good.size:
                low, high = min(low, float(good.min())), max(high, float(good.max()))
    if odd == voxels.size:
        raise ReadError(
            f"None of the voxels of {shown} is a finite number.",
            code="no-finite-voxels",
            hint="Export the image again from where it came.",
        )
    notices = _flat(low == high, low)
    if odd:
        voxels[~np.isfinite(voxels)] = low
        notices.append(
            Notice(
                "non-finite",
                f"{odd} voxels are no finite numbers (NaN or infinite); they are shown as the "
                f"lowest value, {low:g}.",
                odd,
            )
        )
    return voxels, notices


def meaning(voxels: Voxels) -> tuple[Modality, Unit]:
    """Judge by the values of a volume without a modality whether they are CT in HU.

    They are where something is as thin as air (below -500) and almost everything that is below
    -300 and no padding (the lowest value) lies above -1100: no MR, PET or phase image is so.

    Args:
        voxels: (k, j, i), all of a volume or its first slices.
    """
    step = max(1, voxels.size // _SAMPLES)
    sample = voxels.reshape(-1)[::step]
    low, high = float(sample.min()), float(sample.max())
    thin = sample[sample < -300]
    if low > -500 or high < 30 or thin.size < 0.001 * sample.size:
        return Modality.OTHER, Unit.NONE
    inner = thin[thin > low] if low < -1100 else thin
    if inner.size and np.count_nonzero(inner >= -1100) >= 0.8 * inner.size:
        return Modality.CT, Unit.HU
    return Modality.OTHER, Unit.NONE


def glance(raw: bytes, dtype: np.dtype[np.generic], rescale: Rescale) -> Modality:
    """Judge by the first bytes of the voxels whether a file is CT; reading judges by all of them.

    Args:
        raw: unpacked voxels; a part of a number at the end is left out.
        dtype: of a stored number.
        rescale: applied before judging.
    """
    count = len(raw) // dtype.itemsize
    if not count:
        return Modality.OTHER
    with np.errstate(over="ignore", invalid="ignore"):
        stored = np.frombuffer(raw, dtype=dtype, count=count).astype(np.float64)
        values: NDArray[np.float32] = (stored * rescale.slope + rescale.intercept).astype(
            np.float32
        )
    values = values[np.isfinite(values)]
    return meaning(values)[0] if values.size else Modality.OTHER


def luminance(stored: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Turn color (..., 3 or 4) into brightness by the weights of ITU-R BT.601; alpha is ignored."""
    weights = np.array([0.299, 0.587, 0.114])
    brightness: NDArray[np.uint8] = np.rint(stored[..., :3] @ weights).astype(np.uint8)
    return brightness


def _flat(is_flat: bool, value: float) -> list[Notice]:
    if not is_flat:
        return []
    return [Notice("flat-image", f"Every voxel has the same value, {value:g}.", value)]


def _blocks(stored: Stored) -> list[slice]:
    """Cut the first axis so that a block in double precision stays small."""
    each = max(1, _BLOCK // max(1, stored[0].size))
    return [slice(at, at + each) for at in range(0, stored.shape[0], each)]
