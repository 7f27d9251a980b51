"""Edits that place a point and say something about its match in one step of the undo history."""

from dataclasses import dataclass

from samdesk.core.geometry import Position
from samdesk.core.ids import SeriesId
from samdesk.core.point import TemplatePoint
from samdesk.core.project import Judged, Judgement, Project

_VERBS = {
    Judgement.ACCEPTED: "Accept",
    Judgement.MOVED: "Move",
    Judgement.REJECTED: "Reject",
    Judgement.NOT_HERE: "Not here:",
    Judgement.UNSURE: "Unsure:",
}


@dataclass(frozen=True)
class MarkPlace:
    """Keep the place of a click as a point, together with the word on its match.

    Attributes:
        point: the point; its place is in `baseline`.
        baseline: the series that was clicked in.
        follow_up: the series of the match.
        judgement: what the person says of the match.
        at_mm: the place that the person accepted or chose, in `follow_up`; else None.
    """

    point: TemplatePoint
    baseline: SeriesId
    follow_up: SeriesId
    judgement: Judgement
    at_mm: Position | None = None

    @property
    def label(self) -> str:
        """Name of the step."""
        return f"{_VERBS[self.judgement]} {self.point.name}"

    def apply(self, project: Project) -> Project:
        """Put the point in, and the judgement with it."""
        placed = project.with_point(self.point, self.baseline)
        match = (self.point.id, self.follow_up)
        return placed.with_judgement(match, Judged(self.judgement, self.at_mm))
