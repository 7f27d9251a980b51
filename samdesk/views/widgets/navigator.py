"""The list of scans beside the images, and what to do with one of them."""

from PySide6.QtCore import QModelIndex, QPoint, Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QMenu, QTreeView, QVBoxLayout, QWidget

from samdesk.core.ids import SeriesId
from samdesk.core.reading import ScanReport
from samdesk.views import theme
from samdesk.views.tables.series import SeriesModel
from samdesk.views.widgets.labels import plain_label


class Navigator(QWidget):
    """Patients, studies and series as a tree; the skipped files at its end."""

    # A series shall be shown: its id, and "left", "right" or "" for wherever there is room.
    chosen = Signal(str, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setMinimumWidth(theme.NAVIGATOR)
        self.model = SeriesModel(self)
        self.tree = QTreeView()
        self.tree.setObjectName("navigator")
        self.tree.setModel(self.model)
        self.tree.setHeaderHidden(True)
        self.tree.setIndentation(14)
        self.tree.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.tree.setDragEnabled(True)
        self.tree.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)
        self.tree.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.tree.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.tree.setExpandsOnDoubleClick(True)
        self.tree.setAccessibleName("Scans")
        self.tree.activated.connect(lambda index: self._choose(index, ""))
        self.tree.customContextMenuRequested.connect(self._on_menu_requested)
        self.empty = plain_label("No scans yet. Drop files or folders anywhere.", "second")
        self.empty.setWordWrap(True)
        self.empty.setContentsMargins(12, 12, 12, 12)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.empty)
        layout.addWidget(self.tree, 1)
        self._show_empty()

    def show_report(self, report: ScanReport, *, are_names_hidden: bool) -> None:
        """List what was found, open to the series; the skipped files folded."""
        self.model.show_report(report, are_names_hidden=are_names_hidden)
        last = self.model.rowCount() - 1
        for row in range(self.model.rowCount()):
            index = self.model.index(row, 0)
            if report.refusals and row == last and report.series:
                continue
            self.tree.expandRecursively(index)
        self._show_empty()

    def show_skipped(self) -> None:
        """Unfold the skipped files and bring them into sight."""
        index = self.model.index(self.model.rowCount() - 1, 0)
        self.tree.expand(index)
        self.tree.scrollTo(index, QAbstractItemView.ScrollHint.PositionAtTop)
        self.tree.setCurrentIndex(index)

    def _show_empty(self) -> None:
        is_empty = self.model.rowCount() == 0
        self.empty.setVisible(is_empty)
        self.tree.setVisible(not is_empty)

    def _choose(self, index: QModelIndex, where: str) -> None:
        series = self.model.series_at(index)
        if series is not None:
            self.chosen.emit(SeriesId(series), where)

    def _on_menu_requested(self, where: QPoint) -> None:
        index = self.tree.indexAt(where)
        if self.model.series_at(index) is None:
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for text, side in (("Show on the left", "left"), ("Show on the right", "right")):
            menu.addAction(text).triggered.connect(
                lambda _checked=False, side=side: self._choose(index, side)
            )
        menu.popup(self.tree.viewport().mapToGlobal(where))
