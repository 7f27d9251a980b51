"""Signs become a probability that holds, and thresholds for the words."""

import numpy as np
import pytest

from samdesk.model import calibration
from samdesk.model.calibration import Calibration, Signs


def signs(**change: float) -> Signs:
    good = {
        "cycle_mm": 2.0,
        "free_cycle_mm": 2.0,
        "jump_mm": 1.0,
        "similarity": 0.8,
        "margin": 0.2,
        "votes": 0.9,
        "residual_mm": 6.0,
        "outside_mm": 0.0,
        "border_mm": 40.0,
        "inliers": 0.7,
    }
    return Signs(**{**good, **change})


def examples(n: int = 3000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Made signs whose chance to be right is known: it falls with the cycle error alone."""
    generator = np.random.default_rng(seed)
    cycle = generator.exponential(10, n)
    right = generator.uniform(size=n) < 1 / (1 + np.exp((np.log1p(cycle / 2) - 1.8) * 3))
    features = [
        signs(cycle_mm=c, similarity=s, margin=s / 4).features()
        for c, s in zip(cycle, generator.uniform(0.4, 0.9, n), strict=True)
    ]
    return np.array(features), right


def test_the_default_calls_a_clear_match_found_and_a_lost_one_not() -> None:
    default = Calibration.of({})
    clear = default.probability(signs())
    lost = default.probability(
        signs(cycle_mm=80, free_cycle_mm=90, jump_mm=70, similarity=0.4, margin=-0.1, votes=0.1)
    )
    assert clear > default.found_above
    assert lost < default.absent_below


def test_signs_that_are_not_finite_count_as_far() -> None:
    default = Calibration.of({})
    assert np.isfinite(signs(cycle_mm=float("inf")).features()).all()
    assert default.probability(signs(cycle_mm=float("inf"))) < default.probability(signs())


def test_a_fit_gives_probabilities_that_hold_on_new_examples() -> None:
    fitted = calibration.fit(*examples(seed=0))
    features, right = examples(seed=1)
    probability = fitted.probabilities(features)
    assert calibration.expected_error(probability, right) < 0.04
    # The made rule itself reaches 0.86.
    assert calibration.area_under_curve(probability, right) > 0.82
    chosen = probability >= fitted.found_above
    assert right[chosen].mean() > 0.85
    assert 0 < fitted.absent_below < fitted.found_above


def test_probabilities_never_fall_where_the_regression_rises() -> None:
    fitted = calibration.fit(*examples())
    assert (np.diff(fitted.knots_x) >= 0).all()
    assert (np.diff(fitted.knots_y) >= 0).all()


def test_the_manifest_brings_a_calibration_back() -> None:
    fitted = calibration.fit(*examples())
    back = Calibration.of(fitted.numbers())
    features, _ = examples(50, seed=4)
    assert np.allclose(back.probabilities(features), fitted.probabilities(features))
    assert back.found_above == fitted.found_above


def test_too_few_examples_of_a_kind_are_told() -> None:
    features, _ = examples(100)
    with pytest.raises(ValueError, match="too few of one kind"):
        calibration.fit(features, np.ones(100, bool))


def test_area_under_the_curve_counts_ties_half() -> None:
    truth = np.array([True, True, False, False])
    assert calibration.area_under_curve(np.array([3.0, 2.0, 1.0, 0.0]), truth) == 1.0
    assert calibration.area_under_curve(np.array([1.0, 1.0, 1.0, 1.0]), truth) == 0.5
    assert np.isnan(calibration.area_under_curve(np.array([1.0]), np.array([True])))


def test_a_manifest_without_knots_has_the_plain_curve() -> None:
    plain = Calibration.of({"bias": 0.0, **{f"w_{name}": 0.0 for name in calibration.NAMES}})
    assert plain.probability(signs()) == pytest.approx(0.5)
