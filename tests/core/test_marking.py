"""One step of undo for a point that is placed by judging its match."""

import pytest

from samdesk.core.history import History
from samdesk.core.ids import PointId, SeriesId
from samdesk.core.marking import MarkPlace
from samdesk.core.point import TemplatePoint
from samdesk.core.project import Judged, Judgement, Project


def test_accepting_a_click_places_the_point_and_judges_its_match_in_one_step() -> None:
    point = TemplatePoint(PointId("p1"), "Point 1", (1.0, 2.0, 3.0))
    edit = MarkPlace(point, SeriesId("a"), SeriesId("b"), Judgement.ACCEPTED, (4.0, 5.0, 6.0))
    history = History(Project())
    changes = history.do(edit)
    assert history.project.points[point.id] is point
    assert history.project.placed_in[point.id] == "a"
    judged = history.project.judgements[(point.id, SeriesId("b"))]
    assert judged == Judged(Judgement.ACCEPTED, (4.0, 5.0, 6.0))
    assert changes.points == {point.id}
    history.undo()
    assert history.project == Project()


@pytest.mark.parametrize("judgement", list(Judgement))
def test_each_judgement_has_words_for_the_undo_menu(judgement: Judgement) -> None:
    point = TemplatePoint(PointId("p1"), "Point 1", (1.0, 2.0, 3.0))
    label = MarkPlace(point, SeriesId("a"), SeriesId("b"), judgement).label
    assert label.endswith("Point 1")
    assert label[0].isupper()
