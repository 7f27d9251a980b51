"""Undo and redo, as a list of earlier projects."""

from dataclasses import dataclass

from samdesk.core.changes import Changes
from samdesk.core.edits import Edit
from samdesk.core.project import Project

LONGEST = 200


@dataclass(frozen=True)
class UndoState:
    """Names of the steps that undo and redo would take; empty where there is none."""

    undo: str = ""
    redo: str = ""


class History:
    """The project now, and the ones before and after it with the names of the steps between."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._past: list[tuple[str, Project]] = []
        self._future: list[tuple[str, Project]] = []

    @property
    def state(self) -> UndoState:
        """Names of the next steps back and forward."""
        return UndoState(
            self._past[-1][0] if self._past else "",
            self._future[-1][0] if self._future else "",
        )

    def do(self, edit: Edit) -> Changes:
        """Apply an edit; what was undone before it is let go."""
        after = edit.apply(self.project)
        self._past = [*self._past, (edit.label, self.project)][-LONGEST:]
        self._future.clear()
        return self._go_to(after)

    def undo(self) -> Changes:
        """Go back one step; at the beginning, change nothing."""
        return self._step(self._past, self._future)

    def redo(self) -> Changes:
        """Take back one undo; at the end, change nothing."""
        return self._step(self._future, self._past)

    def _step(self, come: list[tuple[str, Project]], gone: list[tuple[str, Project]]) -> Changes:
        if not come:
            return Changes()
        label, project = come.pop()
        gone.append((label, self.project))
        return self._go_to(project)

    def _go_to(self, project: Project) -> Changes:
        changes = Changes.between(self.project, project)
        self.project = project
        return changes
