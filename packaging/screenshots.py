"""Draw the pictures of the documents: every page in its states, dark and light.

    python packaging/screenshots.py [--out docs/pictures] [--only NAME]

Works without a display. The scans are the built-in phantom; where SAMDESK_DATA names a folder of
public scans (or ../shared/data is there), a real pair whose licence is CC BY, and the synthetic
hospital CD, are shown as well. Faces and scans under a non-commercial licence are never drawn.
"""

import argparse
import io
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QEventLoop, QPoint, Qt  # noqa: E402
from PySide6.QtGui import QImage  # noqa: E402
from PySide6.QtTest import QTest  # noqa: E402
from PySide6.QtWidgets import QApplication  # noqa: E402

from samdesk.app import paths, wiring  # noqa: E402
from samdesk.core.geometry import Position  # noqa: E402
from samdesk.core.match import Verdict  # noqa: E402
from samdesk.core.plane import View  # noqa: E402
from samdesk.services.bundle import Services  # noqa: E402
from samdesk.views import theme  # noqa: E402
from samdesk.views.main_window import MainWindow  # noqa: E402
from samdesk.views.widgets.fusion import FusionMode  # noqa: E402

PATIENCE_S = 240
MOST_BYTES = 400_000
COLORS = 255
# Chest CT of two people, both CC BY 4.0: see the manifest beside the scans.
PAIR = ("lungdx_a0001.nii.gz", "nsclcrg_r01001.nii.gz")


class Studio:
    """A window to take pictures of."""

    def __init__(self, services: Services, window: MainWindow, out: Path, name: str) -> None:
        self.services = services
        self.window = window
        self.out = out
        self.theme = name

    def wait(self, is_done: Callable[[], bool], seconds: float = PATIENCE_S) -> bool:
        """Let the program work until something is so; tells whether it came about."""
        app = QApplication.instance()
        assert isinstance(app, QApplication)  # noqa: S101 - main made it
        end = time.monotonic() + seconds
        while not is_done() and time.monotonic() < end:
            app.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 20)
        for _ in range(4):
            app.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 10)
        return is_done()

    def take(self, name: str) -> None:
        """Save what the window shows, in few colors."""
        for part in (self.window.jobs, self.window.start):
            layout = part.layout()
            if layout is not None:
                layout.activate()  # what was said just now may need more room
        save(self.window.grab().toImage(), self.out / f"{name}_{self.theme}.png")

    def open(self, files: list[Path], count: int) -> bool:
        """Drop files and wait until that many scans are on the screen."""
        self.window.open_paths(files)
        return self.wait(lambda: len(self.services.volumes.ids) >= count)

    def click(self, at_mm: Position) -> bool:
        """Click a place in the left scan and wait for the last word on it."""
        pane, asking = self.window.read.left.pane, self.window.read.asking
        pane.go_to(at_mm)
        widget = pane.views[View.AXIAL]
        placed = widget.placed()
        if placed is None:
            return False
        at: QPoint = placed.to_screen(at_mm).toPoint()
        QTest.mouseClick(widget, Qt.MouseButton.LeftButton, pos=at)
        return self.wait(
            lambda: (
                asking.error is not None
                or (asking.match is not None and not self.services.matching.is_busy)
            )
        )

    def click_share(self, right: float, down: float, foot: float) -> bool:
        """Click at shares of the left scan's size, from the patient's right, front and head."""
        shown = self.window.read.left.pane.shown
        if shown is None:
            return False
        at = shown.moved(View.AXIAL, shown.center_mm, round(foot * shown.count(View.AXIAL)))
        plane = shown.plane(View.AXIAL, at)
        rows, columns = plane.size
        import numpy as np

        x, y, z = (float(v) for v in plane.to_mm(np.array([[down * rows, right * columns]]))[0])
        return self.click((x, y, z))


def save(image: QImage, path: Path) -> None:
    """Write a PNG with a palette, below 400 KB."""
    from PIL import Image
    from PySide6.QtCore import QBuffer

    buffer = QBuffer()
    buffer.open(QBuffer.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")
    picture = Image.open(io.BytesIO(bytes(buffer.data().data()))).convert("RGB")
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, optimize=True)
    if path.stat().st_size > MOST_BYTES:
        # The octree keeps the few pixels of a colored ring, which other ways give away to gray.
        picture.quantize(COLORS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(
            path, optimize=True
        )
    print(f"{path.name}  {path.stat().st_size // 1024} KB")


@contextmanager
def studio(name: str, out: Path, cache: Path) -> Iterator[Studio]:
    """Open the program in a theme, with settings of its own."""
    app = QApplication.instance() or QApplication(["samdesk"])
    assert isinstance(app, QApplication)  # noqa: S101
    services = wiring.make_services(None, paths.models_folders(), cache)
    services.settings.change(theme=name)
    theme.apply(app, name)
    window = wiring.make_window(services)
    window.show()
    made = Studio(services, window, out, name)
    made.wait(lambda: bool(services.matching.device), 30)
    try:
        yield made
    finally:
        window.close()
        window.deleteLater()
        wiring.close(services)


# -- the pictures ------------------------------------------------------------------------------


def start(s: Studio, _data: Path | None, _work: Path) -> None:
    """The page that a first start shows."""
    s.take("start")


def skipped(s: Studio, data: Path | None, work: Path) -> None:
    """A drop of which some files are none of ours, each with its reason."""
    folder = work / "mixed"
    folder.mkdir(exist_ok=True)
    for name, content in (("notes.txt", b"hello"), ("report.pdf", b"%PDF-1.4"), ("IM0007", b"")):
        (folder / name).write_bytes(content)
    scans = [phantom(work)[0]] if data is None else [data / "ct" / PAIR[0]]
    broken = folder / "broken.nii.gz"
    source = scans[0] if scans[0].is_file() else None
    broken.write_bytes(source.read_bytes()[:50_000] if source else b"\x1f\x8b" + bytes(4000))
    s.open([*scans, folder], 1)
    s.window.read.navigator.show_skipped()
    s.wait(lambda: not s.services.matching.is_busy)
    s.take("skipped")


def error(s: Studio, data: Path | None, work: Path) -> None:
    """Nothing in a drop can be shown."""
    folder = work / "none"
    folder.mkdir(exist_ok=True)
    for name, content in (
        ("letter.docx", b"PK"), ("IM0001", b""), ("scan.nii.gz", b"\x1f\x8b" + bytes(4000)),
    ):  # fmt: skip
        (folder / name).write_bytes(content)
    s.window.open_paths([folder])
    s.wait(lambda: s.window.start.trouble.isVisible(), 30)
    s.take("error")


def loading(s: Studio, data: Path | None, work: Path) -> None:
    """Headers are read, then slices arrive."""
    is_taken = {"headers": False, "slices": False}

    def headers(progress: object) -> None:
        if not is_taken["headers"] and getattr(progress, "total", 0) > 0:
            is_taken["headers"] = True
            s.take("loading")

    def slices(_series: str, arrived: object) -> None:
        share = getattr(arrived, "share", 0.0)
        if not is_taken["slices"] and 0.3 < share < 0.9:
            is_taken["slices"] = True
            s.take("arriving")

    s.services.library.progressed.connect(headers)
    s.services.volumes.arrived.connect(slices)
    s.open([phantom(work)[0].parent.parent if data is None else data / "hospital" / "cd"], 2)
    s.services.library.progressed.disconnect(headers)
    s.services.volumes.arrived.disconnect(slices)
    s.click_share(0.38, 0.5, 0.5)
    s.take("hospital")


def match(s: Studio, data: Path | None, work: Path) -> None:
    """A match with its heat map, and then accepted."""
    scans = phantom(work)[:2] if data is None else [data / "ct" / name for name in PAIR]
    s.open(scans, 2)
    pane = s.window.read.left.pane
    QTest.mouseClick(
        pane.views[View.AXIAL],
        Qt.MouseButton.LeftButton,
        pos=pane.views[View.AXIAL].rect().center() - QPoint(40, 20),
    )
    s.wait(lambda: s.window.jobs.bar.isVisible() and s.window.read.asking.progress is not None, 5)
    s.take("busy")
    s.click_share(0.548, 0.63, 0.42)
    s.window.actions_book["heat"].trigger()
    s.wait(lambda: s.window.read.asking.heat is not None, 60)
    s.wait(lambda: not s.services.matching.is_busy)
    s.take("match")
    s.window.actions_book["heat"].trigger()
    s.window.actions_book["accept"].trigger()
    s.wait(lambda: not s.services.matching.is_busy)
    s.take("accepted")


def absent(s: Studio, _data: Path | None, _work: Path) -> None:
    """A place that the other scan does not hold: the last date of the phantom begins lower."""
    s.window.start.demo.click()
    s.wait(lambda: len(s.services.volumes.ids) >= 2)
    asking = s.window.read.asking
    for foot in (0.04, 0.1, 0.16, 0.97):
        s.click_share(0.5, 0.6, foot)
        if asking.match is not None and asking.match.verdict is Verdict.ABSENT:
            break
    s.take("not_in_this_scan")


def demo(s: Studio, _data: Path | None, _work: Path) -> None:
    """The built-in phantom, as the button of the Start page opens it."""
    s.window.start.demo.click()
    if s.wait(lambda: len(s.services.volumes.ids) >= 2):
        s.click_share(0.36, 0.45, 0.35)
        s.take("phantom")


def align(s: Studio, _data: Path | None, _work: Path) -> None:
    """Two dates of the phantom aligned: at work, fused in colors, and one place of the table."""
    s.window.start.demo.click()
    s.wait(lambda: len(s.services.volumes.ids) >= 2)
    aligning, panel, book = s.window.read.aligning, s.window.read.alignment, s.window.actions_book
    shown = s.window.read.left.pane.shown
    if shown is None:
        return
    at = shown.moved(View.AXIAL, shown.center_mm, round(0.36 * shown.count(View.AXIAL)))
    s.window.read.left.pane.go_to(at)
    panel.bend.setChecked(False)  # turned and stretched at once, bent after a minute
    book["align"].trigger()
    s.wait(lambda: "lattice" in panel.doing.text() or aligning.is_on)
    s.take("aligning")
    if not s.wait(lambda: aligning.is_on):
        return
    s.wait(lambda: False, 2)  # the slices of the other scan come a moment later
    s.take("aligned")
    struck = [tie for tie in panel.ties.rows if not tie.is_used]
    aligning.choose((struck or list(panel.ties.rows))[0])
    panel.select(aligning.tie)
    aligning.show_mode(FusionMode.CHECKERBOARD)
    s.wait(lambda: False, 2)
    s.take("aligned_place")


def radiograph(s: Studio, data: Path | None, _work: Path) -> None:
    """A radiograph with what its millimeters rest on."""
    if data is None:
        return
    s.window.open_paths([data / "hospital" / "cd"])
    s.wait(lambda: bool(s.services.library.report.series) and not s.services.library.n_waiting)
    pictures = [one for one in s.services.library.report.series if one.is_picture]
    if pictures:
        s.wait(lambda: not s.services.volumes.reading)
        s.window.read.show_in(s.window.read.left, pictures[-1].id)
        s.wait(lambda: not s.services.volumes.reading)
        s.window.read.show_layout("left")
        s.wait(lambda: s.window.read.right.pane.isHidden())
        s.take("radiograph")


def phantom(work: Path) -> list[Path]:
    """Make a patient with two dates as NIfTI, once."""
    from samdesk.core.phantom.patient import make_patient
    from samdesk.io.phantom_files import FileFormat, write_patient

    folder = work / "phantom"
    done = sorted(folder.glob("*/*/ct.nii.gz"))
    if not done:
        steps = write_patient(make_patient(7, 2), folder, file_format=FileFormat.NIFTI)
        for _ in steps:
            pass
        done = sorted(folder.glob("*/*/ct.nii.gz"))
    return done


SHOTS = {
    one.__name__: one
    for one in (start, error, skipped, loading, match, absent, demo, align, radiograph)
}


def main() -> None:
    """Take every picture in both themes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "pictures")
    parser.add_argument("--only", choices=sorted(SHOTS), action="append")
    parser.add_argument("--theme", choices=("dark", "light"), action="append")
    asked = parser.parse_args()
    found = Path(os.environ.get("SAMDESK_DATA", ROOT.parent / "shared" / "data"))
    data = found if (found / "README.md").is_file() else None
    work = Path(tempfile.mkdtemp(prefix="samdesk-pictures-"))
    try:
        for name in asked.theme or ("dark", "light"):
            for shot in asked.only or SHOTS:
                with studio(name, asked.out, work / "cache") as made:
                    SHOTS[shot](made, data, work)
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
