"""Contenders side by side: the one that fails is in the table too."""

import numpy as np

from samdesk.core.volume import Volume
from samdesk.evaluation.base import Case
from samdesk.evaluation.contenders import Registered, Registrations
from samdesk.evaluation.contest import found_share, gross_share_of_found, hold
from samdesk.evaluation.places import cropped
from samdesk.io.base import finish
from tests.evaluation.conftest import Fails, Knows

PLACES = np.array([[0.0, 0.0, 0.0], [10.0, 5.0, -20.0], [-20.0, 0.0, 15.0]])


def case_of(scan: Volume) -> Case:
    return Case("made", scan, scan, PLACES, PLACES + 1.0, ("a", "b", "c"))


def test_a_contender_that_fails_is_in_the_table_with_its_reason(scan: Volume) -> None:
    knows, fails = Knows(off_mm=3.0), Fails()
    contest = finish(hold([case_of(scan)], (knows, fails), knows))
    ours, theirs = contest.rows()
    assert ours.figures.median_mm == 3.0
    assert theirs.figures.near_share == 0.0
    assert theirs.figures.n == 3
    assert theirs.failures == ("made: It gave up.",)


def test_the_worst_answers_are_kept_with_their_names_worst_first(scan: Volume) -> None:
    knows = Knows(off_mm=25.0)
    contest = finish(hold([case_of(scan)], (knows,), knows))
    assert [miss.name for miss in contest.misses] == ["a", "b", "c"]
    assert contest.misses[0].error_mm == 25.0
    assert contest.by_name["b"] == [25.0]
    matches = contest.tally(knows).matches
    assert found_share(matches) == 1.0
    assert gross_share_of_found(matches) == 1.0


def test_a_registration_of_too_few_slices_is_a_failed_row_and_not_an_error(scan: Volume) -> None:
    case = Case("thin", scan, cropped(scan, 30, 31), PLACES, PLACES)
    for is_deformable in (False, True):
        answers = finish(Registered(Registrations(), is_deformable).answer(case))
        assert np.isnan(answers.places).all()
        assert "too thin" in answers.failure
