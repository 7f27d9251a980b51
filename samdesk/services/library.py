"""What was dropped: paths to a list of series, with a reason for every file that is none."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from samdesk.core.ids import SeriesId
from samdesk.core.progress import Progress
from samdesk.core.reading import ScanReport
from samdesk.core.study import Series
from samdesk.errors import SamdeskError
from samdesk.services.apart import apart
from samdesk.services.faults import as_error
from samdesk.services.jobs import Job, JobQueue, Steps, Urgency
from samdesk.services.settings import SettingsService

logger = logging.getLogger(__name__)

MOST_RECENT = 12
# The patient of `samdesk demo`.
PHANTOM_SEED = 1
# (k, j, i); coarser than its scanner's own, so that all dates are there in seconds.
PHANTOM_SPACING_MM = (3.0, 2.5, 2.5)


class LibraryService(QObject):
    """All series that were dropped since the start; each drop adds to them."""

    # A drop was scanned: what it brought. `report` holds all drops together.
    found = Signal(ScanReport)
    # How far the scan of a drop is.
    progressed = Signal(Progress)
    # A drop could not be scanned at all.
    failed = Signal(SamdeskError)
    # Scanning was stopped; what was found by earlier drops stays.
    stopped = Signal()
    # Scanning begins or is over.
    busy = Signal(bool)
    # The remembered paths changed.
    recent_changed = Signal()

    def __init__(
        self,
        jobs: JobQueue,
        settings: SettingsService,
        phantom_folder: Path | None = None,
        parent: QObject | None = None,
    ) -> None:
        """Make an empty library.

        Args:
            jobs: the worker.
            settings: say whether paths may be remembered, and hold them.
            phantom_folder: where the made patient is written when it is asked for.
            parent: owner in Qt.
        """
        super().__init__(parent)
        self._phantom_folder = phantom_folder
        self._jobs = jobs
        self._settings = settings
        self._scans: list[Job] = []
        self._report = ScanReport(())

    @property
    def report(self) -> ScanReport:
        """Everything that all drops brought, numbered from 1."""
        return self._report

    @property
    def n_waiting(self) -> int:
        """Drops whose scan is not over, the one that runs included."""
        return len(self._scans)

    @property
    def recent(self) -> tuple[Path, ...]:
        """Paths that were opened before, the last one first; they may be gone."""
        return tuple(Path(name) for name in self._settings.now.recent)

    def series(self, series: SeriesId) -> Series | None:
        """Look up a series; None where no drop brought it."""
        return next((one for one in self._report.series if one.id == series), None)

    def scan(self, paths: Sequence[Path]) -> None:
        """Read the headers of files, folders, zips or DICOMDIRs, in the background."""
        if paths:
            whole = [Path(path).absolute() for path in paths]
            self._submit(_scan(whole), whole)

    def open_phantom(self) -> None:
        """Add the made patient with its three dates, which needs no file and no network."""
        if self._phantom_folder is not None:
            self._submit(_scan_phantom(self._phantom_folder), ())

    def _submit(self, steps: Steps, paths: Sequence[Path]) -> None:
        def done(report: ScanReport) -> None:
            self._end(job)
            self._on_scanned(report, paths)

        def failed(error: Exception) -> None:
            self._end(job)
            self.failed.emit(as_error(error))

        job = self._jobs.submit(
            Urgency.SCAN, steps, on_progress=self.progressed.emit, on_done=done, on_error=failed
        )
        self._scans.append(job)
        if len(self._scans) == 1:
            self.busy.emit(True)

    def cancel(self) -> None:
        """Stop all scans."""
        if not self._scans:
            return
        for job in self._scans:
            job.cancel()
        self._scans.clear()
        self.busy.emit(False)
        self.stopped.emit()

    def forget(self, path: Path) -> None:
        """Take one path out of the remembered ones; the file stays."""
        self._remember(tuple(one for one in self.recent if one != path))

    def forget_all(self) -> None:
        """Forget all remembered paths."""
        self._remember(())

    def _end(self, job: Job) -> None:
        self._scans.remove(job)
        if not self._scans:
            self.busy.emit(False)

    def _on_scanned(self, report: ScanReport, paths: Sequence[Path]) -> None:
        logger.info("scan series=%d refusals=%d", len(report.series), len(report.refusals))
        brought = self._add(report)
        if paths and report.series and self._settings.now.is_recent_allowed:
            old = [one for one in self.recent if one not in paths]
            self._remember((*paths, *old)[:MOST_RECENT])
        self.found.emit(brought)

    def _add(self, report: ScanReport) -> ScanReport:
        """Add to what is there; a series that came before keeps its number and is renewed."""
        held = {one.id: one for one in self._report.series}
        for one in report.series:
            number = held[one.id].number if one.id in held else len(held) + 1
            held[one.id] = replace(one, number=number)
        refusals = (*self._report.refusals, *report.refusals)
        self._report = ScanReport(
            tuple(held.values()),
            tuple(dict.fromkeys(refusals)),
            tuple(dict.fromkeys((*self._report.notices, *report.notices))),
            self._report.seconds + report.seconds,
        )
        return replace(report, series=tuple(held[one.id] for one in report.series))

    def _remember(self, paths: tuple[Path, ...]) -> None:
        if paths == self.recent:
            return
        self._settings.change(recent=tuple(str(path) for path in paths))
        self.recent_changed.emit()


def _scan(paths: Sequence[Path]) -> Steps:
    # The libraries behind it are loaded by the first drop and not by the start of the window.
    yield Progress(0, 0, "reading headers")
    from samdesk.io.scan import scan

    return (yield from scan(paths))


def _scan_phantom(folder: Path) -> Steps:
    """Write the made patient where it is not there from an earlier time, and scan it."""
    yield Progress(0, 0, "making the phantom patient")
    from samdesk.core.phantom.patient import make_patient
    from samdesk.io.phantom_dicom import patient_id

    written = folder / patient_id(make_patient(PHANTOM_SEED))
    if not written.is_dir():
        yield from apart(_write_phantom, folder, PHANTOM_SPACING_MM)
    # beside the scans lie tables of the truth, which are not to be listed as skipped
    return (yield from _scan(sorted(written.glob("*/dicom"))))


def _write_phantom(folder: Path, spacing_mm: tuple[float, float, float]) -> Steps:
    from samdesk.core.phantom.patient import make_patient
    from samdesk.io.phantom_files import write_patient

    yield from write_patient(make_patient(PHANTOM_SEED), folder, spacing_mm=spacing_mm)
