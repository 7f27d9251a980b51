"""A difference of repeated runs: intervals that cover it, and a verdict that may be no."""

import numpy as np
import pytest

from samdesk.evaluation.paired import GAIN, NO_GAIN, UNDECIDED, compare


def runs(level: float, *, spread: float, seed: int, n: int = 5) -> np.ndarray:
    """(n, 20) values that share their hard seeds and scans."""
    rng = np.random.default_rng(0)
    common = rng.normal(0, 0.1, (n, 1)) + rng.normal(0, 0.1, (1, 20))
    return 0.7 + level + common + np.random.default_rng(seed).normal(0, spread, (n, 20))


def test_a_clear_gain_is_told_though_seeds_and_scans_differ_more_than_it() -> None:
    paired = compare(runs(0.05, spread=0.01, seed=1), runs(0.0, spread=0.01, seed=2))
    assert paired.verdict == GAIN
    assert paired.low < 0.05 < paired.high
    assert paired.drawn_low < 0.05 < paired.drawn_high
    assert (paired.n_won, paired.n) == (5, 5)
    assert paired.p == pytest.approx(2 / 32)
    assert paired.least_p == pytest.approx(2 / 32)


def test_arms_that_are_alike_are_no_gain() -> None:
    paired = compare(runs(0.0, spread=0.004, seed=1), runs(0.0, spread=0.004, seed=2))
    assert paired.verdict == NO_GAIN


def test_a_loss_is_no_gain() -> None:
    paired = compare(runs(-0.05, spread=0.01, seed=1), runs(0.0, spread=0.01, seed=2))
    assert paired.verdict == NO_GAIN
    assert paired.high < 0


def test_noise_leaves_it_undecided() -> None:
    rng = np.random.default_rng(3)
    paired = compare(0.5 + rng.normal(0, 0.2, (5, 4)), 0.5 + rng.normal(0, 0.2, (5, 4)))
    assert paired.verdict == UNDECIDED


def test_the_same_runs_differ_by_nothing() -> None:
    same = runs(0.0, spread=0.1, seed=1)
    paired = compare(same, same)
    assert (paired.difference, paired.p, paired.n_won) == (0.0, 1.0, 0)
    assert paired.verdict == NO_GAIN


def test_one_seed_decides_nothing() -> None:
    paired = compare(runs(0.5, spread=0.01, seed=1, n=1), runs(0.0, spread=0.01, seed=2, n=1))
    assert paired.verdict == UNDECIDED


def test_intervals_hold_what_they_promise() -> None:
    rng = np.random.default_rng(5)
    held = 0
    for n in range(40):
        gap = 0.02 + rng.normal(0, 0.02, (6, 1)) + rng.normal(0, 0.02, (6, 8))
        paired = compare(gap, np.zeros_like(gap), seed=n)
        held += paired.low <= 0.02 <= paired.high
    assert held >= 34
