"""Masked autoencoding: what is hidden stays hidden, and only that is judged."""

from pathlib import Path

import pytest
import torch

from samdesk.core.progress import Progress
from samdesk.core.runs import RunPlan
from samdesk.errors import RunError
from samdesk.io.registry import run
from samdesk.model import manifest
from samdesk.training import loop, registry
from samdesk.training.base import Provenance
from samdesk.training.data.scans import TrainingScan
from samdesk.training.methods.mae import MaeMethod, MaeSettings, Masked, MaskedSource
from samdesk.training.networks.mae import Described, MaeNetwork

TINY = {"channels": [8, 8, 8, 8], "size": 8, "patch": [32, 32, 32], "pairs": 1}


def made_scan() -> TrainingScan:
    """A block with two tissues, 48 voxels a side."""
    hu = torch.full((48, 48, 48), 40.0)
    hu[:, :, 24:] = -100.0
    body = torch.rand(2000, 3, generator=torch.Generator().manual_seed(0)) * 100 + 10
    return TrainingScan("block", hu, torch.zeros(3), body)


def test_the_network_cannot_see_what_is_hidden() -> None:
    torch.manual_seed(0)
    network = MaeNetwork(2, (8, 8, 8, 8), 8).eval()
    x = torch.randn(1, 2, 32, 32, 32)
    hidden = torch.zeros(1, 32, 32, 32, dtype=torch.bool)
    hidden[:, 8:16, 8:16, 8:16] = True
    other = torch.where(hidden[:, None], x + 7, x)
    with torch.no_grad():
        assert torch.equal(network(x, hidden)[0], network(other, hidden)[0])
        assert not torch.equal(network(x, ~hidden)[0], network(other, ~hidden)[0])
        assert network(x, hidden)[0].shape == (1, 2, 32, 32, 32)
        assert network(x, hidden)[1].shape == (1, 2, 8, 8, 8)


def test_the_loss_is_over_hidden_voxels_only() -> None:
    method = MaeMethod(MaeSettings.from_plan(TINY))
    hidden = torch.zeros(32, 32, 32, dtype=torch.bool)
    hidden[:16] = True
    drawn = [Masked(torch.zeros(32, 32, 32), hidden)]
    x = torch.tensor([0.0, -60.0 / 125.0])[None, :, None, None, None].expand(1, 2, 32, 32, 32)
    fine, coarse = x.clone(), x[..., ::4, ::4, ::4].clone()
    fine[:, :, 16:] += 5.0
    _, parts = method.loss((fine, coarse), drawn, torch.Generator())
    assert parts["loss"] == pytest.approx(0.0, abs=1e-6)
    fine[:, :, :16] += 2.0
    _, parts = method.loss((fine, coarse), drawn, torch.Generator())
    assert parts["fine"] == pytest.approx(2.0, abs=1e-5)


def test_whole_blocks_are_hidden_and_the_share_is_kept() -> None:
    settings = MaeSettings.from_plan(TINY | {"hidden_share": 0.6})
    source = MaskedSource([made_scan()], settings, torch.Generator().manual_seed(1))
    drawn = [source.draw() for _ in range(6)]
    blocks = torch.stack([d.hidden for d in drawn]).float()
    means = torch.nn.functional.avg_pool3d(blocks[:, None], 8)
    assert set(means.unique().tolist()) <= {0.0, 1.0}
    assert 0.45 < float(means.mean()) < 0.75
    assert drawn[0].to(torch.device("cpu")).values.shape == (32, 32, 32)


def test_it_learns_to_fill_in(tmp_path: Path) -> None:
    plan = RunPlan("mae", ("x",), TINY | {"steps": 100}, device="cpu", threads=1)
    settings = MaeSettings.from_plan(TINY)
    events = list(
        loop.train(
            plan,
            registry.method("mae", plan.settings),
            tmp_path,
            lambda rng: MaskedSource([made_scan()], settings, rng),
            keep_going=lambda: True,
            resume=False,
        )
    )
    assert [e.step for e in events if e.kind == "stepped"] == [20, 40, 60, 80, 100]
    assert events[-1].step == 100
    losses = [e.values["loss"] for e in events if e.kind == "stepped"]
    assert losses[-1] < 0.85 * losses[0]


@pytest.mark.slow
def test_a_model_folder_comes_out_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from samdesk.training.data import scans

    def load(*_: object) -> object:
        yield Progress(0, 1, "preparing")
        return [made_scan()]

    monkeypatch.setattr(scans, "load", load)
    method = registry.method("mae", TINY | {"modality": "MR"})
    plan = RunPlan("mae", ("x",), TINY, validation=("y",), name="filler")
    prepared = run(method.prepare(plan, tmp_path))
    assert prepared.probe is not None
    network = method.network().eval()
    assert prepared.probe(network)["held_out_loss"] > 0
    told = Provenance(("x",), "none", "samdesk train", "0", {})
    method.export(network, plan, told, tmp_path / "filler")
    info = manifest.read(tmp_path / "filler")
    assert (info.method, info.modality.value, info.intensities) == ("mae", "MR", "percentile")
    with pytest.raises(RunError, match="no network"):
        method.export(torch.nn.Identity(), plan, told, tmp_path / "other")


def test_exported_descriptors_are_unit_vectors() -> None:
    described = Described(MaeNetwork(2, (8, 8, 8, 8), 8).eval())
    with torch.no_grad():
        fine, coarse = described(torch.randn(1, 2, 32, 32, 32))
    assert torch.allclose((fine * fine).sum(1), torch.ones(1, 16, 16, 16), atol=1e-4)
    assert torch.allclose((coarse * coarse).sum(1), torch.ones(1, 4, 4, 4), atol=1e-4)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"taste": 1}, "taste"),
        ({"modality": "PT"}, "PT"),
        ({"patch": [30, 32, 32]}, "multiples of 16"),
        ({"layout": "models/sam-ct/card.md"}, "damaged or missing"),
    ],
)
def test_a_plan_that_cannot_be_done_is_refused(settings: dict[str, object], words: str) -> None:
    with pytest.raises(RunError, match=words):
        registry.method("mae", settings).network()


def test_scans_without_a_body_are_refused() -> None:
    empty = TrainingScan("air", torch.zeros(8, 8, 8), torch.zeros(3), torch.zeros(0, 3))
    with pytest.raises(RunError, match="body"):
        MaskedSource([empty], MaeSettings(), torch.Generator())
