"""Errors on radiographs in a few numbers, with intervals over pictures and repetitions."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from samdesk.evaluation.radiograph_sets import Floats

DRAWS = 2000
SEED = 20261121

Figure = Callable[[Floats], float]


def median(values: Floats) -> float:
    """Give the median of all points that have a truth; a missing answer counts as far off."""
    known = values[~np.isnan(values)]
    if not known.size:
        return float("nan")
    ordered = np.sort(known)
    # the mean of the middle two, written so that two infinite ones give infinity and not NaN
    low, high = ordered[(known.size - 1) // 2], ordered[known.size // 2]
    return float(low if low == high else (low + high) / 2)


def mean(values: Floats) -> float:
    """Give the mean over the points that were answered."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")


def share_within(values: Floats, mm: float) -> float:
    """Give the part of all points with an error of at most `mm`: the success detection rate."""
    known = values[~np.isnan(values)]
    return float((known <= mm).mean()) if known.size else float("nan")


def percentile(values: Floats, share: float) -> float:
    """Give an order statistic of all points that have a truth, without interpolation."""
    known = values[~np.isnan(values)]
    return float(np.quantile(known, share, method="higher")) if known.size else float("nan")


@dataclass(frozen=True)
class Estimate:
    """A number with the ends of its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Duel:
    """How much the first of two contenders is wrong more than the second; below 0 it is better.

    Attributes:
        difference: of the figure, in mm.
    """

    difference: Estimate

    @property
    def verdict(self) -> str:
        """Say whether "the first is better" is confirmed, refuted or undecided."""
        if self.difference.high < 0:
            return "confirmed"
        if self.difference.low > 0:
            return "refuted"
        return "undecided"


def estimate(errors: Floats, figure: Figure, draws: int = DRAWS) -> Estimate:
    """Give a figure with its interval.

    Args:
        errors: (repeats, pictures, points) mm.
        figure: reduces errors to a number.
        draws: bootstrap samples.

    Returns:
        The figure of all errors, and the 2.5th and 97.5th percentile of it when pictures, and
        repetitions where there are several, are drawn with replacement; points of one picture
        stay together, as they are not independent. NaN ends with fewer than two pictures.

    Source:
        Efron and Tibshirani, An Introduction to the Bootstrap, 1993: percentile interval.
    """
    rng = np.random.default_rng(SEED)
    values = [
        figure(_drawn(errors, rng.integers(errors.shape[1], size=errors.shape[1]), rng))
        for _ in range(draws if errors.shape[1] > 1 else 0)
    ]
    return Estimate(figure(errors), *_ends(np.array(values)))


def duel(first: Floats, second: Floats, figure: Figure, draws: int = DRAWS) -> Duel:
    """Compare two contenders on the same pictures.

    Args:
        first: (repeats, pictures, points) mm.
        second: those of the other, of the same pictures and points.
        figure: reduces errors to a number.
        draws: bootstrap samples.

    Returns:
        The difference of the figures; each draw takes the same pictures for both (paired), and
        repetitions of each by itself.
    """
    rng = np.random.default_rng(SEED)
    count = first.shape[1]
    values = []
    for _ in range(draws if count > 1 else 0):
        pictures = rng.integers(count, size=count)
        ours = figure(_drawn(first, pictures, rng))
        values.append(ours - figure(_drawn(second, pictures, rng)))
    return Duel(Estimate(figure(first) - figure(second), *_ends(np.array(values))))


def _drawn(errors: Floats, pictures: ArrayLike, rng: np.random.Generator) -> Floats:
    repeats = rng.integers(errors.shape[0], size=errors.shape[0])
    return np.asarray(errors[np.ix_(repeats, np.asarray(pictures))])


def _ends(values: Floats) -> tuple[float, float]:
    """Give the ends of the interval; NaN where a draw gave no number."""
    if not values.size or np.isnan(values).any():
        return float("nan"), float("nan")
    return (
        float(np.quantile(values, 0.025, method="lower")),
        float(np.quantile(values, 0.975, method="higher")),
    )
