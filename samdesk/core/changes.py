"""What differs between two projects, so that a view redraws only that."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from samdesk.core.ids import PointId
from samdesk.core.project import MatchId, Project

Key = TypeVar("Key", bound=Hashable)
Thing = TypeVar("Thing")


@dataclass(frozen=True)
class Changes:
    """The ids of the things that were added, removed or changed.

    Attributes:
        points: template points.
        matches: computed matches, by point and follow-up series.
        judgements: what a person said of matches, by point and follow-up series.
    """

    points: frozenset[PointId] = frozenset()
    matches: frozenset[MatchId] = frozenset()
    judgements: frozenset[MatchId] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.points or self.matches or self.judgements)

    @classmethod
    def between(cls, old: Project, new: Project) -> "Changes":
        """Compare by identity, which is exact because a thing that changes is made anew."""
        replaced = {
            i for i in new.placed_in if old.placed_in.get(i, new.placed_in[i]) != new.placed_in[i]
        }
        return cls(
            points=frozenset(_differing(old.points, new.points) | replaced),
            judgements=frozenset(_differing(old.judgements, new.judgements)),
        )


def _differing(old: Mapping[Key, Thing], new: Mapping[Key, Thing]) -> set[Key]:
    return {i for i in old.keys() | new.keys() if old.get(i) is not new.get(i)}
