"""Errors to figures: median, 95th percentile, share within a distance, area under a curve."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samdesk.core.geometry import Points

NEAR_MM = 10.0


@dataclass(frozen=True)
class Figures:
    """Errors of many points in a few numbers.

    A point without an answer counts as infinitely wrong: it is in `n`, it lowers `near_share`,
    and it pushes the median and the percentile up.

    Attributes:
        n: points asked for.
        n_answered: points for which a place was given.
        median_mm, p95_mm: infinite where too few points were answered.
        mean_mm: over answered points only.
        near_share: part of all points with an error of at most 10 mm.
    """

    n: int
    n_answered: int
    median_mm: float
    p95_mm: float
    mean_mm: float
    near_share: float


def errors_mm(places: Points, truth: Points) -> NDArray[np.float64]:
    """Give the distance of each answer from the truth, (n,) mm; infinite where none was given."""
    distance = np.linalg.norm(np.asarray(places) - np.asarray(truth), axis=1)
    return np.where(np.isfinite(distance), distance, np.inf)


def summarize(errors: ArrayLike, near_mm: float = NEAR_MM) -> Figures:
    """Reduce errors to figures.

    Args:
        errors: (n,) mm, infinite where no answer was given.
        near_mm: distance that counts as found.
    """
    values = np.asarray(errors, dtype=np.float64)
    if values.size == 0:
        return Figures(0, 0, float("nan"), float("nan"), float("nan"), float("nan"))
    answered = values[np.isfinite(values)]
    return Figures(
        n=int(values.size),
        n_answered=int(answered.size),
        median_mm=_quantile(values, 0.5),
        p95_mm=_quantile(values, 0.95),
        mean_mm=float(answered.mean()) if answered.size else float("inf"),
        near_share=float((values <= near_mm).mean()),
    )


def five_numbers(values: ArrayLike) -> tuple[float, float, float, float, float]:
    """Give the 5th, 25th, 50th, 75th and 95th percentile; infinite where too few answered."""
    all_of_them = np.asarray(values, dtype=np.float64)
    if all_of_them.size == 0:
        return (float("nan"),) * 5
    p5, p25, p50, p75, p95 = (_quantile(all_of_them, s) for s in (0.05, 0.25, 0.5, 0.75, 0.95))
    return p5, p25, p50, p75, p95


def interval(
    values: ArrayLike,
    figure: Callable[[NDArray[np.float64]], float],
    *,
    groups: ArrayLike | None = None,
    draws: int = 2000,
    seed: int = 7,
) -> tuple[float, float]:
    """Give the 95 % bootstrap interval of a figure.

    Args:
        values: (n,) of what was measured; infinite where there was no answer.
        figure: reduces values to one number.
        groups: (n,) which values belong together, such as those of one pair of scans: then whole
            groups are drawn, because errors within one scan are not independent.
        draws: bootstrap samples.
        seed: of the draws.

    Returns:
        2.5th and 97.5th percentile; NaN where there are fewer than two values or groups.

    Source:
        Efron and Tibshirani, An Introduction to the Bootstrap, 1993: percentile interval.
    """
    all_of_them = np.asarray(values, dtype=np.float64)
    names = np.arange(all_of_them.size) if groups is None else np.asarray(groups)
    members = [np.flatnonzero(names == name) for name in dict.fromkeys(names.tolist())]
    if len(members) < 2:
        return float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    drawn = np.array([
        figure(all_of_them[np.concatenate([members[n] for n in chosen])])
        for chosen in rng.integers(len(members), size=(draws, len(members)))
    ])  # fmt: skip
    return _quantile(drawn, 0.025), _quantile(drawn, 0.975)


def auc(present: ArrayLike, absent: ArrayLike) -> float:
    """Give the area under the ROC curve: how often a present point scores above an absent one.

    Args:
        present: (n,) scores of places that are in the scan.
        absent: (m,) scores of places that are not.

    Returns:
        0 to 1, ties counted half; NaN where one side is empty.

    Source:
        Hanley and McNeil, Radiology 143, 1982: the area is the Wilcoxon statistic.
    """
    a, b = np.asarray(present, dtype=np.float64), np.asarray(absent, dtype=np.float64)
    if a.size == 0 or b.size == 0:
        return float("nan")
    wins = (a[:, None] > b[None, :]).sum() + 0.5 * (a[:, None] == b[None, :]).sum()
    return float(wins / (a.size * b.size))


def _quantile(values: NDArray[np.float64], share: float) -> float:
    """Interpolate between order statistics; infinite when either neighbor is."""
    ordered = np.sort(values)
    at = share * (len(ordered) - 1)
    low, high = ordered[int(np.floor(at))], ordered[int(np.ceil(at))]
    if np.isinf(high):
        return float("inf") if at > np.floor(at) or np.isinf(low) else float(low)
    return float(low + (high - low) * (at - np.floor(at)))
