"""The installed models at work: sessions, cache and matchers behind the engine's protocol."""

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import numpy as np

from samdesk.core.geometry import Position
from samdesk.core.ids import ModelId
from samdesk.core.models import ModelInfo
from samdesk.core.progress import Progress
from samdesk.core.reading_notes import Notice
from samdesk.core.volume import Volume
from samdesk.errors import Stopped
from samdesk.model import session as sessions
from samdesk.services.engine import Embedding
from samdesk.services.jobs import Steps
from samdesk.services.settings import Settings

if TYPE_CHECKING:
    from samdesk.model.cache import EmbeddingCache
    from samdesk.model.matcher import Matcher

logger = logging.getLogger(__name__)

MEMORY_BYTES = 512 * 2**20


class StoppableSession(sessions.Session):
    """A session whose `terminate` also ends a pass that is only about to begin.

    The step of a job prepares its input before the pass. A `terminate` that comes in between
    would find nothing to end, and a click would wait for the whole pass.
    """

    def __init__(self, info: ModelInfo, device: str, threads: int, asked: Event) -> None:
        self._asked = asked
        super().__init__(info, device, threads)

    def run(self, x: sessions.Array) -> dict[str, sessions.Array]:
        """Pass one input through the network; see `Session.run`."""
        if self._asked.is_set():
            self._asked.clear()
            raise Stopped("The pass of the network was stopped.", code="stopped")
        try:
            return super().run(x)
        except Stopped:
            self._asked.clear()
            raise


class ModelEngine:
    """Runs the models of some folders; made on the GUI thread, at work on the worker."""

    def __init__(
        self, folders: Sequence[Path], cache_folder: Path | None, settings: Settings
    ) -> None:
        self._folders = tuple(folders)
        self._cache_folder = cache_folder
        self._settings = settings
        self._sessions: dict[ModelId, StoppableSession] = {}
        self._matchers: dict[ModelId, Matcher] = {}
        self._cache: EmbeddingCache | None = None
        self._asked = Event()
        self._told: set[Notice] = set()
        self._device = ""

    @property
    def device(self) -> str:
        """The provider really in use, in words; empty before a model was loaded."""
        return self._device

    def load(self, model: ModelId) -> Steps:
        """Check and load a model."""
        yield Progress(0, 1, "loading the model")
        while model not in self._sessions:
            try:
                self._load(model)
            except Stopped:
                yield Progress(0, 1, "loading the model")

    def embed(self, model: ModelId, volume: Volume) -> Steps:
        """Give the embedding of a volume, from the cache where it is known."""
        from samdesk.model.embedder import embed

        yield from self.load(model)
        return (yield from embed(volume, self._sessions[model], self._cached()))

    def prior(self, model: ModelId, a: Embedding, b: Embedding) -> Steps:
        """Work out what all matches of a pair have in common; the matcher keeps it."""
        yield from self._matcher(model).prior_steps(a, b)

    def match(
        self,
        model: ModelId,
        pair: tuple[Embedding, Embedding],
        at_mm: Position,
        *,
        is_quick: bool,
        is_same_patient: bool,
        volumes: tuple[Volume, Volume],
    ) -> Steps:
        """Give the Match of one place."""
        matches = yield from self._matcher(model).match_points(
            *pair,
            np.array([at_mm], dtype=np.float64),
            vote=not is_quick,
            same_patient=is_same_patient,
            volumes=None if is_quick else volumes,
        )
        return matches[0]

    def similarity_map(
        self, model: ModelId, pair: tuple[Embedding, Embedding], at_mm: Position
    ) -> Steps:
        """Give the SimilarityMap of one place."""
        yield Progress(0, 1, "comparing every place")
        return self._matcher(model).similarity_map(*pair, at_mm)

    def correspondences(self, model: ModelId, pair: tuple[Embedding, Embedding]) -> Steps:
        """Give the Correspondences of a lattice over the first scan's body."""
        from samdesk.model.lattice import matched_lattice

        return (yield from matched_lattice(self._matcher(model), *pair))

    def terminate(self) -> None:
        """End the pass that runs now, or the one that is about to."""
        self._asked.set()
        for session in tuple(self._sessions.values()):
            session.terminate()

    def take_notices(self) -> tuple[Notice, ...]:
        """Give what the cache on the disk had to say, each once."""
        if self._cache is None:
            return ()
        new = tuple(notice for notice in self._cache.notices if notice not in self._told)
        self._told.update(new)
        return new

    def _load(self, model: ModelId) -> None:
        from samdesk.model.shelf import Shelf

        info = Shelf(self._folders).get(model)
        session = StoppableSession(info, self._settings.device, self._threads(), self._asked)
        self._sessions[model] = session
        self._device = session.device_words

    def _threads(self) -> int:
        """Give the setting; else leave it to the variable; else keep one core for the window."""
        if self._settings.threads or sessions.THREADS_VARIABLE in os.environ:
            return self._settings.threads
        return max(1, sessions.physical_cores() - 1)

    def _matcher(self, model: ModelId) -> "Matcher":
        if model not in self._matchers:
            from samdesk.model.scaled import matcher_for

            self._matchers[model] = matcher_for(self._sessions[model].info)
        return self._matchers[model]

    def _cached(self) -> "EmbeddingCache":
        if self._cache is None:
            from samdesk.model.cache import EmbeddingCache

            self._cache = EmbeddingCache(
                self._cache_folder, MEMORY_BYTES, self._settings.cache_bytes
            )
        return self._cache
