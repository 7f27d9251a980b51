"""The model room as the matching service sees it: embed, match, map, and stop at once."""

from dataclasses import dataclass
from typing import Any, Protocol

from samdesk.core.geometry import Position
from samdesk.core.ids import ModelId
from samdesk.core.match import Match
from samdesk.core.matchbook import Question
from samdesk.core.progress import Progress
from samdesk.core.reading_notes import Notice
from samdesk.core.volume import Volume
from samdesk.services.jobs import Steps

Embedding = Any


class Engine(Protocol):
    """What the matching service asks; all steps run on the worker."""

    @property
    def device(self) -> str:
        """The provider really in use, in words; empty before the first run."""

    def load(self, model: ModelId) -> Steps:
        """Check and load a model, so that `device` tells what it runs on."""

    def embed(self, model: ModelId, volume: Volume) -> Steps:
        """Give the embedding of a volume.

        A pass that `terminate` ended is begun again at the next step.

        Raises:
            ModelError: not-comparable where the model cannot be asked about this volume; the
                other codes where the model itself cannot be used.
        """

    def prior(self, model: ModelId, a: Embedding, b: Embedding) -> Steps:
        """Work out what all matches of a pair have in common, once."""

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
        """Give the Match of one place; a quick one leaves the neighbourhood's vote out."""

    def similarity_map(
        self, model: ModelId, pair: tuple[Embedding, Embedding], at_mm: Position
    ) -> Steps:
        """Give the SimilarityMap of one place."""

    def correspondences(self, model: ModelId, pair: tuple[Embedding, Embedding]) -> Steps:
        """Give the Correspondences of a lattice over the first scan's body, for a registration."""

    def terminate(self) -> None:
        """End the pass of the network that runs now, if one runs; from any thread."""

    def take_notices(self) -> tuple[Notice, ...]:
        """Give what happened since the last call and should be known, such as a full disk."""


@dataclass(frozen=True)
class Answered(Progress):
    """A step of a match that brings a first answer."""

    match: Match | None = None


def answer_twice(
    engine: Engine,
    question: Question,
    pair: tuple[Embedding, Embedding],
    volumes: tuple[Volume, Volume],
    *,
    is_same_patient: bool,
) -> Steps:
    """Answer at once by the two places alone, and then with the vote of the neighbourhood."""

    def match(is_quick: bool) -> Steps:
        return engine.match(
            question.model,
            pair,
            question.at_mm,
            is_quick=is_quick,
            is_same_patient=is_same_patient,
            volumes=volumes,
        )

    first = yield from match(is_quick=True)
    yield Answered(1, 2, "matching", match=first)
    return (yield from match(is_quick=False))
