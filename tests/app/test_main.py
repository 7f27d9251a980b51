"""The start and the end of the window."""

import sys
import threading
import time
from pathlib import Path

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from samdesk.app import main, wiring
from samdesk.app.exit_codes import DONE, STOPPED
from samdesk.errors import DisplayError

END_S = 1.0


def python_threads() -> int:
    """Count threads that Python started; Qt's own leave a record behind when they write a log."""
    return sum(not isinstance(t, threading._DummyThread) for t in threading.enumerate())


@pytest.fixture
def threads_before() -> int:
    return python_threads()


def test_the_window_opens_closes_and_leaves_no_thread(
    qapp: QApplication, threads_before: int
) -> None:
    interval = sys.getswitchinterval()
    assert main.run((), quit_after_ms=50) == DONE
    assert python_threads() == threads_before
    assert sys.getswitchinterval() == interval


def test_what_is_named_is_scanned_at_once(
    qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scanned: list[list[Path]] = []
    monkeypatch.setattr(
        "samdesk.services.library.LibraryService.scan",
        lambda _, paths: scanned.append(list(paths)),
    )
    assert main.run([tmp_path], quit_after_ms=10) == DONE
    assert scanned == [[tmp_path]]


def test_ctrl_c_in_the_terminal_ends_the_window_within_a_second(qapp: QApplication) -> None:
    import signal

    pressed: list[float] = []

    def press() -> None:
        pressed.append(time.monotonic())
        signal.raise_signal(signal.SIGINT)

    QTimer.singleShot(100, press)
    assert main.run() == STOPPED
    assert time.monotonic() - pressed[0] < END_S


def test_without_a_display_the_reason_comes_before_qt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SAMDESK_OFFSCREEN")
    with pytest.raises(DisplayError):
        main.run()


def test_services_end_in_the_middle_of_work(qapp: QApplication, tmp_path: Path) -> None:
    services = wiring.make_services(None, (tmp_path / "models",), tmp_path / "cache")
    services.models.refresh()
    services.library.open_phantom()
    time.sleep(0.2)
    started = time.monotonic()
    wiring.close(services)
    assert time.monotonic() - started < END_S
    assert not services.jobs.isRunning()
