"""The panel of an alignment by itself: one state at a time, room for its words, two pages."""

from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import QObject, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from samdesk.core.progress import Progress
from samdesk.views import theme
from samdesk.views.actions import ActionBook
from samdesk.views.tables.residuals import Tie
from samdesk.views.widgets.alignment_panel import AlignmentPanel, RightColumn
from samdesk.views.widgets.fusion import FusionMode

ROWS = (
    Tie(2, (1.0, 2.0, 3.0), (4.0, 5.0, 6.0), 31.0, False),
    Tie(1, (7.0, 8.0, 9.0), (9.0, 8.0, 7.0), 1.2, True),
)


@pytest.fixture
def panel(qapp: QApplication, let_go: Callable[[QWidget], None]) -> Iterator[AlignmentPanel]:
    theme.apply(qapp, "light")
    owner = QObject()
    made = AlignmentPanel(ActionBook(owner))
    made.resize(theme.INSPECTOR, 640)
    made.show()
    yield made
    made.close()
    let_go(made)
    theme.apply(qapp, "dark")


def shown(panel: AlignmentPanel) -> dict[str, bool]:
    """Tell which parts are in sight."""
    return {
        "busy": panel.cancel.isVisible(),
        "again": panel.again.isVisible(),
        "fused": panel.modes.isVisible(),
        "table": panel.table.isVisible(),
        "warning": panel.warning.isVisible(),
    }


def test_each_state_shows_its_own_parts_and_no_others(panel: AlignmentPanel) -> None:
    def only(*names: str) -> dict[str, bool]:
        return {name: name in names for name in shown(panel)}

    assert shown(panel) == only()
    panel.show_busy(Progress(0, 0, "embedding"), "Registration: CPU.")
    assert shown(panel) == only("busy")
    assert panel.bar.maximum() == 0
    panel.show_busy(Progress(30, 100, "fitting the matches"), "Registration: CPU.")
    assert (panel.bar.maximum(), panel.bar.value()) == (100, 30)
    assert panel.bar.accessibleName() == "Fitting the matches 30 %"
    panel.show_refused("The two scans have too little in common.", "Choose others.")
    assert shown(panel) == only("again", "warning")
    panel.show_stopped()
    assert shown(panel) == only("again")
    panel.show_aligned("Median 1.2 mm", "SAM affine.", "", ROWS, is_doubtful=False)
    assert shown(panel) == only("fused", "table")
    assert panel.heading.text() == "2 matched places, 1 struck out"
    panel.show_aligned("Median 9 mm", "SAM affine.", "Look twice.", ROWS, is_doubtful=True)
    assert shown(panel) == only("fused", "table", "warning")
    assert panel.chip.property("role") == "chip-uncertain"


def test_at_its_smallest_nothing_is_cut(panel: AlignmentPanel) -> None:
    panel.show_aligned("Median 12.8 mm · 95 % < 16.7 mm", "SAM.", "", ROWS, is_doubtful=False)
    panel.show_fusion(FusionMode.CHECKERBOARD, 0.4)
    QApplication.processEvents()
    for button in panel.findChildren(QPushButton):
        if button.isVisible():
            assert button.width() >= button.sizeHint().width(), button.text()
    for label in panel.findChildren(QLabel):
        if label.isVisible() and label.wordWrap():
            assert label.height() >= label.heightForWidth(label.width()), label.text()


def test_enter_in_the_table_chooses_a_place(qtbot: QtBot, panel: AlignmentPanel) -> None:
    panel.show_aligned("Median 1.2 mm", "SAM affine.", "", ROWS, is_doubtful=False)
    panel.select(ROWS[1])
    with qtbot.waitSignal(panel.tie_chosen, timeout=5_000) as told:
        QTest.keyClick(panel.table, Qt.Key.Key_Return)
    assert told.args == [ROWS[1]]


def test_showing_a_way_of_drawing_tells_nobody(panel: AlignmentPanel) -> None:
    told: list[object] = []
    panel.mode_changed.connect(told.append)
    panel.share_changed.connect(told.append)
    panel.show_fusion(FusionMode.OFF, 0.9)
    assert told == []
    assert not panel.slider.isEnabled()
    assert "its own scan" in panel.hint.text()
    panel.show_fusion(FusionMode.BLEND, 0.2)
    assert (panel.modes.currentData(), panel.slider.value()) == (FusionMode.BLEND, 20)


def test_tabs_turn_between_the_place_and_the_alignment(
    qapp: QApplication, let_go: Callable[[QWidget], None]
) -> None:
    place, alignment = QWidget(), QWidget()
    column = RightColumn(place, alignment)
    assert column.tabs.isHidden()
    column.show_page(RightColumn.ALIGNMENT, has_both=True)
    assert not column.tabs.isHidden()
    assert column.stack.currentWidget() is alignment
    column.tabs.setCurrentIndex(RightColumn.PLACE)
    assert column.stack.currentWidget() is place
    let_go(column)
