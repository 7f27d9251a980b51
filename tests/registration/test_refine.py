"""The rule that makes one answer of a match and a registration."""

import numpy as np
import pytest

from samdesk.registration import refine

NOTHING = (np.nan, np.nan, np.nan)


@pytest.mark.parametrize(
    ("matched", "mapped", "expected"),
    [
        ((10.0, 0, 0), (14.0, 0, 0), (12.0, 0, 0)),
        ((10.0, 0, 0), (40.0, 0, 0), (40.0, 0, 0)),
        (NOTHING, (40.0, 0, 0), (40.0, 0, 0)),
        ((10.0, 0, 0), NOTHING, (10.0, 0, 0)),
    ],
)
def test_near_answers_are_averaged_and_of_far_ones_the_registration_is_taken(
    matched: tuple[float, ...], mapped: tuple[float, ...], expected: tuple[float, ...]
) -> None:
    fused = refine.fused(np.array([matched]), np.array([mapped]))
    assert np.allclose(fused[0], expected)


def test_where_neither_says_anything_there_is_no_answer() -> None:
    assert np.isnan(refine.fused(np.array([NOTHING]), np.array([NOTHING]))).all()


def test_independent_errors_are_smaller_together_than_alone() -> None:
    rng = np.random.default_rng(1)
    truth = rng.uniform(-100, 100, (300, 3))
    one, other = (truth + rng.normal(0, 1.5, truth.shape) for _ in range(2))
    one[:20] += 60.0
    off = np.linalg.norm(refine.fused(one, other) - truth, axis=1).mean()
    assert off < 0.85 * np.linalg.norm(other - truth, axis=1).mean()
    assert off < 0.85 * np.linalg.norm(one - truth, axis=1).mean()
