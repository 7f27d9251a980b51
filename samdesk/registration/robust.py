"""An affine through matched places of which many are wrong, and which those are.

Least trimmed squares finds the affine that the better part of the pairs agrees with, whatever the
rest says; reweighting then uses every pair that fits. A second look strikes out what stands alone:
a pair whose displacement its neighbors do not share.

Source:
    Rousseeuw and Van Driessen, Computing LTS regression for large data sets, Data Mining and
    Knowledge Discovery 12, 2006 (concentration steps); Tukey's biweight for the reweighting.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samdesk.core.geometry import Points

Weights = NDArray[np.float64]
Matrix = NDArray[np.float64]

SEED = 20231
STARTS = 300
KEPT_STARTS = 8
# Up to this part of the pairs may be wrong; bodies differ, so few pairs lie on the affine exactly.
TRIMMED_SHARE = 0.4
CONCENTRATIONS = 12
ROUNDS = 12
# Three coordinates: half of all distances are below 1.54 standard deviations.
MEDIAN_OF_DISTANCE = 1.538
STRUCK_AT = 4.0
# Matches are exact to 2 or 3 mm at best, and organs shift; nothing nearer is struck out.
LEAST_STRUCK_MM = 10.0
# Added to the spread of the points, so that a thin overlap says little about the scale across it.
RIDGE_MM = 6.0
NEIGHBORS = 10
LEAST_ALONE_MM = 6.0
FEWEST = 12


@dataclass(frozen=True, eq=False)
class RobustAffine:
    """An affine and what each pair has to do with it.

    Attributes:
        affine: 4 x 4, takes (x, y, z, 1) of one volume to the other.
        used: (n,) whether the pair fits.
        residual_mm: (n,) distance of each pair from the affine.
        limit_mm: beyond this a pair was struck out.
    """

    affine: Matrix
    used: NDArray[np.bool_]
    residual_mm: Weights
    limit_mm: float


def fit_affine(from_mm: Points, to_mm: Points, weights: Weights | None = None) -> RobustAffine:
    """Fit an affine to pairs of places, many of which may be wrong.

    Args:
        from_mm: (n, 3), at least four.
        to_mm: (n, 3) where each belongs.
        weights: (n,) how sure each pair is; all alike where none are given.

    Returns:
        The same for the same pairs.
    """
    weights = np.ones(len(from_mm)) if weights is None else weights
    affine = _trimmed(from_mm, to_mm, weights)
    distance = distances(affine, from_mm, to_mm)
    for _ in range(ROUNDS):
        limit = _limit_mm(distance)
        tukey = np.where(distance < limit, (1 - (distance / limit) ** 2) ** 2, 0.0)
        affine = weighted_affine(from_mm, to_mm, weights * tukey)
        distance = distances(affine, from_mm, to_mm)
    limit = _limit_mm(distance)
    return RobustAffine(affine, distance < limit, distance, limit)


def applied(affine: Matrix, points_mm: Points) -> Points:
    """Take places through a 4 x 4 affine."""
    moved: Points = points_mm @ affine[:3, :3].T + affine[:3, 3]
    return moved


def distances(affine: Matrix, from_mm: Points, to_mm: Points) -> Weights:
    """Give how far each pair lies from the affine, (n,) mm."""
    out: Weights = np.linalg.norm(applied(affine, from_mm) - to_mm, axis=1)
    return out


def weighted_affine(from_mm: Points, to_mm: Points, weights: Weights) -> Matrix:
    """Fit an affine by weighted least squares, pulled to a shift where the places say nothing."""
    total = max(float(weights.sum()), 1e-9)
    middle_from, middle_to = weights @ from_mm / total, weights @ to_mm / total
    x, y = from_mm - middle_from, to_mm - middle_to
    ridge = total * RIDGE_MM**2 * np.eye(3)
    weighted = (x * weights[:, None]).T
    linear = np.linalg.solve(weighted @ x + ridge, weighted @ y + ridge).T
    affine = np.eye(4)
    affine[:3, :3] = linear
    affine[:3, 3] = middle_to - linear @ middle_from
    return affine


def standing_alone(from_mm: Points, rest_mm: Points) -> NDArray[np.bool_]:
    """Mark pairs whose rest after the affine their neighbors do not share.

    Args:
        from_mm: (n, 3).
        rest_mm: (n, 3) displacement that the affine leaves.

    Returns:
        (n,) True where the rest differs from the neighbors' median far more than theirs do.
    """
    from scipy.spatial import KDTree

    n = len(from_mm)
    if n <= NEIGHBORS:
        return np.zeros(n, bool)
    near = KDTree(from_mm).query(from_mm, NEIGHBORS + 1)[1][:, 1:]
    around = rest_mm[near]
    middle = np.median(around, axis=1)
    spread = np.median(np.linalg.norm(around - middle[:, None], axis=2), axis=1)
    off = np.linalg.norm(rest_mm - middle, axis=1)
    marked: NDArray[np.bool_] = off > np.maximum(LEAST_ALONE_MM, 3.0 * spread)
    return marked


def median_filtered(from_mm: Points, rest_mm: Points, neighbors: int = NEIGHBORS) -> Points:
    """Put each displacement's place to the median of itself and its neighbors, per axis.

    Args:
        from_mm: (n, 3).
        rest_mm: (n, 3) displacements there.
        neighbors: how many besides itself.
    """
    from scipy.spatial import KDTree

    count = min(len(from_mm), neighbors + 1)
    near = KDTree(from_mm).query(from_mm, count)[1].reshape(len(from_mm), count)
    out: Points = np.median(rest_mm[near], axis=1)
    return out


def _trimmed(from_mm: Points, to_mm: Points, weights: Weights) -> Matrix:
    """Find the affine with the least sum over the better pairs, from many small samples."""
    n = len(from_mm)
    kept = max(4, n - int(TRIMMED_SHARE * n))
    rng = np.random.default_rng(SEED)
    # Gumbel's trick: the largest of noisy logarithms are a sample drawn by weight.
    noisy = np.log(_open(weights)) + rng.gumbel(size=(STARTS, n))
    samples = np.argsort(-noisy, axis=1)[:, :4]
    affines = np.stack(
        [weighted_affine(from_mm[four], to_mm[four], np.ones(len(four))) for four in samples]
    )
    moved = np.einsum("rab,nb->rna", affines[:, :3, :3], from_mm) + affines[:, None, :3, 3]
    square = np.sort(((moved - to_mm) ** 2).sum(axis=2), axis=1)[:, :kept].sum(axis=1)
    finals = [
        _concentrated(affines[number], from_mm, to_mm, kept)
        for number in np.argsort(square, kind="stable")[:KEPT_STARTS]
    ]
    return min(finals, key=lambda final: final[1])[0]


def _concentrated(
    affine: Matrix, from_mm: Points, to_mm: Points, kept: int
) -> tuple[Matrix, float]:
    """Fit again and again to the pairs that lie nearest; the sum over them can only fall."""
    for _ in range(CONCENTRATIONS):
        nearest = np.argsort(distances(affine, from_mm, to_mm), kind="stable")[:kept]
        affine = weighted_affine(from_mm[nearest], to_mm[nearest], np.ones(kept))
    rest = np.sort(distances(affine, from_mm, to_mm))[:kept]
    return affine, float((rest**2).sum())


def _open(weights: Weights) -> Weights:
    """Leave every pair a chance to be drawn."""
    out: Weights = 0.9 * weights / weights.sum() + 0.1 / len(weights)
    return out


def _limit_mm(distance: Weights) -> float:
    """Give the distance beyond which a pair does not fit: four standard deviations."""
    sigma = float(np.median(distance)) / MEDIAN_OF_DISTANCE
    return max(LEAST_STRUCK_MM, STRUCK_AT * sigma)
