"""Services that can be tried without files and without a network."""

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QEventLoop

from samdesk.core.geometry import Geometry, Position
from samdesk.core.ids import ModelId, PatientId, SeriesId, StudyId
from samdesk.core.match import Match, SimilarityMap, Verdict
from samdesk.core.models import ModelInfo
from samdesk.core.progress import Progress
from samdesk.core.reading import Opened, ScanReport
from samdesk.core.reading_notes import Notice
from samdesk.core.study import Series, Source
from samdesk.core.volume import Modality, Volume
from samdesk.errors import Stopped
from samdesk.services import library as library_module
from samdesk.services import models as models_module
from samdesk.services import volumes as volumes_module
from samdesk.services.jobs import JobQueue
from samdesk.services.library import LibraryService
from samdesk.services.matching import MatchingService
from samdesk.services.models import ModelService
from samdesk.services.relay import Relay
from samdesk.services.settings import SettingsService
from samdesk.services.store import Store
from samdesk.services.volumes import VolumeService


@pytest.fixture(autouse=True)
def worker_is_seen_by_coverage(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let coverage follow the worker, which Qt starts behind Python's back."""
    run = JobQueue.run

    def traced(queue: JobQueue) -> None:
        sys.settrace(threading.gettrace())
        run(queue)

    monkeypatch.setattr(JobQueue, "run", traced)


PATIENCE_S = 10.0


def wait_until(condition: Callable[[], Any]) -> None:
    """Let the event loop run until `condition` holds."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 5)
        time.sleep(0.001)


@pytest.fixture
def until(qapp: QCoreApplication) -> Callable[[Callable[[], Any]], None]:
    return wait_until


@pytest.fixture
def jobs(qapp: QCoreApplication) -> Iterator[JobQueue]:
    queue = JobQueue(Relay())
    queue.start()
    yield queue
    queue.close()


def make_series(name: str, patient: str = "one", modality: Modality = Modality.CT) -> Series:
    return Series(
        id=SeriesId(name),
        study=StudyId(f"study of {name}"),
        patient=PatientId(patient),
        modality=modality,
        label=name,
        source=Source("nifti", (Path(f"{name}.nii"),)),
        shape=(4, 4, 4),
        spacing=(2.0, 2.0, 2.0),
    )


def make_opened(modality: Modality = Modality.CT, n: int = 4) -> Opened:
    geometry = Geometry.aligned((n, n, n), (2.0, 2.0, 2.0), np.zeros(3))
    return Opened(Volume(np.zeros((n, n, n), np.int16), geometry, modality))


def make_info(name: str = "small", modality: Modality = Modality.CT) -> ModelInfo:
    return ModelInfo(
        id=ModelId(name),
        version="1",
        method="sam",
        modality=modality,
        folder=Path(name),
        file="model.onnx",
        sha256="",
        size_bytes=0,
        spacing_mm=2.0,
        multiple_of=16,
        windows=((-1000.0, 1000.0, 0.0, 1000.0),),
    )


@pytest.fixture
def made() -> SimpleNamespace:
    return SimpleNamespace(series=make_series, opened=make_opened, info=make_info)


@dataclass
class FakeEngine:
    """A model that answers with the question's place, and can be as slow as a real one."""

    slow: set[int] = field(default_factory=set)
    errors: dict[int, Exception] = field(default_factory=dict)
    pass_s: float = 30.0
    match_s: float = 0.0
    device: str = ""
    embedded: list[int] = field(default_factory=list)
    passes: int = 0
    matches: list[tuple[Position, bool]] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    same: list[bool] = field(default_factory=list)
    lattice: Any = None
    lattice_error: Exception | None = None
    is_lattice_held: bool = False
    running: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)

    def load(self, model: ModelId) -> Any:
        yield Progress(0, 1, "Loading the model")
        self.device = "CPU, 2 threads"

    def embed(self, model: ModelId, volume: Volume) -> Any:
        key = id(volume)
        yield Progress(0, 1, "Embedding")
        if key in self.errors:
            raise self.errors[key]
        while key in self.slow:
            try:
                self._pass()
            except Stopped:
                yield Progress(0, 1, "Embedding")
            else:
                break
        self.device = "CPU, 2 threads"
        self.embedded.append(key)
        return key

    def _pass(self) -> None:
        self.passes += 1
        self.ended.clear()
        self.running.set()
        try:
            end = time.monotonic() + self.pass_s
            while time.monotonic() < end and not self.let_go.is_set():
                if self.ended.wait(0.01):
                    raise Stopped("The pass of the network was stopped.", code="stopped")
        finally:
            self.running.clear()

    def prior(self, model: ModelId, a: Any, b: Any) -> Any:
        yield Progress(0, 1, "Comparing the scans")

    def match(
        self,
        model: ModelId,
        pair: tuple[Any, Any],
        at_mm: Position,
        *,
        is_quick: bool,
        is_same_patient: bool,
        volumes: tuple[Volume, Volume],
    ) -> Any:
        yield Progress(0, 1, "Matching")
        time.sleep(self.match_s)
        self.matches.append((at_mm, is_quick))
        self.same.append(is_same_patient)
        return Match(Verdict.FOUND, at_mm, 0.9, 0.8, 0.2, 1.0, model=str(model))

    def similarity_map(self, model: ModelId, pair: tuple[Any, Any], at_mm: Position) -> Any:
        yield Progress(0, 1, "Mapping")
        geometry = Geometry.aligned((2, 2, 2), (4.0, 4.0, 4.0), np.zeros(3))
        return SimilarityMap(np.zeros((2, 2, 2), np.float32), geometry)

    def correspondences(self, model: ModelId, pair: tuple[Any, Any]) -> Any:
        yield Progress(0, 2, "matching the lattice")
        if self.lattice_error is not None:
            raise self.lattice_error
        while self.is_lattice_held:
            time.sleep(0.005)
            yield Progress(1, 2, "matching the lattice")
        return self.lattice

    def terminate(self) -> None:
        self.ended.set()

    def take_notices(self) -> tuple[Notice, ...]:
        notices, self.notices = tuple(self.notices), []
        return notices


@dataclass
class Desk:
    """Services over made series, and a record of what they told."""

    jobs: JobQueue
    settings: SettingsService
    store: Store
    library: LibraryService
    volumes: VolumeService
    models: ModelService
    engine: FakeEngine
    matching: MatchingService
    opened: dict[SeriesId, Any]
    told: list[tuple[Any, ...]] = field(default_factory=list)

    def of(self, kind: str) -> list[tuple[Any, ...]]:
        """Give what one signal told, without its name."""
        return [words[1:] for words in self.told if words[0] == kind]

    def add(self, *series: Series) -> None:
        """Put series into the library, as a drop would."""
        self.library._add(ScanReport(series))

    def open(self, *names: str) -> None:
        """Open series and wait until they are there."""
        for name in names:
            self.volumes.open(SeriesId(name))
        wait_until(lambda: all(self.volumes.get(SeriesId(name)) for name in names))


@pytest.fixture
def desk(jobs: JobQueue, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Three CT scans: a and b of one patient, c of another; one model for CT."""
    opened: dict[SeriesId, Any] = {SeriesId(name): make_opened() for name in "abc"}

    def read(series: Series) -> Any:
        yield Progress(0, 1, "Reading")
        result = opened[series.id]
        if isinstance(result, Exception):
            raise result
        return result

    def listed(_folders: Sequence[Path]) -> Any:
        yield Progress(0, 1)
        return (make_info(),), ()

    monkeypatch.setattr(volumes_module, "_read", read)
    monkeypatch.setattr(models_module, "_list", listed)
    settings = SettingsService(None)
    store = Store()
    library = LibraryService(jobs, settings)
    volumes = VolumeService(jobs, library)
    models = ModelService(jobs, settings, ())
    engine = FakeEngine()
    matching = MatchingService(jobs, store, library, volumes, models, engine)
    desk = Desk(jobs, settings, store, library, volumes, models, engine, matching, opened)
    for sender, names in (
        (
            matching,
            "matched mapped progressed embedding ready failed embed_failed busy "
            "device_changed model_changed noticed stopped",
        ),
        (volumes, "opened closed"),
        (store, "changed"),
    ):
        for name in names.split():
            getattr(sender, name).connect(
                lambda *words, name=name: desk.told.append((name, *words))
            )
    desk.add(make_series("a"), make_series("b"), make_series("c", "two"))
    models.refresh()
    wait_until(lambda: matching.model == "small" and matching.device)
    return desk


@pytest.fixture
def fake_scan(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    """Let scans of the library be made by the steps that a function gives for paths."""

    def put(steps: Any) -> None:
        monkeypatch.setattr(library_module, "_scan", steps)

    return put
