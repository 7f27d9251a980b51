"""One scan in its three planes, with its name above and its state where there is no picture yet."""

from dataclasses import replace

from PySide6.QtCore import QPoint, QRect, Qt, QTimer, Signal
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from samdesk.core.geometry import Position
from samdesk.core.plane import View
from samdesk.core.window import Window
from samdesk.errors import SamdeskError
from samdesk.views.marks import Mark
from samdesk.views.tables.series import SERIES_MIME
from samdesk.views.widgets.banner import Banner
from samdesk.views.widgets.fusion import Fusion
from samdesk.views.widgets.heat import HeatMap
from samdesk.views.widgets.labels import plain_label, set_role
from samdesk.views.widgets.shown import Shown
from samdesk.views.widgets.slice_paint import Look
from samdesk.views.widgets.slice_view import SliceView

EMPTY, PICTURE, ERROR = range(3)


class ScanPane(QWidget):
    """A scan's header line over its views; tells what the mouse does in mm."""

    # A click in one of the views: (x, y, z) mm.
    clicked = Signal(object)
    # The crosshair was moved: (x, y, z) mm.
    cursor_moved = Signal(object)
    # (x, y, z) mm under the pointer, or None.
    hovered = Signal(object)
    # The movable mark was dropped at (x, y, z) mm.
    mark_moved = Signal(object)
    # A right click: place on the screen, (x, y, z) mm.
    menu_asked = Signal(QPoint, object)
    # The user wants the scan that could not be shown to be tried again.
    retry_asked = Signal()
    # A series of the list was dropped here: its id.
    series_dropped = Signal(str)
    # The chip that counts notices was pressed.
    notices_asked = Signal()

    def __init__(self, name: str, hint: str, parent: QWidget | None = None) -> None:
        """Make an empty pane.

        Args:
            name: what it is called, such as "Left scan".
            hint: what to do while it is empty.
            parent: owner in Qt.
        """
        super().__init__(parent)
        self.name = name
        self.shown: Shown | None = None
        self.cursor_mm: Position = (0.0, 0.0, 0.0)
        self._look = Look(Window(40, 400))
        self._asked: tuple[float, float] | None = None
        self._alone: SliceView | None = None
        self.views = {view: SliceView(view) for view in View}
        self._build(hint)
        for one in self.views.values():
            one.clicked.connect(self.clicked)
            one.cursor_moved.connect(self.cursor_moved)
            one.hovered.connect(self.hovered)
            one.mark_moved.connect(self.mark_moved)
            one.menu_asked.connect(self.menu_asked)
            one.window_changed.connect(self.show_window)
            one.peeked.connect(self._on_view_peeked)
            one.maximize_asked.connect(self.toggle_alone)
        self.setAcceptDrops(True)
        self.setAccessibleName(name)

    # -- what is shown ---------------------------------------------------------------------

    def show_empty(self, hint: str = "") -> None:
        """Show that there is no scan."""
        self._clear()
        if hint:
            self._empty.setText(hint)
        self._stack.setCurrentIndex(EMPTY)

    def show_opening(self, title: str) -> None:
        """Show that a scan is about to be read."""
        self._clear()
        self.title.setText(title)
        self._empty.setText("Reading…")
        self._stack.setCurrentIndex(EMPTY)

    def show_error(self, title: str, error: SamdeskError) -> None:
        """Show why there is no picture, and what can be done."""
        self._clear()
        self.title.setText(title)
        self._error_text.setText(error.what)
        self._error_hint.setText(error.hint)
        self._error_hint.setVisible(bool(error.hint))
        self._error_code.setText(f"code: {error.code}")
        self._stack.setCurrentIndex(ERROR)

    def show_scan(
        self,
        shown: Shown,
        title: str,
        corner: str,
        asked: tuple[float, float] | None = None,
        *,
        is_same: bool = False,
    ) -> None:
        """Show a scan.

        Args:
            shown: what is drawn.
            title: for the line above.
            corner: second line in the views, such as the date.
            asked: the window that the file asks for.
            is_same: it is the scan that is there already, with more slices; zoom, window and
                place stay.
        """
        self.shown = shown
        self._asked = asked
        self.title.setText(title)
        self.title.setToolTip(title)
        if not is_same:
            self.cursor_mm = shown.center_mm
            self._look = Look(shown.first_window(asked), title=corner)
        for view, one in self.views.items():
            one.setVisible(view in shown.views)
            one.show_scan(shown if view in shown.views else None, keeps_zoom=is_same)
        self._lower.setVisible(len(shown.views) > 1)
        self._alone = None
        self._stack.setCurrentIndex(PICTURE)
        self._pass_on()

    def show_cursor(self, at_mm: Position) -> None:
        """Move the crosshair of all views."""
        self.cursor_mm = at_mm
        for one in self.views.values():
            one.show_cursor(at_mm)

    def go_to(self, at_mm: Position) -> None:
        """Move the crosshair and bring it into sight."""
        self.show_cursor(at_mm)
        for one in self.views.values():
            one.ensure_seen(at_mm)

    def show_window(self, window: Window) -> None:
        """Show another window in all views."""
        self._change(replace(self._look, window=window))

    def show_marks(self, marks: tuple[Mark, ...]) -> None:
        """Show other marks."""
        if marks != self._look.marks:
            self._change(replace(self._look, marks=marks))

    def show_heat(self, heat: HeatMap | None, opacity: float) -> None:
        """Show a similarity map, or none."""
        self._change(replace(self._look, heat=heat, heat_opacity=opacity))

    def show_fusion(self, fusion: Fusion | None) -> None:
        """Draw another scan together with this one, or this one alone."""
        if fusion is not self._look.fusion:
            self._change(replace(self._look, fusion=fusion))

    def refresh(self) -> None:
        """Draw the views anew, because what is drawn with them is there now."""
        for one in self.views.values():
            one.update()

    def show_flags(self, *, has_crosshair: bool, has_overlays: bool) -> None:
        """Show or hide what lies over the image."""
        self._change(replace(self._look, has_crosshair=has_crosshair, has_overlays=has_overlays))

    def show_reading(self, text: str) -> None:
        """Say how far the reading is; an empty text takes the line away."""
        self.reading.setText(text)
        self.reading.setVisible(bool(text))
        self._place()

    def show_busy(self, share: float | None) -> None:
        """Show a thin bar at the top: a share of 0 to 1, 0 for unknown, None for no work."""
        self.busy.setVisible(share is not None)
        if share is not None:
            self.busy.setRange(0, 100 if share > 0 else 0)
            self.busy.setValue(round(share * 100))

    def show_notices(self, number: int) -> None:
        """Count what the user should know about the scan."""
        self.notices.setVisible(number > 0)
        self.notices.setText(f"{number} notice" + ("s" if number != 1 else ""))

    def show_other_patient(self, is_other: bool) -> None:
        """Say that this scan is of another patient than the one beside it."""
        self.other_patient.setVisible(is_other)

    # -- what actions do -------------------------------------------------------------------

    @property
    def window_shown(self) -> Window:
        """Black and white as they are now."""
        return self._look.window

    @property
    def look(self) -> Look:
        """What the views show apart from the image."""
        return self._look

    def preset(self, number: int) -> None:
        """Use a preset by the number of its key."""
        if self.shown is not None and 1 <= number <= len(self.shown.presets):
            self.show_window(self.shown.presets[number - 1].window)

    def own_window(self) -> None:
        """Use the file's window; the one from percentiles where that is in use already."""
        if self.shown is None:
            return
        own = self.shown.first_window(self._asked)
        is_used = own == self._look.window
        self.show_window(self.shown.percentile_window() if is_used else own)

    def invert(self) -> None:
        """Turn the gray scale over."""
        self._change(replace(self._look, is_inverted=not self._look.is_inverted))

    def reset(self) -> None:
        """Show all of the scan in all views."""
        for one in self.views.values():
            one.reset_zoom()

    def center(self) -> None:
        """Bring the crosshair to the middle of all views."""
        for one in self.views.values():
            one.center_on(self.cursor_mm)

    def set_mouse(self, *, is_crosshair_dragged: bool, is_wheel_reversed: bool) -> None:
        """Choose what a left drag and the wheel do."""
        for one in self.views.values():
            one.is_crosshair_dragged = is_crosshair_dragged
            one.is_wheel_reversed = is_wheel_reversed

    def toggle_alone(self) -> None:
        """Show the view with the focus alone, or all views again."""
        if self.shown is None or len(self.shown.views) < 2:
            return
        focused = [one for one in self.views.values() if one.hasFocus()]
        self._alone = None if self._alone else (focused or [self.views[View.AXIAL]])[0]
        for one in self.views.values():
            one.setVisible(self._alone in (None, one))
        self._lower.setVisible(self._alone is not self.views[View.AXIAL])

    # -- inside ----------------------------------------------------------------------------

    def _build(self, hint: str) -> None:
        self.title = plain_label("", "heading")
        self.title.setMinimumWidth(40)
        self.title.setText(self.name)
        self.other_patient = plain_label("OTHER PATIENT", "warn")
        self.other_patient.hide()
        self.notices = QPushButton("")
        set_role(self.notices, "link")
        self.notices.clicked.connect(self.notices_asked)
        self.notices.hide()
        header = QHBoxLayout()
        header.setContentsMargins(8, 4, 8, 4)
        header.addWidget(self.title, 1)
        header.addWidget(self.other_patient)
        header.addWidget(self.notices)
        bar = QFrame()
        bar.setObjectName("panel")
        bar.setLayout(header)
        bar.setFixedHeight(30)
        self._stack = QStackedWidget()
        self._stack.addWidget(self._empty_page(hint))
        self._stack.addWidget(self._picture_page())
        self._stack.addWidget(self._error_page())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(bar)
        layout.addWidget(self._stack, 1)
        self.busy = QProgressBar(self)
        self.busy.setTextVisible(False)
        self.busy.setFixedHeight(4)
        self.busy.setStyleSheet("QProgressBar { border: none; min-height: 4px; }")
        self.busy.setAccessibleName(f"{self.name}, embedding")
        self.busy.hide()
        self.reading = plain_label("", "reading", self)
        self.reading.hide()
        self.banner = Banner(self)
        self.banner.changed.connect(self._place)
        self._drop = plain_label("Show here", "drop", self)
        self._drop.hide()

    def _empty_page(self, hint: str) -> QWidget:
        self._empty = plain_label(hint, "canvas")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setWordWrap(True)
        page = QFrame()
        page.setObjectName("canvas")
        QVBoxLayout(page).addWidget(self._empty)
        return page

    def _picture_page(self) -> QWidget:
        self._lower = QSplitter(Qt.Orientation.Horizontal)
        self._lower.addWidget(self.views[View.CORONAL])
        self._lower.addWidget(self.views[View.SAGITTAL])
        self._upper = QSplitter(Qt.Orientation.Vertical)
        self._upper.addWidget(self.views[View.AXIAL])
        self._upper.addWidget(self._lower)
        self._upper.setStretchFactor(0, 2)
        self._upper.setStretchFactor(1, 1)
        self._upper.setSizes([600, 330])
        for one in (self._upper, self._lower):
            one.setHandleWidth(3)
            one.setChildrenCollapsible(False)
        return self._upper

    def _error_page(self) -> QWidget:
        page = QFrame()
        page.setObjectName("canvas")
        layout = QVBoxLayout(page)
        layout.setContentsMargins(24, 24, 24, 24)
        layout.addStretch(1)
        self._error_text = plain_label("", "canvas-danger")
        self._error_hint = plain_label("", "canvas")
        self._error_code = plain_label("", "canvas-second")
        for label in (self._error_text, self._error_hint, self._error_code):
            label.setWordWrap(True)
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            layout.addWidget(label)
        self.retry = QPushButton("Try again")
        self.retry.clicked.connect(self.retry_asked)
        layout.addSpacing(8)
        layout.addWidget(self.retry, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(1)
        return page

    def _clear(self) -> None:
        self.shown = None
        self._asked = None
        self.title.setText(self.name)
        for one in self.views.values():
            one.show_scan(None)
        self.show_reading("")
        self.show_busy(None)
        self.show_notices(0)
        self.show_other_patient(False)
        self.banner.say_nothing()
        self._change(Look(Window(40, 400)))

    def _change(self, look: Look) -> None:
        self._look = look
        self._pass_on()

    def _pass_on(self) -> None:
        for one in self.views.values():
            one.show_look(self._look)
            one.show_cursor(self.cursor_mm)

    def _on_view_peeked(self, is_on: bool) -> None:
        for one in self.views.values():
            one.peek(is_on)

    # -- floating things and drops -----------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep what floats over the images in its place."""
        super().resizeEvent(event)
        self._place()
        # The stack gets its size after this event.
        QTimer.singleShot(0, self, self._place)

    def _place(self) -> None:
        body = self._stack.geometry()
        self.busy.setGeometry(body.left(), body.top(), body.width(), 4)
        size = self.reading.sizeHint()
        left = body.right() - size.width() - 8
        self.reading.setGeometry(left, body.top() + 8, size.width(), size.height())
        width = min(body.width() - 24, 520)
        height = self.banner.heightForWidth(width)
        top = self._banner_bottom(body) - height
        self.banner.setGeometry(body.center().x() - width // 2, top, width, height)
        self._drop.setGeometry(body)
        for one in (self.busy, self.reading, self.banner, self._drop):
            one.raise_()

    def _banner_bottom(self, body: QRect) -> int:
        axial = self.views[View.AXIAL]
        if self._stack.currentIndex() != PICTURE or not axial.isVisible():
            return body.bottom() - 40
        corner = axial.mapTo(self, QPoint(0, axial.height()))
        return corner.y() - 34

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take a series of the list; files go to the window."""
        if event.mimeData().hasFormat(SERIES_MIME):
            self._drop.show()
            event.acceptProposedAction()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """Take the frame away."""
        self._drop.hide()
        super().dragLeaveEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        """Tell which series was dropped."""
        self._drop.hide()
        if event.mimeData().hasFormat(SERIES_MIME):
            name = bytes(event.mimeData().data(SERIES_MIME).data()).decode()
            event.acceptProposedAction()
            self.series_dropped.emit(name)
