"""The sentence a person gets in place of Qt's abort."""

import os
import platform
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from samdesk.app import display
from samdesk.errors import DisplayError

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="only Linux is asked for libraries and displays"
)


@pytest.fixture(autouse=True)
def a_whole_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin with a system that lacks no library and has no display."""
    monkeypatch.setattr(display, "_loads", lambda name: True)
    monkeypatch.setattr(display, "_holds_a_font", lambda folder: True)
    for name in ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)


def test_no_display_names_the_way_without_a_window() -> None:
    with pytest.raises(DisplayError, match="there is no display") as caught:
        display.check()
    assert "samdesk demo --headless" in caught.value.hint


def test_missing_libraries_are_named_with_the_apt_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(display, "_loads", lambda name: name != "libxcb-icccm.so.4")
    with pytest.raises(DisplayError, match=r"\(libxcb-icccm.so.4\)") as caught:
        display.check()
    assert caught.value.hint.count("apt-get install -y") == 1
    assert "libxcb-icccm4" in caught.value.hint


def test_drawing_in_memory_needs_no_library_of_x(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    monkeypatch.setattr(display, "_loads", lambda name: "xcb" not in name)
    assert display.missing() == []
    display.check(offscreen_counts=True)


def test_a_person_is_not_left_with_a_window_that_nobody_sees(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    with pytest.raises(DisplayError, match="draws in memory only"):
        display.check()


def test_a_system_without_a_font_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(display, "_holds_a_font", lambda folder: False)
    assert display.missing() == ["a font"]
    assert "fonts-dejavu-core" in display.apt_line()


@pytest.mark.parametrize("name", [":4077", "unix:4077", "localhost:4077", ":x", "nonsense"])
def test_a_dead_x_server_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", name)
    with pytest.raises(DisplayError, match=f"DISPLAY is {name}, and no X server answers"):
        display.check()


@pytest.fixture
def an_x_server() -> Iterator[str]:
    """Listen where an X server would, at a number that no machine uses."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("\0/tmp/.X11-unix/X4078")
        server.listen()
        yield ":4078"


def test_an_x_server_that_answers_is_a_display(
    an_x_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPLAY", f"{an_x_server}.0")
    display.check()


def test_wayland_is_a_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    display.check()


@pytest.mark.parametrize(
    ("system", "package"),
    [
        ({"ID": "ubuntu", "VERSION_ID": "24.04"}, "libglib2.0-0t64"),
        ({"ID": "ubuntu", "VERSION_ID": "22.04"}, "libglib2.0-0"),
        ({"ID": "debian", "VERSION_ID": "12"}, "libglib2.0-0"),
        ({"ID": "debian", "VERSION_ID": "trixie"}, "libglib2.0-0"),
        ({}, "libglib2.0-0"),
    ],
)
def test_packages_have_the_names_of_the_system(
    system: dict[str, str], package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: system)
    assert package in display.packages()


@pytest.mark.skipif(not shutil.which("apt-cache"), reason="no apt on this system")
def test_every_package_of_the_line_exists(tmp_path: Path) -> None:
    known = subprocess.run(
        ["apt-cache", "policy", *display.packages()], capture_output=True, text=True, check=False
    ).stdout
    if "libegl1:" not in known or "Candidate: (none)" in known.split("libegl1:")[1][:80]:
        pytest.skip("apt has no list of packages here")
    assert all(f"{name}:" in known for name in display.packages())


def test_make_is_told_what_to_install() -> None:
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(
        [sys.executable, "-m", "samdesk.app.display"],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == ""
