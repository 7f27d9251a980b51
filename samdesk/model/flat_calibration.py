"""From the signs of a match in a radiograph to a probability, and from that to a verdict.

The numbers are fitted for each model on held-out pictures, some of them cut so that the place is
missing, and kept in its manifest under [calibration].
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from samdesk.core.match import Verdict
from samdesk.model.calibration import logistic, regression, thresholds

Array = NDArray[np.float64]
LARGEST_PX = 200.0
# Distance from the neighbors that is assumed where none agree.
NO_PRIOR_PX = 60.0
FEWEST = 20
# Found is said where so many are right, and absent at most up to this probability: a place that is
# there but was missed is no absent one.
FOUND_RIGHT = 0.8
MOST_ABSENT = 0.2


@dataclass(frozen=True)
class FlatSigns:
    """What can be seen of one match; distances in pixels of the network's input.

    Attributes:
        similarity: cosine at the match.
        margin: similarity less that of the best other peak.
        cycle_px: distance between the place and where its match matches back.
        residual_px: distance between the match and where its neighbors expect it; not a number
            without a prior.
        inliers: share of the lattice that agrees on an affine; 0 without a prior.
    """

    similarity: float
    margin: float
    cycle_px: float
    residual_px: float
    inliers: float

    def features(self) -> Array:
        """Give the (f,) numbers that the logistic regression sees, each of about unit size."""
        cycle, residual = (
            float(np.log1p((min(v, LARGEST_PX) if np.isfinite(v) else unsaid) / 4.0))
            for v, unsaid in ((self.cycle_px, LARGEST_PX), (self.residual_px, NO_PRIOR_PX))
        )
        margin = float(np.clip(self.margin, -0.5, 0.5)) * 4.0
        return np.array([self.similarity, margin, cycle, residual, self.inliers])


NAMES = tuple(f.name for f in fields(FlatSigns))
# What is used where a manifest holds no fit: careful, from the shipped model's.
DEFAULT: Mapping[str, float] = {
    "w_similarity": 8.0,
    "w_margin": 0.9,
    "w_cycle_px": -0.1,
    "w_residual_px": -0.9,
    "w_inliers": 0.0,
    "bias": -5.0,
    "found_above": 0.8,
    "absent_below": 0.1,
}


@dataclass(frozen=True, eq=False)
class FlatCalibration:
    """Coefficients of a logistic regression, and where the verdicts begin.

    Attributes:
        weights: (f,) of the features, in the order of FlatSigns.
        bias: added to their sum.
        found_above, absent_below: limits of the probability.
    """

    weights: Array
    bias: float
    found_above: float
    absent_below: float

    @classmethod
    def of(cls, numbers: Mapping[str, float]) -> "FlatCalibration":
        """Read the [calibration] of a manifest; without a bias there it is the careful default."""
        given = {**DEFAULT, **numbers} if "bias" in numbers else {**DEFAULT}
        weights = np.array([given[f"w_{name}"] for name in NAMES])
        return cls(weights, given["bias"], given["found_above"], given["absent_below"])

    def numbers(self) -> dict[str, float]:
        """Give what `of` reads, for the manifest."""
        out = {f"w_{name}": float(w) for name, w in zip(NAMES, self.weights, strict=True)}
        return out | {
            "bias": self.bias,
            "found_above": self.found_above,
            "absent_below": self.absent_below,
        }

    def probability(self, signs: FlatSigns) -> float:
        """Probability that the place is in the radiograph and the match close to it."""
        return float(self.probabilities(signs.features()[None])[0])

    def probabilities(self, features: Array) -> Array:
        """The same for (n, f) features."""
        return logistic(features @ self.weights + self.bias)

    def verdict(self, probability: float) -> Verdict:
        """Name the verdict of a probability."""
        if probability >= self.found_above:
            return Verdict.FOUND
        return Verdict.ABSENT if probability < self.absent_below else Verdict.UNCERTAIN


def fit(signs: list[FlatSigns], is_right: NDArray[np.bool_]) -> FlatCalibration:
    """Fit coefficients to matches whose truth is known, and where the verdicts begin.

    Args:
        signs: of held-out matches; some of places that were cut away.
        is_right: (n,) whether the place was there and the match close to it.

    Raises:
        ValueError: fewer than 20 right or 20 wrong examples.
    """
    y = np.asarray(is_right, np.float64)
    if min(y.sum(), len(y) - y.sum()) < FEWEST:
        raise ValueError(f"{int(y.sum())} of {len(y)} examples are right: too few of one kind")
    features = np.array([s.features() for s in signs])
    weights, bias = regression(features, y)
    p = FlatCalibration(weights, bias, 1.0, 0.0).probabilities(features)
    found, absent = thresholds(p, y, FOUND_RIGHT)
    return FlatCalibration(weights, bias, found, min(absent, MOST_ABSENT))
