"""Errors to figures: median, 95th percentile, share within a distance, area under a curve."""

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
