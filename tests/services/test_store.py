"""The project, its history and the matchbook, and what is told of them."""

import threading
from typing import Any

import pytest
from PySide6.QtCore import QCoreApplication

from samdesk.core.changes import Changes
from samdesk.core.edits import AddPoint, MovePoint
from samdesk.core.history import UndoState
from samdesk.core.ids import ModelId, PointId, SeriesId
from samdesk.core.match import Match, Verdict
from samdesk.core.matchbook import Matchbook, Question
from samdesk.core.point import TemplatePoint
from samdesk.core.project import Project
from samdesk.services.store import Store

P1 = PointId("p1")
ADD = AddPoint(TemplatePoint(P1, "apex", (0.0, 0.0, 0.0)), SeriesId("a"))
MATCH = Match(Verdict.FOUND, (1.0, 1.0, 1.0), 0.9, 0.8, 0.2, 1.5)
QUESTION = Question(P1, (0.0, 0.0, 0.0), SeriesId("a"), SeriesId("b"), ModelId("m"))


@pytest.fixture
def store(qapp: QCoreApplication) -> Store:
    return Store()


@pytest.fixture
def told(store: Store) -> list[Any]:
    told: list[Any] = []
    store.changed.connect(told.append)
    store.history_changed.connect(told.append)
    store.replaced.connect(lambda: told.append("replaced"))
    return told


def test_an_edit_tells_what_changed_and_what_undo_would_do(store: Store, told: list[Any]) -> None:
    store.do(ADD)
    assert told == [Changes(points=frozenset({P1})), UndoState(undo="Add point apex")]
    assert store.undo_state == UndoState(undo="Add point apex")


def test_undo_and_redo_tell_the_same_way(store: Store, told: list[Any]) -> None:
    store.do(ADD)
    told.clear()
    store.undo()
    store.undo()
    store.redo()
    changes = [one for one in told if isinstance(one, Changes)]
    assert changes == [Changes(points=frozenset({P1}))] * 2
    assert told[-1] == UndoState(undo="Add point apex")


def test_an_answer_is_in_the_book_and_in_no_history(store: Store, told: list[Any]) -> None:
    store.do(ADD)
    told.clear()
    store.record(QUESTION, MATCH)
    assert told == [Changes(matches=frozenset({(P1, SeriesId("b"))}))]
    assert store.answer(QUESTION) is MATCH
    store.do(MovePoint(P1, (5.0, 0.0, 0.0)))
    store.undo()
    assert store.answer(QUESTION) is MATCH
    assert len(store.matchbook) == 1


def test_the_store_knows_whether_something_is_unsaved(store: Store) -> None:
    assert not store.is_changed
    store.do(ADD)
    assert store.is_changed
    store.mark_saved(store.project)
    assert not store.is_changed
    store.undo()
    assert store.is_changed


def test_another_project_begins_its_own_history(store: Store, told: list[Any]) -> None:
    store.do(ADD)
    other, book = Project(), Matchbook()
    told.clear()
    store.replace(other, book)
    assert told == ["replaced", UndoState()]
    assert store.project is other
    assert store.matchbook is book
    assert not store.is_changed


def test_the_store_refuses_another_thread(store: Store) -> None:
    raised: list[BaseException] = []

    def elsewhere() -> None:
        try:
            store.do(ADD)
        except AssertionError as error:
            raised.append(error)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert len(raised) == 1
    assert not store.project.points
