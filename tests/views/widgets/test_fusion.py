"""Two scans in one picture: what each way of drawing shows where they agree and where not."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PySide6.QtGui import QImage

from samdesk.core.geometry import Geometry
from samdesk.core.plane import Plane, View
from samdesk.core.volume import Volume
from samdesk.core.window import Window
from samdesk.views.widgets.fusion import Fusion, FusionMode, tiles
from samdesk.views.widgets.shown import ShownVolume

WINDOW = Window(50, 100)  # 0 black, 100 white
GEOMETRY = Geometry.aligned((3, 20, 30), (5.0, 2.0, 2.0))


def shown() -> ShownVolume:
    """The left half is white, the right half black."""
    array = np.zeros(GEOMETRY.shape, np.int16)
    array[:, :, :15] = 100
    return ShownVolume(Volume(array, GEOMETRY))


def plane_of(scan: ShownVolume) -> Plane:
    return scan.plane(View.AXIAL, scan.center_mm)


def pixels(image: QImage) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    image = image.convertToFormat(QImage.Format.Format_RGB888)
    rows, columns, step = image.height(), image.width(), image.bytesPerLine()
    flat = np.frombuffer(image.constBits(), np.uint8).reshape(rows, step)
    return flat[:, : 3 * columns].reshape(rows, columns, 3)


def drawn(
    mode: FusionMode, share: float = 0.5, *, window: Window | None = None
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """The other scan: the upper half is white, the lower black, the last column is not there."""
    scan = shown()
    plane = plane_of(scan)
    other = np.zeros(plane.size, np.float32)
    other[:10] = 100
    other[:, -1] = np.nan
    fusion = Fusion(mode, share, "later", lambda _view, _plane: other, window)
    return pixels(fusion.picture(scan, plane, other, WINDOW, is_inverted=False))


def test_colors_are_gray_where_both_agree_and_blue_or_orange_where_one_is_alone() -> None:
    picture = drawn(FusionMode.COLORS)
    both, only_here, only_other, none = (
        picture[r, c] for r, c in ((2, 2), (15, 2), (2, 20), (15, 20))
    )
    assert_array_equal(both, [255, 255, 255])
    assert_array_equal(none, [0, 0, 0])
    assert only_here[2] > only_here[1] > only_here[0] == 0
    assert only_other[0] > only_other[1] > only_other[2] == 0


@pytest.mark.parametrize(("share", "lost"), [(0.0, "other"), (1.0, "here")])
def test_at_the_ends_of_the_slider_one_scan_is_gone(share: float, lost: str) -> None:
    picture = drawn(FusionMode.COLORS, share)
    gone = picture[2, 20] if lost == "other" else picture[15, 2]
    assert_array_equal(gone, [0, 0, 0])


def test_a_blend_is_between_the_two() -> None:
    picture = drawn(FusionMode.BLEND, 0.25)
    assert_allclose(picture[15, 2], 0.75 * 255, atol=1)
    assert_allclose(picture[2, 20], 0.25 * 255, atol=1)
    assert_array_equal(picture[2, 2], [255, 255, 255])


def test_a_checkerboard_shows_both_in_turn_and_the_share_makes_its_tiles_larger() -> None:
    scan = shown()
    small, large = (Fusion(FusionMode.CHECKERBOARD, s, "", lambda *_: None) for s in (0.0, 1.0))
    assert (small.tile_mm, large.tile_mm) == (6.0, 60.0)
    board = tiles(plane_of(scan), small.tile_mm)
    picture = drawn(FusionMode.CHECKERBOARD, 0.0)
    # Where this scan is white and the other black, a tile of the other one is black.
    assert_array_equal(picture[10:, :15, 0] == 0, board[10:, :15])
    # Tiles of 6 mm are three pixels of 2 mm.
    assert_array_equal(board[0, :7], [False, False, False, True, True, True, False])


@pytest.mark.parametrize("mode", [FusionMode.COLORS, FusionMode.BLEND, FusionMode.CHECKERBOARD])
def test_where_the_other_scan_does_not_reach_this_one_is_darker(mode: FusionMode) -> None:
    scan = shown()
    plane = plane_of(scan)
    nothing = np.full(plane.size, np.nan, np.float32)
    fusion = Fusion(mode, 0.5, "", lambda *_: nothing)
    picture = pixels(fusion.picture(scan, plane, nothing, WINDOW, is_inverted=False))
    assert_allclose(picture[5, 5], 255 / 2, atol=1)


def test_values_that_mean_something_else_get_black_and_white_of_their_own() -> None:
    picture = drawn(FusionMode.BLEND, 1.0, window=Window(100, 200))
    assert_allclose(picture[2, 2], 255 / 2, atol=1)
