"""Questions to matches: the model at work behind the window."""

from dataclasses import dataclass
from itertools import permutations

from PySide6.QtCore import QObject, Signal

from samdesk.core.changes import Changes
from samdesk.core.geometry import Position
from samdesk.core.ids import ModelId, PointId, SeriesId
from samdesk.core.match import Match, SimilarityMap
from samdesk.core.matchbook import CURSOR, Question
from samdesk.core.models import ModelInfo
from samdesk.core.progress import Progress
from samdesk.core.reading import Opened
from samdesk.core.volume import Modality, Volume
from samdesk.errors import SamdeskError
from samdesk.services import reasons
from samdesk.services.embeddings import Embeddings, One, Pair
from samdesk.services.engine import Answered, Engine, answer_twice
from samdesk.services.faults import as_error
from samdesk.services.jobs import Job, JobQueue, Urgency
from samdesk.services.library import LibraryService
from samdesk.services.models import ModelService
from samdesk.services.store import Store
from samdesk.services.volumes import VolumeService

# The code of an embedding that the model refused to make: an answer, and no fault.
NOT_COMPARABLE = "not-comparable"


@dataclass(frozen=True)
class _Key:
    """What can have one open question at a time; a newer one takes its place."""

    point: PointId
    baseline: SeriesId
    follow_up: SeriesId
    is_map: bool


class MatchingService(QObject):
    """Embeds what is opened and answers questions; the window never waits for it.

    A template point of the project is asked for by itself in every opened series; `ask` is for
    the crosshair, and for a series in particular.
    """

    # An answer: Question, Match, and whether it is the last word (a quick first one may come).
    matched = Signal(object, object, bool)
    # A similarity map that was asked for: Question, SimilarityMap.
    mapped = Signal(object, object)
    # What a question waits for: Question, Progress.
    progressed = Signal(object, object)
    # How far the embedding of a series is, asked for or in the background: SeriesId, Progress.
    embedding = Signal(str, object)
    # A series has its embedding now, so that a click in it is answered at once.
    ready = Signal(str)
    # A question could not be answered: Question, SamdeskError.
    failed = Signal(object, object)
    # An embedding could not be made: SeriesId, SamdeskError.
    embed_failed = Signal(str, object)
    # Something is at work, or nothing any more.
    busy = Signal(bool)
    # The provider really in use, in words.
    device_changed = Signal(str)
    # Another model answers from now on: its id, or empty.
    model_changed = Signal(str)
    # Something that a person should know and that stops nothing (core.reading.Notice).
    noticed = Signal(object)
    # Work was stopped by the user; `go_on` takes it up again.
    stopped = Signal()

    def __init__(
        self,
        jobs: JobQueue,
        store: Store,
        library: LibraryService,
        volumes: VolumeService,
        models: ModelService,
        engine: Engine,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._store = store
        self._library = library
        self._volumes = volumes
        self._models = models
        self._engine = engine
        self._embeddings = Embeddings(jobs, volumes, engine, self)
        self._open: dict[_Key, Question] = {}
        self._answering: dict[_Key, Job] = {}
        self._unfit: dict[SeriesId, str] = {}
        self._is_busy = False
        self._device = ""
        self._model = ModelId("")
        store.changed.connect(self._on_store_changed)
        store.replaced.connect(self._ask_all)
        volumes.opened.connect(self._on_volumes_opened)
        volumes.closed.connect(self._on_volumes_closed)
        volumes.failed.connect(self._on_volumes_failed)
        volumes.shown_changed.connect(self._prepare_pairs)
        models.changed.connect(self._on_models_changed)
        self._embeddings.ready.connect(self._on_embeddings_ready)
        self._embeddings.progressed.connect(self._on_embeddings_progressed)
        self._embeddings.failed.connect(self._on_embeddings_failed)

    @property
    def device(self) -> str:
        """The provider really in use, in words; empty before the model ran."""
        return self._device

    @property
    def model(self) -> ModelId:
        """Id of the model that answers for CT; empty where none is installed."""
        return self._model

    @property
    def is_busy(self) -> bool:
        """Whether something is at work."""
        return self._is_busy

    @property
    def embeddings(self) -> Embeddings:
        """What is made of the opened series, for other services that need it too."""
        return self._embeddings

    def is_ready(self, series: SeriesId) -> bool:
        """Tell whether a series has its embedding."""
        info = self._info(self._volumes.get(series))
        return info is not None and self._embeddings.get(One(series, info.id)) is not None

    def cannot_say(self, series: SeriesId) -> str:
        """Say why no place can be matched in an opened series; empty where it can.

        Some reasons are known only when its embedding was tried.
        """
        opened = self._volumes.get(series)
        if opened is None:
            return ""
        return self._unfit.get(series) or reasons.cannot_embed(opened, self._info(opened))

    def question(
        self, point: PointId, at_mm: Position, baseline: SeriesId, follow_up: SeriesId
    ) -> Question:
        """Put a question to the model that is in use for the baseline."""
        opened, known = self._volumes.get(baseline), self._library.series(baseline)
        if opened is None and known is not None and known.modality is not Modality.OTHER:
            info = self._models.chosen(known.modality)
        else:
            info = self._info(opened) if opened else self._models.chosen(Modality.CT)
        return Question(point, at_mm, baseline, follow_up, ModelId("") if info is None else info.id)

    def ask(self, question: Question) -> None:
        """Ask for a match; an open question of the same point and scans is let go for it.

        `matched` or `failed` follows, at once where the answer is known.
        """
        self._ask(question, is_map=False)

    def ask_map(self, question: Question) -> None:
        """Ask for the similarity of the place to every place of the follow-up."""
        self._ask(question, is_map=True)

    def use(self, model: ModelId) -> None:
        """Let another model answer; the points of the project are asked anew."""
        self._models.choose(model)

    def forget(self, point: PointId) -> None:
        """Let the open questions of a point go, as when the crosshair is gone."""
        for key in [key for key in self._open if key.point == point]:
            self._let_go(key)
        self._tell_busy()

    def cancel(self) -> None:
        """Stop everything that is at work, within a second."""
        if not self._is_busy:
            return
        for key in tuple(self._open):
            self._let_go(key)
        self._embeddings.cancel()
        self._tell_busy()
        self.stopped.emit()

    def go_on(self) -> None:
        """Take up what was stopped: embed what is opened and ask for all points."""
        for series in self._volumes.ids:
            self._prepare(series)
        self._ask_all()

    def _ask(self, question: Question, *, is_map: bool) -> None:
        key = _Key(question.point, question.baseline, question.follow_up, is_map)
        if self._open.get(key) == question:
            return
        self._let_go(key)
        known = None if is_map else self._store.answer(question)
        if known is not None:
            self.matched.emit(question, known, True)
        else:
            self._open[key] = question
            self._advance(key)
        self._tell_busy()

    def _advance(self, key: _Key) -> None:
        """Take an open question one step further: open, embed, prior, answer."""
        scans = self._scans(key)
        question = self._open.get(key)
        if question is None or scans is None:
            return
        reason = reasons.cannot_match(*scans, question.at_mm, self._info(scans[0]))
        reason = reason or self._unfit.get(key.baseline) or self._unfit.get(key.follow_up) or ""
        if reason:
            self._answer_unknown(key, reason)
            return
        pair = Pair(key.baseline, key.follow_up, question.model)
        missing = [one for one in pair.ones if self._embeddings.get(one) is None]
        if missing:
            self.progressed.emit(question, Progress(0, 0, "computing the embedding"))
            for one in missing:
                self._embeddings.want(one, Urgency.AWAITED)
        elif not self._embeddings.has_prior(pair):
            self.progressed.emit(question, Progress(0, 0, "comparing the scans"))
            self._embeddings.want_prior(pair, Urgency.AWAITED)
        elif key not in self._answering:
            self._answer(key, pair, scans)

    def _scans(self, key: _Key) -> tuple[Opened, Opened] | None:
        """Give the two scans of a question, or have them opened."""
        for series in (key.baseline, key.follow_up):
            if self._volumes.get(series) is None and series not in self._volumes.reading:
                self._volumes.open(series)
        baseline, follow_up = (self._volumes.get(one) for one in (key.baseline, key.follow_up))
        return None if baseline is None or follow_up is None else (baseline, follow_up)

    def _answer_unknown(self, key: _Key, reason: str) -> None:
        question = self._open.pop(key)
        if key.is_map:
            self.failed.emit(question, SamdeskError(reason))
        else:
            # Not written down: another model, or the scan read anew, may have an answer.
            self.matched.emit(question, reasons.unknown(reason, question.model), True)

    def _answer(self, key: _Key, pair: Pair, scans: tuple[Opened, Opened]) -> None:
        question = self._open[key]
        a, b = (self._embeddings.get(one) for one in pair.ones)
        if key.is_map:
            steps = self._engine.similarity_map(question.model, (a, b), question.at_mm)
        else:
            first, second = (one.image for one in scans)
            assert isinstance(first, Volume)  # noqa: S101 - cannot_match looked
            assert isinstance(second, Volume)  # noqa: S101
            steps = answer_twice(
                self._engine,
                question,
                (a, b),
                (first, second),
                is_same_patient=self._is_same_patient(key),
            )

        def progressed(progress: Progress) -> None:
            if isinstance(progress, Answered):
                self.matched.emit(question, progress.match, False)
            else:
                self.progressed.emit(question, progress)

        def done(result: Match | SimilarityMap) -> None:
            self._end(key)
            self._on_answered(question, result)

        def failed(error: Exception) -> None:
            self._end(key)
            self.failed.emit(question, as_error(error))

        self._answering[key] = self._jobs.submit(
            Urgency.CLICK, steps, on_progress=progressed, on_done=done, on_error=failed
        )

    def _on_answered(self, question: Question, result: Match | SimilarityMap) -> None:
        if isinstance(result, SimilarityMap):
            self.mapped.emit(question, result)
            return
        if question.point in self._store.project.points:
            self._store.record(question, result)
        self.matched.emit(question, result, True)

    def _end(self, key: _Key) -> None:
        self._open.pop(key, None)
        self._answering.pop(key, None)
        self._tell_busy()

    def _let_go(self, key: _Key) -> None:
        self._open.pop(key, None)
        job = self._answering.pop(key, None)
        if job is not None:
            job.cancel()

    def _is_same_patient(self, key: _Key) -> bool:
        one, other = (self._library.series(id_) for id_ in (key.baseline, key.follow_up))
        return one is not None and other is not None and one.patient == other.patient

    def _info(self, opened: Opened | None) -> ModelInfo | None:
        return None if opened is None else self._models.chosen(reasons.modality(opened))

    def _prepare(self, series: SeriesId) -> None:
        """Embed an opened series in the background, so that the first click finds it done."""
        opened = self._volumes.get(series)
        info = self._info(opened)
        if opened is not None and info is not None and not self.cannot_say(series):
            self._embeddings.want(One(series, info.id), Urgency.BACKGROUND)

    def _ask_all(self) -> None:
        """Ask the open questions of the project as it is now, and no others."""
        for key in [key for key in self._open if key.point != CURSOR]:
            self._let_go(key)
        for point in self._store.project.points:
            self._ask_point(point)
        self._tell_busy()

    def _ask_point(self, point: PointId, *, only_open: bool = False) -> None:
        project = self._store.project
        baseline = project.placed_in[point]
        if self._volumes.get(baseline) is None:
            return
        in_front = sorted(self._volumes.ids, key=lambda one: one not in self._volumes.shown)
        for series in in_front:
            opened = self._volumes.get(series)
            if series != baseline and opened is not None and isinstance(opened.image, Volume):
                question = self.question(point, project.points[point].at_mm, baseline, series)
                if not only_open or self._store.answer(question) is None:
                    self.ask(question)

    def _tell_busy(self) -> None:
        is_busy = bool(self._open or self._embeddings.is_busy)
        if is_busy is not self._is_busy:
            self._is_busy = is_busy
            self.busy.emit(is_busy)

    def _tell_device(self) -> None:
        if self._engine.device != self._device:
            self._device = self._engine.device
            self.device_changed.emit(self._device)
        for notice in self._engine.take_notices():
            self.noticed.emit(notice)

    def _on_store_changed(self, changes: Changes) -> None:
        for point in changes.points:
            if point in self._store.project.points:
                self._ask_point(point)
            else:
                self.forget(point)

    def _on_volumes_opened(self, series: str, _opened: object) -> None:
        self._prepare(SeriesId(series))
        for key in tuple(self._open):
            if series in (key.baseline, key.follow_up):
                self._advance(key)
        for point in self._store.project.points:
            self._ask_point(point, only_open=True)
        self._tell_busy()

    def _on_volumes_closed(self, series: str) -> None:
        self._embeddings.drop(SeriesId(series))
        self._unfit.pop(SeriesId(series), None)
        for key in [key for key in self._open if series in (key.baseline, key.follow_up)]:
            self._let_go(key)
        self._tell_busy()

    def _on_volumes_failed(self, series: str, error: SamdeskError) -> None:
        for key in [key for key in self._open if series in (key.baseline, key.follow_up)]:
            self._fail(key, error)
        self._tell_busy()

    def _on_models_changed(self, _models: object) -> None:
        chosen = self._models.chosen(Modality.CT)
        model = ModelId("") if chosen is None else chosen.id
        if model == self._model:
            return
        self._model = model
        self._embeddings.drop_all()
        self._unfit.clear()
        self.model_changed.emit(model)
        if chosen is not None:
            self._warm(chosen.id)
        self.go_on()

    def _warm(self, model: ModelId) -> None:
        """Load the model before the first scan is there, which also tells the device."""
        self._jobs.submit(
            Urgency.BACKGROUND,
            self._engine.load(model),
            on_progress=lambda _: None,
            on_done=lambda _: self._tell_device(),
            on_error=self._models.report,
        )

    def _on_embeddings_ready(self, thing: One | Pair) -> None:
        self._tell_device()
        if isinstance(thing, One):
            self.ready.emit(thing.series)
            self._prepare_pairs()
        for key in tuple(self._open):
            self._advance(key)
        self._tell_busy()

    def _prepare_pairs(self) -> None:
        """Compare the scans on the screen in the background, in both directions."""
        in_front = self._volumes.shown or self._volumes.ids[-2:]
        for baseline, follow_up in permutations(in_front, 2):
            info = self._info(self._volumes.get(baseline))
            if info is not None:
                pair = Pair(baseline, follow_up, info.id)
                self._embeddings.want_prior(pair, Urgency.BACKGROUND)
        self._tell_busy()

    def _on_embeddings_progressed(self, thing: One | Pair, progress: Progress) -> None:
        if isinstance(thing, One):
            self.embedding.emit(thing.series, progress)
        for key, question in tuple(self._open.items()):
            if _concerns(thing, key):
                self.progressed.emit(question, progress)

    def _on_embeddings_failed(self, thing: One | Pair, error: SamdeskError) -> None:
        if isinstance(thing, One) and error.code == NOT_COMPARABLE:
            self._unfit[thing.series] = error.what
        if isinstance(thing, One):
            self.embed_failed.emit(thing.series, error)
        for key in [key for key in self._open if _concerns(thing, key)]:
            if error.code == NOT_COMPARABLE:
                self._answer_unknown(key, error.what)
            else:
                self._fail(key, error)
        self._tell_device()
        self._tell_busy()

    def _fail(self, key: _Key, error: SamdeskError) -> None:
        question = self._open[key]
        self._let_go(key)
        self.failed.emit(question, error)


def _concerns(thing: One | Pair, key: _Key) -> bool:
    if isinstance(thing, One):
        return thing.series in (key.baseline, key.follow_up)
    return (thing.baseline, thing.follow_up) == (key.baseline, key.follow_up)
