"""Figures against cases worked out by hand."""

import numpy as np
import pytest

from samdesk.evaluation.figures import auc, errors_mm, summarize


def test_figures_of_five_errors_are_those_worked_out_by_hand() -> None:
    figures = summarize([1.0, 2.0, 3.0, 4.0, 20.0])
    assert figures.median_mm == 3.0
    assert figures.p95_mm == pytest.approx(4.0 + 0.8 * 16.0)
    assert figures.near_share == 0.8
    assert figures.mean_mm == 6.0


def test_a_point_without_an_answer_counts_as_infinitely_wrong() -> None:
    places = np.array([[0.0, 0, 0], [np.nan] * 3, [0.0, 0, 3.0], [0.0, 0, 0]])
    errors = errors_mm(places, np.zeros((4, 3)))
    figures = summarize(errors)
    assert (figures.n, figures.n_answered) == (4, 3)
    assert figures.near_share == 0.75
    assert np.isinf(figures.p95_mm)
    assert figures.median_mm == 1.5


def test_no_points_have_no_figures() -> None:
    figures = summarize([])
    assert figures.n == 0
    assert np.isnan(figures.median_mm)


def test_nothing_answered_has_an_infinite_median() -> None:
    figures = summarize([np.inf, np.inf, np.inf])
    assert np.isinf(figures.median_mm)
    assert figures.near_share == 0.0


def test_the_area_of_a_hand_computed_case() -> None:
    # Pairs won: .9 beats .8, .3, .1; .8 ties once and beats two; .2 beats .1 only.
    assert auc([0.9, 0.8, 0.2], [0.8, 0.3, 0.1]) == pytest.approx((3 + 2.5 + 1) / 9)


def test_a_perfect_order_has_an_area_of_one_and_nothing_has_none() -> None:
    assert auc([0.7, 0.6], [0.5, 0.1]) == 1.0
    assert np.isnan(auc([], [0.1]))
