"""One view: clicks are exact in mm, letters are those of the drawn vectors, nothing is covered."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.testing import assert_allclose
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from samdesk.core.geometry import Geometry, Position
from samdesk.core.match import SimilarityMap
from samdesk.core.plane import View
from samdesk.core.radiograph import Radiograph, Scale
from samdesk.core.volume import Modality, Unit, Volume
from samdesk.core.window import Window
from samdesk.views.marks import Kind, Mark
from samdesk.views.widgets import slice_paint
from samdesk.views.widgets.heat import HeatMap
from samdesk.views.widgets.shown import ShownRadiograph, ShownVolume, shown
from samdesk.views.widgets.slice_paint import Look
from samdesk.views.widgets.slice_view import SliceView

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
MIDDLE = Qt.MouseButton.MiddleButton
NO_KEYS = Qt.KeyboardModifier.NoModifier
CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
# The phantom's organ, and the one pixel of a landmark.
LANDMARK = (12.0, -6.0, 20.0)


def volume_of(affine: np.ndarray, shape: tuple[int, int, int] = (20, 40, 50)) -> Volume:
    """Soft tissue everywhere, and one bright ball of 6 mm at LANDMARK."""
    geometry = Geometry(shape, affine)
    index = np.indices(shape).reshape(3, -1).T.astype(float)
    distance = np.linalg.norm(geometry.to_mm(index) - LANDMARK, axis=1)
    values = np.where(distance < 6, 1000, 40).astype(np.int16)
    return Volume(values.reshape(shape), geometry)


def affine(
    spacing: tuple[float, float, float] = (3.0, 1.0, 1.0),
    *,
    degrees: float = 0.0,
    tilt: float = 0.0,
    flip: tuple[int, int, int] = (1, 1, 1),
    shape: tuple[int, int, int] = (20, 40, 50),
) -> np.ndarray:
    """A grid around LANDMARK: turned about z, with a tilted gantry, with axes turned over."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    t = np.tan(np.radians(tilt))
    axes = np.array([[0.0, -s, c], [0.0, c, s], [1.0, t, 0.0]])
    made = np.eye(4)
    made[:3, :3] = axes * np.array(spacing) * np.array(flip)
    made[:3, 3] = np.array(LANDMARK) - made[:3, :3] @ (np.array(shape) // 2)
    return made


GEOMETRIES = {
    "plain": affine(),
    "coarse": affine((5.0, 0.7, 0.7)),
    "oblique": affine(degrees=25),
    "tilted": affine(tilt=15),
    "left-handed": affine(flip=(1, 1, -1)),
    "feet first": affine(flip=(-1, 1, -1)),
    "all turned": affine(flip=(-1, -1, -1)),
}


@pytest.fixture
def make_view(qtbot: QtBot) -> Callable[..., SliceView]:
    """Show a volume in a view of 400 x 300."""

    def make(
        volume: Volume | Radiograph, view: View = View.AXIAL, size: tuple[int, int] = (400, 300)
    ) -> SliceView:
        widget = SliceView(view)
        qtbot.addWidget(widget)
        widget.resize(*size)
        made = shown(volume)
        widget.show_scan(made)
        widget.show_look(Look(made.first_window(None), title="2026-03-02"))
        widget.show_cursor(LANDMARK if isinstance(made, ShownVolume) else made.center_mm)
        widget.show()
        return widget

    return make


def picture(widget: SliceView) -> np.ndarray:
    """What is on the screen, (rows, columns, 3)."""
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    rows, columns = image.height(), image.width()
    data = np.frombuffer(image.constBits(), np.uint8).reshape(rows, image.bytesPerLine())
    return data[:, : columns * 3].reshape(rows, columns, 3).copy()


def n_colors(widget: SliceView) -> int:
    """How many colors are on the screen."""
    return len(np.unique(picture(widget).astype(int) @ (65536, 256, 1)))


def bare(widget: SliceView) -> SliceView:
    """The image alone."""
    widget.show_look(Look(widget.look.window, has_overlays=False))
    return widget


def wheel(widget: SliceView, delta: int, keys: Qt.KeyboardModifier = NO_KEYS) -> None:
    at = QPointF(200, 150)
    event = QWheelEvent(
        at, widget.mapToGlobal(at), QPoint(), QPoint(0, delta), Qt.MouseButton.NoButton, keys,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(widget, event)


@pytest.mark.parametrize("name", list(GEOMETRIES))
@pytest.mark.parametrize("view", list(View))
def test_a_click_on_a_landmark_gives_its_millimeters_in_every_plane(
    make_view: Callable[..., SliceView], name: str, view: View
) -> None:
    widget = bare(make_view(volume_of(GEOMETRIES[name]), view))
    bright = np.argwhere(picture(widget)[..., 0] > 200)
    row, column = bright.mean(axis=0)
    clicks: list[Position] = []
    widget.clicked.connect(clicks.append)
    QTest.mouseClick(widget, LEFT, pos=QPoint(round(column), round(row)))
    # Half a voxel of 3 mm (the coarse one: 5 mm) along the coarsest axis.
    assert np.linalg.norm(np.subtract(clicks[0], LANDMARK)) < 2.6


@pytest.mark.parametrize("name", list(GEOMETRIES))
def test_the_patients_right_is_drawn_on_the_left_however_it_was_stored(
    make_view: Callable[..., SliceView], name: str
) -> None:
    for view in (View.AXIAL, View.CORONAL):
        widget = make_view(volume_of(GEOMETRIES[name]), view)
        placed = widget.placed()
        assert placed is not None
        left = placed.to_mm(QPointF(10, 150))
        right = placed.to_mm(QPointF(390, 150))
        assert left[0] < right[0]
        # and the pixels are where the numbers say
        drawn = placed.to_screen(LANDMARK)
        gray = picture(bare(widget))[int(drawn.y()), int(drawn.x()), 0]
        assert gray > 200


def test_letters_are_those_of_the_vectors_that_are_drawn(
    make_view: Callable[..., SliceView],
) -> None:
    expected = {
        "plain": ("R", "L", "A", "P"),
        "left-handed": ("R", "L", "A", "P"),
        "feet first": ("R", "L", "A", "P"),
        "oblique": ("RA", "LP", "AL", "PR"),
    }
    for name, letters in expected.items():
        widget = make_view(volume_of(GEOMETRIES[name]))
        assert widget.shown is not None
        placed = widget.placed()
        assert placed is not None
        assert widget.shown.letters(placed.plane) == letters


def test_an_unknown_orientation_has_no_letters_and_no_millimeters(qtbot: QtBot) -> None:
    made = shown(volume_of(GEOMETRIES["plain"]), ["no-orientation"])
    assert isinstance(made, ShownVolume)
    assert made.letters(made.plane(View.AXIAL, LANDMARK)) == ("", "", "", "")
    assert made.place_words(LANDMARK) == "voxel 25, 20, 10"


def test_a_place_is_told_with_letters_and_its_value_in_hu(qtbot: QtBot) -> None:
    made = shown(volume_of(GEOMETRIES["plain"]))
    assert made.place_words((-30.0, -12.0, 20.0)) == "R 30.0  A 12.0  H 20.0 mm"
    assert made.value_words(LANDMARK) == "1000 HU"
    assert made.value_words((900.0, 0.0, 0.0)) == ""


def test_the_picture_is_drawn_in_many_grays_and_colors(make_view: Callable[..., SliceView]) -> None:
    rng = np.random.default_rng(5)
    noise = rng.normal(40, 80, (20, 40, 50)).astype(np.int16)
    widget = make_view(Volume(noise, Geometry((20, 40, 50), GEOMETRIES["plain"])))
    assert n_colors(widget) > 150


def test_a_click_moves_no_window_and_a_drag_is_no_click(
    make_view: Callable[..., SliceView],
) -> None:
    widget = make_view(volume_of(GEOMETRIES["plain"]))
    clicks: list[Position] = []
    windows: list[Window] = []
    widget.clicked.connect(clicks.append)
    widget.window_changed.connect(windows.append)
    drag(widget, (100, 100), (102, 101))
    assert len(clicks) == 1
    assert windows == []
    drag(widget, (100, 100), (110, 100))
    assert len(clicks) == 1
    # 10 pixels to the right are 40 HU wider.
    assert windows[-1] == Window(40, 440)


def drag(
    widget: SliceView,
    start: tuple[int, int],
    end: tuple[int, int],
    button: Qt.MouseButton = LEFT,
    keys: Qt.KeyboardModifier = NO_KEYS,
) -> None:
    """Press, move and let go."""
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QMouseEvent

    for kind, at, held in (
        (QEvent.Type.MouseButtonPress, start, button),
        (QEvent.Type.MouseMove, end, button),
        (QEvent.Type.MouseButtonRelease, end, Qt.MouseButton.NoButton),
    ):
        which = Qt.MouseButton.NoButton if kind is QEvent.Type.MouseMove else button
        point = QPointF(*at)
        event = QMouseEvent(kind, point, widget.mapToGlobal(point), which, held, keys)
        QApplication.sendEvent(widget, event)


def test_a_drag_moves_the_crosshair_in_the_other_mouse_scheme(
    make_view: Callable[..., SliceView],
) -> None:
    widget = make_view(volume_of(GEOMETRIES["plain"]))
    widget.is_crosshair_dragged = True
    moves: list[Position] = []
    windows: list[Window] = []
    widget.cursor_moved.connect(moves.append)
    widget.window_changed.connect(windows.append)
    drag(widget, (100, 100), (140, 100))
    assert len(moves) == 1
    assert windows == []
    drag(widget, (100, 100), (140, 100), keys=CONTROL)
    assert len(windows) == 1


def test_zoom_keeps_what_is_under_the_pointer(make_view: Callable[..., SliceView]) -> None:
    widget = make_view(volume_of(GEOMETRIES["plain"]))
    at = QPointF(90, 70)
    before = widget.placed()
    assert before is not None
    widget.zoom(2.5, at)
    after = widget.placed()
    assert after is not None
    assert_allclose(after.to_mm(at), before.to_mm(at), atol=1e-9)
    assert after.scale == pytest.approx(2.5 * before.scale)
    widget.reset_zoom()
    again = widget.placed()
    assert again is not None
    assert again.scale == pytest.approx(before.scale)


def test_right_drag_zooms_and_middle_or_shift_drag_moves_the_picture(
    make_view: Callable[..., SliceView],
) -> None:
    widget = make_view(volume_of(GEOMETRIES["plain"]))
    first = widget.placed()
    assert first is not None
    drag(widget, (100, 200), (100, 130), RIGHT)
    zoomed = widget.placed()
    assert zoomed is not None
    assert zoomed.scale > 1.5 * first.scale
    for button, keys in ((MIDDLE, NO_KEYS), (LEFT, SHIFT)):
        before = widget.placed()
        assert before is not None
        drag(widget, (100, 100), (130, 90), button, keys)
        after = widget.placed()
        assert after is not None
        offset = after.to_screen(LANDMARK) - before.to_screen(LANDMARK)
        assert (offset.x(), offset.y()) == pytest.approx((30, -10))


def test_the_wheel_goes_footwards_and_stays_at_the_end(
    make_view: Callable[..., SliceView],
) -> None:
    for name in ("plain", "feet first"):
        widget = make_view(volume_of(GEOMETRIES[name]))
        moves: list[Position] = []
        widget.cursor_moved.connect(moves.append)
        widget.cursor_moved.connect(widget.show_cursor)
        wheel(widget, -120)
        assert moves[-1][2] == pytest.approx(LANDMARK[2] - 3)
        wheel(widget, -120, SHIFT)
        wheel(widget, -120, SHIFT)
        number = widget.shown.number(View.AXIAL, widget.cursor_mm) if widget.shown else -1
        assert number == 19
        moves.clear()
        wheel(widget, -120)
        assert moves == []
        wheel(widget, 120)
        assert moves[-1][2] > widget.cursor_mm[2] - 3


def test_ctrl_and_wheel_zoom(make_view: Callable[..., SliceView]) -> None:
    widget = make_view(volume_of(GEOMETRIES["plain"]))
    before = widget.placed()
    wheel(widget, 240, CONTROL)
    after = widget.placed()
    assert before is not None
    assert after is not None
    assert after.scale > before.scale


def test_a_shift_move_carries_the_crosshair_along(make_view: Callable[..., SliceView]) -> None:
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QMouseEvent

    widget = make_view(volume_of(GEOMETRIES["plain"]))
    moves: list[Position] = []
    widget.cursor_moved.connect(moves.append)
    point, none = QPointF(50, 60), Qt.MouseButton.NoButton
    event = QMouseEvent(QEvent.Type.MouseMove, point, widget.mapToGlobal(point), none, none, SHIFT)
    QApplication.sendEvent(widget, event)
    placed = widget.placed()
    assert placed is not None
    assert moves == [placed.to_mm(point)]


@pytest.mark.parametrize("kind", list(Kind))
def test_no_mark_covers_its_own_center(make_view: Callable[..., SliceView], kind: Kind) -> None:
    widget = make_view(volume_of(GEOMETRIES["plain"]))
    plain = picture(bare(widget))
    mark = Mark(kind, LANDMARK, "94 %")
    widget.show_look(Look(widget.look.window, marks=(mark,)))
    drawn = picture(widget)
    placed = widget.placed()
    assert placed is not None
    center = placed.to_screen(LANDMARK)
    x, y = round(center.x()), round(center.y())
    rows, columns = np.indices(plain.shape[:2])
    inside = (rows - y) ** 2 + (columns - x) ** 2 <= 5**2
    assert_allclose(drawn[inside], plain[inside])
    around = (slice(y - 20, y + 21), slice(x - 20, x + 21))
    assert (drawn[around] != plain[around]).any()


def test_the_crosshair_leaves_its_center_free(make_view: Callable[..., SliceView]) -> None:
    widget = make_view(volume_of(GEOMETRIES["plain"]))
    for factor in (1.0, 2.0):
        widget.zoom(factor)
        widget.center_on(LANDMARK)
        plain = picture(bare(widget))
        widget.show_look(Look(widget.look.window))
        drawn = picture(widget)
        placed = widget.placed()
        assert placed is not None
        center = placed.to_screen(LANDMARK)
        x, y = round(center.x()), round(center.y())
        inside = (slice(y - 9, y + 10), slice(x - 9, x + 10))
        assert_allclose(drawn[inside], plain[inside])
        assert (drawn[y, : x - 20] != plain[y, : x - 20]).any()


def test_space_shows_the_bare_picture_while_it_is_held(
    make_view: Callable[..., SliceView],
) -> None:
    widget = make_view(volume_of(GEOMETRIES["plain"]))
    widget.peeked.connect(widget.peek)
    with_overlays = picture(widget)
    QTest.keyPress(widget, Qt.Key.Key_Space)
    peeked = picture(widget)
    QTest.keyRelease(widget, Qt.Key.Key_Space)
    assert (picture(widget) == with_overlays).all()
    assert (peeked == picture(bare(widget))).all()


def test_a_mark_can_be_taken_and_dropped(make_view: Callable[..., SliceView]) -> None:
    widget = make_view(volume_of(GEOMETRIES["plain"]))
    mark = Mark(Kind.SUGGESTED, LANDMARK, "94 %", is_movable=True)
    widget.show_look(Look(widget.look.window, marks=(mark,)))
    placed = widget.placed()
    assert placed is not None
    start = placed.to_screen(LANDMARK)
    drops: list[Position] = []
    windows: list[Window] = []
    widget.mark_moved.connect(drops.append)
    widget.window_changed.connect(windows.append)
    end = (round(start.x()) + 30, round(start.y()) + 10)
    drag(widget, (round(start.x()) + 4, round(start.y())), end)
    assert_allclose(drops[0], placed.to_mm(QPointF(*end)), atol=1e-9)
    assert windows == []


def test_a_right_click_asks_for_the_menu_with_its_place(
    make_view: Callable[..., SliceView],
) -> None:
    widget = make_view(volume_of(GEOMETRIES["plain"]))
    asked: list[Position] = []
    widget.menu_asked.connect(lambda _where, at: asked.append(at))
    QTest.mouseClick(widget, RIGHT, pos=QPoint(120, 80))
    placed = widget.placed()
    assert placed is not None
    assert asked == [placed.to_mm(QPointF(120, 80))]


def test_an_empty_view_is_black_and_hears_nothing(qtbot: QtBot) -> None:
    widget = SliceView(View.AXIAL)
    qtbot.addWidget(widget)
    widget.resize(200, 200)
    QTest.mouseClick(widget, LEFT, pos=QPoint(50, 50))
    widget.step(1)
    widget.zoom(2)
    widget.center_on(LANDMARK)
    assert (picture(widget) == 0).all()
    assert widget.accessibleName() == "Axial, empty"


def test_a_view_tells_a_screen_reader_what_it_shows(make_view: Callable[..., SliceView]) -> None:
    widget = make_view(volume_of(GEOMETRIES["plain"]))
    widget.show_cursor(LANDMARK)
    assert widget.accessibleName() == "Axial, 2026-03-02, slice 10 of 20"


def test_slices_that_were_not_read_are_hatched(make_view: Callable[..., SliceView]) -> None:
    volume = volume_of(GEOMETRIES["plain"])
    arrived = np.zeros(20, np.bool_)
    arrived[8:13] = True
    for view, is_partial in ((View.AXIAL, False), (View.CORONAL, True)):
        widget = make_view(volume, view)
        partial = ShownVolume(volume, arrived=arrived)
        widget.show_scan(partial)
        rows, columns = partial.missing(partial.plane(view, LANDMARK))
        assert rows.any() == is_partial
        assert not columns.any()
    # 20 slices with the head on top: k = 19..13 and 7..0 are missing.
    assert slice_paint.runs(rows) == [(0, 6), (12, 19)]
    axial = make_view(volume)
    axial.show_scan(ShownVolume(volume, arrived=arrived))
    axial.show_cursor((12.0, -6.0, 44.0))
    grays = picture(bare(axial))
    assert (grays == QColor("#4A545F").red()).any()


def test_the_heat_map_has_its_maximum_at_the_peak_and_is_clear_far_from_it(
    make_view: Callable[..., SliceView],
) -> None:
    geometry = Geometry.aligned((20, 12, 12), (3.0, 4.0, 4.0), (-12.0, -26.0, -10.0))
    index = np.indices(geometry.shape).reshape(3, -1).T.astype(float)
    distance = np.linalg.norm(geometry.to_mm(index) - LANDMARK, axis=1)
    values = np.exp(-((distance / 8) ** 2)).astype(np.float32).reshape(geometry.shape)
    heat = HeatMap(SimilarityMap(values, geometry))
    widget = make_view(volume_of(GEOMETRIES["plain"]))
    without = Look(widget.look.window, has_crosshair=False)
    widget.show_look(without)
    plain = picture(widget).astype(int)
    widget.show_look(Look(widget.look.window, heat=heat, heat_opacity=1.0, has_crosshair=False))
    drawn = picture(widget).astype(int)
    placed = widget.placed()
    assert placed is not None
    yellow = drawn[..., 1] - drawn[..., 2] - plain[..., 1] + plain[..., 2]
    row, column = np.unravel_index(yellow.argmax(), yellow.shape)
    peak = placed.to_mm(QPointF(float(column), float(row)))
    assert np.linalg.norm(np.subtract(peak, LANDMARK)) < 4  # one cell of the map
    far = placed.to_screen((LANDMARK[0] + 20, LANDMARK[1] + 12, LANDMARK[2]))
    x, y = round(far.x()), round(far.y())
    assert (drawn[y, x] == plain[y, x]).all()


@pytest.mark.parametrize(
    ("scale", "pixel_mm", "words", "length"),
    [
        (Scale.NONE, None, "px, no scale in the file", (50.0, "px")),
        (Scale.DETECTOR, (0.2, 0.2), "mm at the detector", (10.0, "mm")),
        (Scale.CALIBRATED, (0.5, 0.5), "mm, calibrated", (25.0, "mm")),
        (Scale.BY_HAND, (0.5, 0.5), "mm, calibrated by hand", (25.0, "mm")),
    ],
)
def test_a_radiograph_says_what_its_millimeters_rest_on(
    make_view: Callable[..., SliceView],
    scale: Scale,
    pixel_mm: tuple[float, float] | None,
    words: str,
    length: tuple[float, str],
) -> None:
    array = np.arange(6000, dtype=np.uint16).reshape(60, 100)
    widget = make_view(Radiograph(array, pixel_mm, scale, modality=Modality.DX))
    made = widget.shown
    assert isinstance(made, ShownRadiograph)
    assert made.scale_words == words
    assert made.pixel_words(50.0, 1.0) == pytest.approx(length)
    assert made.place_words((10.0, 20.0, 0.0)) == "x 10.0  y 20.0 px"
    assert made.value_words((10.0, 20.0, 0.0)) == "2010"
    assert made.value_words((100.0, 0.0, 0.0)) == ""
    clicks: list[Position] = []
    widget.clicked.connect(clicks.append)
    placed = widget.placed()
    assert placed is not None
    at = placed.to_screen((30.0, 12.0, 0.0))
    QTest.mouseClick(widget, LEFT, pos=at.toPoint())
    assert_allclose(clicks[0], (30, 12, 0), atol=0.3)
    assert n_colors(widget) > 100


def test_monochrome1_is_drawn_with_bone_white_and_inverts_twice_to_itself(
    make_view: Callable[..., SliceView],
) -> None:
    array = np.full((40, 40), 3000, np.uint16)
    array[10:30, 10:30] = 100  # bone lets little through, and MONOCHROME1 calls that small
    widget = make_view(Radiograph(array, None, Scale.NONE, is_inverted=True))
    look = Look(Window(1500, 3000), has_overlays=False)
    widget.show_look(look)
    first = picture(widget)
    assert first[150, 200, 0] > 200
    widget.show_look(Look(Window(1500, 3000), is_inverted=True, has_overlays=False))
    assert picture(widget)[150, 200, 0] < 50
    widget.show_look(look)
    assert (picture(widget) == first).all()


def test_a_scan_without_hounsfield_units_has_a_window_from_its_values(qtbot: QtBot) -> None:
    array = np.linspace(0, 500, 8000, dtype=np.float32).reshape(20, 20, 20)
    geometry = Geometry.aligned((20, 20, 20), (1, 1, 1))
    made = shown(Volume(array, geometry, Modality.MR, Unit.NONE))
    assert made.presets == ()
    assert made.first_window(None).width == pytest.approx(490, rel=0.01)
    assert made.drag_step() == pytest.approx(0.98, rel=0.01)


@pytest.mark.parametrize("width", [150, 200, 280, 320, 600, 900])
def test_texts_and_letters_do_not_overlap(make_view: Callable[..., SliceView], width: int) -> None:
    volume = volume_of(GEOMETRIES["plain"])
    widget = make_view(volume, size=(width, 300))
    made = shown(volume)
    first, second, third = slice_paint.corner_texts(made, View.AXIAL, width, widget.look, LANDMARK)
    metrics = widget.fontMetrics()
    half = width / 2 - slice_paint.EDGE - 8
    if width >= slice_paint.BARE_WIDTH:
        assert metrics.horizontalAdvance(first) < half
        assert metrics.horizontalAdvance(third) < half
    if width < slice_paint.SHORT_WIDTH:
        assert (second, third) == ("", "")
