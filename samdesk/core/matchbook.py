"""Computed matches, by the question they answer."""

from collections.abc import Iterator
from dataclasses import dataclass

from samdesk.core.geometry import Position
from samdesk.core.ids import ModelId, PointId, SeriesId
from samdesk.core.match import Match

# The place of the crosshair: asked like any point, but not part of the project.
CURSOR = PointId("cursor")


@dataclass(frozen=True)
class Question:
    """Where is this point of the baseline in that follow-up, according to this model?

    Attributes:
        point: whose place it is; CURSOR for the crosshair.
        at_mm: the place in the baseline, (x, y, z) LPS mm.
        baseline, follow_up: the series that it was placed in, and the one that is searched.
        model: id of the model; empty where no model fits the baseline.
    """

    point: PointId
    at_mm: Position
    baseline: SeriesId
    follow_up: SeriesId
    model: ModelId


class Matchbook:
    """Answers by question. A moved point asks a new question, and the old answer stays true."""

    def __init__(self) -> None:
        self._answers: dict[Question, Match] = {}

    def __len__(self) -> int:
        return len(self._answers)

    def __iter__(self) -> Iterator[tuple[Question, Match]]:
        return iter(self._answers.items())

    def record(self, question: Question, match: Match) -> None:
        """Write down an answer."""
        self._answers[question] = match

    def answer(self, question: Question) -> Match | None:
        """Look up an answer; None where the question is still open."""
        return self._answers.get(question)
