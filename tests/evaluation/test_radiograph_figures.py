"""Figures of radiographs against numbers worked out by hand."""

import numpy as np
import pytest

from samdesk.evaluation.radiograph_figures import (
    duel,
    estimate,
    mean,
    median,
    percentile,
    share_within,
)

INF, NAN = float("inf"), float("nan")


def test_what_was_not_answered_counts_as_far_and_what_is_unknown_not_at_all() -> None:
    errors = np.array([[[1.0, 2.0, INF, NAN]]])
    assert median(errors) == 2.0
    assert mean(errors) == 1.5
    assert share_within(errors, 2.0) == pytest.approx(2 / 3)
    assert percentile(errors, 0.95) == INF


def test_a_median_between_two_missing_answers_is_infinite_and_of_nothing_no_number() -> None:
    assert median(np.array([1.0, INF, INF, 2.0, INF, INF])) == INF
    assert np.isnan(median(np.array([NAN])))
    assert np.isnan(mean(np.array([INF])))
    assert np.isnan(share_within(np.array([NAN]), 2.0))
    assert np.isnan(percentile(np.array([NAN]), 0.5))


def test_an_interval_holds_the_figure_and_grows_with_the_spread_between_pictures() -> None:
    rng = np.random.default_rng(0)
    even = estimate(rng.uniform(1.9, 2.1, (1, 40, 8)), median, 300)
    uneven = estimate(rng.uniform(0.5, 3.5, (1, 40, 1)).repeat(8, axis=2), median, 300)
    assert even.low <= even.value <= even.high
    assert uneven.high - uneven.low > 3 * (even.high - even.low)


def test_seeds_that_differ_widen_the_interval() -> None:
    same = np.full((3, 30, 4), 2.0)
    apart = same + np.array([-1.0, 0.0, 1.0])[:, None, None]
    assert estimate(same, mean, 300).low == 2.0
    found = estimate(apart, mean, 300)
    assert found.low < 1.7
    assert found.high > 2.3


def test_one_picture_has_no_interval() -> None:
    found = estimate(np.ones((2, 1, 5)), median, 100)
    assert found.value == 1.0
    assert np.isnan(found.low)
    assert duel(np.ones((1, 1, 5)), np.ones((1, 1, 5)), median, 100).verdict == "undecided"


def test_verdicts_follow_the_interval() -> None:
    rng = np.random.default_rng(1)
    hard = rng.uniform(1, 9, (1, 30, 1))
    ours = hard + rng.uniform(0, 0.2, (1, 30, 6))
    worse = hard + 1.0 + rng.uniform(0, 0.2, (3, 30, 6))
    assert duel(ours, worse, mean, 300).verdict == "confirmed"
    assert duel(worse, ours, mean, 300).verdict == "refuted"
    assert duel(ours, ours + rng.normal(0, 0.5, ours.shape), mean, 300).verdict == "undecided"


def test_pairing_over_pictures_sees_a_difference_smaller_than_the_spread() -> None:
    hard = np.linspace(1, 30, 40)[None, :, None]
    found = duel(hard, hard + 0.3, mean, 300).difference
    assert found.value == pytest.approx(-0.3)
    assert found.high < 0 < estimate(hard, mean, 300).high
