"""The heat map: a similarity map in color over the image, clear where it says nothing."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from samdesk.core.match import SimilarityMap
from samdesk.core.plane import Plane
from samdesk.core.reslice import reslice
from samdesk.core.volume import Modality, Unit, Volume

# Eleven stops of viridis (van der Walt and Smith, public domain), evenly spaced.
STOPS = (
    (68, 1, 84), (72, 36, 117), (65, 68, 135), (53, 95, 141), (42, 120, 142), (33, 145, 140),
    (34, 168, 132), (68, 191, 112), (122, 209, 81), (189, 223, 38), (253, 231, 37),
)  # fmt: skip
# Share of the way from the map's usual value to its peak below which nothing is drawn.
CLEAR_SHARE = 0.45
LEAST_ALPHA, MOST_ALPHA = 0.12, 0.7
# The cells of a map are millimeters wide: more pixels show nothing more.
MOST_PIXELS = 220


class HeatMap:
    """A similarity map, ready to be drawn on any plane."""

    def __init__(self, similarity: SimilarityMap) -> None:
        """Look at the map once.

        Args:
            similarity: of one descriptor to every place.
        """
        array = similarity.array.astype(np.float32)
        self._volume = Volume(array, similarity.geometry, Modality.OTHER, Unit.NONE)
        finite = array[np.isfinite(array)]
        self.peak = float(finite.max()) if finite.size else 0.0
        usual = float(np.median(finite)) if finite.size else 0.0
        self.limit = usual + CLEAR_SHARE * (self.peak - usual)

    def picture(self, plane: Plane, opacity: float) -> QImage:
        """Draw the map on a plane.

        Args:
            plane: what the image shows; the picture covers the same rectangle.
            opacity: 0 to 1, of the whole map.
        """
        coarse = coarser(plane)
        values = reslice(self._volume, coarse).astype(np.float32)
        share = np.clip((values - self.limit) / max(self.peak - self.limit, 1e-6), 0, 1)
        alpha = np.where(share > 0, LEAST_ALPHA + (MOST_ALPHA - LEAST_ALPHA) * share, 0) * opacity
        colors = color(share)
        rgba = np.empty((*share.shape, 4), np.uint8)
        rgba[..., :3] = colors
        rgba[..., 3] = np.rint(np.clip(alpha, 0, 1) * 255)
        rows, columns = share.shape
        image = QImage(rgba.tobytes(), columns, rows, 4 * columns, QImage.Format.Format_RGBA8888)
        return image.copy()  # the bytes above go out of scope


def color(share: NDArray[np.float32]) -> NDArray[np.float64]:
    """Give viridis for shares of 0 to 1; adds an axis of three at the end, 0 to 255."""
    at = np.linspace(0, 1, len(STOPS))
    channels = [np.interp(share, at, [stop[n] for stop in STOPS]) for n in range(3)]
    return np.rint(np.stack(channels, axis=-1))


def coarser(plane: Plane) -> Plane:
    """Give the same rectangle with at most MOST_PIXELS pixels a side."""
    rows, columns = plane.size
    size = (min(rows, MOST_PIXELS), min(columns, MOST_PIXELS))
    pixel_mm = (plane.pixel_mm[0] * rows / size[0], plane.pixel_mm[1] * columns / size[1])
    # Rectangles reach half a pixel beyond the centers of their outermost pixels.
    first = np.array([[(rows / size[0] - 1) / 2, (columns / size[1] - 1) / 2]])
    x, y, z = (float(value) for value in plane.to_mm(first)[0])
    return Plane((x, y, z), plane.right, plane.down, pixel_mm, size)
