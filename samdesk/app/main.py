"""The window, from start to end of the program."""

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from samdesk.app import display, paths
from samdesk.app.exit_codes import STOPPED

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

# Worker threads hand the interpreter back ten times as soon: the window's longest stall beside a
# loop of pure Python was 18 in place of 110 ms (tech.md 4).
SWITCH_INTERVAL_S = 0.0005
# How often Python gets its turn to see that Ctrl-C was pressed; Qt's loop gives it none.
SIGNAL_MS = 200
OFFSCREEN_VARIABLE = "SAMDESK_OFFSCREEN"


def run(files: Sequence[Path] = (), *, quit_after_ms: int | None = None) -> int:
    """Open the window, with these scans if any, and come back when it was closed.

    Args:
        files: files or folders to open first.
        quit_after_ms: close the window by itself after so long; for checks of an installation.

    Returns:
        The exit code.

    Raises:
        DisplayError: no window can open; said before Qt could abort the process.
    """
    display.check(offscreen_counts=OFFSCREEN_VARIABLE in os.environ)
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    try:
        return _run(_application(), files, quit_after_ms)
    finally:
        sys.setswitchinterval(before)


def _application() -> "QApplication":
    from PySide6.QtWidgets import QApplication

    existing = QApplication.instance()
    application = existing if isinstance(existing, QApplication) else QApplication(["samdesk"])
    application.setApplicationName("samdesk")
    application.setDesktopFileName("samdesk")
    return application


def _run(application: "QApplication", files: Sequence[Path], quit_after_ms: int | None) -> int:
    from PySide6.QtCore import QTimer

    from samdesk.app import wiring
    from samdesk.views import theme

    services = wiring.make_services(
        paths.settings_file(), paths.models_folders(), paths.cache_folder()
    )
    try:
        theme.apply(application, services.settings.now.theme)
        window = wiring.make_window(services)
        window.show()
        if files:
            services.library.scan(files)
        if quit_after_ms is not None:
            QTimer.singleShot(quit_after_ms, window.close)
        with _ending_on_interrupt(application):
            code = application.exec()
        window.close()
        window.deleteLater()
        return code
    finally:
        wiring.close(services)


@contextmanager
def _ending_on_interrupt(application: "QApplication") -> Iterator[None]:
    """Let Ctrl-C in the terminal close the window."""
    from PySide6.QtCore import QTimer

    turn = QTimer()
    turn.timeout.connect(lambda: None)
    before = signal.signal(signal.SIGINT, lambda *_: application.exit(STOPPED))
    turn.start(SIGNAL_MS)
    try:
        yield
    finally:
        turn.stop()
        signal.signal(signal.SIGINT, before)
