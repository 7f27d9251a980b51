"""How a slice view looks: the image, what lies over it, and the texts in its corners."""

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen

from samdesk.core.geometry import Position
from samdesk.core.plane import Plane, View
from samdesk.core.window import Window
from samdesk.views.marks import IN_SLICE_ONLY, Mark
from samdesk.views.theme import CANVAS_TEXT_2
from samdesk.views.widgets import crosshair, overlays
from samdesk.views.widgets.fusion import Fusion, Values
from samdesk.views.widgets.heat import HeatMap
from samdesk.views.widgets.shown import Shown, ShownVolume

EDGE = 8.0
LINE = 16.0
# Narrower panes say less: gui.md 3c.
SHORT_WIDTH, BARE_WIDTH = 300, 160
# A mark shows faintly in slices this near to its own.
NEAR_MM = 8.0
BAR_SHARE = 0.28

WORDS = {View.AXIAL: "Axial", View.CORONAL: "Coronal", View.SAGITTAL: "Sagittal"}
SHORT_WORDS = {View.AXIAL: "Ax", View.CORONAL: "Cor", View.SAGITTAL: "Sag"}


@dataclass(frozen=True, eq=False)
class Look:
    """All that a slice view shows apart from the image itself.

    Attributes:
        window: black and white.
        is_inverted: the user turned the gray scale over.
        title: second line at the top left, such as the date.
        marks: in this scan.
        heat: a similarity map, or None.
        heat_opacity: 0 to 1.
        has_crosshair, has_overlays: what the user wants to see.
        fusion: another scan that is drawn together with this one, or None.
    """

    window: Window
    is_inverted: bool = False
    title: str = ""
    marks: tuple[Mark, ...] = ()
    heat: HeatMap | None = None
    heat_opacity: float = 0.8
    has_crosshair: bool = True
    has_overlays: bool = True
    fusion: Fusion | None = None


@dataclass(frozen=True, eq=False)
class Placed:
    """A plane on the screen.

    Attributes:
        plane: in the patient.
        center: (right, down) mm of the plane, from its first pixel, in the middle of the view.
        scale: logical pixels a mm.
        box: the view.
    """

    plane: Plane
    center: tuple[float, float]
    scale: float
    box: QRectF

    def to_screen(self, at_mm: Position) -> QPointF:
        """Take a place to the pixel straight before or behind it."""
        row, column = self.plane.to_pixel(np.array([at_mm]))[0]
        return self._screen(column * self.plane.pixel_mm[1], row * self.plane.pixel_mm[0])

    def to_mm(self, point: QPointF) -> Position:
        """Take a pixel of the screen to its place in the patient."""
        right = self.center[0] + (point.x() - self.box.center().x()) / self.scale
        down = self.center[1] + (point.y() - self.box.center().y()) / self.scale
        pixel = np.array([[down / self.plane.pixel_mm[0], right / self.plane.pixel_mm[1]]])
        x, y, z = (float(value) for value in self.plane.to_mm(pixel)[0])
        return x, y, z

    def rectangle(self, rows: tuple[float, float], columns: tuple[float, float]) -> QRectF:
        """Give the part of the screen from one pixel's center to another's, edges included."""
        ph, pw = self.plane.pixel_mm
        first = self._screen((columns[0] - 0.5) * pw, (rows[0] - 0.5) * ph)
        last = self._screen((columns[1] + 0.5) * pw, (rows[1] + 0.5) * ph)
        return QRectF(first, last)

    def whole(self) -> QRectF:
        """Give the part of the screen that the image takes."""
        rows, columns = self.plane.size
        return self.rectangle((0, rows - 1), (0, columns - 1))

    def _screen(self, right: float, down: float) -> QPointF:
        middle = self.box.center()
        return QPointF(
            middle.x() + (right - self.center[0]) * self.scale,
            middle.y() + (down - self.center[1]) * self.scale,
        )


def image_of(shown: Shown, plane: Plane, look: Look, values: Values | None = None) -> QImage:
    """Make the picture of a plane, one pixel for each of the plane's.

    Args:
        shown: the scan.
        plane: of it.
        look: with the window, and how the other scan is drawn.
        values: of the other scan; None for this one alone.
    """
    is_inverted = shown.is_inverted is not look.is_inverted
    if look.fusion is not None and values is not None:
        return look.fusion.picture(shown, plane, values, look.window, is_inverted=is_inverted)
    gray = np.ascontiguousarray(look.window.to_gray(shown.values(plane), is_inverted=is_inverted))
    rows, columns = gray.shape
    image = QImage(gray.data, columns, rows, columns, QImage.Format.Format_Grayscale8)
    return image.copy()  # the array goes out of scope


def draw_image(painter: QPainter, image: QImage, placed: Placed) -> None:
    """Draw the picture; small voxels smoothly, so that no edge is made up of squares."""
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, True)
    target = placed.whole()
    painter.drawImage(target, _shrunk(image, target))


def _shrunk(image: QImage, target: QRectF) -> QImage:
    # Qt's smooth drawing looks at four pixels only; below half size that flickers.
    width, height = max(1, round(target.width())), max(1, round(target.height()))
    if image.width() > 2 * width or image.height() > 2 * height:
        return image.scaled(
            min(width, image.width()),
            min(height, image.height()),
            Qt.AspectRatioMode.IgnoreAspectRatio,
            Qt.TransformationMode.SmoothTransformation,
        )
    return image


def draw_missing(painter: QPainter, shown: Shown, placed: Placed) -> None:
    """Hatch the rows and columns that have not been read."""
    rows, columns = placed.plane.size
    absent_rows, absent_columns = shown.missing(placed.plane)
    if not absent_rows.any() and not absent_columns.any():
        return
    if absent_rows.all() or absent_columns.all():
        overlays.draw_hatch(painter, placed.whole())
        return
    for first, last in runs(absent_rows):
        overlays.draw_hatch(painter, placed.rectangle((first, last), (0, columns - 1)))
    for first, last in runs(absent_columns):
        overlays.draw_hatch(painter, placed.rectangle((0, rows - 1), (first, last)))


def runs(flags: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> list[tuple[int, int]]:
    """Give the first and last index of each run of true flags."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False])).astype(np.int8)))
    return [(int(a), int(b) - 1) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def draw_over(
    painter: QPainter, shown: Shown, view: View, placed: Placed, look: Look, cursor: Position
) -> None:
    """Draw the crosshair, the marks, the letters and the texts."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    is_volume = isinstance(shown, ShownVolume)
    if look.has_crosshair and is_volume:
        crosshair.draw(painter, view, placed.to_screen(cursor), placed.box)
    half_step = shown.step_mm(view) / 2 + 1e-6
    for mark in look.marks:
        distance = abs(float(placed.plane.distance_mm(np.array([mark.at_mm]))[0]))
        reach = half_step if mark.kind in IN_SLICE_ONLY else max(half_step, NEAR_MM)
        if distance <= reach or not is_volume:
            is_near = distance <= half_step or not is_volume
            center = placed.to_screen(mark.at_mm)
            overlays.draw_mark(painter, mark, center, placed.box, is_near=is_near)
    _draw_letters(painter, shown.letters(placed.plane), placed.box)
    if placed.box.width() >= BARE_WIDTH:
        _draw_corners(painter, shown, view, placed, look, cursor)


def _draw_letters(painter: QPainter, letters: tuple[str, str, str, str], box: QRectF) -> None:
    left, right, top, bottom = letters
    flag = Qt.AlignmentFlag
    inner = box.adjusted(EDGE, EDGE / 2, -EDGE, -EDGE / 2)
    for text, alignment in (
        (left, flag.AlignLeft | flag.AlignVCenter),
        (right, flag.AlignRight | flag.AlignVCenter),
        (top, flag.AlignHCenter | flag.AlignTop),
        (bottom, flag.AlignHCenter | flag.AlignBottom),
    ):
        if text:
            overlays.draw_text(painter, text, inner, alignment, "#FFFFFF", is_bold=True)


def corner_texts(
    shown: Shown, view: View, width: float, look: Look, cursor: Position
) -> tuple[str, str, str]:
    """Write the texts for the two lines at the top left and the one at the bottom left."""
    if not isinstance(shown, ShownVolume):
        first = "Radiograph"
    elif width < SHORT_WIDTH:
        first = f"{SHORT_WORDS[view]} {shown.number(view, cursor) + 1}"
    else:
        first = f"{WORDS[view]} {shown.number(view, cursor) + 1}/{shown.count(view)}"
    is_short = width < SHORT_WIDTH
    title = look.title if look.fusion is None else f"{look.title} + {look.fusion.title}"
    window = f"C {look.window.center:.0f}  W {look.window.width:.0f}"
    return first, "" if is_short else title, "" if is_short else window


def _draw_corners(
    painter: QPainter, shown: Shown, view: View, placed: Placed, look: Look, cursor: Position
) -> None:
    box = placed.box.adjusted(EDGE, EDGE / 2, -EDGE, -EDGE / 2)
    first, second, third = corner_texts(shown, view, box.width(), look, cursor)
    flag = Qt.AlignmentFlag
    # Letters stand alone in the middles: texts keep to the part left of them.
    part = QRectF(box.left(), box.top(), box.width() / 2 - 14, box.height())
    color = crosshair.COLORS[view] if isinstance(shown, ShownVolume) else "#FFFFFF"
    top = flag.AlignLeft | flag.AlignTop
    overlays.draw_text(painter, first, part, top, color, is_bold=True)
    overlays.draw_text(painter, _fitting(painter, second, part), part.translated(0, LINE), top)
    overlays.draw_text(painter, third, part, flag.AlignLeft | flag.AlignBottom)
    scale = shown.scale_words
    if scale:
        right = QRectF(box.center().x() + 14, box.top(), box.width() / 2 - 14, box.height())
        text = _fitting(painter, scale, right)
        overlays.draw_text(painter, text, right, flag.AlignRight | flag.AlignTop, CANVAS_TEXT_2)
    if box.width() >= SHORT_WIDTH - 2 * EDGE:
        _draw_scale_bar(painter, shown, placed, box)


def _draw_scale_bar(painter: QPainter, shown: Shown, placed: Placed, box: QRectF) -> None:
    per_pixel, unit = shown.pixel_words(1.0, 1.0)
    most = box.width() * BAR_SHARE / placed.scale * per_pixel
    length = overlays.nice_length(most)
    if unit == "voxels" or length <= 0:
        return
    text = f"{length / 10:g} cm" if unit == "mm" and length >= 10 else f"{length:g} {unit}"
    pixels = length / per_pixel * placed.scale
    overlays.draw_scale_bar(painter, box.bottomRight() - QPointF(0, 2), pixels, text)


def _fitting(painter: QPainter, text: str, part: QRectF) -> str:
    from PySide6.QtGui import QFontMetricsF

    metrics = QFontMetricsF(overlays.overlay_font(painter.font()))
    return metrics.elidedText(text, Qt.TextElideMode.ElideRight, part.width())


def draw_frame(painter: QPainter, box: QRectF, color: str) -> None:
    """Draw the frame of the view that has the focus, the only frame there is."""
    painter.setPen(QPen(QColor(color), 2))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(box.adjusted(1, 1, -1, -1))
