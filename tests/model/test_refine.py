"""Grey values move a match between two scans of one patient, or leave it."""

import numpy as np
import pytest

from samdesk.core.volume import Volume
from samdesk.model import refine
from tests.model import made


@pytest.fixture(scope="module")
def body() -> Volume:
    """A scan of the made body."""
    return made.scan((60, 60, 60), 2.0)


def test_a_wrong_place_is_moved_to_the_right_one(body: Volume) -> None:
    other = made.scan((48, 60, 60), (2.5, 1.7, 1.7), (1.0, 2.0, -3.0))
    wrong = np.array([4.0, -3.0, 5.0])
    error = []
    for point in made.places(10, reach=0.25):
        place, correlation = refine.refined((body, other), point, point + wrong, np.eye(3))
        assert correlation > 0.9
        error.append(np.linalg.norm(place - point))
    # A fourth of the step of 2 mm is what a parabola through three values leaves.
    assert np.median(error) < 0.7


def test_the_cube_is_taken_through_the_affine(body: Volume) -> None:
    turn = np.array([[0.9, -0.435, 0], [0.435, 0.9, 0], [0, 0, 1]])
    other = made.scan((60, 60, 60), 2.0, moved=lambda y: y @ np.linalg.inv(turn).T)
    point = np.array([8.0, 5.0, -6.0])
    right = turn @ point
    place, correlation = refine.refined((body, other), point, right + np.array([3.0, 2, -2]), turn)
    assert correlation > 0.9
    assert np.linalg.norm(place - right) < 0.7


def test_another_body_leaves_the_match_where_it_was(body: Volume) -> None:
    other = made.scan((48, 48, 48), 2.5, seed=7)
    place, correlation = refine.refined(
        (body, other), np.zeros(3), np.array([1.0, 2, 3]), np.eye(3)
    )
    assert correlation == 0.0
    assert place.tolist() == [1.0, 2.0, 3.0]


def test_one_tissue_has_no_place(body: Volume) -> None:
    flat = Volume(np.zeros_like(body.array), body.geometry)
    assert refine.refined((flat, body), np.zeros(3), np.zeros(3), np.eye(3))[1] == 0.0


def test_a_place_outside_the_scan_is_left(body: Volume) -> None:
    far = np.array([400.0, 0, 0])
    assert refine.refined((body, body), np.zeros(3), far, np.eye(3))[0].tolist() == far.tolist()


def test_a_cube_correlates_fully_with_itself() -> None:
    template = np.random.default_rng(0).normal(size=(9, 9, 9))
    field = np.random.default_rng(1).normal(size=(13, 13, 13))
    field[1:10, 3:12, 4:13] = template * 3 + 7
    scores = refine.correlations(template, field)
    assert scores.shape == (5, 5, 5)
    assert np.unravel_index(scores.argmax(), scores.shape) == (1, 3, 4)
    assert scores.max() == pytest.approx(1.0, abs=1e-4)
