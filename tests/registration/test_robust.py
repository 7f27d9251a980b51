"""The affine through matches of which many are wrong."""

import numpy as np
import pytest
from numpy.typing import NDArray

from samdesk.core.geometry import Points
from samdesk.registration import robust

LINEAR = np.array([[1.05, 0.08, 0.0], [-0.06, 0.96, 0.05], [0.0, 0.02, 1.1]])
SHIFT = np.array([30.0, -12.0, 140.0])


def pairs(n: int, wrong_share: float, seed: int = 3) -> tuple[Points, Points, NDArray[np.bool_]]:
    rng = np.random.default_rng(seed)
    from_mm = rng.uniform(-150, 150, (n, 3))
    to_mm: Points = from_mm @ LINEAR.T + SHIFT + rng.normal(0, 2.0, (n, 3))
    wrong = np.arange(n) < wrong_share * n
    # A wrong level: all of them err alike, which is what least squares cannot stand.
    to_mm[wrong] += [5.0, 0.0, 60.0]
    return from_mm, to_mm, wrong


@pytest.mark.parametrize("wrong_share", [0.0, 0.2, 0.35])
def test_the_affine_of_the_better_part_is_found_and_the_rest_struck_out(
    wrong_share: float,
) -> None:
    from_mm, to_mm, wrong = pairs(240, wrong_share)
    found = robust.fit_affine(from_mm, to_mm)
    truth = from_mm @ LINEAR.T + SHIFT
    off = np.linalg.norm(robust.applied(found.affine, from_mm) - truth, axis=1)
    assert off.max() < 2.5
    assert not found.used[wrong].any()
    assert found.used[~wrong].mean() > 0.97
    assert found.limit_mm >= robust.LEAST_STRUCK_MM


def test_the_same_pairs_give_the_same_affine() -> None:
    from_mm, to_mm, _ = pairs(80, 0.3)
    first, second = (robust.fit_affine(from_mm, to_mm) for _ in range(2))
    assert np.array_equal(first.affine, second.affine)


def test_sure_pairs_count_for_more() -> None:
    from_mm, to_mm, _ = pairs(60, 0.0)
    to_mm[:30] += [6.0, 0.0, 0.0]
    weights = np.where(np.arange(60) < 30, 1.0, 0.01)
    found = robust.fit_affine(from_mm, to_mm, weights)
    truth = from_mm @ LINEAR.T + SHIFT + [6.0, 0.0, 0.0]
    assert np.abs(robust.applied(found.affine, from_mm) - truth).mean() < 1.5


def test_pairs_in_one_plane_say_nothing_of_the_scale_across_it() -> None:
    from_mm, _, _ = pairs(60, 0.0)
    from_mm[:, 2] = 0.0
    to_mm = from_mm @ LINEAR.T + SHIFT
    affine = robust.fit_affine(from_mm, to_mm).affine
    assert affine[2, 2] == pytest.approx(1.0, abs=0.05)


def test_a_displacement_that_no_neighbor_shares_stands_alone() -> None:
    rng = np.random.default_rng(5)
    places = rng.uniform(-100, 100, (200, 3))
    rest = np.stack([places[:, 2] / 10, np.zeros(200), rng.normal(0, 1, 200)], axis=1)
    rest[7] += [25.0, 0.0, 0.0]
    marked = robust.standing_alone(places, rest)
    assert marked[7]
    assert marked.sum() < 10
    assert not robust.standing_alone(places[:8], rest[:8]).any()


def test_the_median_of_the_neighbors_takes_single_errors_away() -> None:
    rng = np.random.default_rng(6)
    places = rng.uniform(-50, 50, (120, 3))
    rest = np.tile([4.0, 0.0, -2.0], (120, 1))
    rest[::20] = 50.0
    smooth = robust.median_filtered(places, rest)
    assert np.allclose(smooth, [4.0, 0.0, -2.0])
