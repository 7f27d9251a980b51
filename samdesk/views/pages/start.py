"""The Start page: a place to drop scans on, what was open before, and something to try."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QModelIndex, QStringListModel, Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QListView,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from samdesk.core.progress import Progress
from samdesk.core.reading import ScanReport
from samdesk.errors import SamdeskError
from samdesk.views import icons, strings, theme
from samdesk.views.actions import ActionBook
from samdesk.views.strings import counted, refusal_line
from samdesk.views.tables.series import patients
from samdesk.views.widgets.labels import plain_label, set_role

MOST_RECENT = 8
CARD = 190
MOST_REFUSED = 200


class StartPage(QWidget):
    """Empty, loading, partial, error and ready, as gui.md 3b has them."""

    # Paths of the recent list shall be opened.
    recent_chosen = Signal(object)
    # A path shall be taken out of the recent list.
    recent_removed = Signal(object)
    # Stop was pressed while a drop is scanned.
    stop_asked = Signal()

    def __init__(self, actions: ActionBook, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._actions = actions
        self._recent: tuple[Path, ...] = ()
        column = QVBoxLayout()
        column.setSpacing(16)
        column.addLayout(self._head())
        column.addWidget(self._drop_area(), 3)
        column.addWidget(self._trouble(), 2)
        column.addLayout(self._cards(), 1)
        column.addLayout(self._foot())
        layout = QHBoxLayout(self)
        layout.setContentsMargins(32, 24, 32, 16)
        layout.addStretch(1)
        layout.addLayout(column, 6)
        layout.addStretch(1)
        self.show_recent(())
        self.show_idle()

    # -- states ----------------------------------------------------------------------------

    def show_idle(self) -> None:
        """Show the place to drop on."""
        self.headline.setText(strings.DROP_HERE)
        self.bar.hide()
        self.stop.hide()
        self.open_files.show()
        self.open_folder.show()
        self.formats.setText(strings.FORMATS)

    def show_loading(self, progress: Progress, n_waiting: int) -> None:
        """Show how far the scan of a drop is."""
        self.trouble.hide()
        self.headline.setText(strings.sentence(progress.doing or "looking through the files"))
        waiting = f" {counted(n_waiting - 1, 'drop')} waiting." if n_waiting > 1 else ""
        done = f"{progress.done:,} of {counted(progress.total, 'file')}."
        self.formats.setText((done if progress.total else "Counting the files.") + waiting)
        self.bar.setRange(0, progress.total)
        self.bar.setValue(progress.done)
        self.bar.show()
        self.stop.show()
        self.open_files.hide()
        self.open_folder.hide()

    def show_found(self, report: ScanReport) -> None:
        """Show what a drop brought; every file where nothing can be shown."""
        self.show_idle()
        skipped = len(report.refusals)
        if report.series:
            people = counted(len(patients(report.series)), "patient")
            found = f"{counted(len(report.series), 'series', 'series')}, {people}"
            self.formats.setText(f"{found}, {skipped:,} skipped." if skipped else f"{found}.")
            self.trouble.hide()
            return
        self.trouble_title.setText("Nothing here can be shown")
        lines = [f"{refusal_line(one)} {one.hint}".strip() for one in report.refusals]
        if not lines:
            lines = ["There are no files in what was dropped."]
        self._lines.setStringList(lines[:MOST_REFUSED])
        self.trouble.show()

    def show_error(self, error: SamdeskError) -> None:
        """Show why a drop could not be looked through at all."""
        self.show_idle()
        self.trouble_title.setText("Nothing here can be shown")
        self._lines.setStringList([f"{error.what} {error.hint}".strip()])
        self.trouble.show()

    def show_stopped(self) -> None:
        """Say that the scan was stopped."""
        self.show_idle()
        self.formats.setText("Stopped. What was found before stays open.")

    def show_recent(self, recent: Sequence[Path]) -> None:
        """Show what was open before; what is gone says so when it is opened."""
        self._recent = tuple(recent)[:MOST_RECENT]
        self._names.setStringList([f"{path.name}    {path.parent}" for path in self._recent])
        self.recent_list.setVisible(bool(self._recent))
        self.recent_hint.setVisible(not self._recent)

    def show_ready(self, text: str, *, is_ready: bool) -> None:
        """Show the model and the device."""
        self.readiness.setText(text)
        set_role(self.readiness, "ok" if is_ready else "warn")

    def show_demo(self, is_offered: bool) -> None:
        """Offer the phantom patient or not."""
        self.demo.setVisible(is_offered)
        self.demo_text.setVisible(is_offered)

    def highlight(self, is_dragged_over: bool) -> None:
        """Show that letting go now opens what is dragged."""
        set_role(self.area, "over" if is_dragged_over else "drop-area")
        if is_dragged_over:
            self.headline.setText("Drop to open")
        elif not self.bar.isVisible():
            self.headline.setText(strings.DROP_HERE)

    def refresh(self) -> None:
        """Draw the icon in the colors of the theme."""
        self._icon.setPixmap(icons.pixmap("drop", theme.tokens().accent, 56))

    # -- building --------------------------------------------------------------------------

    def _head(self) -> QVBoxLayout:
        title = plain_label("samdesk", "title")
        second = plain_label("Click a place in one scan; it is found in every other.", "second")
        box = QVBoxLayout()
        box.setSpacing(2)
        box.addWidget(title)
        box.addWidget(second)
        return box

    def _drop_area(self) -> QFrame:
        self.area = QFrame()
        self.area.setObjectName("drop")
        set_role(self.area, "drop-area")
        self._icon = QLabel()
        self._icon.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.refresh()
        self.headline = plain_label(strings.DROP_HERE, "title")
        self.formats = plain_label(strings.FORMATS, "second")
        for one in (self.headline, self.formats):
            one.setAlignment(Qt.AlignmentFlag.AlignCenter)
            one.setWordWrap(True)
        self.open_files = self._button("open", "Open files  Ctrl+O")
        self.open_folder = self._button("open_folder", "Open folder  Ctrl+Shift+O")
        self.stop = QPushButton("Stop")
        self.stop.clicked.connect(self.stop_asked)
        self.bar = QProgressBar()
        self.bar.setFixedWidth(360)
        self.bar.setAccessibleName("Looking through the files")
        buttons = QHBoxLayout()
        buttons.setSpacing(12)
        buttons.addStretch(1)
        for button in (self.open_files, self.open_folder, self.stop):
            buttons.addWidget(button)
        buttons.addStretch(1)
        layout = QVBoxLayout(self.area)
        layout.setContentsMargins(24, 24, 24, 24)
        layout.setSpacing(12)
        layout.addStretch(1)
        layout.addWidget(self._icon)
        layout.addWidget(self.headline)
        layout.addWidget(self.bar, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addLayout(buttons)
        layout.addWidget(self.formats)
        layout.addStretch(1)
        return self.area

    def _trouble(self) -> QFrame:
        self.trouble = QFrame()
        self.trouble.setObjectName("card")
        self.trouble_title = plain_label("", "danger")
        self._lines = QStringListModel(self)
        self.lines = QListView()
        self.lines.setModel(self._lines)
        self.lines.setWordWrap(True)
        self.lines.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.lines.setAccessibleName("Files that cannot be shown, with the reason")
        layout = QVBoxLayout(self.trouble)
        layout.addWidget(self.trouble_title)
        layout.addWidget(self.lines)
        self.trouble.hide()
        return self.trouble

    def _cards(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setSpacing(16)
        grid.addWidget(self._recent_card(), 0, 0)
        grid.addWidget(self._demo_card(), 0, 1)
        grid.setColumnStretch(0, 3)
        grid.setColumnStretch(1, 2)
        return grid

    def _recent_card(self) -> QFrame:
        card = QFrame()
        card.setObjectName("card")
        card.setMinimumHeight(CARD)
        card.setMaximumHeight(CARD)
        self._names = QStringListModel(self)
        self.recent_list = QListView()
        self.recent_list.setModel(self._names)
        self.recent_list.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.recent_list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.recent_list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.recent_list.setAccessibleName("Recent scans")
        self.recent_list.activated.connect(self._on_recent_activated)
        delete = QShortcut(QKeySequence(Qt.Key.Key_Delete), self.recent_list)
        delete.setContext(Qt.ShortcutContext.WidgetShortcut)
        delete.activated.connect(self._on_recent_deleted)
        self.recent_hint = plain_label("What you open is listed here.", "second")
        layout = QVBoxLayout(card)
        layout.setContentsMargins(16, 12, 16, 16)
        layout.addWidget(plain_label("Recent", "heading"))
        layout.addWidget(self.recent_hint)
        layout.addWidget(self.recent_list)
        layout.addStretch(1)
        return card

    def _demo_card(self) -> QFrame:
        card = QFrame()
        card.setObjectName("card")
        card.setMinimumHeight(CARD)
        card.setMaximumHeight(CARD)
        self.demo = self._button("demo", "Try with the built-in phantom")
        self.demo_text = plain_label(
            "A made patient with three dates and lesions that grow and vanish; nothing is sent "
            "and nothing is loaded from a network.",
            "second",
        )
        self.demo_text.setWordWrap(True)
        layout = QVBoxLayout(card)
        layout.setContentsMargins(16, 12, 16, 16)
        layout.setSpacing(8)
        layout.addWidget(plain_label("Try it", "heading"))
        layout.addWidget(self.demo)
        layout.addWidget(self.demo_text)
        layout.addStretch(1)
        return card

    def _foot(self) -> QVBoxLayout:
        self.readiness = plain_label("", "ok")
        self.readiness.setWordWrap(True)
        box = QVBoxLayout()
        box.setSpacing(4)
        box.addWidget(self.readiness)
        box.addWidget(plain_label(strings.RESEARCH, "second"))
        return box

    def _button(self, action: str, text: str) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(self._actions[action].toolTip())
        button.clicked.connect(lambda _checked=False: self._actions[action].trigger())
        return button

    def _on_recent_activated(self, index: QModelIndex) -> None:
        if index.isValid():
            self.recent_chosen.emit([self._recent[index.row()]])

    def _on_recent_deleted(self) -> None:
        index = self.recent_list.currentIndex()
        if index.isValid():
            self.recent_removed.emit(self._recent[index.row()])
