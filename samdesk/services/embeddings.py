"""Embeddings of opened series and what a pair of them has in common, made once and held."""

from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from samdesk.core.ids import ModelId, SeriesId
from samdesk.core.volume import Volume
from samdesk.services.engine import Embedding, Engine
from samdesk.services.faults import as_error
from samdesk.services.jobs import Job, JobQueue, Steps, Urgency
from samdesk.services.volumes import VolumeService


@dataclass(frozen=True)
class One:
    """A series as a model sees it."""

    series: SeriesId
    model: ModelId


@dataclass(frozen=True)
class Pair:
    """A baseline and a follow-up as a model sees them."""

    baseline: SeriesId
    follow_up: SeriesId
    model: ModelId

    @property
    def ones(self) -> tuple[One, One]:
        """The two series apart."""
        return One(self.baseline, self.model), One(self.follow_up, self.model)


class Embeddings(QObject):
    """Makes what a match needs before it; each thing once, however many ask for it.

    An embedding is a job of its own, so that a click that waits for it only makes it more
    urgent, and the next click in the same scan does not begin it again.
    """

    # One has its embedding, or Pair its prior.
    ready = Signal(object)
    # How far One or Pair is, Progress.
    progressed = Signal(object, object)
    # One or Pair could not be made, SamdeskError.
    failed = Signal(object, object)

    def __init__(
        self,
        jobs: JobQueue,
        volumes: VolumeService,
        engine: Engine,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._volumes = volumes
        self._engine = engine
        self._made: dict[One, Embedding] = {}
        self._priors: set[Pair] = set()
        self._making: dict[One | Pair, Job] = {}

    @property
    def is_busy(self) -> bool:
        """Whether something is being made or waits for it."""
        return bool(self._making)

    def get(self, one: One) -> Embedding | None:
        """Look up an embedding; None where it is not there yet."""
        return self._made.get(one)

    def has_prior(self, pair: Pair) -> bool:
        """Tell whether matches of this pair begin at once."""
        return pair in self._priors

    def want(self, one: One, urgency: Urgency) -> None:
        """See to it that the embedding of an opened volume gets there."""
        opened = self._volumes.get(one.series)
        if one in self._made or opened is None or not isinstance(opened.image, Volume):
            return
        self._make(one, urgency, self._engine.embed(one.model, opened.image))

    def want_prior(self, pair: Pair, urgency: Urgency) -> None:
        """See to it that a pair whose embeddings are there gets its prior."""
        a, b = (self._made.get(one) for one in pair.ones)
        if pair in self._priors or a is None or b is None:
            return
        self._make(pair, urgency, self._engine.prior(pair.model, a, b))

    def drop(self, series: SeriesId) -> None:
        """Let go of all that was made of a series, and stop what is being made."""
        for thing in [one for one in self._making if series in _series(one)]:
            self._making.pop(thing).cancel()
        self._made = {one: made for one, made in self._made.items() if one.series != series}
        self._priors = {pair for pair in self._priors if series not in _series(pair)}

    def drop_all(self) -> None:
        """Let go of everything, as when another model is used."""
        self.cancel()
        self._made.clear()
        self._priors.clear()

    def cancel(self) -> None:
        """Stop all that is being made; what is there stays."""
        for job in self._making.values():
            job.cancel()
        self._making.clear()

    def _make(self, thing: One | Pair, urgency: Urgency, steps: Steps) -> None:
        if thing in self._making:
            steps.close()
            self._jobs.hurry(self._making[thing], urgency)
            return

        def done(result: object) -> None:
            self._making.pop(thing, None)
            if isinstance(thing, One):
                self._made[thing] = result
            else:
                self._priors.add(thing)
            self.ready.emit(thing)

        def failed(error: Exception) -> None:
            self._making.pop(thing, None)
            self.failed.emit(thing, as_error(error))

        self._making[thing] = self._jobs.submit(
            urgency,
            steps,
            on_progress=lambda progress: self.progressed.emit(thing, progress),
            on_done=done,
            on_error=failed,
            interrupt=self._engine.terminate,
        )


def _series(thing: One | Pair) -> tuple[SeriesId, ...]:
    return (thing.series,) if isinstance(thing, One) else (thing.baseline, thing.follow_up)
