"""The project, its history and the matchbook; every change is told by one signal."""

from PySide6.QtCore import QObject, QThread, Signal

from samdesk.core.changes import Changes
from samdesk.core.edits import Edit
from samdesk.core.history import History, UndoState
from samdesk.core.match import Match
from samdesk.core.matchbook import Matchbook, Question
from samdesk.core.project import Project


class Store(QObject):
    """Holds what the user decided and what the computer worked out.

    Called from the GUI thread only, and asserts it.
    """

    # An edit, an undo, a redo or an answer changed these.
    changed = Signal(Changes)
    # The next undo or redo is another one.
    history_changed = Signal(UndoState)
    # Another project took the place of this one; views read it anew.
    replaced = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._history = History(Project())
        self._matchbook = Matchbook()
        self._saved = self._history.project

    @property
    def project(self) -> Project:
        """The project as it is now."""
        return self._history.project

    @property
    def undo_state(self) -> UndoState:
        """Names of the next steps back and forward."""
        return self._history.state

    @property
    def matchbook(self) -> Matchbook:
        """All answers; read it, and write through `record`."""
        return self._matchbook

    @property
    def is_changed(self) -> bool:
        """Whether the user decided something since the project was made, replaced or saved."""
        return self.project is not self._saved

    def answer(self, question: Question) -> Match | None:
        """Look up an answer; None where the question is still open."""
        return self._matchbook.answer(question)

    def do(self, edit: Edit) -> None:
        """Apply an edit."""
        self._assert_thread()
        self._tell(self._history.do(edit))

    def undo(self) -> None:
        """Go back one step."""
        self._assert_thread()
        self._tell(self._history.undo())

    def redo(self) -> None:
        """Take back one undo."""
        self._assert_thread()
        self._tell(self._history.redo())

    def record(self, question: Question, match: Match) -> None:
        """Write down an answer; changes no history."""
        self._assert_thread()
        self._matchbook.record(question, match)
        self.changed.emit(Changes(matches=frozenset({(question.point, question.follow_up)})))

    def replace(self, project: Project, matchbook: Matchbook) -> None:
        """Put another project in the place of this one, with a history of its own."""
        self._assert_thread()
        self._history = History(project)
        self._matchbook = matchbook
        self._saved = project
        self.replaced.emit()
        self.history_changed.emit(self._history.state)

    def mark_saved(self, project: Project) -> None:
        """Say that `project` is safe on the disk."""
        self._assert_thread()
        self._saved = project

    def _tell(self, changes: Changes) -> None:
        if changes:
            self.changed.emit(changes)
        self.history_changed.emit(self._history.state)

    def _assert_thread(self) -> None:
        # The project has no lock: one thread owns it.
        assert QThread.currentThread() is self.thread(), "the store belongs to the GUI thread"  # noqa: S101
