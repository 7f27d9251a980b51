"""One side of the Read page: which series is there, and how far its reading and embedding are."""

from enum import Enum

import numpy as np
from PySide6.QtCore import QObject, Signal

from samdesk.core.ids import SeriesId
from samdesk.core.progress import Progress
from samdesk.core.reading import Arrived, Notice, Opened
from samdesk.core.study import Series
from samdesk.core.volume import Modality, Unit, Volume
from samdesk.errors import SamdeskError
from samdesk.services.bundle import Services
from samdesk.views.tables.series import title_words
from samdesk.views.widgets.scan_pane import ScanPane
from samdesk.views.widgets.shown import ShownVolume, shown


class Link(Enum):
    """How the two scans move together."""

    ANATOMY = "anatomy"
    ALIGNED = "aligned"
    MM = "mm"
    OFF = "off"


class Side(QObject):
    """Passes what the services say about one series on to the pane that shows it."""

    # The series is there as a whole.
    opened = Signal()

    def __init__(
        self, pane: ScanPane, services: Services, word: str, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.pane = pane
        self.word = word
        self.series: SeriesId | None = None
        self.notices: tuple[Notice, ...] = ()
        self._services = services
        self._arrived: np.ndarray[tuple[int], np.dtype[np.bool_]] | None = None
        volumes, matching = services.volumes, services.matching
        volumes.arrived.connect(self._on_volumes_arrived)
        volumes.progressed.connect(self._on_volumes_progressed)
        volumes.opened.connect(self._on_volumes_opened)
        volumes.failed.connect(self._on_volumes_failed)
        volumes.stopped.connect(self._on_volumes_stopped)
        matching.embedding.connect(self._on_matching_embedding)
        matching.ready.connect(self._on_matching_ready)
        matching.embed_failed.connect(self._on_matching_embed_failed)
        matching.busy.connect(self._on_matching_busy)
        pane.retry_asked.connect(self._on_pane_retry_asked)

    @property
    def title(self) -> str:
        """What the series is called."""
        known = self._known()
        return self.word if known is None else title_words(known)

    @property
    def short_title(self) -> str:
        """The date of the series, or what it is called without one."""
        return self._corner()

    def open(self, series: SeriesId) -> None:
        """Show a series, as its slices arrive."""
        self.series = series
        self.notices = ()
        self._arrived = None
        self.pane.show_opening(self.title)
        self._services.volumes.open(series)

    def _known(self) -> Series | None:
        return None if self.series is None else self._services.library.series(self.series)

    def _corner(self) -> str:
        known = self._known()
        if known is None:
            return ""
        return known.study_date.isoformat() if known.study_date else known.label

    def _on_volumes_arrived(self, series: str, arrived: Arrived) -> None:
        known = self._known()
        if series != self.series or arrived.array is None or arrived.geometry is None:
            return
        is_first = self._arrived is None or len(self._arrived) != arrived.array.shape[0]
        if is_first:
            self._arrived = np.zeros(arrived.array.shape[0], np.bool_)
        assert self._arrived is not None  # noqa: S101 - made just above
        self._arrived[arrived.first : arrived.last + 1] = True
        if is_first or self.pane.shown is None:
            modality = Modality.OTHER if known is None else known.modality
            unit = Unit.HU if modality is Modality.CT else Unit.NONE
            volume = Volume(arrived.array, arrived.geometry, modality, unit)
            partial = ShownVolume(volume, arrived=self._arrived)
            self.pane.show_scan(partial, self.title, self._corner())
        else:
            for view in self.pane.views.values():
                view.refresh()

    def _on_volumes_progressed(self, series: str, progress: Progress) -> None:
        if series == self.series:
            how_far = f" {progress.done}/{progress.total}" if progress.total else "…"
            self.pane.show_reading(f"Reading{how_far}")

    def _on_volumes_opened(self, series: str, opened: Opened) -> None:
        if series != self.series:
            return
        was_partial = self.pane.shown is not None and self._arrived is not None
        whole = shown(opened.image, [notice.code for notice in opened.notices])
        before = self.pane.shown
        is_same = (
            was_partial
            and isinstance(before, ShownVolume)
            and isinstance(whole, ShownVolume)
            and np.allclose(before.volume.geometry.affine, whole.volume.geometry.affine)
            and before.volume.array.shape == whole.volume.array.shape
        )
        untouched = before is not None and self.pane.window_shown == before.first_window(None)
        self.pane.show_scan(whole, self.title, self._corner(), opened.window, is_same=is_same)
        if is_same and untouched:
            self.pane.show_window(whole.first_window(opened.window))
        self._arrived = None
        self.pane.show_reading("")
        self.notices = opened.notices
        self.pane.show_notices(len(opened.notices))
        self.opened.emit()

    def _on_volumes_failed(self, series: str, error: SamdeskError) -> None:
        if series == self.series:
            self.pane.show_error(self.title, error)
            self.opened.emit()

    def _on_volumes_stopped(self, series: str) -> None:
        if series == self.series:
            stopped = SamdeskError("Reading was stopped.", code="stopped")
            self.pane.show_error(self.title, stopped)

    def _on_pane_retry_asked(self) -> None:
        if self.series is not None:
            self.open(self.series)

    def _on_matching_embedding(self, series: str, progress: Progress) -> None:
        if series == self.series:
            self.pane.show_busy(progress.share)

    def _on_matching_ready(self, series: str) -> None:
        if series == self.series:
            self.pane.show_busy(None)

    def _on_matching_embed_failed(self, series: str, _error: SamdeskError) -> None:
        if series == self.series:
            self.pane.show_busy(None)

    def _on_matching_busy(self, is_busy: bool) -> None:
        if not is_busy:
            self.pane.show_busy(None)
