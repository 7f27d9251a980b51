"""What all matches of two scans have in common: an affine, found from a lattice and checked.

It took the 95th percentile across patients from 145 to 31 mm in a prototype (sam.md 4.6), because a
swap of left and right, or of two vertebrae, cannot agree with the rest of the body.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from samdesk.core.geometry import Points
from samdesk.model import search
from samdesk.model.similarity import Array, Keys

LATTICE_POINTS = 300
CYCLE_MM = 12.0
FEWEST_PAIRS = 15
# A pair agrees with an affine where it lies this close to it; organs shift by 20 to 30 mm.
INLIER_MM = 25.0
RANSAC_ROUNDS = 400
# Added to the spread of the points, so that a thin overlap says little about the scale across it.
RIDGE_MM = 8.0
ROBUST_MM = 10.0
ROBUST_ROUNDS = 12
# Below this share of the lattice the prior is not to be trusted (sam.md 4.6) ...
LEAST_INLIER_SHARE = 0.2
# ... and below these it is not even used. Measured: other body parts 0.02-0.04 of the lattice and
# 0.08-0.13 of the pairs; two abdomens that overlap little 0.12 and 0.31; two chests from 0.19.
LEAST_USED_SHARE = 0.08
LEAST_AGREEING_SHARE = 0.22
# One direction alone is enough where it agrees this well: the other scan is then a small part.
ENOUGH_ALONE_SHARE = 0.3
# Pairs that lie in a thin layer or on a line hold no affine.
LEAST_SPREAD_MM = 10.0
# Two adults differ by this factor and not by more; a scan is not lying on its side.
SMALLEST_SCALE, LARGEST_SCALE = 0.55, 1.8
MOST_TURN_DEG = 50.0
# Forward and backward affines of one pair, each from its own lattice.
MOST_DISAGREEMENT_MM = 25.0
SEED = 20231
# Were A mirrored, would its places fit B better? Scale of that search, and the lowest t of the
# paired difference that is still left and right as they should be (measured: 1.6 to 25).
TWIN_SCALE_MM = 40.0
LEAST_HANDEDNESS = -1.0
FEWEST_TWINS = 20

MIRRORED = "One of the scans looks mirrored: left and right seem to be swapped in it."


@dataclass(frozen=True, eq=False)
class Prior:
    """Where every place of scan A should lie in scan B, roughly.

    Attributes:
        affine: 4 x 4, LPS mm of A to LPS mm of B.
        n_lattice: places of the lattice that were asked, of the better direction.
        n_inliers: of those, how many agree with the affine.
        inlier_share: n_inliers / n_lattice.
        agreeing_share: part of the cycle-consistent pairs that agrees.
        residual_mm: median distance of the inliers from the affine.
        disagreement_mm: median distance between the forward and the backward affine; infinite
            where one direction has too few pairs.
        handedness: t of the similarity of A's places to B, as they are against mirrored; below -1
            the scan looks mirrored.
        from_mm, to_mm: the agreeing pairs of both directions, (n, 3) in A and in B.
        reason: why it is not to be trusted, as a sentence; empty where it is.
        is_usable: whether it may lead the search; what it finds is uncertain unless trusted.
    """

    affine: NDArray[np.float64]
    n_lattice: int
    n_inliers: int
    inlier_share: float
    agreeing_share: float
    residual_mm: float
    disagreement_mm: float
    handedness: float
    from_mm: Points = field(repr=False)
    to_mm: Points = field(repr=False)
    reason: str = ""
    is_usable: bool = True

    @property
    def is_trusted(self) -> bool:
        """Whether its checks were passed."""
        return not self.reason

    def forward(self, points_mm: Points) -> Points:
        """Take places of A to where they should lie in B."""
        return applied(self.affine, points_mm)

    def backward(self, points_mm: Points) -> Points:
        """Take places of B to where they should lie in A."""
        back = np.asarray(np.linalg.inv(self.affine), dtype=np.float64)
        return applied(back, points_mm)


@dataclass(frozen=True, eq=False)
class Pairs:
    """Places of a lattice in one scan, with cycle-consistent matches in the other."""

    from_mm: Points
    to_mm: Points
    n_lattice: int


def fit(a: Keys, b: Keys) -> Prior | None:
    """Fit the prior of two scans, in both directions.

    Returns:
        None where fewer than 15 pairs survive.
    """
    forward, backward = lattice_pairs(a, b), lattice_pairs(b, a)
    found = _fitted(a, b, forward, backward, is_turned=False)
    if found is not None and found.is_usable:
        return found
    # Where few places agree, which affine most agree with can hang on the scan in which the
    # distances are counted; so the other is asked too. The two directions of a pair are still
    # fitted each for itself and need not give the inverse of each other.
    turned = _fitted(a, b, forward, backward, is_turned=True)
    return turned if found is None or (turned is not None and turned.is_usable) else found


def _fitted(a: Keys, b: Keys, forward: Pairs, backward: Pairs, *, is_turned: bool) -> Prior | None:
    """Fit the affine from A to B, its distances counted in B, or in A where it is turned."""
    from_mm = np.concatenate((forward.from_mm, backward.to_mm))
    to_mm = np.concatenate((forward.to_mm, backward.from_mm))
    if len(from_mm) < FEWEST_PAIRS:
        return None
    ours, theirs = (to_mm, from_mm) if is_turned else (from_mm, to_mm)
    rough = consensus(ours, theirs)
    if rough is None or int(rough[1].sum()) < FEWEST_PAIRS:
        return None
    inliers = rough[1]
    one_way = robust_affine(ours[inliers], theirs[inliers])
    distance = np.linalg.norm(applied(one_way, ours) - theirs, axis=1)
    inliers = distance < INLIER_MM
    affine = np.asarray(np.linalg.inv(one_way), dtype=np.float64) if is_turned else one_way
    split = len(forward.from_mm)
    counts = (
        (int(inliers[:split].sum()), forward.n_lattice),
        (int(inliers[split:].sum()), backward.n_lattice),
    )
    n_inliers, n_lattice = max(counts, key=lambda count: count[0] / max(1, count[1]))
    if n_inliers < FEWEST_PAIRS:
        return None
    disagreement = _disagreement(from_mm, to_mm, inliers, split)
    share, agreeing = n_inliers / max(1, n_lattice), float(inliers.mean())
    shape_doubt = doubt_of_shape(affine, from_mm[inliers], share, disagreement)
    hand = handedness(a, b, affine)
    return Prior(
        affine=affine,
        n_lattice=n_lattice,
        n_inliers=n_inliers,
        inlier_share=share,
        agreeing_share=agreeing,
        residual_mm=float(np.median(distance[inliers])),
        disagreement_mm=disagreement,
        handedness=hand,
        from_mm=from_mm[inliers],
        to_mm=to_mm[inliers],
        reason=shape_doubt
        or (MIRRORED if hand < LEAST_HANDEDNESS else "")
        or doubt_of_count(n_inliers, n_lattice),
        is_usable=not shape_doubt
        and share >= LEAST_USED_SHARE
        and agreeing >= LEAST_AGREEING_SHARE,
    )


def lattice(keys: Keys, n_points: int = LATTICE_POINTS) -> Points:
    """Give about `n_points` places spread evenly over the body, (n, 3) mm."""
    if not len(keys.rows):
        return np.zeros((0, 3))
    step = max(1, round((len(keys.rows) / n_points) ** (1 / 3)))
    chosen = (keys.index % step == step // 2).all(axis=1)
    # The grown rim of the body is air or table; the eroded body is what patients share.
    inner = _inner(keys)
    rows = np.flatnonzero(chosen & inner)
    if len(rows) < n_points // 2:
        rows = np.flatnonzero(inner)
        rows = rows[:: max(1, len(rows) // n_points)]
    return keys.places(rows)


def lattice_pairs(a: Keys, b: Keys, n_points: int = LATTICE_POINTS) -> Pairs:
    """Match a lattice of A in B and back, and keep what comes back to within 12 mm."""
    from_mm = lattice(a, n_points)
    to_mm, cycle_mm, _ = both_ways(a, b, from_mm)
    kept = cycle_mm < CYCLE_MM
    return Pairs(from_mm[kept], to_mm[kept], len(from_mm))


def both_ways(a: Keys, b: Keys, points_mm: Points) -> tuple[Points, NDArray[np.float64], Array]:
    """Match places of A in B with no prior, and match those back.

    Returns:
        (n, 3) places in B, (n,) cycle errors in mm (infinite where there is none), (n,) similarity.
    """
    there = search.everywhere(b, a.embedding.descriptors(points_mm), is_thin=True)
    found = np.isfinite(there.at_mm).all(axis=1)
    cycle = np.full(len(points_mm), np.inf)
    if found.any():
        back = search.everywhere(a, b.embedding.descriptors(there.at_mm[found]), is_thin=True)
        cycle[found] = np.linalg.norm(back.at_mm - points_mm[found], axis=1)
    return there.at_mm, np.nan_to_num(cycle, nan=np.inf), there.similarity


def handedness(a: Keys, b: Keys, affine: NDArray[np.float64]) -> float:
    """Compare how well A's places fit B as they are, and as they would look mirrored.

    Two chests mirrored onto each other still agree in ribs and spine, and a network that leans on
    position follows; but the heart, the liver and the stomach then fit worse where they lie.

    Args:
        a: of the template scan; its twin is used.
        b: of the target.
        affine: 4 x 4 from A to B, of the prior.

    Returns:
        t of the paired differences of similarity: positive where B is as A is, negative where it
        is mirrored, 0 where it cannot be told.
    """
    points, twin = a.embedding.twin_mm, a.embedding.twin
    if len(points) < FEWEST_TWINS:
        return 0.0
    # Any plane will do as the mirror: the affine that is fitted takes up the shift.
    across = points * np.array([-1.0, 1.0, 1.0])
    free = search.everywhere(b, twin, is_thin=True)
    rough = consensus(across, free.at_mm) if np.isfinite(free.at_mm).all() else None
    if rough is None:
        return 0.0
    mirrored = robust_affine(across[rough[1]], free.at_mm[rough[1]])
    expected = applied(affine, points), applied(mirrored, across)
    scan = b.embedding.scan
    inside = (scan.outside_mm(expected[0]) <= 0) & (scan.outside_mm(expected[1]) <= 0)
    if inside.sum() < FEWEST_TWINS:
        return 0.0
    queries = a.embedding.descriptors(points[inside]), twin[inside]
    one, other = (
        search.guided(b, query, place[inside], TWIN_SCALE_MM)
        for query, place in zip(queries, expected, strict=True)
    )
    difference = (one - other).astype(np.float64)
    return float(difference.mean() / max(difference.std(), 1e-6) * np.sqrt(len(difference)))


def applied(affine: NDArray[np.float64], points_mm: Points) -> Points:
    """Apply a 4 x 4 affine to (n, 3) places."""
    moved: Points = points_mm @ affine[:3, :3].T + affine[:3, 3]
    return moved


def consensus(
    from_mm: Points, to_mm: Points
) -> tuple[NDArray[np.float64], NDArray[np.bool_]] | None:
    """Find the affine that most pairs agree with (RANSAC), and which those are.

    Samples are of four pairs, drawn from a fixed seed so that one question has one answer.
    """
    generator = np.random.default_rng(SEED)
    n = len(from_mm)
    samples = np.argsort(generator.random((RANSAC_ROUNDS, n)), axis=1)[:, :4]
    affines = _affines(from_mm[samples], to_mm[samples])
    scales = np.linalg.svd(affines[:, :3, :3], compute_uv=False)
    affines = affines[(scales[:, -1] >= SMALLEST_SCALE) & (scales[:, 0] <= LARGEST_SCALE)]
    if not len(affines):
        return None
    moved = np.einsum("rab,nb->rna", affines[:, :3, :3], from_mm) + affines[:, None, :3, 3]
    square = ((moved - to_mm) ** 2).sum(axis=2) / INLIER_MM**2
    # Near pairs count more than far ones, which ends ties between many equal counts.
    best = int(np.maximum(0.0, 1.0 - square).sum(axis=1).argmax())
    affine, inliers = affines[best], square[best] < 1.0
    for _ in range(3):
        if inliers.sum() < 4:
            return None
        affine = robust_affine(from_mm[inliers], to_mm[inliers])
        inliers = np.linalg.norm(applied(affine, from_mm) - to_mm, axis=1) < INLIER_MM
    return affine, inliers


def _affines(from_mm: Points, to_mm: Points) -> NDArray[np.float64]:
    """Fit an affine to each sample of places, (r, m, 3) to (r, 4, 4)."""
    middle_from, middle_to = from_mm.mean(axis=1), to_mm.mean(axis=1)
    x, y = from_mm - middle_from[:, None], to_mm - middle_to[:, None]
    ridge = from_mm.shape[1] * RIDGE_MM**2 * np.eye(3)
    linear = np.linalg.solve(
        np.einsum("rma,rmb->rab", x, x) + ridge, np.einsum("rma,rmb->rab", x, y) + ridge
    ).transpose(0, 2, 1)
    out = np.tile(np.eye(4), (len(from_mm), 1, 1))
    out[:, :3, :3] = linear
    out[:, :3, 3] = middle_to - np.einsum("rab,rb->ra", linear, middle_from)
    return out


def robust_affine(from_mm: Points, to_mm: Points) -> NDArray[np.float64]:
    """Fit an affine by reweighted least squares (Geman-McClure weights)."""
    weights = np.ones(len(from_mm))
    affine = ridge_affine(from_mm, to_mm, weights)
    for _ in range(ROBUST_ROUNDS):
        square = ((applied(affine, from_mm) - to_mm) ** 2).sum(axis=1)
        weights = 1.0 / (1.0 + square / ROBUST_MM**2) ** 2
        affine = ridge_affine(from_mm, to_mm, weights)
    return affine


def ridge_affine(
    from_mm: Points, to_mm: Points, weights: NDArray[np.float64], ridge_mm: float = RIDGE_MM
) -> NDArray[np.float64]:
    """Fit a weighted affine that is pulled to a pure shift where the points say nothing."""
    total = max(float(weights.sum()), 1e-9)
    middle_from = weights @ from_mm / total
    middle_to = weights @ to_mm / total
    x, y = from_mm - middle_from, to_mm - middle_to
    ridge = total * ridge_mm**2 * np.eye(3)
    left = (x * weights[:, None]).T @ x + ridge
    right = (x * weights[:, None]).T @ y + ridge
    linear = np.linalg.solve(left, right).T
    affine = np.eye(4)
    affine[:3, :3] = linear
    affine[:3, 3] = middle_to - linear @ middle_from
    return affine


def _inner(keys: Keys) -> NDArray[np.bool_]:
    """Mark the rows that lie two cells inside the marked body."""
    from scipy import ndimage

    inner = ndimage.binary_erosion(keys.embedding.body, iterations=2, border_value=1)
    chosen: NDArray[np.bool_] = inner[keys.embedding.body]
    return chosen if chosen.any() else np.ones(len(keys.rows), bool)


def _disagreement(from_mm: Points, to_mm: Points, inliers: NDArray[np.bool_], split: int) -> float:
    """Median distance between the affine of each direction alone; infinite where one has none."""
    ahead, behind = inliers.copy(), inliers.copy()
    ahead[split:], behind[:split] = False, False
    if min(ahead.sum(), behind.sum()) < FEWEST_PAIRS // 2:
        return float("inf")
    one = robust_affine(from_mm[ahead], to_mm[ahead])
    other = robust_affine(from_mm[behind], to_mm[behind])
    points = from_mm[inliers]
    return float(np.median(np.linalg.norm(applied(one, points) - applied(other, points), axis=1)))


def _is_odd(affine: NDArray[np.float64]) -> bool:
    """Tell whether no two patients could differ like this, mirrored or not."""
    scales = np.linalg.svd(affine[:3, :3], compute_uv=False)
    return bool(scales[-1] < SMALLEST_SCALE or scales[0] > LARGEST_SCALE)


def doubt_of_count(n_inliers: int, n_lattice: int) -> str:
    """Say that too few places agree, or nothing."""
    if n_inliers >= LEAST_INLIER_SHARE * n_lattice:
        return ""
    return (
        f"Only {n_inliers} of {n_lattice} places of the scans agree, "
        "so they may show different parts of the body."
    )


def doubt_of_shape(
    affine: NDArray[np.float64], from_mm: Points, share: float, disagreement_mm: float
) -> str:
    """Say why an affine cannot take one body to another, or nothing.

    Args:
        affine: 4 x 4.
        from_mm: (n, 3) the places that agree.
        share: their part of the lattice.
        disagreement_mm: between the two directions.
    """
    linear = affine[:3, :3]
    if np.linalg.det(linear) < 0:
        return MIRRORED
    u, _, v = np.linalg.svd(linear)
    turn = np.degrees(np.arccos(np.clip((np.trace(u @ v) - 1) / 2, -1, 1)))
    spread = np.sqrt(max(0.0, np.linalg.eigvalsh(np.cov(from_mm.T)).min()))
    if _is_odd(affine) or turn > MOST_TURN_DEG or spread < LEAST_SPREAD_MM:
        return "The places of the scans that agree do not fit one body."
    if np.isfinite(disagreement_mm) and disagreement_mm > MOST_DISAGREEMENT_MM:
        return (
            "Matching the scans forward and backward gives different answers, "
            f"{disagreement_mm:.0f} mm apart."
        )
    if not np.isfinite(disagreement_mm) and share < ENOUGH_ALONE_SHARE:
        return "The scans agree in one direction only."
    return ""
