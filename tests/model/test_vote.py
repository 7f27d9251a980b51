"""The neighborhood of a point says where it belongs."""

import numpy as np

from samdesk.model import prior as priors
from samdesk.model import vote
from samdesk.model.embedding import Embedding
from samdesk.model.session import Session
from samdesk.model.similarity import keys_of
from samdesk.model.vote import Vote
from tests.model import made

TURN = 0.15


def turned(points: np.ndarray) -> np.ndarray:
    c, s = np.cos(TURN), np.sin(TURN)
    return points @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def test_the_lattice_is_around_the_point() -> None:
    lattice = vote.lattice(np.array([1.0, 2.0, 3.0]))
    assert lattice.shape == (27, 3)
    assert np.allclose(lattice.mean(axis=0), [1, 2, 3])
    assert np.allclose(np.ptp(lattice, axis=0), 32)


def test_the_vote_is_right_where_the_body_is_turned(session: Session, template: Embedding) -> None:
    # The scan shows at y what the body has at turned(y): a point p is at y with turned(y) = p.
    other = made.embedded(made.scan(moved=turned), session)
    a, b = keys_of(template), keys_of(other)
    prior = priors.fit(a, b)
    assert prior is not None
    c, s = np.cos(-TURN), np.sin(-TURN)
    back = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    error = []
    for point in made.places(8):
        cast = vote.cast(a, b, point, prior, 50.0)
        assert cast.n_votes >= vote.FEWEST_VOTES
        error.append(np.linalg.norm(cast.at_mm - point @ back))
        # x' = linear x, and the rows of `back` multiply from the right
        assert np.abs(cast.linear - back.T).max() < 0.1
    assert np.median(error) < 2.0


def test_a_point_in_the_air_has_no_votes(template: Embedding) -> None:
    keys = keys_of(template)
    prior = priors.fit(keys, keys)
    assert prior is not None
    cast = vote.cast(keys, keys, np.array([500.0, 0, 0]), prior, 50.0)
    assert cast.n_votes == 0
    assert np.isnan(cast.at_mm).all()


def test_close_answers_are_averaged_and_far_ones_are_outvoted() -> None:
    def at(x: float) -> Vote:
        return Vote(np.array([x, 0.0, 0.0]), np.eye(3), 20, 0.8, 1.0)

    assert np.allclose(vote.joined(np.zeros(3), at(6.0)), [3, 0, 0])
    assert np.allclose(vote.joined(np.zeros(3), at(30.0)), [30, 0, 0])
    assert np.allclose(vote.joined(np.zeros(3), at(float("nan"))), 0)
