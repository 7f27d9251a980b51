"""What all matches of two radiographs have in common: an affine, and what bends away from it.

A lattice of places is matched there and back without any help. What comes back agrees on an affine
map (RANSAC), and close to each question the agreeing places say more exactly where it belongs: an
affine weighted by distance, pulled to the affine of all where few are near.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
# (n, 2) of (x, y) in pixels of the network's input
Places = NDArray[np.float64]

FEWEST_PAIRS = 10
CYCLE_PX = 12.0
# A pair agrees with the affine where it lies this close to it, in pixels of a 512 pixel picture.
INLIER_PX = 40.0
ROUNDS = 400
ROBUST_PX = 16.0
ROBUST_ROUNDS = 10
SMALLEST_SCALE, LARGEST_SCALE = 0.4, 2.5
# Share of the lattice that must agree before the prior leads a search.
LEAST_SHARE = 0.06
# Neighbors count by a Gaussian of this distance; so much weight pulls to the affine of all.
NEAR_PX = 48.0
PULL = 1.5
SEED = 20231
# Twice the area of the triangle of a sample.
LEAST_AREA_PX = 2000.0


@dataclass(frozen=True, eq=False)
class FlatPrior:
    """Where every place of one radiograph should lie in another, roughly.

    Attributes:
        affine: (2, 3), input pixels of the template to input pixels of the target.
        from_px, to_px: the agreeing pairs, (n, 2).
        inlier_share: agreeing pairs as a part of the lattice.
    """

    affine: NDArray[np.float64]
    from_px: Places = field(repr=False)
    to_px: Places = field(repr=False)
    inlier_share: float

    def expected(self, at: Places, near_px: float = NEAR_PX) -> tuple[Places, NDArray[np.float64]]:
        """Take places (n, 2) to where their neighbors belong.

        Returns:
            (n, 2) places, and (n,) the weight of the neighbors that said so.
        """
        rest = self.to_px - applied(self.affine, self.from_px)
        difference = at[:, None] - self.from_px[None]
        weights = np.exp(-(difference**2).sum(2) / (2 * near_px**2))
        total = weights.sum(1)
        out = applied(self.affine, at)
        for n, w in enumerate(weights):
            # pairs with no rest pull to the affine of all, and hold the slope where few are near
            x = np.concatenate([np.ones((len(w), 1)), -difference[n] / near_px], axis=1)
            left = (x * w[:, None]).T @ x + PULL * np.eye(3)
            out[n] += np.linalg.solve(left, (x * w[:, None]).T @ rest)[0]
        return out, total


def fit(from_px: Places, to_px: Places, n_lattice: int) -> FlatPrior | None:
    """Fit the prior to pairs that came back; None where too few agree."""
    if len(from_px) < FEWEST_PAIRS:
        return None
    inliers = _consensus(from_px, to_px)
    if inliers is None:
        return None
    affine = robust_affine(from_px[inliers], to_px[inliers])
    inliers = _distance(affine, from_px, to_px) < INLIER_PX
    share = float(inliers.sum()) / max(1, n_lattice)
    scales = np.linalg.svd(affine[:, :2], compute_uv=False)
    is_sane = np.linalg.det(affine[:, :2]) > 0 and (
        scales[1] > SMALLEST_SCALE and scales[0] < LARGEST_SCALE
    )
    if inliers.sum() < FEWEST_PAIRS or share < LEAST_SHARE or not is_sane:
        return None
    return FlatPrior(affine, from_px[inliers], to_px[inliers], share)


def applied(affine: NDArray[np.float64], at: Places) -> Places:
    """Apply a (2, 3) affine to (n, 2) places."""
    return np.asarray(at @ affine[:, :2].T + affine[:, 2], np.float64)


def robust_affine(from_px: Places, to_px: Places) -> NDArray[np.float64]:
    """Fit a (2, 3) affine by reweighted least squares (Geman-McClure weights)."""
    x = np.concatenate([from_px, np.ones((len(from_px), 1))], axis=1)
    weights = np.ones(len(x))
    affine = np.zeros((2, 3))
    for _ in range(ROBUST_ROUNDS):
        left = (x * weights[:, None]).T @ x + 1e-6 * np.eye(3)
        affine = np.linalg.solve(left, (x * weights[:, None]).T @ to_px).T
        square = _distance(affine, from_px, to_px) ** 2
        weights = 1.0 / (1.0 + square / ROBUST_PX**2) ** 2
    return affine


def _distance(affine: NDArray[np.float64], from_px: Places, to_px: Places) -> NDArray[np.float64]:
    return np.asarray(np.linalg.norm(applied(affine, from_px) - to_px, axis=1))


def _consensus(from_px: Places, to_px: Places) -> NDArray[np.bool_] | None:
    """Find the affine that most pairs agree with, from a fixed seed, and tell which those are."""
    generator = np.random.default_rng(SEED)
    x = np.concatenate([from_px, np.ones((len(from_px), 1))], axis=1)
    samples = generator.integers(0, len(x), (ROUNDS, 3))
    # three places that lie nearly on a line hold no affine
    samples = samples[np.abs(np.linalg.det(x[samples])) >= LEAST_AREA_PX]
    if not len(samples):
        return None
    affines = np.linalg.solve(x[samples], to_px[samples]).transpose(0, 2, 1)
    scales = np.linalg.svd(affines[:, :, :2], compute_uv=False)
    affines = affines[(scales[:, 1] >= SMALLEST_SCALE) & (scales[:, 0] <= LARGEST_SCALE)]
    if not len(affines):
        return None
    moved = np.einsum("rab,nb->rna", affines, x)
    square = ((moved - to_px) ** 2).sum(axis=2) / INLIER_PX**2
    # near pairs count more than far ones, which ends ties between equal counts
    best = int(np.maximum(0.0, 1.0 - square).sum(axis=1).argmax())
    return np.asarray(square[best] < 1.0, np.bool_)
