"""One affine for a pair of scans, found among wrong matches, and doubted where it should be."""

from dataclasses import replace

import numpy as np
import pytest

from samdesk.core.geometry import Points
from samdesk.model import prior as priors
from samdesk.model.embedding import Embedding
from samdesk.model.session import Session
from samdesk.model.similarity import keys_of
from tests.model import made


def pairs(
    affine: np.ndarray, n: int = 200, wrong: float = 0.5, seed: int = 3
) -> tuple[Points, Points]:
    """Places that follow an affine to within 4 mm, and a share of them that follows nothing."""
    generator = np.random.default_rng(seed)
    points = generator.uniform(-150, 150, (n, 3))
    to_mm = priors.applied(affine, points) + generator.normal(0, 4, (n, 3))
    n_wrong = int(wrong * n)
    to_mm[:n_wrong] = generator.uniform(-200, 200, (n_wrong, 3))
    return points, to_mm


def stretched() -> np.ndarray:
    affine = np.eye(4)
    affine[:3, :3] = [[1.1, 0.05, 0.0], [-0.06, 0.92, 0.03], [0.02, 0.0, 1.15]]
    affine[:3, 3] = [30.0, -12.0, 210.0]
    return affine


def test_an_affine_is_found_among_half_wrong_pairs() -> None:
    points, to_mm = pairs(stretched())
    found = priors.consensus(points, to_mm)
    assert found is not None
    affine, inliers = found
    assert inliers[100:].all()
    assert inliers[:100].mean() < 0.1
    # 100 pairs with 4 mm noise place the middle to 0.4 mm and a corner 260 mm away to 1.3 mm.
    corners = np.array([[0.0, 0, 0], [150, 150, 150], [-150, 150, -150]])
    error = priors.applied(affine, corners) - priors.applied(stretched(), corners)
    assert np.linalg.norm(error, axis=1).max() < 6.0


def test_one_question_has_one_answer() -> None:
    points, to_mm = pairs(stretched())
    first, second = (priors.consensus(points, to_mm) for _ in range(2))
    assert first is not None
    assert second is not None
    assert np.array_equal(first[0], second[0])


def test_a_thin_overlap_does_not_bend_the_axis_across_it() -> None:
    generator = np.random.default_rng(0)
    points = generator.uniform(-150, 150, (80, 3)) * [1, 1, 0.02]
    to_mm = points + generator.normal(0, 5, points.shape)
    affine = priors.robust_affine(points, to_mm)
    assert abs(affine[2, 2] - 1.0) < 0.35


def test_scans_of_the_same_body_agree(session: Session, template: Embedding) -> None:
    other = made.embedded(made.scan(center_mm=(7.3, -4.1, 2.2)), session)
    prior = priors.fit(keys_of(template), keys_of(other))
    assert prior is not None
    assert prior.is_trusted
    assert prior.inlier_share > 0.8
    points = made.places(30)
    assert np.linalg.norm(prior.forward(points) - points, axis=1).max() < 2.0
    assert np.allclose(prior.backward(prior.forward(points)), points)


def test_a_small_part_of_the_body_agrees_backward(session: Session, template: Embedding) -> None:
    part = made.embedded(made.scan((24, 64, 64), center_mm=(0, 0, 40)), session)
    prior = priors.fit(keys_of(template), keys_of(part))
    assert prior is not None
    assert prior.is_trusted, prior.reason
    assert prior.inlier_share > 0.5


def test_too_little_in_common_is_no_prior(template: Embedding) -> None:
    body = np.zeros_like(template.body)
    body[18:20, 14:16, 14:16] = True
    few = keys_of(replace(template, key="few", body=body))
    assert priors.fit(few, few) is None


def test_a_mirrored_scan_is_doubted(session: Session, template: Embedding) -> None:
    mirrored = made.scan(moved=lambda y: y * [-1, 1, 1])
    prior = priors.fit(keys_of(template), keys_of(made.embedded(mirrored, session)))
    if prior is not None:
        assert not prior.is_trusted


def test_left_and_right_are_told_apart_by_the_twin(session: Session, template: Embedding) -> None:
    as_it_is, flip = np.eye(4), np.diag([-1.0, 1, 1, 1])
    mirrored = made.embedded(made.scan(moved=lambda y: y * [-1, 1, 1]), session)
    assert priors.handedness(keys_of(template), keys_of(template), as_it_is) > 5
    # Even the identity, which is wrong here, is taken; the mirrored places fit far better.
    assert priors.handedness(keys_of(template), keys_of(mirrored), as_it_is) < -5
    few = replace(template, key="few twins", twin_mm=np.zeros((3, 3)), twin=template.twin[:3])
    assert priors.handedness(keys_of(few), keys_of(template), flip) == 0.0


@pytest.mark.parametrize(
    ("linear", "share", "disagreement", "says"),
    [
        (np.diag([-1.0, 1, 1]), 0.9, 1.0, "mirrored"),
        (np.diag([0.4, 1, 1]), 0.9, 1.0, "do not fit one body"),
        (np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]), 0.9, 1.0, "do not fit one body"),
        (np.eye(3), 0.9, 60.0, "60 mm apart"),
        (np.eye(3), 0.2, np.inf, "one direction only"),
        (np.eye(3), 0.9, np.inf, ""),
        (np.eye(3), 0.9, 3.0, ""),
    ],
)
def test_a_shape_that_no_two_bodies_have_is_doubted(
    linear: np.ndarray, share: float, disagreement: float, says: str
) -> None:
    affine = np.eye(4)
    affine[:3, :3] = linear
    spread = np.random.default_rng(0).normal(0, 60, (50, 3))
    reason = priors.doubt_of_shape(affine, spread, share, disagreement)
    assert says in reason
    assert bool(reason) == bool(says)


def test_places_in_a_thin_layer_hold_no_affine() -> None:
    layer = np.random.default_rng(0).normal(0, 60, (50, 3)) * [1, 1, 0.05]
    assert "do not fit" in priors.doubt_of_shape(np.eye(4), layer, 0.9, 1.0)


def test_few_places_that_agree_are_counted_in_the_sentence() -> None:
    assert "Only 30 of 300" in priors.doubt_of_count(30, 300)
    assert priors.doubt_of_count(60, 300) == ""
