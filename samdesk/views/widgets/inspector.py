"""Beside the images: what was found, the other places that look alike, and what to say of it."""

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QListView,
    QPushButton,
    QSlider,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from samdesk.core.models import ModelInfo
from samdesk.views import strings, theme
from samdesk.views.actions import ActionBook
from samdesk.views.tables.matches import Place, PlacesModel, PointLine, PointsModel
from samdesk.views.widgets.labels import plain_label, set_role

ROW = 26
MOST_ROWS = 4


class Inspector(QWidget):
    """Shows a match in words; buttons are the same actions as the keys."""

    # A row of the places was chosen: its number in the list, from 0.
    place_chosen = Signal(int)
    # A point of the project was chosen: its id.
    point_chosen = Signal(str)
    # The heat map shall be as strong as this, 0 to 1.
    opacity_changed = Signal(float)
    # Another model shall answer: its id.
    model_chosen = Signal(str)

    def __init__(self, actions: ActionBook, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setMinimumWidth(theme.INSPECTOR)
        self._actions = actions
        self.places = PlacesModel(self)
        self.points = PointsModel(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 12)
        layout.setSpacing(8)
        self._build_head(layout)
        self._build_table(layout)
        self._build_buttons(layout)
        self._build_heat(layout)
        layout.addWidget(_line())
        self._build_points(layout)
        self._build_foot(layout)

    # -- what is shown ---------------------------------------------------------------------

    def show_head(self, title: str, where: str, chip: str, role: str, detail: str = "") -> None:
        """Show what the match is called, where it is, and the answer in a chip.

        Args:
            title: name of the place.
            where: the scan that was searched.
            chip: the answer in a line; empty for none.
            role: how the chip looks: chip, chip-uncertain or chip-muted.
            detail: a reason or a hint.
        """
        self.title.setText(title)
        self.where.setText(where)
        self.chip.setText(chip)
        set_role(self.chip, role)
        self.detail.setText(detail)

    def show_places(self, places: Sequence[Place], current: int = 0) -> None:
        """Show the ranked places, with one of them selected."""
        self.places.show_places(places)
        if 0 <= current < len(places):
            self.table.selectRow(current)

    def show_points(self, lines: Sequence[PointLine], current: str) -> None:
        """Show the points of the project, with one of them selected."""
        self.points.show_lines(lines)
        self.points_heading.setText(f"Points ({len(lines)})" if lines else "Points")
        self.points_hint.setVisible(not lines)
        self.list.setVisible(bool(lines))
        row = next((n for n, line in enumerate(lines) if line.point == current), -1)
        index = self.points.index(row, 0) if row >= 0 else QModelIndex()
        self.list.selectionModel().setCurrentIndex(
            index, self.list.selectionModel().SelectionFlag.ClearAndSelect
        )

    def show_models(self, models: Sequence[ModelInfo], current: str) -> None:
        """Show which models there are; the choice only where there are several."""
        self.models.blockSignals(True)
        self.models.clear()
        for info in models:
            self.models.addItem(f"{info.id}  ({info.modality.value})", str(info.id))
        self.models.setCurrentIndex(self.models.findData(current))
        self.models.blockSignals(False)
        self.models.setVisible(len(models) > 1)
        self.model_label.setVisible(len(models) > 1)

    def show_link(self, text: str) -> None:
        """Show how the two scans move together."""
        self.link.setText(text)

    # -- inside ----------------------------------------------------------------------------

    def _build_head(self, layout: QVBoxLayout) -> None:
        self.title = plain_label("No place chosen", "title")
        self.title.setWordWrap(True)
        self.where = plain_label("Click in an image.", "second")
        self.where.setWordWrap(True)
        self.chip = plain_label("No answer yet", "chip-muted")
        self.detail = plain_label("", "second")
        self.detail.setWordWrap(True)
        # Three lines are always there, so that the buttons below stay where they are.
        self.detail.setMinimumHeight(3 * self.detail.fontMetrics().height())
        self.detail.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        for one in (self.title, self.where, self.chip, self.detail):
            layout.addWidget(one)

    def _build_table(self, layout: QVBoxLayout) -> None:
        self.table = QTableView()
        self.table.setModel(self.places)
        self.table.setAccessibleName("Places that look alike, best first")
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setAlternatingRowColors(True)
        self.table.setShowGrid(False)
        self.table.setTabKeyNavigation(False)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(ROW)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        header.setHighlightSections(False)
        self.table.clicked.connect(lambda index: self.place_chosen.emit(index.row()))
        self.table.activated.connect(lambda index: self.place_chosen.emit(index.row()))
        self.table.setFixedHeight(ROW * MOST_ROWS + header.sizeHint().height() + 10)
        layout.addWidget(self.table)

    def _build_buttons(self, layout: QVBoxLayout) -> None:
        self.accept = ActionButton(self._actions["accept"], "Accept  (A)", "primary")
        self.reject = ActionButton(self._actions["reject"], "Reject  (X)")
        self.not_here = ActionButton(self._actions["not_here"], "Not in scan  (D)")
        self.unsure = ActionButton(self._actions["unsure"], "Unsure  (U)")
        self.remove = ActionButton(self._actions["remove"], "Remove")
        grid = QGridLayout()
        grid.setSpacing(8)
        grid.addWidget(self.accept, 0, 0, 1, 2)
        for n, one in enumerate((self.reject, self.not_here, self.unsure, self.remove)):
            grid.addWidget(one, 1 + n // 2, n % 2)
        layout.addLayout(grid)

    def _build_heat(self, layout: QVBoxLayout) -> None:
        self.heat = ActionButton(self._actions["heat"], "Heat map  (H)")
        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self.opacity.setRange(10, 100)
        self.opacity.setValue(100)
        self.opacity.setAccessibleName("Strength of the heat map")
        self.opacity.setToolTip("Strength of the heat map  [ ]")
        self.opacity.valueChanged.connect(lambda value: self.opacity_changed.emit(value / 100))
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.heat)
        row.addWidget(self.opacity, 1)
        layout.addLayout(row)
        self.link = ActionButton(self._actions["link"], "Link: anatomy")
        layout.addWidget(self.link)

    def _build_points(self, layout: QVBoxLayout) -> None:
        self.points_heading = plain_label("Points", "heading")
        self.points_hint = plain_label(
            "Accept a match to keep its place as a point of the project.", "second"
        )
        self.points_hint.setWordWrap(True)
        self.list = QListView()
        self.list.setModel(self.points)
        self.list.setAccessibleName("Points of the project")
        self.list.setUniformItemSizes(True)
        self.list.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.list.clicked.connect(self._on_list_clicked)
        self.list.activated.connect(self._on_list_clicked)
        self.list.hide()
        layout.addWidget(self.points_heading)
        layout.addWidget(self.points_hint)
        layout.addWidget(self.list, 1)
        layout.addStretch(1)

    def _build_foot(self, layout: QVBoxLayout) -> None:
        self.model_label = plain_label("Model", "second")
        self.models = QComboBox()
        self.models.setAccessibleName("Model that answers")
        self.models.activated.connect(
            lambda _row: self.model_chosen.emit(str(self.models.currentData()))
        )
        self.model_label.hide()
        self.models.hide()
        research = plain_label(strings.RESEARCH, "second")
        research.setWordWrap(True)
        layout.addWidget(self.model_label)
        layout.addWidget(self.models)
        layout.addWidget(research)

    def _on_list_clicked(self, index: QModelIndex) -> None:
        if index.isValid():
            self.point_chosen.emit(str(self.points.lines[index.row()].point))


class ActionButton(QPushButton):
    """A button that is an action: enabled, checked and explained as that action is."""

    def __init__(self, action: QAction, text: str, role: str = "") -> None:
        super().__init__(text)
        self._action = action
        self.setCheckable(action.isCheckable())
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        if role:
            set_role(self, role)
        self.clicked.connect(lambda _checked=False: action.trigger())
        action.changed.connect(self._on_action_changed)
        self._on_action_changed()

    def _on_action_changed(self) -> None:
        self.setEnabled(self._action.isEnabled())
        self.setChecked(self._action.isChecked())
        self.setToolTip(self._action.toolTip())


def _line() -> QFrame:
    line = QFrame()
    line.setFixedHeight(1)
    line.setStyleSheet("background: palette(mid);")
    return line
