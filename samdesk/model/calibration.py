"""From the signs of a match to a probability, and from that to a verdict.

A raw cosine is not a probability, and what is high for one model is low for the next: the numbers
are fitted for each model on held-out scans, some of them cropped so that the place is missing, and
kept in its manifest under [calibration].
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Distances beyond these say no more.
LARGEST_MM = 100.0
LARGEST_BORDER_MM = 30.0
KNOTS = 9
RIDGE = 0.02
ROUNDS = 60
# Fewest examples of each kind that a fit can be made from.
FEWEST = 20


@dataclass(frozen=True)
class Signs:
    """What can be seen of one match.

    Attributes:
        cycle_mm: cycle error of the search that gave the match.
        free_cycle_mm: cycle error when both searches may go anywhere.
        jump_mm: distance between the match and the best place of the whole scan.
        similarity: cosine at the match.
        margin: similarity less that of the best other peak 15 mm away.
        votes: share of the neighborhood that came back, 0 to 1; a usual value where not asked.
        residual_mm: distance between the match and where the prior expects it; 0 without a prior.
        outside_mm: how far beyond the scan the prior expects the place.
        border_mm: how far inside the scan the match lies.
        inliers: share of the lattice that agrees with the prior; 0 without a prior.
    """

    cycle_mm: float
    free_cycle_mm: float
    jump_mm: float
    similarity: float
    margin: float
    votes: float
    residual_mm: float
    outside_mm: float
    border_mm: float
    inliers: float

    def features(self) -> Array:
        """Give the (f,) numbers that the logistic regression sees, each of about unit size."""

        def mm(value: float) -> float:
            value = LARGEST_MM if not np.isfinite(value) else min(value, LARGEST_MM)
            return float(np.log1p(value / 2.0))

        return np.array(
            [
                mm(self.cycle_mm),
                mm(self.free_cycle_mm),
                mm(self.jump_mm),
                self.similarity,
                float(np.clip(self.margin, -0.3, 0.5)) * 4.0,
                self.votes,
                mm(self.residual_mm),
                mm(self.outside_mm),
                min(self.border_mm, LARGEST_BORDER_MM) / LARGEST_BORDER_MM,
                self.inliers,
            ]
        )


NAMES = tuple(field.name for field in fields(Signs))

# For a model without [calibration]: what the prototype showed of the signs (sam.md 4), careful.
DEFAULT: Mapping[str, float] = {
    "bias": 1.2,
    "w_cycle_mm": -0.55,
    "w_free_cycle_mm": -0.45,
    "w_jump_mm": -0.25,
    "w_similarity": 1.5,
    "w_margin": 0.6,
    "w_votes": 1.6,
    "w_residual_mm": -0.2,
    "w_outside_mm": -1.2,
    "w_border_mm": 0.5,
    "w_inliers": 1.0,
    "found_above": 0.6,
    "absent_below": 0.15,
}


@dataclass(frozen=True, eq=False)
class Calibration:
    """Coefficients of a model.

    Attributes:
        weights: (f,) of the features.
        bias: of the sum.
        knots_x, knots_y: the monotone curve from the logistic value to the probability.
        found_above: at least this probability is called found.
        absent_below: less than this may be called absent.
    """

    weights: Array
    bias: float
    knots_x: Array
    knots_y: Array
    found_above: float
    absent_below: float

    @classmethod
    def of(cls, numbers: Mapping[str, float]) -> "Calibration":
        """Read the [calibration] of a manifest; missing numbers are the careful default's."""
        given = {**DEFAULT, **numbers} if "bias" in numbers else {**DEFAULT}
        xs = [given[f"x{n}"] for n in range(KNOTS) if f"x{n}" in given]
        ys = [given[f"y{n}"] for n in range(KNOTS) if f"y{n}" in given]
        is_whole = len(xs) == len(ys) and len(xs) >= 2
        return cls(
            weights=np.array([given[f"w_{name}"] for name in NAMES]),
            bias=given["bias"],
            knots_x=np.array(xs if is_whole else [0.0, 1.0]),
            knots_y=np.array(ys if is_whole else [0.0, 1.0]),
            found_above=given["found_above"],
            absent_below=given["absent_below"],
        )

    def numbers(self) -> dict[str, float]:
        """Give what `of` reads, for the manifest."""
        out = {f"w_{name}": float(w) for name, w in zip(NAMES, self.weights, strict=True)}
        out["bias"] = self.bias
        for n, (x, y) in enumerate(zip(self.knots_x, self.knots_y, strict=True)):
            out[f"x{n}"], out[f"y{n}"] = float(x), float(y)
        out["found_above"], out["absent_below"] = self.found_above, self.absent_below
        return out

    def probability(self, signs: Signs) -> float:
        """Probability that the place is in the scan and the match within 10 mm of it."""
        return float(self.probabilities(signs.features()[None])[0])

    def probabilities(self, features: Array) -> Array:
        """The same for (n, f) features."""
        raw = logistic(features @ self.weights + self.bias)
        out: Array = np.interp(raw, self.knots_x, self.knots_y)
        return out


def fit(features: Array, is_right: NDArray[np.bool_]) -> Calibration:
    """Fit coefficients to examples of matches whose truth is known.

    Args:
        features: (n, f) of Signs.features(), from held-out scans; some with the place cropped away.
        is_right: (n,) whether the place was there and the match within 10 mm.

    Raises:
        ValueError: fewer than 20 right or 20 wrong examples.
    """
    y = np.asarray(is_right, dtype=np.float64)
    if min(y.sum(), len(y) - y.sum()) < FEWEST:
        raise ValueError(f"{int(y.sum())} of {len(y)} examples are right: too few of one kind")
    weights, bias = regression(features, y)
    raw = logistic(features @ weights + bias)
    xs, ys = _monotone(raw, y)
    curve = Calibration(weights, bias, xs, ys, 0.5, 0.1)
    found, absent = thresholds(curve.probabilities(features), y)
    return Calibration(weights, bias, xs, ys, found, absent)


def expected_error(probabilities: Array, is_right: NDArray[np.bool_], bins: int = 10) -> float:
    """Expected calibration error: mean distance of probability and rate over equal bins."""
    order = np.argsort(probabilities, kind="stable")
    total = 0.0
    for part in np.array_split(order, bins):
        if len(part):
            total += len(part) * abs(probabilities[part].mean() - np.mean(is_right[part]))
    return float(total / max(1, len(probabilities)))


def area_under_curve(score: Array, is_positive: NDArray[np.bool_]) -> float:
    """Chance that a positive example has a higher score than a negative one (ties count half)."""
    from scipy.stats import rankdata

    n_positive = int(is_positive.sum())
    n_negative = len(score) - n_positive
    if not n_positive or not n_negative:
        return float("nan")
    ranks = rankdata(score)
    total = float(ranks[is_positive].sum()) - n_positive * (n_positive + 1) / 2
    return total / (n_positive * n_negative)


def regression(features: Array, y: Array) -> tuple[Array, float]:
    """Fit a logistic regression by Newton's method, with a small ridge on standardized features."""
    middle, spread = features.mean(axis=0), features.std(axis=0) + 1e-9
    x = np.column_stack(((features - middle) / spread, np.ones(len(features))))
    penalty = RIDGE * len(y) * np.eye(x.shape[1]) / 10
    penalty[-1, -1] = 0.0
    w = np.zeros(x.shape[1])
    for _ in range(ROUNDS):
        p = logistic(x @ w)
        slope = x.T @ (p - y) + penalty @ w
        curvature = (x * (p * (1 - p) + 1e-9)[:, None]).T @ x + penalty + 1e-9 * np.eye(len(w))
        step = np.linalg.solve(curvature, slope)
        w -= step
        if np.abs(step).max() < 1e-8:
            break
    weights = w[:-1] / spread
    return weights, float(w[-1] - weights @ middle)


def _monotone(raw: Array, y: Array) -> tuple[Array, Array]:
    """Isotonic rates (pool adjacent violators) at a few knots over the logistic values."""
    order = np.argsort(raw, kind="stable")
    parts = np.array_split(order, min(KNOTS - 2, max(2, len(raw) // FEWEST)))
    xs = [float(raw[part].mean()) for part in parts]
    # One success and one failure are added to each bin, so that no rate is 0 or 1.
    rates = [(float(y[part].sum()) + 1.0) / (len(part) + 2.0) for part in parts]
    values = _pooled(np.array(rates), np.array([float(len(part)) for part in parts]))
    low, high = min(values[0], 0.01), max(values[-1], 0.99)
    return np.array([0.0, *xs, 1.0]), np.array([low, *values, high])


def _pooled(values: Array, weights: Array) -> Array:
    blocks: list[tuple[float, float, int]] = []
    for value, weight in zip(values, weights, strict=True):
        blocks.append((float(value), float(weight), 1))
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (v1, w1, n1), (v2, w2, n2) = blocks[-2], blocks[-1]
            blocks[-2:] = [((v1 * w1 + v2 * w2) / (w1 + w2), w1 + w2, n1 + n2)]
    return np.concatenate([np.full(n, v) for v, _, n in blocks])


def thresholds(probabilities: Array, y: Array, right: float = 0.9) -> tuple[float, float]:
    """Choose where found begins (`right` of them are) and where absent may be said (1 of 10 is)."""
    found = 0.5
    for threshold in np.arange(0.5, 0.96, 0.05):
        chosen = probabilities >= threshold
        if chosen.any() and y[chosen].mean() >= right:
            found = float(threshold)
            break
    else:
        found = 0.9
    absent = 0.05
    for threshold in np.arange(0.4, 0.04, -0.05):
        chosen = probabilities < threshold
        if chosen.any() and y[chosen].mean() <= 0.1:
            absent = float(threshold)
            break
    return round(found, 3), round(min(absent, found), 3)


def logistic(x: Array) -> Array:
    """1 / (1 + exp(-x))."""
    out: Array = 1.0 / (1.0 + np.exp(-np.clip(x, -40.0, 40.0)))
    return out
