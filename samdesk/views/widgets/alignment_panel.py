"""Beside the images: how well one scan lies on the other, and how both are drawn together."""

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QHeaderView,
    QProgressBar,
    QPushButton,
    QSlider,
    QStackedWidget,
    QTabBar,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from samdesk.core.progress import Progress
from samdesk.views import strings, theme
from samdesk.views.actions import ActionBook
from samdesk.views.tables.residuals import ResidualsModel, Tie
from samdesk.views.widgets.fusion import FusionMode
from samdesk.views.widgets.inspector import ROW, ActionButton
from samdesk.views.widgets.labels import plain_label, set_role

MODE_WORDS = {
    FusionMode.COLORS: "Colors: blue and orange",
    FusionMode.BLEND: "Blend",
    FusionMode.CHECKERBOARD: "Checkerboard",
    FusionMode.OFF: "Off",
}
# What the picture means, by mode; below the choice.
MODE_HINTS = {
    FusionMode.COLORS: "Blue: this scan only. Orange: the other only. Gray: both agree.",
    FusionMode.BLEND: "To the left this scan, to the right the other one.",
    FusionMode.CHECKERBOARD: "Tiles of both scans in turn; the slider sets their size.",
    FusionMode.OFF: "Each pane shows its own scan; the cursors still move together.",
}
DARKER_HINT = " Darker: the other scan does not reach there."


class AlignmentPanel(QWidget):
    """Shows an alignment at work, its end or its failure; tells what the user wants of it."""

    # Another way of drawing both scans: FusionMode.
    mode_changed = Signal(object)
    # How much of the other scan, 0 to 1.
    share_changed = Signal(float)
    # A row of the places was chosen: Tie.
    tie_chosen = Signal(object)
    # Bend tissue too, or not: the alignment has to be made anew.
    bend_changed = Signal(bool)
    # The places that are used shall be drawn in the images too, or not.
    places_changed = Signal(bool)
    # The button that begins again or goes on.
    again_asked = Signal()
    # Stop what runs.
    cancel_asked = Signal()

    def __init__(self, actions: ActionBook, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setMinimumWidth(theme.INSPECTOR)
        self._actions = actions
        self.ties = ResidualsModel(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 12)
        layout.setSpacing(8)
        self._build_head(layout)
        self._build_busy(layout)
        self._build_fusion(layout)
        self._build_table(layout)
        self._build_foot(layout)
        self.show_none()

    # -- what is shown ---------------------------------------------------------------------

    def show_none(self) -> None:
        """Show that nothing is aligned."""
        self._show_state("Not aligned", "chip-muted", "Align the other scan with Ctrl+R.")

    def show_scans(self, where: str) -> None:
        """Say which scan is laid onto which."""
        self.where.setText(where)

    def show_busy(self, progress: Progress, device: str) -> None:
        """Show how far the alignment is, and what it runs on."""
        self._show_state("Aligning…", "chip-muted", "")
        self._working.show()
        doing = strings.sentence(progress.doing or "working")
        self.doing.setText(doing)
        self.bar.setRange(0, 100 if progress.total > 0 else 0)
        self.bar.setValue(round(progress.share * 100))
        self.bar.setAccessibleName(f"{doing} {strings.percent(progress.share)}")
        self.device.setText(device)

    def show_refused(self, sentence: str, hint: str) -> None:
        """Show why there is no alignment, and what can be done."""
        self._show_state("Not aligned", "chip-uncertain", hint, warning=sentence)
        self.again.setText("Try again")
        self.again.show()

    def show_stopped(self) -> None:
        """Show that the work was stopped before its end."""
        self._show_state("Stopped", "chip-muted", "The scans are as they were.")
        self.again.setText("Go on")
        self.again.show()

    def show_aligned(
        self, chip: str, detail: str, warning: str, rows: tuple[Tie, ...], *, is_doubtful: bool
    ) -> None:
        """Show an alignment.

        Args:
            chip: how well it fits, in a line.
            detail: how it was made.
            warning: what a person should look at; may be empty.
            rows: the places, the farthest off first.
            is_doubtful: whether the chip looks like a doubt.
        """
        role = "chip-uncertain" if is_doubtful else "chip"
        self._show_state(chip, role, detail, warning=warning)
        self.ties.show_ties(rows)
        n_struck = sum(not tie.is_used for tie in rows)
        self.heading.setText(
            f"{strings.counted(len(rows), 'matched place')}, {n_struck} struck out"
        )
        self._fused.show()
        self._listed.show()

    def show_fusion(self, mode: FusionMode, share: float) -> None:
        """Show how both scans are drawn together."""
        for widget in (self.modes, self.slider):
            widget.blockSignals(True)
        self.modes.setCurrentIndex(list(MODE_WORDS).index(mode))
        self.slider.setValue(round(share * 100))
        for widget in (self.modes, self.slider):
            widget.blockSignals(False)
        self.slider.setEnabled(mode is not FusionMode.OFF)
        is_off = mode is FusionMode.OFF
        self.hint.setText(MODE_HINTS[mode] + ("" if is_off else DARKER_HINT))

    def select(self, tie: Tie | None) -> None:
        """Select the row of a place, or none."""
        if tie in self.ties.rows:
            self.table.selectRow(self.ties.rows.index(tie))
        else:
            self.table.clearSelection()

    # -- inside ----------------------------------------------------------------------------

    def _show_state(self, chip: str, role: str, detail: str, warning: str = "") -> None:
        self.chip.setText(chip)
        set_role(self.chip, role)
        self.detail.setText(detail)
        self.detail.setVisible(bool(detail))
        self.warning.setText(warning)
        self.warning.setVisible(bool(warning))
        for part in (self._working, self._fused, self._listed, self.again):
            part.hide()

    def _build_head(self, layout: QVBoxLayout) -> None:
        self.title = plain_label("Alignment", "title")
        self.where = plain_label("", "second")
        self.chip = plain_label("", "chip-muted")
        self.warning = plain_label("", "warn")
        self.detail = plain_label("", "second")
        for one in (self.title, self.where, self.chip, self.warning, self.detail):
            one.setWordWrap(True)
            layout.addWidget(one)

    def _build_busy(self, layout: QVBoxLayout) -> None:
        self._working, inner = _box()
        self.doing = plain_label("")
        self.doing.setWordWrap(True)
        self.bar = QProgressBar()
        self.cancel = QPushButton("Cancel  Esc")
        self.cancel.setAccessibleName("Cancel the alignment")
        self.cancel.clicked.connect(self.cancel_asked)
        self.device = plain_label("", "second")
        self.device.setWordWrap(True)
        for one in (self.doing, self.bar, self.cancel, self.device):
            inner.addWidget(one)
        layout.addWidget(self._working)

    def _build_fusion(self, layout: QVBoxLayout) -> None:
        self._fused, inner = _box()
        heading = plain_label("Fused picture", "heading")
        self.modes = QComboBox()
        self.modes.setAccessibleName("Fused picture")
        self.modes.setToolTip(self._actions["fusion"].toolTip())
        for mode, words in MODE_WORDS.items():
            self.modes.addItem(words, mode)
        self.modes.activated.connect(lambda _row: self.mode_changed.emit(self.modes.currentData()))
        heading.setBuddy(self.modes)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, 100)
        self.slider.setAccessibleName("Share of the other scan, or size of the tiles")
        self.slider.setToolTip("Share of the other scan  [ ]")
        self.slider.valueChanged.connect(lambda value: self.share_changed.emit(value / 100))
        self.hint = plain_label("", "second")
        self.hint.setWordWrap(True)
        self.hint.setMinimumHeight(3 * self.hint.fontMetrics().height())
        self.hint.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        for one in (heading, self.modes, self.slider, self.hint):
            inner.addWidget(one)
        layout.addWidget(self._fused)

    def _build_table(self, layout: QVBoxLayout) -> None:
        self._listed, inner = _box()
        self.heading = plain_label("", "heading")
        self.places = QCheckBox("Draw those that are used, too")
        self.places.setToolTip("Places that are struck out are always drawn, as orange crosses")
        self.places.toggled.connect(self.places_changed)
        self.table = QTableView()
        self.table.setModel(self.ties)
        self.table.setAccessibleName("Matched places, the farthest off first")
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
        self.table.clicked.connect(self._on_table_chosen)
        self.table.activated.connect(self._on_table_chosen)
        inner.addWidget(self.heading)
        inner.addWidget(self.places)
        inner.addWidget(self.table, 1)
        layout.addWidget(self._listed, 1)

    def _build_foot(self, layout: QVBoxLayout) -> None:
        self.again = QPushButton("Try again")
        self.again.clicked.connect(self.again_asked)
        self.bend = QCheckBox("Bend tissue, not only turn and stretch")
        self.bend.setChecked(True)
        self.bend.toggled.connect(self.bend_changed)
        self.close_button = ActionButton(self._actions["unalign"], "Undo the alignment")
        research = plain_label(strings.RESEARCH, "second")
        research.setWordWrap(True)
        layout.addWidget(self.again)
        layout.addStretch(0)
        for one in (self.bend, self.close_button, research):
            layout.addWidget(one)

    def _on_table_chosen(self, index: QModelIndex) -> None:
        if index.isValid():
            self.tie_chosen.emit(self.ties.rows[index.row()])


class RightColumn(QWidget):
    """What stands beside the images: the place that was asked for, and the alignment."""

    PLACE, ALIGNMENT = 0, 1

    def __init__(self, place: QWidget, alignment: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.tabs = QTabBar()
        self.tabs.setDocumentMode(True)
        self.tabs.setExpanding(True)
        self.tabs.setAccessibleName("What stands beside the images")
        self.stack = QStackedWidget()
        for words, page in (("Place", place), ("Alignment", alignment)):
            self.tabs.addTab(words)
            self.stack.addWidget(page)
        self.tabs.currentChanged.connect(self.stack.setCurrentIndex)
        self.tabs.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.tabs)
        layout.addWidget(self.stack, 1)

    def show_page(self, number: int, *, has_both: bool) -> None:
        """Turn to one of the two; without an alignment there are no tabs."""
        self.tabs.setVisible(has_both)
        self.tabs.setCurrentIndex(number)


def _box() -> tuple[QWidget, QVBoxLayout]:
    box = QWidget()
    inner = QVBoxLayout(box)
    inner.setContentsMargins(0, 0, 0, 0)
    inner.setSpacing(6)
    return box, inner
