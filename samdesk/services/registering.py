"""Two opened scans to an alignment: matched places, a registration, and pictures through it."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from samdesk.core.geometry import Points
from samdesk.core.ids import SeriesId
from samdesk.core.models import ModelInfo
from samdesk.core.plane import Plane, View
from samdesk.core.progress import Progress
from samdesk.core.reading import Opened
from samdesk.core.volume import Volume
from samdesk.core.warp import Warp, sampled, warped
from samdesk.errors import SamdeskError
from samdesk.services import reasons
from samdesk.services.embeddings import Embeddings, One, Pair
from samdesk.services.engine import Embedding, Engine
from samdesk.services.faults import as_error
from samdesk.services.jobs import Job, JobQueue, Steps, Urgency
from samdesk.services.matching import MatchingService
from samdesk.services.models import ModelService
from samdesk.services.volumes import VolumeService

# How far the work is when the lattice is matched, and when the registration is done; in percent.
MATCHED, REGISTERED = 40, 90


@dataclass(frozen=True)
class Asked:
    """What was asked for: the moving scan, aligned to the fixed one."""

    fixed: SeriesId
    moving: SeriesId
    is_deformable: bool = True


@dataclass(frozen=True, eq=False)
class Aligned:
    """Two scans aligned to each other, and how well.

    Attributes:
        asked: which scans, and how.
        warp: from mm of the fixed scan to mm of the moving one, and back.
        fixed_mm, moving_mm: (n, 3) the matched places it began with.
        used: (n,) False for a place that was struck out because it does not fit the others.
        residual_mm: (n,) distance from where the alignment takes a place to its match.
        least_jacobian: smallest change of volume anywhere; at 0 or below, tissue is folded.
        method: in words.
        notes: sentences that a person should read.
        seconds: time of the registration.
    """

    asked: Asked
    warp: Warp
    fixed_mm: Points
    moving_mm: Points
    used: NDArray[np.bool_]
    residual_mm: NDArray[np.float64]
    least_jacobian: float
    method: str
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def median_mm(self) -> float:
        """Median residual of the places that were used; not a number without any."""
        return self._percentile(50)

    @property
    def p95_mm(self) -> float:
        """Residual that 95 % of the places that were used stay below."""
        return self._percentile(95)

    def _percentile(self, percent: int) -> float:
        used = self.residual_mm[self.used]
        return float(np.percentile(used, percent)) if len(used) else float("nan")


class RegisteringService(QObject):
    """Aligns one scan to another at a time, and draws slices of it; the window never waits."""

    # The answer: Aligned.
    aligned = Signal(object)
    # How far it is: Asked, Progress.
    progressed = Signal(object, object)
    # There is no alignment: Asked, SamdeskError.
    failed = Signal(object, object)
    # The work was stopped before its end: Asked.
    stopped = Signal(object)
    # Something is at work, or nothing any more.
    busy = Signal(bool)
    # The moving scan on a plane of the fixed one: Aligned, Plane, (rows, columns) float32 with
    # "not a number" where it does not reach.
    sliced = Signal(object, object, object)
    # An alignment means nothing any more, because one of its scans was let go: SeriesId.
    dropped = Signal(str)

    def __init__(
        self,
        jobs: JobQueue,
        volumes: VolumeService,
        models: ModelService,
        matching: MatchingService,
        engine: Engine,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._volumes = volumes
        self._models = models
        self._engine = engine
        self._embeddings: Embeddings = matching.embeddings
        self._asked: Asked | None = None
        self._job: Job | None = None
        self._slicing: dict[View, tuple[Plane, Job]] = {}
        self._embeddings.ready.connect(lambda _thing: self._advance())
        self._embeddings.progressed.connect(self._on_embeddings_progressed)
        self._embeddings.failed.connect(self._on_embeddings_failed)
        matching.stopped.connect(self._on_matching_stopped)
        matching.model_changed.connect(lambda _model: self.cancel())
        volumes.opened.connect(lambda _series, _opened: self._advance())
        volumes.failed.connect(self._on_volumes_failed)
        volumes.stopped.connect(lambda series: self._stop_if(SeriesId(series)))
        volumes.closed.connect(self._on_volumes_closed)

    @property
    def asked(self) -> Asked | None:
        """What is at work; None when nothing is."""
        return self._asked

    def cannot_say(self, fixed: SeriesId | None, moving: SeriesId | None) -> str:
        """Say why there is nothing to align; what the scans themselves lack is said by `failed`."""
        if fixed is None or moving is None:
            return "Open a second scan to align with this one."
        if fixed == moving:
            return "Both sides show the same scan; there is nothing to align."
        return ""

    def ask(self, fixed_id: SeriesId, moving_id: SeriesId, is_deformable: bool = True) -> None:
        """Align a scan to another; what was asked before is let go for it.

        Args:
            fixed_id: the scan that stays as it is.
            moving_id: the scan that is laid onto it.
            is_deformable: bend it too; else only turn, stretch and move it as a whole.
        """
        self.cancel()
        self._asked = Asked(fixed_id, moving_id, is_deformable)
        self.busy.emit(True)
        self.progressed.emit(self._asked, Progress(0, 0, "aligning"))
        self._advance()

    def cancel(self) -> None:
        """Stop the alignment that is at work."""
        asked = self._end()
        if asked is not None:
            self.stopped.emit(asked)

    def ask_slice(self, aligned: Aligned, view: View, plane: Plane) -> None:
        """Draw the moving scan on a plane of the fixed one; `sliced` follows.

        Args:
            aligned: the alignment.
            view: a newer plane takes the place of an older one of the same view.
            plane: in the fixed scan.
        """
        moving = self._volumes.get(aligned.asked.moving)
        if moving is None or not isinstance(moving.image, Volume):
            return
        before = self._slicing.get(view)
        if before is not None and before[0] == plane:
            return
        if before is not None:
            before[1].cancel()

        def done(values: object) -> None:
            self._slicing.pop(view, None)
            self.sliced.emit(aligned, plane, values)

        def failed(error: Exception) -> None:
            self._slicing.pop(view, None)
            as_error(error)

        job = self._jobs.submit(
            Urgency.CLICK,
            _slice(moving.image, plane, aligned.warp),
            on_progress=lambda _: None,
            on_done=done,
            on_error=failed,
        )
        self._slicing[view] = plane, job

    # -- inside ----------------------------------------------------------------------------

    def _advance(self) -> None:
        """Take the work one step further: open, embed, compare, register."""
        asked = self._asked
        if asked is None or self._job is not None:
            return
        scans = self._scans(asked)
        if scans is None:
            return
        reason = self._reason(*scans)
        if reason:
            self._fail(SamdeskError(reason, code="not-comparable"))
            return
        info = self._info(scans[0])
        assert info is not None  # noqa: S101 - there is a reason without a model
        pair = Pair(asked.fixed, asked.moving, info.id)
        missing = [one for one in pair.ones if self._embeddings.get(one) is None]
        if missing:
            for one in missing:
                self._embeddings.want(one, Urgency.AWAITED)
        elif not self._embeddings.has_prior(pair):
            self._embeddings.want_prior(pair, Urgency.AWAITED)
        else:
            self._register(asked, pair, scans)

    def _scans(self, asked: Asked) -> tuple[Opened, Opened] | None:
        """Give the two scans, or have them opened."""
        for series in (asked.fixed, asked.moving):
            if self._volumes.get(series) is None and series not in self._volumes.reading:
                self._volumes.open(series)
        fixed, moving = (self._volumes.get(one) for one in (asked.fixed, asked.moving))
        return None if fixed is None or moving is None else (fixed, moving)

    def _register(self, asked: Asked, pair: Pair, scans: tuple[Opened, Opened]) -> None:
        fixed, moving = (one.image for one in scans)
        assert isinstance(fixed, Volume)  # noqa: S101 - there is a reason for a radiograph
        assert isinstance(moving, Volume)  # noqa: S101
        a, b = (self._embeddings.get(one) for one in pair.ones)

        def done(aligned: Aligned) -> None:
            self._end()
            self.aligned.emit(aligned)

        self._job = self._jobs.submit(
            Urgency.AWAITED,
            _align(self._engine, asked, pair, (a, b), (fixed, moving)),
            on_progress=lambda progress: self.progressed.emit(asked, progress),
            on_done=done,
            on_error=lambda error: self._fail(as_error(error)),
        )

    def _reason(self, fixed: Opened, moving: Opened) -> str:
        image = fixed.image
        middle = (0.0, 0.0, 0.0)
        if isinstance(image, Volume):
            x, y, z = (float(value) for value in image.geometry.center_mm)
            middle = (x, y, z)
        return reasons.cannot_match(fixed, moving, middle, self._info(fixed))

    def _info(self, opened: Opened) -> ModelInfo | None:
        return self._models.chosen(reasons.modality(opened))

    def _fail(self, error: SamdeskError) -> None:
        asked = self._end()
        if asked is not None:
            self.failed.emit(asked, error)

    def _end(self) -> Asked | None:
        """Let go of what is at work, and give it back."""
        asked, self._asked = self._asked, None
        job, self._job = self._job, None
        if job is not None:
            job.cancel()
        if asked is not None:
            self.busy.emit(False)
        return asked

    def _stop_if(self, series: SeriesId) -> None:
        if self._asked is not None and series in (self._asked.fixed, self._asked.moving):
            self.cancel()

    def _concerns(self, thing: One | Pair) -> bool:
        asked = self._asked
        if asked is None or self._job is not None:
            return False
        if isinstance(thing, One):
            return thing.series in (asked.fixed, asked.moving)
        return (thing.baseline, thing.follow_up) == (asked.fixed, asked.moving)

    def _on_embeddings_progressed(self, thing: One | Pair, progress: Progress) -> None:
        if self._concerns(thing):
            self.progressed.emit(self._asked, progress)

    def _on_embeddings_failed(self, thing: One | Pair, error: SamdeskError) -> None:
        if self._concerns(thing):
            self._fail(error)

    def _on_matching_stopped(self) -> None:
        # The embedding that the alignment waits for was stopped with everything else.
        if self._job is None:
            self.cancel()

    def _on_volumes_failed(self, series: str, error: SamdeskError) -> None:
        if self._asked is not None and series in (self._asked.fixed, self._asked.moving):
            self._fail(error)

    def _on_volumes_closed(self, series: str) -> None:
        self._stop_if(SeriesId(series))
        self.dropped.emit(series)


def _align(
    engine: Engine,
    asked: Asked,
    pair: Pair,
    embeddings: tuple[Embedding, Embedding],
    scans: tuple[Volume, Volume],
) -> Steps:
    from samdesk.registration.aligned import align

    fixed, moving = scans
    matches = yield from _part(engine.correspondences(pair.model, embeddings), 0, MATCHED)
    found = yield from _part(
        align(fixed, moving, matches, is_deformable=asked.is_deformable), MATCHED, REGISTERED
    )
    map_points = found.registration.map_points
    warp = yield from _part(sampled(map_points, found.affine, fixed.geometry), REGISTERED, 100)
    return Aligned(
        asked=asked,
        warp=warp,
        fixed_mm=found.fixed_mm,
        moving_mm=found.moving_mm,
        used=found.used,
        residual_mm=found.residual_mm,
        least_jacobian=found.least_jacobian,
        method=found.registration.method,
        notes=found.notes,
        seconds=found.seconds,
    )


def _part(steps: Steps, low: int, high: int) -> Generator[Progress, None, Any]:
    """Tell the steps of a part of the work as percents of the whole."""
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            return end.value
        yield Progress(round(low + (high - low) * step.share), 100, step.doing)


def _slice(volume: Volume, plane: Plane, warp: Warp) -> Steps:
    yield Progress(0, 1, "drawing the other scan")
    return warped(volume, plane, warp)
