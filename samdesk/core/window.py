"""Which values are black, which are white, and the customary choices."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samdesk.core.volume import Modality, Unit

# Outliers (a metal clip, a burnt-in word) must not make the rest gray.
DARKEST, BRIGHTEST = 1.0, 99.0
# Values looked at for percentiles; more change nothing that can be seen and cost time.
ENOUGH = 200_000


@dataclass(frozen=True)
class Window:
    """Center and width of the shown values.

    Attributes:
        center: the value drawn in middle gray.
        width: from black to white, above 0.

    Source:
        DICOM PS3.3 C.11.2.1.3.2 (LINEAR_EXACT).
    """

    center: float
    width: float

    def __post_init__(self) -> None:
        # Files ask for widths of 0 and for NaN; such a window still has to draw something.
        if not np.isfinite(self.center):
            object.__setattr__(self, "center", 0.0)
        if not np.isfinite(self.width) or self.width <= 0:
            object.__setattr__(self, "width", 1.0)

    @property
    def low(self) -> float:
        """The value at and below which all is black."""
        return self.center - self.width / 2

    @property
    def high(self) -> float:
        """The value at and above which all is white."""
        return self.center + self.width / 2

    def to_gray(
        self, values: NDArray[np.generic], *, is_inverted: bool = False
    ) -> NDArray[np.uint8]:
        """Turn values of any shape into gray, 0 black to 255 white.

        Args:
            values: numbers of any type.
            is_inverted: black and white change places (MONOCHROME1).
        """
        gray = values.astype(np.float32)
        gray -= np.float32(self.low)
        gray *= np.float32(255.0 / self.width)
        np.clip(gray, 0, 255, out=gray)
        np.rint(gray, out=gray)
        shades = gray.astype(np.uint8)
        return np.invert(shades) if is_inverted else shades

    def dragged(self, right: float, up: float, unit: float) -> "Window":
        """Make the window after a drag: to the right is wider, upwards is brighter.

        Args:
            right: pixels to the right.
            up: pixels upwards.
            unit: values a pixel.
        """
        width = max(self.width + right * unit, unit)
        return Window(self.center - up * unit, width)


@dataclass(frozen=True)
class Preset:
    """A window with a name."""

    name: str
    window: Window


# Widths and centers as usual in reading rooms; the order is that of the keys 1 to 6.
CT_PRESETS = (
    Preset("Soft tissue", Window(40, 400)),
    Preset("Lung", Window(-600, 1500)),
    Preset("Bone", Window(400, 1800)),
    Preset("Brain", Window(40, 80)),
    Preset("Liver", Window(60, 160)),
    Preset("Mediastinum", Window(50, 350)),
)


def presets_for(modality: Modality, unit: Unit) -> tuple[Preset, ...]:
    """Give the presets that mean something for such values; only HU have a fixed scale."""
    return CT_PRESETS if modality is Modality.CT and unit is Unit.HU else ()


def percentile_window(array: NDArray[np.generic]) -> Window:
    """Make the window from the 1st to the 99th percentile of what is above the background.

    Args:
        array: values of any shape; the commonest least value counts as background.
    """
    flat = array.reshape(-1)
    sample = flat[:: max(1, flat.size // ENOUGH)].astype(np.float64)
    sample = sample[np.isfinite(sample)]
    if sample.size == 0:
        return Window(0.5, 1.0)
    inside = sample[sample > sample.min()]
    if inside.size == 0:
        return Window(float(sample[0]), 1.0)
    low, high = (float(value) for value in np.percentile(inside, (DARKEST, BRIGHTEST)))
    return Window((low + high) / 2, max(high - low, 1e-6))


def first_window(
    array: NDArray[np.generic],
    modality: Modality,
    unit: Unit,
    asked: tuple[float, float] | None = None,
) -> Window:
    """Choose the window that a scan is first shown with.

    Args:
        array: the values; looked at only where nothing else tells.
        modality: what made the picture.
        unit: what the values count.
        asked: (center, width) that the file asks for.
    """
    if asked is not None and asked[1] > 0:
        return Window(*asked)
    presets = presets_for(modality, unit)
    return presets[0].window if presets else percentile_window(array)
