"""A radiograph as a network sees it: one size, one range of grey, bright bone.

Training and use call the same functions. A radiograph has no unit: its first and last percentile
are put in fixed places, and monotone changes of grey are what the network learned to bear.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samdesk.core.models import ModelInfo
from samdesk.core.radiograph import Radiograph

Array = NDArray[np.float32]
# (n, 2) of (x, y) in pixels; 0, 0 is the centre of the first pixel
Places = NDArray[np.float64]

DARK, BRIGHT = -800.0, 800.0
DARKEST, BRIGHTEST = -1000.0, 1000.0
PERCENTILES = (1.0, 99.0)
# One channel; the network makes its second, the local contrast, itself.
WINDOWS = ((DARKEST, BRIGHTEST, 0.0, 500.0),)
# So many pixels are enough for a percentile.
SAMPLE = 200_000


@dataclass(frozen=True)
class Frame:
    """How a picture lies in the network's input.

    Attributes:
        shape: (rows, columns) of the picture in its own pixels.
        scale: input pixels a pixel of the picture.
        size: (rows, columns) of the resampled picture, without padding.
    """

    shape: tuple[int, int]
    scale: float
    size: tuple[int, int]

    @classmethod
    def of(cls, shape: tuple[int, int], long_side_px: int) -> "Frame":
        """Plan the resampling of a picture of this shape."""
        scale = long_side_px / max(shape)
        rows, columns = (max(1, round(n * scale)) for n in shape)
        return cls(shape, scale, (rows, columns))

    def to_input(self, px: Places) -> Places:
        """Take places (n, 2) of the picture to the input's pixels; both count from a centre."""
        return np.asarray((px + 0.5) * self.scale - 0.5, np.float64)

    def to_picture(self, px: Places) -> Places:
        """Take places (n, 2) of the input to the picture's pixels."""
        return np.asarray((px + 0.5) / self.scale - 0.5, np.float64)


def levels(picture: Radiograph) -> Array:
    """Give the (j, i) grey values in fixed numbers: the percentiles at -800 and 800, bone bright.

    A picture whose stored values mean dark for bright (MONOCHROME1) is turned over first.
    """
    array = picture.array
    step = max(1, round((array.size / SAMPLE) ** 0.5))
    sample = array[::step, ::step].astype(np.float64)
    low, high = (float(v) for v in np.percentile(sample, PERCENTILES))
    if picture.is_inverted:
        low, high = high, low
    spread = high - low
    if spread == 0.0:
        spread = 1.0
    out = array.astype(np.float32)
    out -= np.float32((low + high) / 2)
    out *= np.float32((BRIGHT - DARK) / spread)
    return np.clip(out, DARKEST, BRIGHTEST, out=out)


def resampled(values: Array, frame: Frame) -> Array:
    """Bring (j, i) values to the frame's size: means of whole blocks, the rest between pixels."""
    from scipy import ndimage

    # Blocks of pixels that are averaged exactly; the rest of the reduction is below two.
    block = max(1, int(1 / frame.scale))
    rows, columns = (n // block for n in values.shape)
    if block > 1:
        whole = values[: rows * block, : columns * block]
        values = whole.reshape(rows, block, columns, block).mean(axis=(1, 3), dtype=np.float32)
    scale = frame.scale * block
    if scale < 1.0:
        values = ndimage.gaussian_filter(values, 0.35 * (1 / scale**2 - 1) ** 0.5, mode="nearest")
    # of the frame's pixel centres, in blocks whose first centre is (block - 1) / 2
    at = [((np.arange(n) + 0.5) / frame.scale - 0.5 - (block - 1) / 2) / block for n in frame.size]
    return _between(_between(values, at[0], 0), at[1], 1)


def _between(values: Array, at: NDArray[np.float64], axis: int) -> Array:
    """Interpolate linearly along one axis at fractional indices."""
    last = values.shape[axis] - 1
    at = np.clip(at, 0.0, last)
    low = np.minimum(np.floor(at).astype(np.intp), max(0, last - 1))
    high = np.minimum(low + 1, last)
    part = (at - low).astype(np.float32)
    part = part[:, None] if axis == 0 else part[None, :]
    out: Array = values.take(low, axis) * (1 - part) + values.take(high, axis) * part
    return out


def network_input(picture: Radiograph, info: ModelInfo) -> tuple[Array, Frame]:
    """Make the network's input (1, c, j, i), padded at the end to whole cells, and its frame."""
    frame = Frame.of((picture.array.shape[0], picture.array.shape[1]), info.long_side_px)
    values = resampled(levels(picture), frame)
    step = info.multiple_of
    padded = np.full([-(-n // step) * step for n in frame.size], info.air_hu, np.float32)
    padded[: frame.size[0], : frame.size[1]] = values
    channels = [(np.clip(padded, a, b) - c) / d for a, b, c, d in info.windows]
    return np.stack(channels)[None].astype(np.float32), frame
