"""Answers by the question they answer."""

from samdesk.core.ids import ModelId, SeriesId
from samdesk.core.match import Match, Verdict
from samdesk.core.matchbook import CURSOR, Matchbook, Question

HERE = Question(CURSOR, (1.0, 2.0, 3.0), SeriesId("a"), SeriesId("b"), ModelId("m"))


def test_an_answer_is_found_by_its_question_and_no_other() -> None:
    book = Matchbook()
    match = Match(Verdict.FOUND, (1.0, 1.0, 1.0), 0.9, 0.8, 0.2, 1.5)
    assert book.answer(HERE) is None
    book.record(HERE, match)
    moved = Question(CURSOR, (1.0, 2.0, 4.0), SeriesId("a"), SeriesId("b"), ModelId("m"))
    assert book.answer(HERE) is match
    assert book.answer(moved) is None
    assert list(book) == [(HERE, match)]
    assert len(book) == 1
