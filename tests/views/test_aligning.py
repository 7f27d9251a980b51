"""The alignment on the Read page: asked for, fused, clicked through, refused, stopped, undone."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from samdesk.app import wiring
from samdesk.core.correspondence import Correspondences
from samdesk.core.plane import View
from samdesk.errors import SamdeskError
from samdesk.services.bundle import Services
from samdesk.views.main_window import MainWindow
from samdesk.views.marks import Kind
from samdesk.views.pages.read import ReadPage
from samdesk.views.sides import Link
from samdesk.views.widgets.fusion import FusionMode

SHIFT = np.array((6.0, -4.0, 9.0))
ORGAN = (-20.0, 0.0, 130.0)
N_WRONG = 6
WAIT_MS = 30_000


@pytest.fixture
def window(
    qtbot: QtBot,
    services: Services,
    scan_files: tuple[Path, Path],
    let_go: Callable[[QWidget], None],
) -> Iterator[MainWindow]:
    """The window with the two made scans; tissue is not bent, which is quicker."""
    made = wiring.make_window(services)
    made.show()
    made.open_paths(scan_files)
    qtbot.waitUntil(lambda: len(services.volumes.ids) == 2, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: made.read.right.pane.shown is not None, timeout=WAIT_MS)
    made.read.alignment.bend.setChecked(False)
    yield made
    made.close()
    let_go(made)


@pytest.fixture
def page(window: MainWindow) -> ReadPage:
    """The page of that window."""
    return window.read


@pytest.fixture
def aligned(qtbot: QtBot, window: MainWindow, page: ReadPage) -> ReadPage:
    """The page with the second scan aligned to the first, and its fused slices there."""
    window.actions_book["align"].trigger()
    qtbot.waitUntil(lambda: page.aligning.is_on, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: len(page.aligning._slices) >= 3, timeout=WAIT_MS)
    return page


def trigger(window: MainWindow, name: str) -> None:
    window.actions_book[name].trigger()


def colors(page: ReadPage) -> int:
    """Count the pixels of the left axial image that are no gray."""
    view = page.left.pane.views[View.AXIAL]
    placed = view.placed()
    assert placed is not None
    image = view._picture(placed)
    tones = [image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height())]
    return sum(
        max(t.red(), t.green(), t.blue()) - min(t.red(), t.green(), t.blue()) > 40 for t in tones
    )


def test_the_key_aligns_the_other_scan_to_the_one_with_the_focus(
    qtbot: QtBot, window: MainWindow, page: ReadPage
) -> None:
    window.activateWindow()
    view = page.right.pane.views[View.AXIAL]
    view.setFocus()
    qtbot.waitUntil(view.hasFocus, timeout=WAIT_MS)
    QTest.keyClick(view, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    asked = page.aligning.asked
    assert asked is not None
    assert (asked.fixed, asked.moving) == (page.right.series, page.left.series)
    assert page.column.tabs.isVisible()
    assert page.alignment.isVisible()
    assert page.alignment.where.text() == f"{page.left.title}\nlaid onto\n{page.right.title}"


def test_an_alignment_is_summed_up_listed_and_drawn(aligned: ReadPage) -> None:
    panel = aligned.alignment
    assert panel.chip.text().startswith("Median 0.")
    assert "SAM affine" in panel.detail.text()
    n_places = panel.ties.rowCount()
    assert panel.heading.text() == f"{n_places} matched places, {N_WRONG} struck out"
    for n_used in (0, n_places - N_WRONG):
        for pane in (aligned.left.pane, aligned.right.pane):
            kinds = [mark.kind for mark in pane.look.marks]
            assert kinds.count(Kind.STRUCK) == N_WRONG
            assert kinds.count(Kind.TIE) == n_used
        panel.places.click()


def test_the_fused_picture_is_gray_where_the_scans_agree_and_the_other_pane_is_its_own(
    aligned: ReadPage, engine: Any
) -> None:
    fusion = aligned.left.pane.look.fusion
    assert fusion is not None
    assert (fusion.mode, aligned.right.pane.look.fusion) == (FusionMode.COLORS, None)
    rows, columns = aligned.left.pane.views[View.AXIAL].plane().size  # type: ignore[union-attr]
    # The bodies are the same but for noise: unaligned, every edge of lung and organ is colored.
    assert colors(aligned) < 0.05 * rows * columns


def test_modes_go_round_by_key_and_by_the_list(aligned: ReadPage, window: MainWindow) -> None:
    seen = []
    for _ in range(4):
        trigger(window, "fusion")
        seen.append(aligned.aligning.mode)
        assert aligned.alignment.modes.currentData() is seen[-1]
    assert seen == [FusionMode.BLEND, FusionMode.CHECKERBOARD, FusionMode.OFF, FusionMode.COLORS]
    aligned.alignment.modes.setCurrentIndex(3)
    aligned.alignment.modes.activated.emit(3)
    assert aligned.left.pane.look.fusion is None
    assert not aligned.alignment.slider.isEnabled()


def test_brackets_and_the_slider_change_the_share(aligned: ReadPage, window: MainWindow) -> None:
    trigger(window, "heat_more")
    assert aligned.aligning.share == pytest.approx(0.6)
    assert aligned.alignment.slider.value() == 60
    aligned.alignment.slider.setValue(0)
    assert aligned.left.pane.look.fusion.share == 0.0  # type: ignore[union-attr]
    trigger(window, "heat_less")
    assert aligned.aligning.share == 0.0


def test_the_cursors_follow_the_alignment_both_ways(aligned: ReadPage) -> None:
    assert aligned.linking.link is Link.ALIGNED
    left, right = aligned.left.pane, aligned.right.pane
    left.views[View.AXIAL].clicked.emit(ORGAN)
    assert_allclose(right.cursor_mm, ORGAN + SHIFT, atol=0.7)
    assert aligned.asking.question is None
    right.views[View.CORONAL].cursor_moved.emit((10.0, 5.0, 140.0))
    assert_allclose(left.cursor_mm, np.array((10.0, 5.0, 140.0)) - SHIFT, atol=0.7)


def test_a_chosen_row_is_gone_to_in_both_scans_and_marked(aligned: ReadPage) -> None:
    panel = aligned.alignment
    tie = panel.ties.rows[0]
    assert not tie.is_used
    panel.table.clicked.emit(panel.ties.index(0, 0))
    assert aligned.left.pane.cursor_mm == tie.fixed_mm
    assert aligned.right.pane.cursor_mm == tie.moving_mm
    mark = aligned.left.pane.look.marks[-1]
    assert (mark.kind, mark.text) == (Kind.SOURCE, f"{tie.number}: {tie.residual_mm:.1f} mm")
    panel.select(tie)
    assert panel.table.currentIndex().row() == 0
    panel.select(None)
    assert not panel.table.selectionModel().hasSelection()


def test_undo_brings_back_two_scans_of_their_own(aligned: ReadPage, window: MainWindow) -> None:
    trigger(window, "unalign")
    assert not aligned.aligning.is_on
    assert aligned.linking.link is Link.ANATOMY
    assert aligned.left.pane.look.fusion is None
    assert aligned.left.pane.look.marks == ()
    assert not aligned.column.tabs.isVisible()
    assert aligned.inspector.isVisible()
    assert not window.actions_book["unalign"].isEnabled()
    before = aligned.right.pane.cursor_mm
    aligned.left.pane.views[View.AXIAL].cursor_moved.emit(ORGAN)
    assert aligned.right.pane.cursor_mm == before


def test_another_scan_in_a_pane_takes_the_alignment_back(aligned: ReadPage) -> None:
    assert aligned.right.series is not None
    aligned.show_in(aligned.left, aligned.right.series)
    assert aligned.aligning.asked is None
    assert aligned.left.pane.look.fusion is None


def test_a_scan_that_is_let_go_takes_the_alignment_back(
    aligned: ReadPage, services: Services
) -> None:
    assert aligned.right.series is not None
    services.volumes.close(aligned.right.series)
    assert aligned.aligning.asked is None


def test_bending_or_not_asks_anew(aligned: ReadPage) -> None:
    aligned.alignment.bend.click()
    assert not aligned.aligning.is_on
    assert aligned.aligning.asked is not None
    assert aligned.aligning.asked.is_deformable
    assert aligned.alignment.cancel.isVisible()


def test_it_is_shown_at_work_and_can_be_stopped_and_taken_up_again(
    qtbot: QtBot, window: MainWindow, page: ReadPage, engine: Any
) -> None:
    engine.is_lattice_held = True
    trigger(window, "align")
    panel = page.alignment
    qtbot.waitUntil(lambda: panel.doing.text() == "Matching the lattice", timeout=WAIT_MS)
    assert panel.cancel.isVisible()
    assert panel.device.text() == "Matching: CPU, 2 threads. Registration: CPU."
    assert window.jobs.cancel.isVisible()
    trigger(window, "cancel")
    assert (panel.chip.text(), panel.again.text()) == ("Stopped", "Go on")
    assert not panel.cancel.isVisible()
    engine.is_lattice_held = False
    panel.again.click()
    qtbot.waitUntil(lambda: page.aligning.is_on, timeout=WAIT_MS)
    assert "align" not in window.jobs._jobs


def test_too_little_in_common_is_a_sentence_in_the_panel(
    qtbot: QtBot, window: MainWindow, page: ReadPage, engine: Any
) -> None:
    good = engine.lattice
    engine.lattice = Correspondences(
        good.fixed_mm, good.moving_mm, good.similarity, np.full(len(good), np.inf)
    )
    trigger(window, "align")
    panel = page.alignment
    qtbot.waitUntil(lambda: bool(panel.warning.text()), timeout=WAIT_MS)
    assert "too little in common" in panel.warning.text()
    assert "same part of the body" in panel.detail.text()
    assert not panel.table.isVisible()
    engine.error, engine.lattice = SamdeskError("No memory.", code="too-large"), good
    panel.again.click()
    qtbot.waitUntil(lambda: panel.warning.text() == "No memory.", timeout=WAIT_MS)
    engine.error = None
    panel.again.click()
    qtbot.waitUntil(lambda: page.aligning.is_on, timeout=WAIT_MS)


def test_without_a_second_scan_the_action_says_why(
    qtbot: QtBot, services: Services, let_go: Callable[[QWidget], None]
) -> None:
    window = wiring.make_window(services)
    try:
        qtbot.waitUntil(lambda: bool(services.matching.device), timeout=WAIT_MS)
        action = window.actions_book["align"]
        assert not action.isEnabled()
        assert action.toolTip() == "Open a second scan to align with this one."
        window.read.aligning.ask(window.read.left, window.read.right)
        assert window.read.aligning.asked is None
        window.read.linking.next()
        assert window.read.linking.link is Link.MM
        window.read.linking.follow(window.read.left, window.read.right, (0.0, 0.0, 0.0))
    finally:
        let_go(window)


def test_space_shows_the_bare_scan_of_the_pane(aligned: ReadPage, window: MainWindow) -> None:
    view = aligned.left.pane.views[View.AXIAL]
    plane = view.plane()
    assert plane is not None
    assert view._other_values(plane) is not None
    view.peek(True)
    assert view._other_values(plane) is None
    view.peek(False)
    trigger(window, "overlays")
    assert view._other_values(plane) is None
