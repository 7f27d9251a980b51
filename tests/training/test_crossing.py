"""Pairs across people: what is kept is right, and what two scans do not share is left out."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from samdesk.core.geometry import Points
from samdesk.core.models import ModelInfo
from samdesk.core.volume import Volume
from samdesk.errors import RunError
from samdesk.io.base import finish
from samdesk.training.data import crossing
from samdesk.training.data.crossing import Crossing
from samdesk.training.data.pairs import CROSSING_NOISE_MM, PairSettings, PairSource
from samdesk.training.data.scans import TrainingScan
from samdesk.training.methods.sam import SamMethod, SamSettings
from tests.model import made

MM = made.SPACING_MM


def bent(places: Points) -> Points:
    """Where a place of the second person lies in the first: another size, and a bend of 4 mm."""
    moved: Points = places * [1.06, 0.95, 1.03] + [3.0, -4.0, 5.0]
    moved[:, 2] += 4 * np.sin(places[:, 0] / 35)
    return moved


def scan_of(volume: Volume, name: str) -> TrainingScan:
    """The volume as training holds it."""
    hu = torch.from_numpy(np.array(volume.array, np.float32))
    origin = torch.from_numpy(volume.geometry.affine[2::-1, 3].astype(np.float32).copy())
    body = origin + (hu > -500).nonzero().float() * MM
    return TrainingScan(name, hu, origin, body[torch.randperm(len(body))])


def x_y_z(array: torch.Tensor) -> NDArray[np.float64]:
    """Places as everybody else orders them."""
    return array.flip(1).numpy().astype(np.float64)


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> ModelInfo:
    """A model folder whose network is a bank of fixed filters."""
    return made.write_model(tmp_path_factory.mktemp("models") / "bank")


@pytest.fixture(scope="module")
def people() -> list[TrainingScan]:
    """Two people who differ by a bend, and a third who has nothing in common with them."""
    return [
        scan_of(made.scan(), "one"),
        scan_of(made.scan(moved=bent), "two"),
        scan_of(made.scan(seed=9), "three"),
    ]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where found places are kept."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def found(bank: ModelInfo, people: list[TrainingScan], cache: Path) -> list[Crossing]:
    """What the first two people share, by matches alone."""
    one: list[Crossing] = finish(crossing.find(people[:2], MM, bank, cache))
    return one


def assert_right(found: list[Crossing]) -> None:
    """The places of the only pair are the same places, nearly all of them."""
    assert [(one.first, one.second) for one in found] == [(0, 1)]
    error = np.linalg.norm(bent(x_y_z(found[0].at_second)) - x_y_z(found[0].at_first), axis=1)
    assert np.median(error) < 2.0
    assert np.quantile(error, 0.95) < 6.0


def test_places_of_two_people_are_the_same_place(found: list[Crossing]) -> None:
    assert_right(found)


def test_a_registration_that_starts_from_them_says_so_too(
    bank: ModelInfo, people: list[TrainingScan], cache: Path
) -> None:
    assert_right(finish(crossing.find(people[:2], MM, bank, cache, "registration")))


def test_the_local_affine_reaches_the_places_between(found: list[Crossing]) -> None:
    one = found[0]
    offset = torch.tensor([5.0, -4.0, 6.0])
    there = one.at_second + one.linear @ offset
    back = one.swapped()
    error = np.linalg.norm(bent(x_y_z(there)) - x_y_z(one.at_first + offset), axis=1)
    assert np.median(error) < 2.5
    assert (back.first, back.second) == (1, 0)
    assert torch.allclose(
        back.linear @ one.linear, torch.eye(3).expand(len(there), 3, 3), atol=1e-4
    )


def test_people_with_nothing_in_common_make_no_pair(
    bank: ModelInfo, people: list[TrainingScan], tmp_path: Path
) -> None:
    assert finish(crossing.find(people[1:], MM, bank, tmp_path)) == []


def test_what_was_found_is_read_again(
    found: list[Crossing],
    bank: ModelInfo,
    people: list[TrainingScan],
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(crossing, "shared_places", lambda a, b: pytest.fail("searched again"))
    again = finish(crossing.find(people[:2], MM, bank, cache))
    assert torch.equal(found[0].at_second, again[0].at_second)


def test_drawn_pairs_across_people_show_the_same_places(people: list[TrainingScan]) -> None:
    at = people[1].body[:800]
    to = torch.from_numpy(bent(x_y_z(at))[:, ::-1].astype(np.float32).copy())
    crossings = [Crossing(1, 0, at, to, torch.eye(3).expand(len(at), 3, 3))]
    settings = PairSettings(phantom_share=0.0, crossing_share=1.0, shapes=((32, 32, 32),))
    source = PairSource(people, MM, settings, torch.Generator().manual_seed(0), crossings)
    pair = source.draw()
    assert pair.noise_mm == CROSSING_NOISE_MM
    assert pair.index_first.shape == pair.index_second.shape
    assert len(pair.index_first) >= settings.n_places // 3


def test_pairs_across_people_need_a_model(tmp_path: Path) -> None:
    method = SamMethod(SamSettings(drawing=PairSettings(crossing_share=0.5)))
    with pytest.raises(RunError, match="needs a model"):
        finish(method._crossings([], tmp_path))


def test_an_unknown_source_is_named(bank: ModelInfo, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="do not come from dreams"):
        finish(crossing.find([], MM, bank, tmp_path, "dreams"))
