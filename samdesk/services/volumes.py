"""Series to pixels: opened in the background, held within a bound of memory."""

import logging
import os
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from samdesk.core.ids import SeriesId
from samdesk.core.progress import Progress
from samdesk.core.reading import Arrived, Opened
from samdesk.core.study import Series, Source
from samdesk.errors import SamdeskError
from samdesk.services.faults import as_error
from samdesk.services.jobs import Job, JobQueue, Steps, Urgency
from samdesk.services.library import LibraryService

logger = logging.getLogger(__name__)

LEAST_BYTES = 512 * 2**20
MEMORY_SHARE = 4


@dataclass(frozen=True, eq=False)
class _Held:
    opened: Opened
    source: Source


class VolumeService(QObject):
    """Opens series of the library and lets the least recently seen go."""

    # Some slices of a series are there (core.reading.Arrived); its array goes on filling.
    arrived = Signal(str, object)
    # How far the reading of a series is.
    progressed = Signal(str, Progress)
    # A series is there as a whole.
    opened = Signal(str, object)
    # A series was let go.
    closed = Signal(str)
    # A series could not be opened; the others go on.
    failed = Signal(str, SamdeskError)
    # Other scans are on the screen now.
    shown_changed = Signal()
    # Reading was stopped before its end.
    stopped = Signal(str)

    def __init__(
        self,
        jobs: JobQueue,
        library: LibraryService,
        most_bytes: int = 0,
        parent: QObject | None = None,
    ) -> None:
        """Make an empty service.

        Args:
            jobs: the worker.
            library: knows where the series are.
            most_bytes: memory for all volumes together; 0 = a quarter of the machine's.
            parent: owner in Qt.
        """
        super().__init__(parent)
        self._jobs = jobs
        self._library = library
        self.most_bytes = most_bytes or max(LEAST_BYTES, _machine_bytes() // MEMORY_SHARE)
        self._held: OrderedDict[SeriesId, _Held] = OrderedDict()
        self._reading: dict[SeriesId, Job] = {}
        self._shown: frozenset[SeriesId] = frozenset()

    @property
    def ids(self) -> tuple[SeriesId, ...]:
        """What is opened, the least recently seen first."""
        return tuple(self._held)

    @property
    def reading(self) -> tuple[SeriesId, ...]:
        """What is being read or waits for it."""
        return tuple(self._reading)

    @property
    def shown(self) -> frozenset[SeriesId]:
        """What is on the screen, as `show` was told."""
        return self._shown

    @property
    def held_bytes(self) -> int:
        """Memory that the opened volumes take."""
        return sum(_size(one.opened) for one in self._held.values())

    def get(self, series: SeriesId) -> Opened | None:
        """Look up what is opened; None where it is not, or not yet."""
        held = self._held.get(series)
        return None if held is None else held.opened

    def open(self, series: SeriesId) -> None:
        """Open a series; `opened` or `failed` follows, at once where it is open already."""
        known = self._library.series(series)
        if known is None:
            self.failed.emit(
                series,
                SamdeskError(
                    "This series is not in the list any more.",
                    code="files-missing",
                    hint="Drop its folder again.",
                ),
            )
            return
        held = self._held.get(series)
        if held is not None and held.source == known.source:
            self._held.move_to_end(series)
            self.opened.emit(series, held.opened)
        elif series not in self._reading:
            self._read(known)

    def show(self, series: Collection[SeriesId]) -> None:
        """Say which series are on the screen now: they are held whatever the bound says."""
        before, self._shown = self._shown, frozenset(series)
        for one in series:
            if one in self._held:
                self._held.move_to_end(one)
        self._make_room()
        if self._shown != before:
            self.shown_changed.emit()

    def cancel(self, series: SeriesId | None = None) -> None:
        """Stop reading a series, or all of them."""
        for one in tuple(self._reading) if series is None else (series,):
            job = self._reading.pop(one, None)
            if job is not None:
                job.cancel()
                self.stopped.emit(one)

    def close(self, series: SeriesId) -> None:
        """Let a series go."""
        self.cancel(series)
        if self._held.pop(series, None) is not None:
            self.closed.emit(series)

    def _read(self, series: Series) -> None:
        id_ = series.id

        def progressed(progress: Progress) -> None:
            if isinstance(progress, Arrived) and progress.array is not None:
                self.arrived.emit(id_, progress)
            self.progressed.emit(id_, progress)

        def done(opened: Opened) -> None:
            self._reading.pop(id_, None)
            self._on_read(series, opened)

        def failed(error: Exception) -> None:
            self._reading.pop(id_, None)
            self.failed.emit(id_, as_error(error))

        self._reading[id_] = self._jobs.submit(
            Urgency.OPEN,
            _read(series),
            on_progress=progressed,
            on_done=done,
            on_error=failed,
        )

    def _on_read(self, series: Series, opened: Opened) -> None:
        logger.info("open kind=%s notices=%d", series.source.kind, len(opened.notices))
        if self._held.pop(series.id, None) is not None:
            self.closed.emit(series.id)
        self._held[series.id] = _Held(opened, series.source)
        self.opened.emit(series.id, opened)
        self._make_room()

    def _make_room(self) -> None:
        """Close the least recently seen until the bound holds; the last one stays."""
        for series in tuple(self._held)[:-1]:
            if self.held_bytes <= self.most_bytes:
                return
            if series not in self._shown:
                del self._held[series]
                self.closed.emit(series)


def _read(series: Series) -> Steps:
    # The libraries behind it are loaded by the first series and not by the start of the window.
    yield Progress(0, 0, "reading")
    from samdesk.io import registry

    return (yield from registry.open_series(series))


def _size(opened: Opened) -> int:
    return int(opened.image.array.nbytes)


def _machine_bytes() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return 8 * 2**30
