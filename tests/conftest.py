"""Fixtures for every test, and the checks that a test leaves nothing behind and calls nobody."""

import os

os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ["SAMDESK_OFFSCREEN"] = "1"
os.environ.setdefault("QT_SCALE_FACTOR", "1")
for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import ipaddress
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from traceback import extract_stack
from typing import Any
from weakref import WeakKeyDictionary

import pytest
from hypothesis import HealthCheck, settings
from PySide6.QtCore import QProcess, QThread, QTimer
from PySide6.QtWidgets import QApplication

ROOT = Path(__file__).resolve().parents[1]

for _profile, _examples in (("dev", 30), ("ci", 60), ("night", 2000)):
    settings.register_profile(
        _profile,
        max_examples=_examples,
        deadline=None,
        derandomize=_profile == "ci",
        database=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Watch every test that uses Qt, without touching the ones that do not."""
    for item in items:
        names = getattr(item, "fixturenames", [])
        if "qtbot" in names or "qapp" in names:
            names.append("leaves_nothing_running")  # a usefixtures mark would come too late


@pytest.fixture(autouse=True)
def private_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep a test away from the settings, models, caches and logs of whoever runs it."""
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    monkeypatch.setenv("SAMDESK_HOME", str(tmp_path / "home"))


@pytest.fixture(autouse=True)
def calls_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no socket leave this machine."""
    connect = socket.socket.connect

    def guarded(line: socket.socket, address: Any) -> None:
        if line.family in (socket.AF_INET, socket.AF_INET6) and not is_here(address[0]):
            raise AssertionError(f"a test wants to call {address[0]}")
        connect(line, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


def is_here(host: str) -> bool:
    """Tell whether an address is this machine's loopback."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """Real scans and made bad files beside the repository; a test that needs them is skipped."""
    folder = Path(os.environ.get("SAMDESK_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "README.md").is_file():
        pytest.skip("no scans: SAMDESK_DATA names no folder and ../shared/data does not exist")
    return folder


Started = QThread | QTimer | QProcess


@pytest.fixture
def leaves_nothing_running(qapp: QApplication, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail where a thread, timer, process or window outlives the test, and say where it began."""
    started: WeakKeyDictionary[Started, str] = WeakKeyDictionary()

    def watch(kind: type[Any], name: str) -> None:
        original: Callable[..., Any] = getattr(kind, name)

        def remember(self: Started, *args: Any, **kwargs: Any) -> Any:
            frame = extract_stack(limit=2)[0]
            started[self] = f"{kind.__name__} started at {frame.filename}:{frame.lineno}"
            return original(self, *args, **kwargs)

        monkeypatch.setattr(kind, name, remember)

    for kind in (QThread, QTimer, QProcess):
        watch(kind, "start")
    windows_before = set(qapp.topLevelWidgets())
    yield
    left = [where for thing, where in list(started.items()) if runs(thing)]
    left += [f"window {w!r}" for w in set(qapp.topLevelWidgets()) - windows_before if w.isVisible()]
    assert not left, "left running by this test:\n  " + "\n  ".join(left)


def runs(thing: Started) -> bool:
    """Tell whether a thread, timer or process is still at work; a deleted one is not."""
    try:
        if isinstance(thing, QThread):
            return thing.isRunning()
        if isinstance(thing, QTimer):
            return thing.isActive()
        return thing.state() != QProcess.ProcessState.NotRunning
    except RuntimeError:  # the C++ half is gone
        return False
