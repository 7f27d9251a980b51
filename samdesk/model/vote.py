"""The neighborhood's vote: places around a point say where it belongs.

They are matched too, and an affine is laid through them (sam.md 4.6 c).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samdesk.core.geometry import Points
from samdesk.model import search
from samdesk.model.prior import Prior, ridge_affine
from samdesk.model.similarity import Keys

STEP_MM = 16.0
CYCLE_MM = 10.0
FEWEST_VOTES = 8
# Further apart than this, the vote is taken; closer, the mean of vote and direct match.
APART_MM = 12.0
# The affine of so few places is held close to the prior's.
RIDGE_MM = 16.0
ROBUST_MM = 6.0
ROUNDS = 8


@dataclass(frozen=True, eq=False)
class Vote:
    """What the neighborhood says.

    Attributes:
        at_mm: (3,) where the point belongs; not a number with fewer than 8 votes.
        linear: (3, 3) how the neighborhood is stretched and turned from A to B.
        n_votes: how many of the 27 places came back to within 10 mm.
        share: n_votes of those that lie in the body.
        spread_mm: median distance of the votes from their affine.
    """

    at_mm: Points
    linear: NDArray[np.float64]
    n_votes: int
    share: float
    spread_mm: float


def lattice(at_mm: Points) -> Points:
    """Give the 27 places on a 16 mm lattice around a point, (27, 3)."""
    side = np.array([-STEP_MM, 0.0, STEP_MM])
    grid = np.array(np.meshgrid(side, side, side, indexing="ij")).reshape(3, -1).T
    points: Points = at_mm[None] + grid
    return points


def cast(a: Keys, b: Keys, at_mm: Points, prior: Prior, scale_mm: float) -> Vote:
    """Match the neighborhood of one place of A in B and back, and fit an affine to it.

    Args:
        a: keys of the template scan.
        b: keys of the target.
        at_mm: (3,) place in A.
        prior: of the pair.
        scale_mm: of the search around the prior.
    """
    points = lattice(at_mm)
    points = points[_in_body(a, points)]
    nothing = Vote(np.full(3, np.nan), np.eye(3), 0, 0.0, np.inf)
    if len(points) < FEWEST_VOTES:
        return nothing
    there = search.near(b, a.embedding.descriptors(points), prior.forward(points), scale_mm)
    found = np.isfinite(there.at_mm).all(axis=1)
    if found.sum() < FEWEST_VOTES:
        return nothing
    points, to_mm = points[found], there.at_mm[found]
    back = search.near(a, b.embedding.descriptors(to_mm), prior.backward(to_mm), scale_mm)
    cycle = np.linalg.norm(back.at_mm - points, axis=1)
    kept = cycle < CYCLE_MM
    n_votes, share = int(kept.sum()), float(kept.mean())
    if n_votes < FEWEST_VOTES:
        return Vote(nothing.at_mm, nothing.linear, n_votes, share, np.inf)
    affine, spread = _robust(points[kept] - at_mm, to_mm[kept], prior.affine[:3, :3])
    return Vote(affine[:3, 3], affine[:3, :3], n_votes, share, spread)


def joined(direct_mm: Points, vote: Vote) -> Points:
    """Put the direct match and the vote together: far apart the vote, else their mean."""
    if not np.isfinite(vote.at_mm).all():
        return direct_mm
    if np.linalg.norm(vote.at_mm - direct_mm) > APART_MM:
        return vote.at_mm
    return (vote.at_mm + direct_mm) / 2


def _in_body(keys: Keys, points_mm: Points) -> NDArray[np.bool_]:
    index = np.rint(keys.cells.to_index(points_mm)).astype(int)
    shape = np.array(keys.row_of.shape)
    inside = ((index >= 0) & (index < shape)).all(axis=1)
    k, j, i = np.clip(index, 0, shape - 1).T
    out: NDArray[np.bool_] = inside & keys.embedding.body[k, j, i]
    return out


def _robust(
    offsets_mm: Points, to_mm: Points, prior: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float]:
    """Fit an affine to offsets from the point, pulled to the prior's linear part."""
    # Seen through the prior, "pulled to identity" is pulled to the prior.
    seen = offsets_mm @ prior.T
    weights = np.ones(len(seen))
    affine = np.eye(4)
    distance = np.zeros(len(seen))
    for _ in range(ROUNDS):
        affine = ridge_affine(seen, to_mm, weights, RIDGE_MM)
        distance = np.linalg.norm(seen @ affine[:3, :3].T + affine[:3, 3] - to_mm, axis=1)
        weights = 1.0 / (1.0 + (distance / ROBUST_MM) ** 2) ** 2
    affine[:3, :3] = affine[:3, :3] @ prior
    return affine, float(np.median(distance))
