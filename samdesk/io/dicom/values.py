"""From stored numbers to values: rescale slice by slice, padding to air, nothing invented."""

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from samdesk.io.dicom import tags
from samdesk.io.dicom.frames import Frame

Stored = NDArray[np.generic]

AIR_HU = -1024.0
# A padding value between these is a tissue as well; masking it would wipe out the patient.
LOWEST_HU, HIGHEST_HU = -1000.0, 3072.0
# A slope outside of these turns any stored number into nonsense.
SLOPE_BOUNDS = (1e-12, 1e12)
LARGEST_INTERCEPT = 1e12
# The standard says HU; the others are written by real scanners and mean nothing else.
HOUNSFIELD_WORDS = frozenset({"HU", "HOUNSFIELD", "HOUNSFIELD UNIT", "HOUNDSFIELD UNIT"})
INT16 = np.iinfo(np.int16)


@dataclass(frozen=True)
class Scaling:
    """How the stored numbers of one frame become values.

    Attributes:
        slope, intercept: value = stored x slope + intercept.
        is_valid: False where the file's numbers could not be used (1 and 0 are in their place).
        is_given: whether the file has a slope or an intercept at all.
        padding: stored (lowest, highest) that mean "outside the picture", or None.
    """

    slope: float = 1.0
    intercept: float = 0.0
    is_valid: bool = True
    is_given: bool = False
    padding: tuple[int, int] | None = None

    @property
    def is_whole(self) -> bool:
        """Whether whole stored numbers stay whole."""
        return self.slope == int(self.slope) and self.intercept == int(self.intercept)


def scaling_of(frame: Frame) -> Scaling:
    """Read the rescale and padding of a frame.

    Source:
        DICOM PS3.3 C.11.1.1.2 (rescale), C.7.5.1.1.2 (padding).
    """
    given = frame.has(tags.SLOPE) or frame.has(tags.INTERCEPT)
    slope = frame.number_of(tags.SLOPE) if frame.has(tags.SLOPE) else 1.0
    intercept = frame.number_of(tags.INTERCEPT) if frame.has(tags.INTERCEPT) else 0.0
    padding = _padding(frame)
    low, high = SLOPE_BOUNDS
    if (
        slope is None
        or intercept is None
        or not low <= abs(slope) <= high
        or abs(intercept) > LARGEST_INTERCEPT
    ):
        return Scaling(is_valid=False, is_given=given, padding=padding)
    return Scaling(slope, intercept, True, given, padding)


def _padding(frame: Frame) -> tuple[int, int] | None:
    """Give the stored numbers that are padding, in the pixels' own sign."""
    ends = [_in_cell(frame, frame.header.raw(tag)) for tag in (tags.PADDING, tags.PADDING_LIMIT)]
    low = ends[0]
    if low is None:
        return None
    high = low if ends[1] is None else ends[1]
    return min(low, high), max(low, high)


def _in_cell(frame: Frame, raw: bytes) -> int | None:
    """Read two bytes as the pixels' type: files write US for SS and the other way round."""
    if len(raw) < 2:
        return None
    order = "little" if frame.header.little else "big"
    signed = frame.header.unsigned(tags.SIGNED) == 1
    return int.from_bytes(raw[:2], order, signed=signed)  # type: ignore[arg-type]


def is_hounsfield(frame: Frame, scaling: Scaling) -> bool:
    """Whether values are HU: CT that says so, or that says nothing but gives an intercept."""
    if frame.header.ascii(tags.MODALITY) != "CT" or not scaling.is_valid:
        return False
    kind = frame.words(tags.RESCALE_TYPE).upper()
    return kind in HOUNSFIELD_WORDS or (not kind and frame.has(tags.INTERCEPT))


def to_values(
    stored: Stored, scaling: Scaling, *, is_hu: bool
) -> tuple[NDArray[np.float32] | NDArray[np.int16], int]:
    """Apply a frame's scaling.

    Args:
        stored: (j, i) numbers as decoded.
        scaling: of this frame.
        is_hu: values are HU, so padding becomes air.

    Returns:
        (j, i) values, int16 where that is exact, else float32; and how many were not finite and
        have been replaced by the lowest.
    """
    mask = None
    if scaling.padding is not None and stored.dtype.kind in "iu":
        low, high = scaling.padding
        whole = cast("NDArray[np.integer[Any]]", stored)
        mask = (whole >= low) & (whole <= high)
    if stored.dtype.kind in "iu" and scaling.is_whole:
        values: NDArray[np.float32] | NDArray[np.int16] = _whole(stored, scaling)
    else:
        wide = stored.astype(np.float64)
        values = (wide * scaling.slope + scaling.intercept).astype(np.float32)
    bad = 0
    if values.dtype.kind == "f":
        wrong = ~np.isfinite(values)
        bad = int(wrong.sum())
        if bad:
            rest = values[~wrong]
            values[wrong] = rest.min() if rest.size else 0.0
    if mask is not None and mask.any():
        values = _mask(values, mask, scaling, is_hu)
    return values, bad


def _whole(stored: Stored, scaling: Scaling) -> NDArray[np.float32] | NDArray[np.int16]:
    slope, intercept = int(scaling.slope), int(scaling.intercept)
    ends = [int(stored.min()) * slope + intercept, int(stored.max()) * slope + intercept]
    if INT16.min <= min(ends) and max(ends) <= INT16.max:
        if slope == 1 and stored.dtype == np.int16 and intercept == 0:
            return stored.astype(np.int16)
        if stored.dtype.itemsize <= 2 and slope == 1:
            # Wraps and comes back: the ends were just seen to fit.
            shift = np.array(intercept & 0xFFFF, dtype=np.uint16)
            return (stored.astype(np.uint16) + shift).view(np.int16)
        return (stored.astype(np.int64) * slope + intercept).astype(np.int16)
    return (stored.astype(np.float64) * slope + intercept).astype(np.float32)


def _mask(
    values: NDArray[np.float32] | NDArray[np.int16],
    mask: NDArray[np.bool_],
    scaling: Scaling,
    is_hu: bool,
) -> NDArray[np.float32] | NDArray[np.int16]:
    """Put air, or the lowest value that is left, where the file says "outside the picture"."""
    low, high = scaling.padding or (0, 0)
    ends = [low * scaling.slope + scaling.intercept, high * scaling.slope + scaling.intercept]
    if is_hu:
        if any(LOWEST_HU <= end <= HIGHEST_HU for end in ends):
            return values
        values[mask] = AIR_HU
    else:
        rest = values[~mask]
        values[mask] = rest.min() if rest.size else 0
    if values.dtype == np.float32 and scaling.is_whole:
        ends_now = float(values.min()), float(values.max())
        if INT16.min <= ends_now[0] and ends_now[1] <= INT16.max:
            return values.astype(np.int16)
    return values
