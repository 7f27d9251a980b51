"""What repeated runs say of a difference: intervals, a rank test, and a verdict that may be no."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

LEVEL = 0.95
DRAWS = 4000
# A difference below this has no use, whatever its sign.
LEAST_GAIN = 0.01
GAIN, NO_GAIN, UNDECIDED = "gain", "no gain", "undecided"


@dataclass(frozen=True)
class Paired:
    """A difference of two arms that had the same seeds, labelled scans and test scans.

    Attributes:
        difference: mean of first less second.
        low, high: 95 % interval by Student's t over the seeds.
        drawn_low, drawn_high: 95 % interval by bootstrap over seeds and test scans.
        p: two-sided Wilcoxon signed-rank test over the seeds.
        least_p: the smallest p that so many seeds can give.
        n: seeds.
        n_won: seeds in which the first arm is better.
    """

    difference: float
    low: float
    high: float
    drawn_low: float
    drawn_high: float
    p: float
    least_p: float
    n: int
    n_won: int

    @property
    def verdict(self) -> str:
        """Say gain where both intervals are above 0, no gain where neither reaches a useful one."""
        if min(self.low, self.drawn_low) > 0:
            return GAIN
        if max(self.high, self.drawn_high) < LEAST_GAIN:
            return NO_GAIN
        return UNDECIDED


def compare(first: ArrayLike, second: ArrayLike, *, seed: int = 0) -> Paired:
    """Compare two arms.

    Args:
        first: (seeds, scans) values; more is better.
        second: the same of the other arm, for the same seeds and scans.
        seed: of the bootstrap.

    Source:
        Wilcoxon, Biometrics Bulletin 1, 1945 (scipy.stats.wilcoxon, exact); the bootstrap draws
        seeds and scans, as both are samples (Efron and Tibshirani, 1993, chapter 8).
    """
    from scipy import stats

    gap = np.asarray(first, np.float64) - np.asarray(second, np.float64)
    seeds = gap.mean(axis=1)
    n = len(seeds)
    mean = float(seeds.mean())
    half = _half_width(seeds)
    low, high = _drawn(gap, np.random.default_rng(seed))
    p = float(stats.wilcoxon(seeds).pvalue) if n and np.any(seeds) else 1.0
    return Paired(
        difference=mean,
        low=mean - half,
        high=mean + half,
        drawn_low=low,
        drawn_high=high,
        p=p,
        least_p=min(1.0, 2.0 / 2**n),
        n=n,
        n_won=int((seeds > 0).sum()),
    )


def _half_width(values: NDArray[np.float64]) -> float:
    from scipy import stats

    if len(values) < 2:
        return float("inf")
    deviation = float(values.std(ddof=1)) / np.sqrt(len(values))
    return float(stats.t.ppf((1 + LEVEL) / 2, len(values) - 1) * deviation)


def _drawn(gap: NDArray[np.float64], rng: np.random.Generator) -> tuple[float, float]:
    """Draw seeds and scans again and again, with replacement."""
    n_seeds, n_scans = gap.shape
    # how often each seed and each scan was drawn, as shares
    rows = rng.multinomial(n_seeds, np.full(n_seeds, 1 / n_seeds), DRAWS) / n_seeds
    columns = rng.multinomial(n_scans, np.full(n_scans, 1 / n_scans), DRAWS) / n_scans
    means = ((rows @ gap) * columns).sum(axis=1)
    low, high = np.quantile(means, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return float(low), float(high)
