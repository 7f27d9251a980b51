"""SAM on radiographs: exact places, a loss that falls, and what the exported graph promises."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from samdesk.core.runs import RunPlan
from samdesk.errors import RunError
from samdesk.io.registry import finish
from samdesk.model import manifest
from samdesk.training import device, loop, registry
from samdesk.training.base import Provenance
from samdesk.training.cells_flat import cell_centers, read
from samdesk.training.data.picture_views import FlatPair, FlatSettings, FlatSource, SharedPlaces
from samdesk.training.data.pictures import TrainingPicture
from samdesk.training.methods.sam_flat import SamFlatMethod, SamFlatSettings, held_out
from tests.training.made import blob_picture

SMALL = {"dimensions": 2, "channels": [8, 8, 8, 8], "size": 8, "pairs": 2, "view_px": 96}


def small_method() -> SamFlatMethod:
    method = registry.method("sam", SMALL)
    assert isinstance(method, SamFlatMethod)
    return method


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_a_cell_is_read_at_its_center_and_between_cells() -> None:
    cells = torch.randn(8, 5, 6, generator=rng())
    # Cell (2, 3) of stride 4 has its center at x = 13.5, y = 9.5.
    got = read(cells, torch.tensor([[13.5, 9.5], [15.5, 9.5]]), 4)
    unit = torch.nn.functional.normalize
    torch.testing.assert_close(got[0], unit(cells[:, 2, 3], dim=0))
    torch.testing.assert_close(got[1], unit((cells[:, 2, 3] + cells[:, 2, 4]) / 2, dim=0))


def test_cell_centers_agree_with_reading() -> None:
    cells = torch.randn(8, 5, 6, generator=rng(1))
    rows = torch.nn.functional.normalize(cells.flatten(1).T, dim=1)
    torch.testing.assert_close(read(cells, cell_centers(cells.shape, 32), 32), rows)


def test_places_of_a_pair_show_the_same_grey(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("samdesk.training.data.picture_views.changed", lambda values, _rng: values)
    picture = blob_picture(side=200)
    source = FlatSource([picture], FlatSettings(view_px=128, n_places=64), rng(3))
    for _ in range(3):
        pair = source.draw()
        assert len(pair.at_first) == len(pair.at_second) >= 21
        first, second = (
            _sampled(view, at)
            for view, at in ((pair.first, pair.at_first), (pair.second, pair.at_second))
        )
        # interpolation of interpolated pictures is not exact; another place differs by hundreds
        assert float((first - second).abs().median()) < 12.0
        assert float((first - second.flip(0)).abs().median()) > 60.0


def _sampled(view: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
    grid = 2 * at / (view.shape[0] - 1) - 1
    return torch.nn.functional.grid_sample(view[None, None], grid[None, None], align_corners=True)[
        0, 0, 0
    ]


def test_two_pictures_are_shown_at_the_places_they_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("samdesk.training.data.picture_views.changed", lambda values, _rng: values)
    one = blob_picture(side=200)
    # the same picture, moved by (20, 10) pixels
    moved = TrainingPicture("moved", one.values.roll((10, 20), (0, 1)), one.places)
    at = torch.rand(300, 2, generator=rng(4)) * 120 + 30
    shared = SharedPlaces(one, moved, at, at + torch.tensor([20.0, 10.0]))
    settings = FlatSettings(view_px=128, n_places=64, cross_share=1.0)
    pair = FlatSource([one, moved], settings, rng(5), lambda: shared).draw()
    first, second = _sampled(pair.first, pair.at_first), _sampled(pair.second, pair.at_second)
    assert float((first - second).abs().median()) < 12.0


def test_grey_is_changed_but_its_order_is_kept() -> None:
    from samdesk.training.data import picture_views

    x = torch.linspace(0, 1, 500).reshape(1, -1)
    curve = picture_views._curve(x, rng(6))
    assert bool((curve.diff() >= -1e-6).all())
    assert float((curve - x).abs().max()) > 0.01
    values = picture_views.changed(blob_picture(side=120).values, rng(7))
    assert float(values.min()) >= -1000
    assert float(values.max()) <= 1000


@pytest.mark.slow
def test_twenty_five_steps_lower_the_loss() -> None:
    torch.manual_seed(0)
    method = small_method()
    network = method.network()
    optimizer = torch.optim.AdamW(network.parameters(), lr=4e-3)
    source = FlatSource([blob_picture(side=200)], method.settings.drawing, rng(8))
    told = []
    for _ in range(25):
        drawn = [source.draw() for _ in range(2)]
        loss, parts = method.loss(method.outputs(network, drawn), drawn, rng())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        told.append(parts["loss"])
    assert sum(told[-5:]) < 0.9 * sum(told[:5])


def test_a_place_close_to_the_positive_is_no_negative() -> None:
    method = SamFlatMethod(SamFlatSettings(channels=(8, 8, 8, 8), size=8, exclude_px=1e6))
    view = blob_picture(side=96).values
    at = torch.tensor([[40.0, 40.0], [60.0, 30.0]])
    drawn = [FlatPair(view, view, at, at)]
    _, parts = method.loss(method.outputs(method.network().eval(), drawn), drawn, rng())
    # with every cell excluded there is nothing to be mistaken for
    assert parts["fine"] == pytest.approx(0.0, abs=1e-6)
    assert parts["top1"] == 1.0


def test_held_out_figures_are_perfect_for_a_view_against_itself() -> None:
    torch.manual_seed(1)
    network = small_method().network().eval()
    view = blob_picture(side=96).values
    at = cell_centers((1, 24, 24), 4)[::9]
    figures = held_out(network, [FlatPair(view, view, at, at)])
    assert figures["median_px"] == 0.0
    assert figures["within_10px_share"] == 1.0


def test_a_run_learns_from_places_that_its_network_found_in_two_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(2):
        grey = (blob_picture(n, 96).values.numpy() / 8 + 128).clip(0, 255)
        Image.fromarray(grey.astype(np.uint8)).save(tmp_path / f"{n}.png")
    at = torch.rand(80, 2, generator=rng(9)) * 60 + 15
    asked: list[str] = []

    def found(network: torch.nn.Module, one: TrainingPicture, other: TrainingPicture) -> object:
        asked.append(one.name + other.name)
        return at, at

    drawn: list[SharedPlaces] = []
    across = FlatSource._across

    def noted(source: FlatSource, shared: SharedPlaces) -> FlatPair | None:
        drawn.append(shared)
        return across(source, shared)

    monkeypatch.setattr("samdesk.training.data.crossing_flat.shared", found)
    monkeypatch.setattr(FlatSource, "_across", noted)
    monkeypatch.setattr(device, "_bf16_is_fast", lambda: False)
    settings = {**SMALL, "long_side_px": 96, "cross_after": 2, "cross_every": 1, "steps": 6}
    data = tuple(str(tmp_path / f"{n}.png") for n in range(2))
    settings["cross_share"] = 1.0
    plan = RunPlan("sam", data, settings, device="cpu", validation=data[:1])
    method = registry.method("sam", plan.settings)
    prepared = finish(method.prepare(plan, tmp_path))
    *_, last = loop.train(
        plan,
        method,
        tmp_path,
        prepared.source,
        keep_going=lambda: True,
        resume=False,
        probe=prepared.probe,
    )
    assert (last.kind, last.step) == ("evaluated", 6)
    assert 0.0 <= last.values["within_10px_share"] <= 1.0
    assert len(asked) == 4
    assert drawn
    assert {drawn[0].first.name, drawn[0].second.name} == {"0.png", "1.png"}
    # a run that goes on compares pictures from its first step
    again = registry.method("sam", plan.settings)
    go_on = finish(again.prepare(plan, tmp_path))
    go_on.source(rng())
    again.outputs(again.network(), [FlatPair(*(torch.zeros(96, 96),) * 2, at, at)])
    assert len(asked) == 5


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_exported_graph_gives_what_torch_gives(tmp_path: Path) -> None:
    torch.manual_seed(2)
    method = small_method()
    network = method.network().eval()
    plan = RunPlan("sam", ("a.png",), SMALL, name="tiny")
    told = Provenance(("a.png sha256 0",), "CC0", "samdesk train", "abc", {"median_px": 1.0})
    values = method.export(network, plan, told, tmp_path / "tiny")
    assert float(values["least_cosine"]) >= 0.9999
    info = manifest.read(tmp_path / "tiny")
    assert (info.dimensions, info.long_side_px, info.intensities) == (2, 512, "percentile")
    card = (tmp_path / "tiny" / "card.md").read_text(encoding="utf-8")
    assert "512 pixels" in card
    assert "1 pictures" in info.data


def test_unknown_settings_and_dimensions_are_refused() -> None:
    with pytest.raises(RunError, match="taste"):
        registry.method("sam", {"dimensions": 2, "taste": 1})
    with pytest.raises(RunError, match="not in 4"):
        registry.method("sam", {"dimensions": 4})


def test_a_picture_made_by_hand_has_places_where_it_shows_something() -> None:
    from samdesk.core.radiograph import Radiograph
    from samdesk.training.data.pictures import prepared

    array = np.zeros((100, 100), np.float32)
    array[:, 50:] = np.random.default_rng(0).normal(size=(100, 50))
    made = prepared("half", Radiograph(array), 200)
    assert tuple(made.values.shape) == (200, 200)
    assert float(made.places[:, 0].min()) > 60
