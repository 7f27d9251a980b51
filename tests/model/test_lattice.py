"""The lattice over a body, and its matches in another scan."""

from pathlib import Path

import numpy as np
import pytest

from samdesk.io.base import finish
from samdesk.model import lattice
from samdesk.model.embedder import embed
from samdesk.model.embedding import Embedding
from samdesk.model.matcher import Matcher
from samdesk.model.session import Session
from tests.model import made

SHIFT = np.array([6.0, -5.0, 8.0])


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Matcher, Embedding, Embedding]:
    folder: Path = tmp_path_factory.mktemp("models") / "bank"
    info = made.write_model(folder)
    session = Session(info, device="cpu")
    scans = made.scan((64, 56, 60)), made.scan((64, 56, 60), moved=lambda mm: mm - SHIFT)
    one, other = (finish(embed(scan, session)) for scan in scans)
    return Matcher(info), one, other


def test_the_lattice_lies_evenly_in_the_body(pair: tuple[Matcher, Embedding, Embedding]) -> None:
    _, one, _ = pair
    points = lattice.body_lattice(one, 20.0)
    assert 30 < len(points) < 400
    index = np.rint(one.fine_cells.to_index(points)).astype(int)
    assert one.body[tuple(index.T)].all()
    distance = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    assert distance.min() > 14.0
    assert np.median(distance.min(axis=1)) == pytest.approx(20.0, abs=3.0)
    assert len(lattice.body_lattice(one, 40.0)) < len(points) / 4


def test_the_lattice_is_matched_where_the_tissue_went(
    pair: tuple[Matcher, Embedding, Embedding],
) -> None:
    matcher, one, other = pair
    found = finish(lattice.matched_lattice(matcher, one, other))
    assert len(found) == len(lattice.body_lattice(one))
    back = found.cycle_error_mm < 8.0
    assert back.mean() > 0.6
    off = np.linalg.norm(found.moving_mm[back] - found.fixed_mm[back] - SHIFT, axis=1)
    assert np.median(off) < 2.0
