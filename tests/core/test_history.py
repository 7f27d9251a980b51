"""Edits, undo and redo, and what views hear of them."""

import random

import pytest

from samdesk.core.changes import Changes
from samdesk.core.edits import (
    AddPoint,
    AddPoints,
    Edit,
    JudgeMatch,
    MovePoint,
    RemovePoint,
    RenamePoint,
)
from samdesk.core.history import LONGEST, History, UndoState
from samdesk.core.ids import PointId, SeriesId
from samdesk.core.point import TemplatePoint
from samdesk.core.project import Judged, Judgement, Project

CT, LATER = SeriesId("ct"), SeriesId("later")
P1, P2 = PointId("p1"), PointId("p2")


def point(id_: str, x: float = 0.0) -> TemplatePoint:
    return TemplatePoint(PointId(id_), f"point {id_}", (x, 0.0, 0.0))


def with_one() -> History:
    history = History(Project())
    history.do(AddPoint(point("p1"), CT))
    return history


def test_a_point_is_added_in_its_series() -> None:
    history = History(Project())
    changes = history.do(AddPoint(point("p1"), CT))
    assert changes == Changes(points=frozenset({P1}))
    assert history.project.points[P1].name == "point p1"
    assert history.project.placed_in[P1] == CT


def test_a_file_of_points_is_one_step() -> None:
    history = History(Project())
    changes = history.do(AddPoints((point("p1"), point("p2")), CT))
    assert changes.points == {P1, P2}
    assert history.state == UndoState(undo="Add 2 points")
    history.undo()
    assert not history.project.points


def test_a_moved_point_keeps_its_series_and_loses_what_was_said_of_its_matches() -> None:
    history = with_one()
    history.do(JudgeMatch(P1, LATER, Judgement.ACCEPTED, (1.0, 2.0, 3.0)))
    changes = history.do(MovePoint(P1, (5.0, 0.0, 0.0)))
    assert changes == Changes(points=frozenset({P1}), judgements=frozenset({(P1, LATER)}))
    assert history.project.placed_in[P1] == CT
    assert history.project.points[P1].at_mm == (5.0, 0.0, 0.0)
    history.undo()
    assert history.project.judgements[P1, LATER].judgement is Judgement.ACCEPTED


def test_a_point_placed_in_another_series_is_a_change() -> None:
    one = Project().with_point(point("p1"), CT)
    moved = one.with_point(one.points[P1], LATER)
    assert Changes.between(one, moved).points == {P1}


def test_a_new_point_without_a_series_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        Project().with_point(point("p1"))


def test_a_removed_point_takes_its_judgements_along() -> None:
    history = with_one()
    history.do(AddPoint(point("p2"), CT))
    history.do(JudgeMatch(P1, LATER, Judgement.REJECTED))
    history.do(JudgeMatch(P2, LATER, Judgement.UNSURE))
    changes = history.do(RemovePoint(P1))
    assert changes == Changes(points=frozenset({P1}), judgements=frozenset({(P1, LATER)}))
    assert set(history.project.judgements) == {(P2, LATER)}
    assert set(history.project.placed_in) == {P2}


def test_a_judgement_can_be_taken_back() -> None:
    history = with_one()
    history.do(JudgeMatch(P1, LATER, Judgement.MOVED, (1.0, 1.0, 1.0)))
    assert history.project.judgements[P1, LATER] == Judged(Judgement.MOVED, (1.0, 1.0, 1.0))
    assert history.state.undo == "Judge match: moved"
    history.do(JudgeMatch(P1, LATER, None))
    assert history.state.undo == "Take judgement back"
    assert not history.project.judgements


def test_the_names_of_the_steps_are_those_of_the_menu() -> None:
    history = with_one()
    history.do(RenamePoint(P1, "apex"))
    assert history.project.points[P1].name == "apex"
    assert history.state == UndoState(undo="Rename point to apex")
    history.undo()
    assert history.state == UndoState(undo="Add point point p1", redo="Rename point to apex")
    history.do(MovePoint(P1, (1.0, 0.0, 0.0)))
    assert history.state == UndoState(undo="Move point")
    history.do(RemovePoint(P1))
    assert history.state == UndoState(undo="Remove point")


def test_undo_at_the_beginning_and_redo_at_the_end_change_nothing() -> None:
    history = History(Project())
    assert not history.undo()
    assert not history.redo()
    assert history.state == UndoState()


def test_forty_random_edits_undone_and_redone_give_the_same_project() -> None:
    draw = random.Random(7)  # noqa: S311 - a test's dice
    history = History(Project())
    for n in range(40):
        ids = list(history.project.points)
        edit: Edit = AddPoint(point(f"q{n}", n), CT)
        if ids and draw.random() < 0.6:
            edit = draw.choice(
                [MovePoint(draw.choice(ids), (n, n, n)), RemovePoint(draw.choice(ids))]
            )
        history.do(edit)
    last = history.project
    for _ in range(40):
        history.undo()
    assert history.project == Project()
    for _ in range(40):
        history.redo()
    assert history.project is last


def test_the_history_has_an_end() -> None:
    history = with_one()
    for n in range(LONGEST + 5):
        history.do(MovePoint(P1, (float(n), 0.0, 0.0)))
    for _ in range(LONGEST + 5):
        history.undo()
    assert history.project.points[P1].at_mm == (4.0, 0.0, 0.0)
