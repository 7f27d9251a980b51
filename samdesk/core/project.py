"""All that the user decided, in one frozen value."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from types import MappingProxyType

from samdesk.core.geometry import Position
from samdesk.core.ids import PointId, SeriesId
from samdesk.core.point import TemplatePoint

MatchId = tuple[PointId, SeriesId]


class Judgement(Enum):
    """What a person says of a match."""

    ACCEPTED = "accepted"
    MOVED = "moved"
    REJECTED = "rejected"
    NOT_HERE = "not here"
    UNSURE = "unsure"


@dataclass(frozen=True)
class Judged:
    """A person's word on one match.

    Attributes:
        judgement: what the person says.
        at_mm: (x, y, z) LPS mm of the place that the person accepted or chose; else None.
    """

    judgement: Judgement
    at_mm: Position | None = None


@dataclass(frozen=True)
class Project:
    """Points and judgements by id.

    A project holds no arrays, so keeping a hundred of them costs nothing.

    Attributes:
        points: template points in the order in which they were placed.
        placed_in: the series in which each point was placed, its baseline.
        judgements: what a person said of a point's match in a follow-up series.
    """

    points: Mapping[PointId, TemplatePoint] = field(default_factory=lambda: MappingProxyType({}))
    placed_in: Mapping[PointId, SeriesId] = field(default_factory=lambda: MappingProxyType({}))
    judgements: Mapping[MatchId, Judged] = field(default_factory=lambda: MappingProxyType({}))

    def with_point(self, point: TemplatePoint, series: SeriesId | None = None) -> "Project":
        """Put `point` in, in place of the one with its id; a new one needs its `series`.

        Raises:
            KeyError: the point is new and no series is given.
        """
        baseline = self.placed_in[point.id] if series is None else series
        return replace(
            self,
            points=MappingProxyType({**self.points, point.id: point}),
            placed_in=MappingProxyType({**self.placed_in, point.id: baseline}),
        )

    def without_point(self, point: PointId) -> "Project":
        """Take a point out, with all that was said of its matches."""
        return Project(
            MappingProxyType({i: one for i, one in self.points.items() if i != point}),
            MappingProxyType({i: one for i, one in self.placed_in.items() if i != point}),
            MappingProxyType({i: one for i, one in self.judgements.items() if i[0] != point}),
        )

    def with_judgement(self, match: MatchId, judged: Judged | None) -> "Project":
        """Write down what a person says of a match; None takes it back."""
        rest = {i: one for i, one in self.judgements.items() if i != match}
        new = rest if judged is None else {**rest, match: judged}
        return replace(self, judgements=MappingProxyType(new))
