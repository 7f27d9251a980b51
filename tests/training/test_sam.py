"""The method SAM: reading descriptors, its loss, and that it learns."""

import math

import pytest
import torch

from samdesk.errors import RunError
from samdesk.training.data.pairs import PairSettings, PairSource
from samdesk.training.methods.sam import (
    NEVER,
    SamMethod,
    SamSettings,
    cell_centers,
    info_nce,
    read,
)
from tests.training.made import blob_scan


def test_a_cell_is_read_at_its_center() -> None:
    cells = torch.randn(8, 4, 5, 6, generator=torch.Generator().manual_seed(0))
    # Cell 2 of stride 2 covers voxels 4 and 5; its center is 4.5.
    got = read(cells, torch.tensor([[4.5, 2.5, 6.5]]), 2)[0]
    wanted = torch.nn.functional.normalize(cells[:, 2, 1, 3], dim=0)
    torch.testing.assert_close(got, wanted)


def test_cell_centers_agree_with_reading() -> None:
    cells = torch.randn(8, 4, 5, 6, generator=torch.Generator().manual_seed(1))
    rows = torch.nn.functional.normalize(cells.flatten(1).T, dim=1)
    where = cell_centers(torch.arange(120), (4, 5, 6), 8)
    torch.testing.assert_close(read(cells, where, 8), rows)


def test_an_excluded_negative_does_not_count_at_all() -> None:
    positive = torch.tensor([0.5])
    loss, top = info_nce(positive, torch.tensor([[NEVER, 0.1]]), 0.1)
    assert float(loss) == pytest.approx(math.log(1 + math.exp(-4)), rel=1e-5)
    assert top == 1.0


def test_unknown_settings_are_named_all_at_once() -> None:
    with pytest.raises(RunError, match="colour, taste"):
        SamSettings.from_plan({"taste": 1, "colour": 2, "tau": 0.1})


def test_places_of_a_pair_are_the_same_place() -> None:
    scan = blob_scan()
    settings = PairSettings(elastic_mm=2.0, bump_mm=0.0)
    source = PairSource([scan], 2.5, settings, torch.Generator().manual_seed(2))
    pair = source.draw()
    assert len(pair.index_first) == len(pair.index_second) >= settings.n_places // 3
    for index, patch in ((pair.index_first, pair.first), (pair.index_second, pair.second)):
        assert bool((index >= 0).all())
        assert bool((index <= torch.tensor(patch.shape) - 1).all())


@pytest.mark.slow
def test_thirty_steps_lower_the_loss() -> None:
    torch.manual_seed(0)
    rng = torch.Generator().manual_seed(0)
    settings = SamSettings(channels=(8, 8, 8, 8), size=8, pairs=1, n_negatives=256, n_pool=256)
    method = SamMethod(settings)
    network = method.network()
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
    source = PairSource([blob_scan()], 2.5, PairSettings(n_places=64, shapes=((32, 32, 32),)), rng)
    told = []
    for _ in range(30):
        pairs = [source.draw()]
        fine, coarse = network(method.inputs(pairs)[0])
        outputs = [((fine[0], fine[1]), (coarse[0], coarse[1]))]
        loss, parts = method.loss(outputs, pairs, rng)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        told.append(parts)
    first, last = (sum(p["loss"] for p in told[a:b]) for a, b in ((0, 6), (-6, None)))
    assert last < 0.95 * first
