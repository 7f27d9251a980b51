"""One view of one scan: draws a plane, and tells what the mouse does in millimeters."""

from dataclasses import dataclass, replace

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from samdesk.core.geometry import Points, Position
from samdesk.core.plane import Plane, View
from samdesk.core.window import Window
from samdesk.views import theme
from samdesk.views.widgets import slice_paint
from samdesk.views.widgets.fusion import Values
from samdesk.views.widgets.shown import Shown
from samdesk.views.widgets.slice_paint import Look, Placed

# A press that moves less than this is a click; a mark is held within the other.
CLICK_PX = 4.0
PICK_PX = 12.0
# Room between the image and the edges of the view when all of it is shown.
MARGIN_PX = 4.0
WHEEL_STEP = 120
ZOOM_STEP = 1.15
LEAST_ZOOM, MOST_ZOOM = 0.25, 40.0
FAST, SLOW = 5.0, 0.2

_LEFT = Qt.MouseButton.LeftButton
_RIGHT = Qt.MouseButton.RightButton
_MIDDLE = Qt.MouseButton.MiddleButton
_SHIFT = Qt.KeyboardModifier.ShiftModifier
_CONTROL = Qt.KeyboardModifier.ControlModifier


class SliceView(QWidget):
    """Draws what it is given, and holds nothing but its own zoom.

    Empty, it is black: the pane around it says what is missing.
    """

    # A click: (x, y, z) mm.
    clicked = Signal(object)
    # The crosshair was moved by the wheel, a key or the mouse: (x, y, z) mm.
    cursor_moved = Signal(object)
    # Another Window by dragging.
    window_changed = Signal(object)
    # (x, y, z) mm under the pointer; None when it left.
    hovered = Signal(object)
    # A movable mark was dropped at (x, y, z) mm.
    mark_moved = Signal(object)
    # A right click: place on the screen, and (x, y, z) mm.
    menu_asked = Signal(QPoint, object)
    # A double click: this view alone, or all again.
    maximize_asked = Signal()
    # Space is held, or no more.
    peeked = Signal(bool)

    def __init__(self, view: View, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view = view
        self.shown: Shown | None = None
        self.cursor_mm: Position = (0.0, 0.0, 0.0)
        self.look = Look(Window(40, 400))
        self.is_crosshair_dragged = False
        self.is_wheel_reversed = False
        self._zoom = 1.0
        self._center: tuple[float, float] | None = None
        self._image: tuple[tuple[object, ...], QImage] | None = None
        self._heat: tuple[tuple[object, ...], QImage] | None = None
        self._press: _Press | None = None
        self._dragged_mark: Position | None = None
        self._wheel = 0
        self._is_peeking = False
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(60, 60)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self._name()

    # -- what is shown ---------------------------------------------------------------------

    def show_scan(self, shown: Shown | None, *, keeps_zoom: bool = False) -> None:
        """Show another scan, or nothing."""
        self.shown = shown
        self._image = self._heat = None
        if not keeps_zoom:
            self.reset_zoom()
        self._name()
        self.update()

    def show_cursor(self, at_mm: Position) -> None:
        """Show the slice at a place, and the crosshair there."""
        self.cursor_mm = at_mm
        self._name()
        self.update()

    def show_look(self, look: Look) -> None:
        """Show another window, other marks and so on."""
        self.look = look
        self.update()

    def refresh(self) -> None:
        """Draw the image anew, because the array behind it has more slices now."""
        self._image = None
        self.update()

    def reset_zoom(self) -> None:
        """Show all of the scan."""
        self._zoom, self._center = 1.0, None
        self.update()

    def zoom(self, factor: float, about: QPointF | None = None) -> None:
        """Zoom about a point of the view, which stays where it is; about its middle without."""
        placed = self.placed()
        if placed is None:
            return
        about = placed.box.center() if about is None else about
        zoom = min(max(self._zoom * factor, LEAST_ZOOM), MOST_ZOOM)
        kept = self._zoom / zoom
        offset = about - placed.box.center()
        self._center = (
            placed.center[0] + offset.x() / placed.scale * (1 - kept),
            placed.center[1] + offset.y() / placed.scale * (1 - kept),
        )
        self._zoom = zoom
        self.update()

    def center_on(self, at_mm: Position) -> None:
        """Bring a place to the middle of the view."""
        placed = self.placed()
        if placed is None:
            return
        row, column = placed.plane.to_pixel(_array(at_mm))[0]
        self._center = (column * placed.plane.pixel_mm[1], row * placed.plane.pixel_mm[0])
        self.update()

    def ensure_seen(self, at_mm: Position) -> None:
        """Bring a place into the view where it is outside of it."""
        placed = self.placed()
        if placed is not None and not placed.box.contains(placed.to_screen(at_mm)):
            self.center_on(at_mm)

    def plane(self) -> Plane | None:
        """The plane that is drawn; None when there is nothing."""
        return None if self.shown is None else self.shown.plane(self.view, self.cursor_mm)

    def placed(self) -> Placed | None:
        """Where the plane lies on the screen; None when there is nothing."""
        plane = self.plane()
        if plane is None:
            return None
        height, width = (n * mm for n, mm in zip(plane.size, plane.pixel_mm, strict=True))
        box = QRectF(self.rect())
        fit = min((box.width() - MARGIN_PX) / width, (box.height() - MARGIN_PX) / height)
        middle = ((width - plane.pixel_mm[1]) / 2, (height - plane.pixel_mm[0]) / 2)
        return Placed(plane, self._center or middle, max(fit, 1e-6) * self._zoom, box)

    def step(self, slices: int) -> None:
        """Go to another slice; towards the feet, the back and the left is positive."""
        if self.shown is not None:
            number = self.shown.number(self.view, self.cursor_mm)
            self.go_to(number + slices)

    def go_to(self, number: int) -> None:
        """Go to the slice of that number, or the last one."""
        if self.shown is None:
            return
        number = min(max(number, 0), self.shown.count(self.view) - 1)
        if number != self.shown.number(self.view, self.cursor_mm):
            self.cursor_moved.emit(self.shown.moved(self.view, self.cursor_mm, number))

    def sizeHint(self) -> QSize:
        """Tell Qt a usual size."""
        return QSize(360, 360)

    # -- drawing ---------------------------------------------------------------------------

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the image and what lies over it."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme.CANVAS))
        placed = self.placed()
        if placed is not None and self.shown is not None:
            slice_paint.draw_image(painter, self._picture(placed), placed)
            slice_paint.draw_missing(painter, self.shown, placed)
            if not self._is_peeking and self.look.has_overlays:
                self._draw_over(painter, self.shown, placed)
        if self.hasFocus():
            slice_paint.draw_frame(painter, QRectF(self.rect()), theme.DARK.focus)
        painter.end()

    def _draw_over(self, painter: QPainter, shown: Shown, placed: Placed) -> None:
        heat = self.look.heat
        if heat is not None:
            painter.drawImage(placed.whole(), self._heat_image(placed))
        look = self.look
        if self._dragged_mark is not None:
            marks = tuple(
                replace(mark, at_mm=self._dragged_mark, text="") if mark.is_movable else mark
                for mark in look.marks
            )
            look = replace(look, marks=marks)
        slice_paint.draw_over(painter, shown, self.view, placed, look, self.cursor_mm)

    def _picture(self, placed: Placed) -> QImage:
        other = self._other_values(placed.plane)
        look = self.look
        fusion = None if other is None else look.fusion
        key = (placed.plane, look.window, look.is_inverted, fusion)
        if self._image is None or self._image[0] != key:
            assert self.shown is not None  # noqa: S101 - there is no plane without a scan
            self._image = key, slice_paint.image_of(self.shown, placed.plane, look, other)
        return self._image[1]

    def _other_values(self, plane: Plane) -> Values | None:
        """Give the scan that is drawn together with this one; None while it is not there."""
        fusion = self.look.fusion
        if fusion is None or self._is_peeking or not self.look.has_overlays:
            return None
        return fusion.values(self.view, plane)

    def _heat_image(self, placed: Placed) -> QImage:
        heat = self.look.heat
        key = (placed.plane, heat, self.look.heat_opacity)
        if self._heat is None or self._heat[0] != key:
            assert heat is not None  # noqa: S101 - asked for only where there is one
            self._heat = key, heat.picture(placed.plane, self.look.heat_opacity)
        return self._heat[1]

    def _name(self) -> None:
        word = slice_paint.WORDS[self.view]
        if self.shown is None:
            self.setAccessibleName(f"{word}, empty")
            return
        number = self.shown.number(self.view, self.cursor_mm) + 1
        of = self.shown.count(self.view)
        self.setAccessibleName(f"{word}, {self.look.title}, slice {number} of {of}")

    # -- mouse and keys --------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a click or a drag."""
        placed = self.placed()
        if placed is None:
            return
        at = event.position()
        self._press = _Press(event.button(), at, at, self._kind(event, placed))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Go on with a drag, or tell what is under the pointer."""
        placed = self.placed()
        if placed is None:
            return
        at = event.position()
        self.hovered.emit(placed.to_mm(at))
        press = self._press
        if press is None:
            if event.modifiers() & _SHIFT and not event.buttons():
                self.cursor_moved.emit(placed.to_mm(at))
            self._shape(placed, at)
            return
        moved = at - press.start
        if not press.is_drag and max(abs(moved.x()), abs(moved.y())) < CLICK_PX:
            return
        press.is_drag = True
        self._drag(press, placed, at, event.modifiers())
        press.last = at

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End a drag, or take it for a click."""
        press, self._press = self._press, None
        placed = self.placed()
        if press is None or placed is None or press.button is not event.button():
            return
        if self._dragged_mark is not None:
            at_mm, self._dragged_mark = self._dragged_mark, None
            self.mark_moved.emit(at_mm)
        elif not press.is_drag and press.button is _LEFT:
            self.clicked.emit(placed.to_mm(event.position()))
        elif not press.is_drag and press.button is _RIGHT:
            at_mm = placed.to_mm(event.position())
            self.menu_asked.emit(event.globalPosition().toPoint(), at_mm)
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Show this view alone, or all again."""
        if event.button() is _LEFT:
            self.maximize_asked.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Go through the slices; with Shift by ten, with Ctrl zoom at the pointer."""
        delta = event.angleDelta().y() or event.angleDelta().x()
        if event.modifiers() & _CONTROL:
            self.zoom(ZOOM_STEP ** (delta / WHEEL_STEP), event.position())
        else:
            self._wheel += -delta if not self.is_wheel_reversed else delta
            slices = int(self._wheel / WHEEL_STEP)
            self._wheel -= slices * WHEEL_STEP
            if slices:
                self.step(slices * (10 if event.modifiers() & _SHIFT else 1))
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Hide the overlays while Space is held; other keys are actions."""
        if event.key() == Qt.Key.Key_Space:
            if not event.isAutoRepeat():
                self.peeked.emit(True)
            return
        super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Bring the overlays back."""
        if event.key() == Qt.Key.Key_Space:
            if not event.isAutoRepeat():
                self.peeked.emit(False)
            return
        super().keyReleaseEvent(event)

    def peek(self, is_on: bool) -> None:
        """Draw nothing over the image for a while."""
        self._is_peeking = is_on
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        """Tell that nothing is under the pointer."""
        self.hovered.emit(None)
        super().leaveEvent(event)

    def _kind(self, event: QMouseEvent, placed: Placed) -> str:
        button, shifted = event.button(), bool(event.modifiers() & _SHIFT)
        if button is _MIDDLE or (button is _LEFT and shifted):
            return "pan"
        if button is _RIGHT:
            return "zoom"
        if self._mark_near(placed, event.position()):
            return "mark"
        with_control = bool(event.modifiers() & _CONTROL)
        return "crosshair" if self.is_crosshair_dragged is not with_control else "window"

    def _drag(
        self, press: "_Press", placed: Placed, at: QPointF, keys: Qt.KeyboardModifier
    ) -> None:
        by = at - press.last
        if press.kind == "pan":
            self._center = (
                placed.center[0] - by.x() / placed.scale,
                placed.center[1] - by.y() / placed.scale,
            )
            self.update()
        elif press.kind == "zoom":
            self.zoom(1.01 ** (-by.y()), press.start)
        elif press.kind == "mark":
            self._dragged_mark = placed.to_mm(at)
            self.update()
        elif press.kind == "crosshair":
            self.cursor_moved.emit(placed.to_mm(at))
        else:
            self._drag_window(by, keys)

    def _drag_window(self, by: QPointF, keys: Qt.KeyboardModifier) -> None:
        if self.shown is None:
            return
        speed = FAST if keys & _CONTROL else SLOW if keys & _SHIFT else 1.0
        unit = self.shown.drag_step() * speed
        self.window_changed.emit(self.look.window.dragged(by.x(), -by.y(), unit))

    def _mark_near(self, placed: Placed, at: QPointF) -> bool:
        for mark in self.look.marks:
            if mark.is_movable:
                offset = placed.to_screen(mark.at_mm) - at
                distance = abs(float(placed.plane.distance_mm(_array(mark.at_mm))[0]))
                if (offset.x() ** 2 + offset.y() ** 2) ** 0.5 <= PICK_PX and distance <= 4.0:
                    return True
        return False

    def _shape(self, placed: Placed, at: QPointF) -> None:
        is_held = self._mark_near(placed, at)
        shape = Qt.CursorShape.SizeAllCursor if is_held else Qt.CursorShape.CrossCursor
        if self.cursor().shape() is not shape:
            self.setCursor(shape)


@dataclass
class _Press:
    """A mouse button that is held, and what moving it does."""

    button: Qt.MouseButton
    start: QPointF
    last: QPointF
    kind: str
    is_drag: bool = False


def _array(at_mm: Position) -> Points:
    return np.array([at_mm], dtype=np.float64)
