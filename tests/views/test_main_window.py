"""The window: drops, skipped files, errors, themes, and nothing left behind."""

import gc
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QEvent, QMimeData, QPointF, Qt, QTimer, QUrl
from PySide6.QtGui import QColor, QDragEnterEvent, QDropEvent, QImage
from PySide6.QtWidgets import QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from samdesk.app import wiring
from samdesk.core.progress import Progress
from samdesk.core.reading_notes import Notice
from samdesk.errors import SamdeskError
from samdesk.services.bundle import Services
from samdesk.views import theme
from samdesk.views.dialogs.about import AboutDialog
from samdesk.views.main_window import READ, START, MainWindow
from samdesk.views.widgets.message_strip import Message
from samdesk.views.widgets.shown import ShownRadiograph, ShownVolume


@pytest.fixture
def window(
    qtbot: QtBot, services: Services, let_go: Callable[[QWidget], None]
) -> Iterator[MainWindow]:
    """The window as it opens."""
    made = wiring.make_window(services)
    made.show()
    qtbot.waitUntil(lambda: bool(services.matching.model), timeout=10_000)
    yield made
    made.close()
    let_go(made)


def drop(window: MainWindow, urls: list[QUrl]) -> None:
    """Let go of addresses over the window."""
    data = QMimeData()
    data.setUrls(urls)
    point, copy = QPointF(300, 300), Qt.DropAction.CopyAction
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(point.toPoint(), copy, data, left, none)
    QApplication.sendEvent(window, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(window, QDropEvent(point, copy, data, left, none))


def files(*paths: Path) -> list[QUrl]:
    return [QUrl.fromLocalFile(str(path)) for path in paths]


def visible_texts(window: MainWindow) -> str:
    return " | ".join(one.text() for one in window.findChildren(QLabel) if one.isVisible())


def test_it_opens_on_start_with_only_the_pages_that_work(window: MainWindow) -> None:
    assert window.stack.currentWidget() is window.start
    assert [button.text() for button in window._rail_buttons] == ["Start", "Read"]
    assert window.start.readiness.text().startswith("Ready: made (CT)")
    assert "Research use only" in visible_texts(window)


def test_every_file_of_a_drop_is_opened_or_named_with_its_reason(
    qtbot: QtBot,
    window: MainWindow,
    services: Services,
    scan_files: tuple[Path, Path],
    tmp_path: Path,
) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("no picture", encoding="utf-8")
    empty = tmp_path / "empty.dcm"
    empty.touch()
    with qtbot.waitSignal(services.library.found, timeout=20_000):
        drop(window, files(scan_files[0], notes, empty))
    qtbot.waitUntil(lambda: len(services.volumes.ids) == 1, timeout=20_000)
    assert window.stack.currentWidget() is window.read
    report = services.library.report
    assert len(report.series) + len(report.refusals) == 3
    model = window.read.navigator.model
    skipped = model.item(model.rowCount() - 1)
    assert skipped.text() == "Skipped (2)"
    lines = [skipped.child(row).text() for row in range(2)]
    assert any(line.startswith("notes.txt is ") for line in lines)
    assert any(line.startswith("empty.dcm is ") for line in lines)
    assert "2 files skipped" in window.strip.text.text()
    window.strip.button.click()
    assert window.read.navigator.tree.isExpanded(skipped.index())


def test_a_second_drop_goes_beside_the_first_scan(
    qtbot: QtBot, window: MainWindow, services: Services, scan_files: tuple[Path, Path]
) -> None:
    for number, path in enumerate(scan_files, 1):
        drop(window, files(path))
        qtbot.waitUntil(lambda number=number: len(services.volumes.ids) == number, timeout=20_000)
    assert "first" in window.read.left.title
    assert "second" in window.read.right.title


def test_where_nothing_can_be_shown_every_file_is_listed(
    qtbot: QtBot, window: MainWindow, services: Services, tmp_path: Path
) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("no picture", encoding="utf-8")
    with qtbot.waitSignal(services.library.found, timeout=20_000):
        drop(window, files(notes))
    assert window.stack.currentWidget() is window.start
    assert window.start.trouble.isVisible()
    assert window.start.lines.model().index(0, 0).data().startswith("notes.txt ")


def test_a_link_that_is_no_file_is_answered_with_a_sentence(window: MainWindow) -> None:
    drop(window, [QUrl("https://example.org/scan.dcm")])
    assert "1 link cannot be opened" in window.strip.text.text()
    assert window.strip.text.text().endswith("then drop the file.")


def test_a_radiograph_is_shown_in_one_view_and_matching_on_it_cannot_say(
    qtbot: QtBot,
    window: MainWindow,
    services: Services,
    scan_files: tuple[Path, Path],
    tmp_path: Path,
) -> None:
    path = tmp_path / "hand.png"
    Image.fromarray((np.indices((80, 60)).sum(axis=0) % 256).astype(np.uint8)).save(path)
    drop(window, files(path))
    qtbot.waitUntil(lambda: len(services.volumes.ids) == 1, timeout=20_000)
    pane = window.read.left.pane
    assert isinstance(pane.shown, ShownRadiograph)
    assert [widget.isVisible() for widget in pane.views.values()] == [True, False, False]
    drop(window, files(scan_files[0]))
    qtbot.waitUntil(lambda: len(services.volumes.ids) == 2, timeout=20_000)
    pane.clicked.emit((30.0, 40.0, 0.0))
    qtbot.waitUntil(lambda: window.read.asking.match is not None, timeout=20_000)
    assert window.read.right.pane.banner.text.text() == "Cannot say"
    assert "radiograph" in window.read.right.pane.banner.detail.text()


def test_a_scan_that_cannot_be_read_says_why_and_the_window_stays_alive(
    qtbot: QtBot,
    window: MainWindow,
    services: Services,
    scan_files: tuple[Path, Path],
    tmp_path: Path,
) -> None:
    path = tmp_path / "gone.nii.gz"
    path.write_bytes(scan_files[0].read_bytes())
    with qtbot.waitSignal(services.library.found, timeout=20_000):
        services.library.found.connect(lambda _report: path.unlink(missing_ok=True))
        window.read.open_found = lambda *_: True  # type: ignore[method-assign]
        drop(window, files(path))
    window.read.show_in(window.read.left, services.library.report.series[0].id)
    pane = window.read.left.pane
    qtbot.waitUntil(lambda: bool(pane._error_text.text()), timeout=20_000)
    assert "gone.nii.gz" in pane._error_text.text()
    assert pane.retry.isEnabled()
    path.write_bytes(scan_files[0].read_bytes())
    pane.retry.click()
    qtbot.waitUntil(lambda: isinstance(pane.shown, ShownVolume), timeout=20_000)


def test_loading_shows_how_far_it_is_and_can_be_stopped(
    qtbot: QtBot, window: MainWindow, services: Services
) -> None:
    services.library.progressed.emit(Progress(412, 2000, "reading headers"))
    assert window.start.headline.text() == "Reading headers"
    assert window.start.formats.text() == "412 of 2,000 files."
    assert window.jobs.doing.text() == "Reading headers"
    assert window.start.stop.isVisible()
    services.library.stopped.emit()
    assert window.start.stop.isHidden()
    services.library.busy.emit(False)
    assert window.jobs.bar.isHidden()


def test_an_error_notice_or_reset_of_the_settings_is_said_with_its_code(
    window: MainWindow, services: Services
) -> None:
    services.models.failed.emit(SamdeskError("It is damaged.", code="model-damaged", hint="Again."))
    assert window.strip.text.text() == "It is damaged. Again."
    assert window.strip.code.text() == "model-damaged"
    services.matching.noticed.emit(Notice("cache-off", "The disk is full."))
    assert window.strip.text.text() == "The disk is full."
    assert window.strip.more.text() == "1 more"
    window.strip.close_button.click()
    assert window.strip.code.text() == "model-damaged"
    window.strip.clear()
    assert window.strip.isHidden()


def test_the_same_message_is_said_once_and_its_button_does_something(window: MainWindow) -> None:
    calls: list[int] = []
    for number in (1, 2):
        window.say(
            Message("info", "Stopped.", button="Go on", call=lambda n=number: calls.append(n))
        )
    assert len(window.strip.messages) == 1
    window.strip.button.click()
    assert calls == [2]
    assert window.strip.isHidden()


def test_a_stop_of_the_matching_offers_to_go_on(window: MainWindow, services: Services) -> None:
    services.matching.stopped.emit()
    assert window.strip.text.text() == "Stopped."
    assert window.strip.button.text() == "Go on"


def test_the_device_is_the_one_in_use_and_a_wish_that_was_not_met_is_amber(
    qtbot: QtBot, window: MainWindow, services: Services, engine: Any
) -> None:
    words = "CPU, 2 threads · made"
    qtbot.waitUntil(lambda: window.jobs.device.text() == words, timeout=20_000)
    services.settings.change(device="cuda")
    services.matching.device_changed.emit("CPU, 2 threads")
    assert window.jobs.device.text().startswith("GPU asked, got CPU")
    assert window.jobs.device.property("role") == "warn"


@pytest.mark.parametrize("name", ["light", "dark"])
def test_a_theme_is_changed_while_it_runs(window: MainWindow, name: str) -> None:
    window.actions_book[f"theme_{name}"].trigger()
    colors = theme.THEMES[name]
    image = window.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    # beside the column of the Start page, and on the rail below its buttons
    assert image.pixelColor(110, 200) == QColor(colors.window)
    assert image.pixelColor(40, 600) == QColor(colors.panel)


def test_recent_paths_are_listed_opened_and_forgotten(
    qtbot: QtBot, window: MainWindow, services: Services, scan_files: tuple[Path, Path]
) -> None:
    drop(window, files(scan_files[0]))
    qtbot.waitUntil(lambda: len(services.volumes.ids) == 1, timeout=20_000)
    index = window.start.recent_list.model().index(0, 0)
    assert index.data().startswith("first.nii.gz")
    with qtbot.waitSignal(services.library.found, timeout=20_000):
        window.start.recent_list.activated.emit(index)
    window.start.recent_list.setCurrentIndex(index)
    window.start.recent_removed.emit(services.library.recent[0])
    assert services.library.recent == ()
    assert window.start.recent_hint.isVisibleTo(window.start)


def test_the_demo_button_asks_for_the_phantom(qtbot: QtBot, window: MainWindow) -> None:
    window.demo_asked.disconnect()
    with qtbot.waitSignal(window.demo_asked):
        window.start.demo.click()


def test_about_says_research_use_only(qtbot: QtBot, window: MainWindow) -> None:
    window.actions_book["about"].trigger()
    dialog = window.findChild(AboutDialog)
    assert dialog is not None
    texts = " ".join(label.text() for label in dialog.findChildren(QLabel))
    assert "Research use only" in texts
    assert "not a medical device" in texts
    dialog.close()


def test_texts_out_of_files_are_never_taken_for_markup(window: MainWindow) -> None:
    rich = [
        label.text()
        for label in window.findChildren(QLabel)
        if label.textFormat() is not Qt.TextFormat.PlainText and label.text()
    ]
    assert rich == []


def test_pages_turn_by_rail_and_key(window: MainWindow) -> None:
    window._rail_buttons[1].click()
    assert window.stack.currentWidget() is window.read
    window.actions_book["page_start"].trigger()
    assert window.stack.currentWidget() is window.start
    window.show_page(READ)
    window.show_page(START)
    assert window._rail_buttons[0].isChecked()


def test_the_window_goes_on_while_the_network_runs(
    qtbot: QtBot,
    window: MainWindow,
    services: Services,
    engine: Any,
    scan_files: tuple[Path, Path],
) -> None:
    engine.is_held = True
    drop(window, files(*scan_files))
    qtbot.waitUntil(lambda: services.matching.is_busy, timeout=20_000)
    ticks: list[None] = []
    timer = QTimer(window)
    timer.setInterval(5)
    timer.timeout.connect(lambda: ticks.append(None))
    timer.start()
    qtbot.waitUntil(lambda: len(ticks) > 20, timeout=20_000)
    timer.stop()
    assert services.matching.is_busy
    engine.is_held = False


def test_a_closed_window_is_let_go(qtbot: QtBot, services: Services) -> None:
    def open_and_close() -> "weakref.ref[MainWindow]":
        made = MainWindow(services)
        made.show()
        QApplication.processEvents()
        made.close()
        made.deleteLater()
        return weakref.ref(made)

    names: list[weakref.ref[MainWindow]] = [open_and_close() for _ in range(3)]
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    QApplication.processEvents()
    gc.collect()
    windows = [one for one in QApplication.topLevelWidgets() if isinstance(one, MainWindow)]
    assert windows == []
    assert len(names) == 3
