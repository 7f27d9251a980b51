"""Prove that an installed samdesk is whole: one check for each part that can be missing or broken.

Each check uses its part as the program does, through the room that owns it, and says in a few words
what it met. A check that raises did not pass.
"""

import logging
import multiprocessing
import os
import sys
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from samdesk.app import display, paths
from samdesk.app.selftest_frames import FRAMES, SIDE, Frame, ramp
from samdesk.app.selftest_match import check_match
from samdesk.errors import SamdeskError

if TYPE_CHECKING:
    from samdesk.io.dicom.pool import Pool

logger = logging.getLogger(__name__)

# A window drawn with one color only is an empty one.
LEAST_COLORS = 4
COLOR_STEP = 23


@dataclass(frozen=True)
class Outcome:
    """What came of one check: whether it passed, in how long, and what it met."""

    name: str
    passed: bool
    seconds: float
    text: str


def run_checks() -> Iterator[Outcome]:
    """Run every check, each whatever came of the others."""
    for check in CHECKS:
        started = time.perf_counter()
        try:
            text, passed = check(), True
        except SamdeskError as error:
            text, passed = f"{error.what} {error.hint}".strip(), False
        except Exception as error:
            logger.error("selftest.failed check=%s", check.__name__, exc_info=error)
            text, passed = f"{type(error).__name__}: {error}", False
        name = check.__name__.removeprefix("check_")
        yield Outcome(name, passed, time.perf_counter() - started, text)


def check_window() -> str:
    """Draw the window in memory and look whether anything is in it."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    display.check(offscreen_counts=True)
    from PySide6.QtWidgets import QApplication

    from samdesk.app import wiring

    application = QApplication.instance() or QApplication(["samdesk"])
    services = wiring.make_services(None, paths.models_folders(), None)
    try:
        window = wiring.make_window(services)
        window.show()
        application.processEvents()
        image = window.grab().toImage()
        window.close()
        window.deleteLater()
    finally:
        wiring.close(services)
    across, down = range(0, image.width(), COLOR_STEP), range(0, image.height(), COLOR_STEP)
    colors = len({image.pixel(x, y) for x in across for y in down})
    if colors < LEAST_COLORS:
        raise SamdeskError(f"The window is empty: it has {colors} colors.")
    return f"{image.width()} x {image.height()} points, {colors} colors"


def check_processes() -> str:
    """Start two fresh processes, as the decoders of compressed scans do."""
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        if pool.map(abs, [-1, -2, -3]) != [1, 2, 3]:
            raise SamdeskError("A started process gave a wrong answer.")
    return "two started, both answered"


def check_models() -> str:
    """Compare every installed model's file with its checksum, and try the network once."""
    from samdesk.model.shelf import Shelf

    shelf = Shelf(paths.models_folders())
    for error in shelf.broken():
        raise error
    infos = shelf.list()
    shelf.default()
    for info in infos:
        shelf.verify(str(info.id))
    return ", ".join(f"{info.id} {info.version}" for info in infos)


def check_device() -> str:
    """Load the default model where the program would, and name the provider really in use."""
    from samdesk.model.session import Session
    from samdesk.model.shelf import Shelf

    session = Session(Shelf(paths.models_folders()).default())
    return f"{session.device_words} ({session.provider}; asked for: {session.asked})"


def check_codecs() -> str:
    """Decode a known frame of each compression in the decode processes."""
    from samdesk.io.dicom.pool import Pool

    pool = Pool()
    try:
        for frame in FRAMES:
            _decode(pool, frame)
    finally:
        pool.close()
    return f"{len(FRAMES)} right: {', '.join(frame.name for frame in FRAMES)}"


def _decode(pool: "Pool", frame: Frame) -> None:
    from samdesk.io.dicom.pool import Job

    width = 2 if frame.is_exact else 1
    ticket = pool.submit(Job(frame.codec, b64decode(frame.packed), SIDE, SIDE, 1, width))
    answer = None
    while ticket is not None and answer is None:
        pool.poll(0.1)
        answer = pool.take(ticket)
    if answer is None or answer.array is None:
        raise SamdeskError(f"{frame.name} was not decoded ({answer.code if answer else 'busy'}).")
    right = ramp().astype(int) if frame.is_exact else ramp().astype(int) >> 4
    if abs(answer.array.astype(int) - right).max() > (0 if frame.is_exact else 1):
        raise SamdeskError(f"{frame.name} was decoded to wrong values.")


def check_registration() -> str:
    """Have SimpleITK resample a made volume."""
    import numpy as np

    from samdesk.core.geometry import Geometry
    from samdesk.core.volume import Volume
    from samdesk.registration.images import toolkit, working_image

    # Bright half, dark half: the mean of the resampled one is between the two.
    array = np.zeros((16, 16, 16), np.float32)
    array[8:] = 100.0
    grid = Geometry.aligned((16, 16, 16), (2.0, 2.0, 2.0), (0.0, 0.0, 0.0))
    image = working_image(Volume(array, grid), 4.0)
    mean = float(toolkit().GetArrayFromImage(image).mean())
    if not 25.0 < mean < 75.0:
        raise SamdeskError(f"SimpleITK resampled a half of 0 and a half of 100 to {mean:.0f}.")
    return f"SimpleITK {toolkit().Version.VersionString()} resamples"


CHECKS: tuple[Callable[[], str], ...] = (
    check_window,
    check_processes,
    check_codecs,
    check_registration,
    check_models,
    check_device,
    check_match,
)


def summary(outcomes: list[Outcome]) -> str:
    """Say in one line what came of all checks."""
    failed = [outcome.name for outcome in outcomes if not outcome.passed]
    kind = "bundle" if getattr(sys, "frozen", False) else "Python installation"
    if failed:
        return f"selftest ({kind}): did not pass: {', '.join(failed)}"
    return f"selftest ({kind}): all {len(outcomes)} checks passed"
