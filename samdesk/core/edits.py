"""One class for each thing a user can do to a project."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from samdesk.core.geometry import Position
from samdesk.core.ids import PointId, SeriesId
from samdesk.core.point import TemplatePoint
from samdesk.core.project import Judged, Judgement, Project


class Edit(Protocol):
    """Something a user did: its name in the undo menu, and the project after it."""

    @property
    def label(self) -> str:
        """Name of the step in the undo menu."""

    def apply(self, project: Project) -> Project:
        """Give the project as it is after the edit; the one passed in stays as it is."""


@dataclass(frozen=True)
class AddPoint:
    """Place a template point in a series."""

    point: TemplatePoint
    series: SeriesId

    @property
    def label(self) -> str:
        """Name of the step."""
        return f"Add point {self.point.name}"

    def apply(self, project: Project) -> Project:
        """Put the point in."""
        return project.with_point(self.point, self.series)


@dataclass(frozen=True)
class AddPoints:
    """Place several template points of a file in a series, as one step."""

    points: Sequence[TemplatePoint]
    series: SeriesId

    @property
    def label(self) -> str:
        """Name of the step."""
        return f"Add {len(self.points)} points"

    def apply(self, project: Project) -> Project:
        """Put the points in, in their order."""
        for point in self.points:
            project = project.with_point(point, self.series)
        return project


@dataclass(frozen=True)
class MovePoint:
    """Put a template point somewhere else in its series."""

    id: PointId
    to_mm: Position

    @property
    def label(self) -> str:
        """Name of the step."""
        return "Move point"

    def apply(self, project: Project) -> Project:
        """Give the point its new place; what was said of its old matches holds no more."""
        moved = project.without_point(self.id).judgements
        project = replace(project, judgements=moved)
        return project.with_point(replace(project.points[self.id], at_mm=self.to_mm))


@dataclass(frozen=True)
class RenamePoint:
    """Call a template point something else."""

    id: PointId
    name: str

    @property
    def label(self) -> str:
        """Name of the step."""
        return f"Rename point to {self.name}"

    def apply(self, project: Project) -> Project:
        """Give the point its new name."""
        return project.with_point(replace(project.points[self.id], name=self.name))


@dataclass(frozen=True)
class RemovePoint:
    """Take a template point away, with all that was said of its matches."""

    id: PointId

    @property
    def label(self) -> str:
        """Name of the step."""
        return "Remove point"

    def apply(self, project: Project) -> Project:
        """Take the point out."""
        return project.without_point(self.id)


@dataclass(frozen=True)
class JudgeMatch:
    """Say what a person thinks of a match; a judgement of None takes the word back."""

    point: PointId
    follow_up: SeriesId
    judgement: Judgement | None
    at_mm: Position | None = None

    @property
    def label(self) -> str:
        """Name of the step."""
        if self.judgement is None:
            return "Take judgement back"
        return f"Judge match: {self.judgement.value}"

    def apply(self, project: Project) -> Project:
        """Write the judgement down."""
        judged = None if self.judgement is None else Judged(self.judgement, self.at_mm)
        return project.with_judgement((self.point, self.follow_up), judged)
