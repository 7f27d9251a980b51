"""The Read page over the real services: a click is found in the other scan, both ways."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from samdesk.app import wiring
from samdesk.core.geometry import Position
from samdesk.core.match import Match, Verdict
from samdesk.core.matchbook import CURSOR
from samdesk.core.plane import View
from samdesk.core.project import Judgement
from samdesk.core.window import CT_PRESETS
from samdesk.errors import SamdeskError
from samdesk.services.bundle import Services
from samdesk.views.main_window import MainWindow
from samdesk.views.marks import Kind
from samdesk.views.pages.read import ReadPage
from samdesk.views.sides import Link, Side

SHIFT = np.array((6.0, -4.0, 9.0))
ORGAN = (-20.0, 0.0, 130.0)


@pytest.fixture
def window(
    qtbot: QtBot,
    services: Services,
    scan_files: tuple[Path, Path],
    let_go: Callable[[QWidget], None],
) -> Iterator[MainWindow]:
    """The window with the two made scans, embedded and ready for clicks."""
    made = wiring.make_window(services)
    made.show()
    made.open_paths(scan_files)
    qtbot.waitUntil(lambda: len(services.volumes.ids) == 2, timeout=20_000)
    ids = services.volumes.ids
    qtbot.waitUntil(lambda: all(services.matching.is_ready(one) for one in ids), timeout=20_000)
    yield made
    made.close()
    let_go(made)


@pytest.fixture
def page(window: MainWindow) -> ReadPage:
    """The page of that window."""
    return window.read


def click(side: Side, at_mm: Position, view: View = View.AXIAL) -> None:
    """Click at the place in mm, as near as a pixel allows."""
    side.pane.go_to(at_mm)
    widget = side.pane.views[view]
    placed = widget.placed()
    assert placed is not None
    at = placed.to_screen(at_mm)
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton, pos=at.toPoint())


def wait_for_answer(qtbot: QtBot, page: ReadPage) -> Match:
    qtbot.waitUntil(
        lambda: page.asking.match is not None and page.asking.progress is None, timeout=20_000
    )
    assert page.asking.match is not None
    return page.asking.match


def trigger(window: MainWindow, name: str) -> None:
    window.actions_book[name].trigger()


def titles(page: ReadPage) -> tuple[str, str]:
    return page.left.title, page.right.title


def test_two_dropped_scans_are_shown_in_the_order_of_the_drop(
    window: MainWindow, page: ReadPage
) -> None:
    assert window.stack.currentWidget() is page
    assert "first" in page.left.title
    assert "second" in page.right.title
    assert page.left.pane.shown is not None
    assert page.right.pane.shown is not None


def test_a_click_is_found_in_the_other_scan_with_a_dashed_ring_and_the_place_in_sight(
    qtbot: QtBot, page: ReadPage
) -> None:
    click(page.left, ORGAN)
    wait_for_answer(qtbot, page)
    # A pixel of the view is under 1 mm, and slices are 3 mm apart.
    assert_allclose(page.right.pane.cursor_mm, ORGAN + SHIFT, atol=2)
    mark = page.right.pane.look.marks[-1]
    assert (mark.kind, mark.text, mark.is_movable) == (Kind.SUGGESTED, "96 %", True)
    assert page.inspector.chip.text() == "Suggested  96 % · loop 1.4 mm"
    assert page.inspector.places.rowCount() == 2
    source = page.left.pane.look.marks[-1]
    assert source.kind is Kind.SOURCE


def test_it_works_the_other_way_round(qtbot: QtBot, page: ReadPage) -> None:
    click(page.right, ORGAN, View.CORONAL)
    wait_for_answer(qtbot, page)
    assert page.asking.question is not None
    assert page.asking.question.follow_up == page.left.series
    assert page.left.pane.look.marks[-1].kind is Kind.SUGGESTED


def test_a_newer_click_takes_the_place_of_the_older(
    qtbot: QtBot, page: ReadPage, engine: Any
) -> None:
    click(page.left, ORGAN)
    click(page.left, (20.0, 4.0, 151.0))
    match = wait_for_answer(qtbot, page)
    assert match.at_mm is not None
    assert_allclose(match.at_mm, np.add((20.0, 4.0, 151.0), SHIFT), atol=2)


@pytest.mark.parametrize(
    ("verdict", "kind", "words"),
    [
        (Verdict.UNCERTAIN, Kind.UNCERTAIN, "Uncertain"),
        (Verdict.ABSENT, None, "Not in this scan (97 %)"),
        (Verdict.UNKNOWN, None, "Cannot say"),
    ],
)
def test_each_verdict_has_its_banner_and_its_mark(
    qtbot: QtBot, page: ReadPage, engine: Any, verdict: Verdict, kind: Kind | None, words: str
) -> None:
    at_mm = ORGAN if verdict is Verdict.UNCERTAIN else None
    reason = "The two scans show different parts of the body."
    engine.answer = lambda _at: Match(verdict, at_mm, 0.03, 0.4, 0.0, 30.0, reason=reason)
    click(page.left, ORGAN)
    wait_for_answer(qtbot, page)
    banner = page.right.pane.banner
    assert banner.isVisible()
    assert banner.text.text().startswith(words)
    assert banner.detail.text() == reason
    marks = page.right.pane.look.marks
    assert [mark.kind for mark in marks] == ([kind] if kind else [])
    assert page.left.pane.banner.isHidden()


def test_the_nearest_place_is_gone_to_only_when_asked(
    qtbot: QtBot, page: ReadPage, engine: Any
) -> None:
    nearest = (0.0, 0.0, 166.0)
    engine.answer = lambda _at: Match(
        Verdict.ABSENT, None, 0.03, 0.2, 0.0, 50.0, nearest_mm=nearest
    )
    before = page.right.pane.cursor_mm
    click(page.left, ORGAN)
    wait_for_answer(qtbot, page)
    assert page.right.pane.cursor_mm == before
    page.right.pane.banner.button.click()
    assert page.right.pane.cursor_mm == nearest


def test_an_error_is_shown_in_a_sentence_and_can_be_tried_again(
    qtbot: QtBot, page: ReadPage, engine: Any
) -> None:
    engine.error = SamdeskError("The file is not the one that was tested.", hint="Install it.")
    click(page.left, ORGAN)
    qtbot.waitUntil(lambda: page.asking.error is not None, timeout=20_000)
    banner = page.right.pane.banner
    assert banner.text.text() == "The file is not the one that was tested."
    assert banner.button.text() == "Try again"
    assert page.inspector.chip.text() == "No answer"
    engine.error = None
    banner.button.click()
    assert wait_for_answer(qtbot, page).verdict is Verdict.FOUND
    assert banner.isHidden()


def test_accept_keeps_the_place_as_a_point_in_one_step_of_undo(
    qtbot: QtBot, window: MainWindow, page: ReadPage, services: Services
) -> None:
    click(page.left, ORGAN)
    match = wait_for_answer(qtbot, page)
    trigger(window, "accept")
    project = services.store.project
    (point,) = project.points.values()
    (judged,) = project.judgements.values()
    assert point.name == "Point 1"
    assert (judged.judgement, judged.at_mm) == (Judgement.ACCEPTED, match.at_mm)
    assert page.right.pane.look.marks[-1].kind is Kind.ACCEPTED
    assert page.inspector.points.lines[0].state == "accepted"
    assert window.actions_book["undo"].text() == "Undo accept Point 1"
    trigger(window, "undo")
    assert not services.store.project.points
    assert page.asking.question is not None
    assert page.asking.question.point == CURSOR
    assert page.right.pane.look.marks[0].kind is Kind.OTHER
    trigger(window, "redo")
    assert services.store.project.points


@pytest.mark.parametrize(
    ("action", "judgement", "kind"),
    [
        ("reject", Judgement.REJECTED, Kind.REJECTED),
        ("not_here", Judgement.NOT_HERE, None),
        ("unsure", Judgement.UNSURE, Kind.UNCERTAIN),
    ],
)
def test_reject_not_here_and_unsure_are_written_down(
    qtbot: QtBot,
    window: MainWindow,
    page: ReadPage,
    services: Services,
    action: str,
    judgement: Judgement,
    kind: Kind | None,
) -> None:
    click(page.left, ORGAN)
    wait_for_answer(qtbot, page)
    trigger(window, action)
    (judged,) = services.store.project.judgements.values()
    assert judged.judgement is judgement
    kinds = [mark.kind for mark in page.right.pane.look.marks]
    assert kinds == ([kind] if kind else [])
    trigger(window, "remove")
    assert not services.store.project.points


def test_a_ring_that_is_dragged_is_moved_by_hand(
    qtbot: QtBot, page: ReadPage, services: Services
) -> None:
    click(page.left, ORGAN)
    wait_for_answer(qtbot, page)
    page.right.pane.mark_moved.emit((-10.0, 3.0, 139.0))
    (judged,) = services.store.project.judgements.values()
    assert (judged.judgement, judged.at_mm) == (Judgement.MOVED, (-10.0, 3.0, 139.0))
    assert page.right.pane.look.marks[-1].kind is Kind.MOVED
    assert page.right.pane.look.marks[-1].at_mm == (-10.0, 3.0, 139.0)


def test_an_alternative_is_gone_to_and_accepting_it_is_a_choice_by_hand(
    qtbot: QtBot, window: MainWindow, page: ReadPage, services: Services
) -> None:
    click(page.left, ORGAN)
    match = wait_for_answer(qtbot, page)
    trigger(window, "other_1")
    assert page.right.pane.cursor_mm == match.alternatives[0].at_mm
    trigger(window, "accept")
    (judged,) = services.store.project.judgements.values()
    assert (judged.judgement, judged.at_mm) == (Judgement.MOVED, match.alternatives[0].at_mm)


def test_the_heat_map_comes_and_goes_with_its_key(
    qtbot: QtBot, window: MainWindow, page: ReadPage
) -> None:
    click(page.left, ORGAN)
    wait_for_answer(qtbot, page)
    trigger(window, "heat")
    qtbot.waitUntil(lambda: page.right.pane.look.heat is not None, timeout=20_000)
    assert page.left.pane.look.heat is None
    before = page.right.pane.look.heat_opacity
    trigger(window, "heat_less")
    assert page.right.pane.look.heat_opacity == pytest.approx(before - 0.1)
    trigger(window, "heat")
    assert page.right.pane.look.heat is None


def test_a_click_before_the_embedding_waits_in_place_and_can_be_cancelled(
    qtbot: QtBot, window: MainWindow, page: ReadPage, services: Services, engine: Any
) -> None:
    engine.is_held = True
    for series in services.volumes.ids:
        opened = services.volumes.get(series)
        services.volumes.closed.emit(series)
        services.volumes.opened.emit(series, opened)
    click(page.left, ORGAN)
    qtbot.waitUntil(lambda: page.right.pane.banner.isVisible(), timeout=20_000)
    assert page.right.pane.banner.detail.text().startswith("The place follows")
    qtbot.waitUntil(lambda: not window.jobs.cancel.isHidden(), timeout=20_000)
    trigger(window, "cancel")
    qtbot.waitUntil(lambda: not services.matching.is_busy, timeout=1_000)
    assert page.right.pane.banner.text.text() == "Stopped before there was an answer."
    engine.is_held = False
    page.right.pane.banner.button.click()
    assert wait_for_answer(qtbot, page).verdict is Verdict.FOUND


def test_an_unlinked_click_asks_nothing_and_the_key_asks(
    qtbot: QtBot, window: MainWindow, page: ReadPage, engine: Any
) -> None:
    trigger(window, "link")
    assert page.linking.link is Link.MM
    before = page.right.pane.cursor_mm
    start = page.left.pane.cursor_mm
    click_at = (start[0] + 10, start[1], start[2])
    widget = page.left.pane.views[View.AXIAL]
    widget.clicked.emit(click_at)
    assert_allclose(page.right.pane.cursor_mm, np.add(before, (10, 0, 0)))
    trigger(window, "link")
    assert page.linking.link is Link.OFF
    widget.clicked.emit(start)
    assert page.asking.question is None
    assert_allclose(page.right.pane.cursor_mm, np.add(before, (10, 0, 0)))
    trigger(window, "match")
    wait_for_answer(qtbot, page)
    assert len(engine.asked) >= 1


def test_presets_reach_both_scans_and_the_corner_says_so(
    window: MainWindow, page: ReadPage
) -> None:
    for number, preset in enumerate(CT_PRESETS, 1):
        trigger(window, f"preset_{number}")
        assert page.left.pane.window_shown == preset.window
        assert page.right.pane.window_shown == preset.window
    trigger(window, "preset_0")
    assert page.left.pane.window_shown == CT_PRESETS[0].window
    trigger(window, "preset_0")
    assert page.left.pane.window_shown not in [preset.window for preset in CT_PRESETS]


def test_keys_go_through_the_slices_of_the_view_with_the_focus(
    window: MainWindow, page: ReadPage
) -> None:
    window.activateWindow()
    widget = page.left.pane.views[View.AXIAL]
    widget.setFocus()
    z = page.left.pane.cursor_mm[2]
    QTest.keyClick(widget, Qt.Key.Key_Down)
    assert page.left.pane.cursor_mm[2] < z
    QTest.keyClick(widget, Qt.Key.Key_Home)
    shown = page.left.pane.shown
    assert shown is not None
    assert shown.number(View.AXIAL, page.left.pane.cursor_mm) == 0
    QTest.keyClick(widget, Qt.Key.Key_End)
    assert shown.number(View.AXIAL, page.left.pane.cursor_mm) == shown.count(View.AXIAL) - 1
    QTest.keyClick(widget, Qt.Key.Key_2)
    assert page.left.pane.window_shown == CT_PRESETS[1].window


def test_marks_and_crosshair_can_be_hidden(window: MainWindow, page: ReadPage) -> None:
    trigger(window, "overlays")
    trigger(window, "crosshair")
    assert not page.left.pane.look.has_overlays
    assert not page.right.pane.look.has_crosshair
    trigger(window, "overlays")
    assert page.left.pane.look.has_overlays


def test_one_view_alone_and_all_again(window: MainWindow, page: ReadPage) -> None:
    pane = page.left.pane
    page.left.pane.views[View.CORONAL].setFocus()
    pane.toggle_alone()
    visible = [view for view, widget in pane.views.items() if widget.isVisible()]
    assert len(visible) == 1
    pane.toggle_alone()
    assert all(widget.isVisible() for widget in pane.views.values())


def test_layouts_show_one_scan_or_two(window: MainWindow, page: ReadPage) -> None:
    trigger(window, "layout_left")
    assert page.right.pane.isHidden()
    trigger(window, "layout_right")
    assert page.left.pane.isHidden()
    trigger(window, "layout_two")
    assert not page.left.pane.isHidden()
    assert not page.right.pane.isHidden()


def test_the_place_and_value_under_the_pointer_are_in_the_status_line(
    window: MainWindow, page: ReadPage
) -> None:
    page.left.pane.go_to(ORGAN)
    page.left.pane.hovered.emit(ORGAN)
    assert window.jobs.place.text() == "R 20.0  P 0.0  H 130.0 mm"
    assert window.jobs.value.text().endswith(" HU")
    page.left.pane.hovered.emit(None)
    assert window.jobs.place.text() == ""


def test_the_list_shows_series_and_a_click_swaps_them(
    qtbot: QtBot, page: ReadPage, services: Services
) -> None:
    first, second = page.left.series, page.right.series
    assert first is not None
    assert second is not None
    page.navigator.chosen.emit(second, "left")
    assert page.left.series == second
    assert page.navigator.model.index_of(second).data().startswith("◧◨")
    assert page.asking.question is None


def test_a_series_dragged_onto_a_pane_is_shown_there(page: ReadPage) -> None:
    first = page.left.series
    assert first is not None
    model = page.navigator.model
    data = model.mimeData([model.index_of(first)])
    assert bytes(data.data(model.mimeTypes()[0]).data()).decode() == first
    page.right.pane.series_dropped.emit(first)
    assert page.right.series == first


def test_a_point_of_the_list_is_gone_to_in_both_scans(
    qtbot: QtBot, window: MainWindow, page: ReadPage
) -> None:
    click(page.left, ORGAN)
    wait_for_answer(qtbot, page)
    trigger(window, "accept")
    click(page.left, (20.0, 4.0, 151.0))
    wait_for_answer(qtbot, page)
    index = page.inspector.points.index(0, 0)
    assert isinstance(index, QModelIndex)
    page.inspector.list.clicked.emit(index)
    assert_allclose(page.left.pane.cursor_mm, ORGAN, atol=2)
    assert page.inspector.title.text() == "Point 1"
    assert page.inspector.chip.text() == "Accepted"


def test_the_menu_of_a_place_finds_it_and_copies_it(qtbot: QtBot, page: ReadPage) -> None:
    menu = page.menu(page.left, ORGAN)
    find, align, copy = menu.actions()
    assert align.text() == "Align the other scan to this one"
    copy.trigger()
    assert QApplication.clipboard().text() == "R 20.0  P 0.0  H 130.0 mm"
    find.trigger()
    assert wait_for_answer(qtbot, page).verdict is Verdict.FOUND


def test_every_button_has_room_for_its_words_and_a_name(window: MainWindow, page: ReadPage) -> None:
    from PySide6.QtWidgets import QAbstractButton

    window.resize(1024, 700)
    QApplication.processEvents()
    short = [
        button.text()
        for button in window.findChildren(QAbstractButton)
        if button.isVisible() and button.text() and button.width() < button.sizeHint().width()
    ]
    assert short == []
    nameless = [
        button
        for button in window.findChildren(QAbstractButton)
        if button.isVisible() and not button.text() and not button.accessibleName()
    ]
    assert nameless == []
