"""The supervised baseline: its decoding, its augmentation, and a run from plan to predictions."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from samdesk.core.runs import RunEvent, RunPlan
from samdesk.errors import RunError, Stopped
from samdesk.training import heatmap, registry
from samdesk.training.data import marked
from samdesk.training.data.marked import Changes
from samdesk.training.networks.unet_flat import MULTIPLE, FlatUNet
from tests.evaluation import made_radiographs as made

STILL = Changes(0, 0, 0, 0, 0, 0, 0, 0, 0)


class Orders:
    """Answers what a worker's orders would."""

    def __init__(self, steps: int = 10**6) -> None:
        self.left = steps
        self.stopped = False
        self.is_finishing = False

    def keep_going(self) -> bool:
        """Count down."""
        self.left -= 1
        self.stopped = self.left < 0
        return not self.stopped

    def finishing(self) -> None:
        """Remember it."""
        self.is_finishing = True


@pytest.fixture
def plan(tmp_path: Path) -> RunPlan:
    folder = made.write_sets(tmp_path / "data") / "xray" / "hand"
    files = [str(folder / "images" / f"{n:03d}.png") for n in range(len(made.SPLITS))]
    settings = {
        "marks": str(folder / "landmarks.csv"),
        "points": list(made.NAMES["hand"]),
        "test": files[8:],
        "steps": 40,
        "patience": 40,
        "batch": 4,
        "base": 8,
        "long_side_px": 64,
    }
    return RunPlan("heatmap", tuple(files[:6]), settings, validation=tuple(files[6:8]), seed=0,
                   device="cpu", threads=1)  # fmt: skip


def changed(plan: RunPlan, **settings: Any) -> RunPlan:
    return RunPlan(plan.method, plan.data, {**plan.settings, **settings},
                   validation=plan.validation, device="cpu", threads=1)  # fmt: skip


def run(plan: RunPlan, folder: Path, orders: Orders | None = None) -> list[RunEvent]:
    folder.mkdir(exist_ok=True)
    events: list[RunEvent] = []
    task: Callable[..., None] = registry.TASKS["heatmap"]
    task(plan, folder, orders or Orders(), events.append)
    return events


def test_a_run_learns_and_predicts_the_test_pictures(plan: RunPlan, tmp_path: Path) -> None:
    events = run(plan, tmp_path / "run")
    assert [events[0].kind, events[-1].kind] == ["started", "result"]
    result = json.loads((tmp_path / "run" / "predictions.json").read_text(encoding="utf-8"))
    curve = [point["validation_px"] for point in result["curve"]]
    assert curve[-1] < 0.8 * curve[0]
    assert result["validation_px"] == pytest.approx(min(curve), abs=2e-3)
    assert events[-1].values["best_step"] == result["best_step"]
    assert len(result["places"]) == 5  # validation and test pictures
    table = marked.read_marks(Path(plan.settings["marks"]))
    for name in ("images/008.png", "images/010.png"):
        for point in plan.settings["points"]:
            off = torch.tensor(result["places"][name][point]) - torch.tensor(table[name][point])
            assert off.norm() < 12


def test_the_same_plan_gives_the_same_predictions(plan: RunPlan, tmp_path: Path) -> None:
    short = changed(plan, steps=6, check_every=3)
    for name in ("a", "b"):
        run(short, tmp_path / name)
    first, second = (tmp_path / n / "predictions.json" for n in ("a", "b"))
    assert first.read_text(encoding="utf-8") == second.read_text(encoding="utf-8")


def test_a_run_without_progress_stops_early(plan: RunPlan, tmp_path: Path) -> None:
    still = changed(plan, learning_rate=0.0, steps=50, patience=4, check_every=2)
    assert run(still, tmp_path / "run")[-1].step < 50


def test_a_stop_ends_the_run_and_while_pictures_are_read(plan: RunPlan, tmp_path: Path) -> None:
    for n in (3, 12):
        with pytest.raises(Stopped):
            run(plan, tmp_path / "run", Orders(n))
    assert not (tmp_path / "run" / "predictions.json").exists()


@pytest.mark.parametrize(
    ("settings", "word"),
    [({"marks": "m"}, "points"), ({"marks": "m", "points": [], "taste": 1}, "taste")],
)
def test_a_plan_that_does_not_fit_is_refused(settings: dict[str, Any], word: str) -> None:
    with pytest.raises(RunError, match=word):
        heatmap.HeatmapSettings.from_plan(settings)


def test_a_loss_that_is_no_number_ends_the_run(plan: RunPlan, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="stopped being a number"):
        run(changed(plan, learning_rate=1e30), tmp_path / "run")


def test_a_plan_without_pictures_is_refused(plan: RunPlan) -> None:
    with pytest.raises(RunError, match="no pictures"):
        marked.load((), Path(plan.settings["marks"]), ("h01",), 64, MULTIPLE)


def test_the_network_gives_one_map_for_each_point_at_half_the_resolution() -> None:
    out = FlatUNet(5, 4)(torch.zeros(2, 1, 64, 96))
    assert out.shape == (2, 5, 32, 48)


def test_decoding_is_finer_than_a_cell() -> None:
    truth = torch.tensor([[[20.3, 33.8], [5.1, 60.0]]])
    cells = (truth + 0.5) / 2 - 0.5
    j, i = torch.meshgrid(torch.arange(40.0), torch.arange(30.0), indexing="ij")
    distance = (i - cells[..., 0, None, None]) ** 2 + (j - cells[..., 1, None, None]) ** 2
    assert (heatmap.decode(-distance / (2 * 1.2**2)) - truth).norm(dim=-1).max() < 0.1


def test_the_loss_is_least_at_the_truth_and_leaves_out_what_is_not_marked() -> None:
    places = torch.tensor([[[20.0, 30.0], [float("nan"), 3.0], [900.0, 3.0]]])
    j, i = torch.meshgrid(torch.arange(40.0), torch.arange(30.0), indexing="ij")

    def loss(x: float, y: float) -> float:
        logits = -((i - x) ** 2 + (j - y) ** 2) / 8
        return float(heatmap.heat_loss(logits.expand(1, 3, 40, 30), places, 1.5))

    right = (20.5 / 2 - 0.5, 30.5 / 2 - 0.5)
    assert loss(*right) < min(loss(right[0] + 3, right[1]), loss(right[0], right[1] - 3))
    nothing = heatmap.heat_loss(torch.zeros(1, 1, 40, 30), places[:, 1:2], 1.5)
    assert float(nothing) == 0.0


def test_points_go_where_the_augmented_picture_goes(tmp_path: Path) -> None:
    made.write_sets(tmp_path)
    folder = tmp_path / "xray" / "hand"
    paths = [str(folder / "images" / f"{n:03d}.png") for n in range(4)]
    pictures = marked.load(paths, folder / "landmarks.csv", made.NAMES["hand"], 80, MULTIPLE)
    # a bright dot of two pixels on each place of the first point follows the place
    dots = torch.zeros_like(pictures.array)
    j, i = torch.meshgrid(*(torch.arange(n) for n in dots.shape[2:]), indexing="ij")
    for row, (x, y) in enumerate(pictures.places[:, 0].tolist()):
        dots[row, 0] = torch.exp(-((i - x) ** 2 + (j - y) ** 2) / 8)
    shown = marked.MarkedPictures(pictures.names, 2 * dots - 1, pictures.places, pictures.scales)
    geometry = Changes(contrast=0, brightness=0, gamma=0, noise=0)
    rng = torch.Generator().manual_seed(0)
    out, places = marked.draw(shown, torch.arange(4), geometry, rng)
    weight = (out[:, 0] + 1).clamp(min=0) ** 2
    total = weight.sum((1, 2))
    seen = torch.stack([(weight * i).sum((1, 2)) / total, (weight * j).sum((1, 2)) / total], -1)
    inside = ((places[:, 0] > 6) & (places[:, 0] < torch.tensor([66.0, 74.0]))).all(-1)
    assert inside.any()
    assert (seen - places[:, 0])[inside].norm(dim=-1).max() < 0.8
    assert (places[:, 0] - pictures.places[:, 0]).norm(dim=-1).max() > 2


def test_no_change_leaves_picture_and_points(tmp_path: Path) -> None:
    made.write_sets(tmp_path)
    folder = tmp_path / "xray" / "ceph"
    paths = [str(folder / "images" / "000.png")]
    pictures = marked.load(paths, folder / "landmarks_mean.csv", ("l1", "nothing"), 80, MULTIPLE)
    rng = torch.Generator().manual_seed(0)
    out, places = marked.draw(pictures, torch.tensor([0]), STILL, rng)
    assert torch.allclose(out, pictures.array.clamp(-1, 1), atol=1e-4)
    assert torch.allclose(places[0, 0], pictures.places[0, 0], atol=1e-3)
    assert places[0, 1].isnan().all()
    table = marked.read_marks(folder / "landmarks_mean.csv")
    back = pictures.to_file(pictures.places)[0, 0]
    assert back.tolist() == pytest.approx(table["images/000.png"]["l1"], abs=1e-3)
