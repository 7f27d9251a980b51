"""Say why no window can open, before Qt aborts the process.

Qt ends the whole program when its platform plugin does not load, so the libraries are looked for
and the display is asked first. `python -m samdesk.app.display` prints what to install, for make.
"""

import ctypes
import os
import platform
import socket
import sys
from collections.abc import Iterable
from pathlib import Path

from samdesk.errors import DisplayError

PACKAGES = (
    "libegl1", "libgl1", "libxkbcommon-x11-0", "libdbus-1-3", "libfontconfig1", "libxcb-cursor0",
    "libxcb-icccm4", "libxcb-image0", "libxcb-keysyms1", "libxcb-randr0", "libxcb-render-util0",
    "libxcb-shape0", "libxcb-xinerama0", "libxcb-xkb1", "fonts-dejavu-core",
)  # fmt: skip
LIBRARIES = (
    "libEGL.so.1", "libGL.so.1", "libxkbcommon.so.0", "libdbus-1.so.3", "libfontconfig.so.1",
    "libglib-2.0.so.0",
)  # fmt: skip
LIBRARIES_OF_X = (
    "libxcb-cursor.so.0", "libxcb-icccm.so.4", "libxcb-image.so.0", "libxcb-keysyms.so.1",
    "libxcb-render-util.so.0", "libxcb-xkb.so.1", "libxkbcommon-x11.so.0",
)  # fmt: skip
FONT_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.fonts", "~/.local/share/fonts")
DRAWN_IN_MEMORY = {"offscreen", "minimal", "vnc"}
WAIT_S = 2.0
X_PORT = 6000


def check(*, offscreen_counts: bool = False) -> None:
    """Return where a window can be expected to open.

    Args:
        offscreen_counts: Qt's offscreen platform is as good as a display. It is for tests and for
            `samdesk selftest`; a person would wait for ever for a window that nobody sees.

    Raises:
        DisplayError: no window can open; the hint names the next step.
    """
    if not sys.platform.startswith("linux"):
        return
    lost = missing()
    if lost:
        raise DisplayError(
            f"No window can open: Qt needs system libraries that are missing ({', '.join(lost)}).",
            code="no-display",
            hint=f"Install them with: {apt_line()}",
        )
    if _platform() in DRAWN_IN_MEMORY:
        if offscreen_counts:
            return
        raise DisplayError(
            f"No window can open: QT_QPA_PLATFORM is {_platform()}, which draws in memory only.",
            code="no-display",
            hint="Unset it, or run without a window: samdesk demo --headless",
        )
    _ask_display()


def missing() -> list[str]:
    """Name the libraries that Qt will look for on its present platform and not find."""
    names: tuple[str, ...] = LIBRARIES
    if not _platform().startswith(("wayland", *DRAWN_IN_MEMORY)):
        names += LIBRARIES_OF_X
    lost = [name for name in names if not _loads(name)]
    if not any(_holds_a_font(Path(folder).expanduser()) for folder in FONT_FOLDERS):
        lost.append("a font")
    return lost


def packages() -> tuple[str, ...]:
    """Give the packages of Debian and Ubuntu that hold what Qt needs."""
    return (*PACKAGES, "libglib2.0-0t64" if _has_long_time() else "libglib2.0-0")


def apt_line() -> str:
    """Give the one line that installs what Qt needs on Debian and Ubuntu."""
    return f"sudo apt-get update && sudo apt-get install -y {' '.join(packages())}"


def _platform() -> str:
    return os.environ.get("QT_QPA_PLATFORM", "").split(":")[0]


def _loads(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def _holds_a_font(folder: Path) -> bool:
    return any(next(folder.rglob(f"*.{kind}"), None) for kind in ("ttf", "otf", "pfb", "ttc"))


def _has_long_time() -> bool:
    """Tell whether this system renamed its libraries for the 64-bit time_t."""
    try:
        system = platform.freedesktop_os_release()
    except OSError:
        return False
    first = {"ubuntu": 24.04, "debian": 13.0}.get(system.get("ID", ""), 0.0)
    try:
        return first > 0 and float(system.get("VERSION_ID", "0")) >= first
    except ValueError:
        return False


def _ask_display() -> None:
    display, wayland = os.environ.get("DISPLAY"), os.environ.get("WAYLAND_DISPLAY")
    if wayland or (display and _x_answers(display)):
        return
    if display:
        what = f"No window can open: DISPLAY is {display}, and no X server answers there."
    else:
        what = "No window can open: there is no display (DISPLAY and WAYLAND_DISPLAY are empty)."
    raise DisplayError(
        what,
        code="no-display",
        hint="The same work without a window: samdesk demo --headless",
    )


def _x_answers(display: str) -> bool:
    host, _, number = display.rpartition(":")
    try:
        n = int(number.split(".")[0])
    except ValueError:
        return False
    if host not in ("", "unix"):
        try:
            socket.create_connection((host, X_PORT + n), timeout=WAIT_S).close()
        except OSError:
            return False
        return True
    # The first address is Linux's abstract socket, the second the file.
    return _any_connects((f"\0/tmp/.X11-unix/X{n}", f"/tmp/.X11-unix/X{n}"))  # noqa: S108


def _any_connects(addresses: Iterable[str]) -> bool:
    for address in addresses:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(WAIT_S)
            try:
                line.connect(address)
            except OSError:
                continue
            return True
    return False


if __name__ == "__main__" and sys.platform.startswith("linux") and missing():
    sys.stdout.write(" ".join(packages()) + "\n")
