"""Few-label runs: the same scans and patches for every arm, and a start that is copied by name."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - its own manual says sitk
import torch
from safetensors.torch import save_file

from samdesk.core.runs import RunEvent, RunPlan
from samdesk.errors import RunError, Stopped
from samdesk.training import masks, transfer
from samdesk.training.networks.sam import SamNetwork
from samdesk.training.networks.segmenter import Segmenter, copy_trunk, unfolded
from samdesk.training.networks.stem import SpaceToDepth
from samdesk.training.orders import Orders

CHANNELS = (8, 8, 8, 8)


class Willing(Orders):
    """Orders that never come."""

    def __init__(self) -> None:
        self.stopped = False
        self.paused = False


def written(folder: Path, name: str, at: int, *, moved_mm: float = 0.0) -> tuple[str, str]:
    """A bright ball in a block, and its mask."""
    k, j, i = np.mgrid[:32, :32, :32]
    ball = (k - 16) ** 2 + (j - 16) ** 2 + (i - at) ** 2 < 36
    rng = np.random.default_rng(at)
    values = np.where(ball, 250, 20) + rng.normal(0, 10, ball.shape)
    out = []
    for kind, array in (("", values.astype(np.int16)), ("_seg", ball.astype(np.int16) * 5)):
        image = sitk.GetImageFromArray(array)
        image.SetSpacing((2.5, 2.5, 2.5))
        image.SetOrigin((moved_mm if kind else 0.0, 0.0, 0.0))
        path = folder / f"{name}{kind}.nii.gz"
        sitk.WriteImage(image, str(path))
        out.append(str(path))
    return out[0], out[1]


def plan_for(folder: Path, **settings: Any) -> RunPlan:
    pairs = [written(folder, f"scan{n}", at) for n, at in enumerate((10, 16, 22))]
    images, marks = [p[0] for p in pairs], [p[1] for p in pairs]
    given = {
        "masks": marks[:2],
        "classes": {"ball": [5, 900]},
        "runs": [[1, 0], [2, 1]],
        "test_images": images[2:],
        "test_masks": marks[2:],
        "validation_masks": marks[2:],
        "channels": list(CHANNELS),
        "size": 8,
        "steps": 60,
        "patch": [32, 32, 32],
        "measured": 2,
        "learning_rate": 1e-2,
    } | settings
    return RunPlan("segment", tuple(images[:2]), given, device="cpu", validation=tuple(images[2:]))


def test_a_run_learns_from_few_scans_and_is_not_done_twice(tmp_path: Path) -> None:
    events: list[RunEvent] = []
    plan = plan_for(tmp_path)
    transfer.segment(plan, tmp_path, Willing(), events.append)
    made = json.loads((tmp_path / "runs" / "2-1.json").read_text(encoding="utf-8"))
    assert made["dice"][0][0] > 0.7
    assert made["copied"] == 0
    assert [step for step, _ in made["validation"]] == [30, 60]
    assert made["loss"][-1][1] < made["loss"][0][1]
    assert len(made["scans"]) == 2
    assert events[-1].kind == "result"
    assert events[-1].values["runs"] == ["1-0.json", "2-1.json"]
    stamp = (tmp_path / "runs" / "1-0.json").stat().st_mtime_ns
    transfer.segment(plan, tmp_path, Willing(), events.append)
    assert (tmp_path / "runs" / "1-0.json").stat().st_mtime_ns == stamp


def test_arms_differ_in_their_start_only(tmp_path: Path) -> None:
    torch.manual_seed(7)
    sam = SamNetwork(2, CHANNELS, 8)
    start = tmp_path / "checkpoint.safetensors"
    save_file({f"average.{k}": v.contiguous() for k, v in sam.state_dict().items()}, str(start))
    plan = plan_for(tmp_path, steps=2, runs=[[1, 3]], validation_masks=[])
    made = {}
    for arm, begin in (("none", ""), ("sam", str(start))):
        folder = tmp_path / arm
        folder.mkdir()
        changed = RunPlan("segment", plan.data, plan.settings, device="cpu", start=begin)
        transfer.segment(changed, folder, Willing(), lambda _: None)
        made[arm] = json.loads((folder / "runs" / "1-3.json").read_text(encoding="utf-8"))
    assert made["none"]["scans"] == made["sam"]["scans"]
    assert made["none"]["copied"] == 0
    assert made["sam"]["copied"] > 40


def test_the_copied_part_is_gentle_at_first() -> None:
    network = Segmenter(2, CHANNELS, 8, 2)
    parameters = list(network.parameters())
    optimizer = torch.optim.AdamW([{"params": parameters[:1]}, {"params": parameters[1:]}], lr=1.0)
    settings = transfer.SegmentSettings((), {}, (), (), (), steps=100)
    transfer._set_rates(optimizer, settings, 9, n_copied=3)
    new, copied = (group["lr"] for group in optimizer.param_groups)
    assert copied == pytest.approx(new / 10)
    transfer._set_rates(optimizer, settings, 10, n_copied=3)
    assert optimizer.param_groups[0]["lr"] == optimizer.param_groups[1]["lr"]


def test_the_trunk_is_that_of_the_sam_network() -> None:
    torch.manual_seed(1)
    sam, own = SamNetwork(2, CHANNELS, 8).eval(), Segmenter(2, CHANNELS, 8, 3).eval()
    before = own.head.weight.clone()
    copied = copy_trunk(own, sam.state_dict())
    x = torch.randn(1, 2, 32, 32, 32)
    with torch.no_grad():
        s = sam.fold(x)
        stages = [s := layer(s) for layer in (sam.stage1, sam.stage2, sam.stage3, sam.stage4)]
        assert torch.equal(sam.fine_pyramid(stages)[0], own.fine_pyramid(own.stages(x))[0])
        assert own(x).shape == (1, 3, 32, 32, 32)
    assert torch.equal(own.head.weight, before)
    assert not any(name.startswith("head") for name in copied)


def test_unfolding_undoes_the_stem() -> None:
    x = torch.randn(2, 3, 4, 6, 8)
    assert torch.equal(unfolded(SpaceToDepth()(x)), x)


def test_loss_and_dice_are_best_where_the_answer_is_right() -> None:
    truth = torch.zeros(1, 16, 16, 16, dtype=torch.long)
    truth[:, 4:8] = 1
    right = torch.nn.functional.one_hot(truth, 3).permute(0, 4, 1, 2, 3).float() * 20
    assert float(masks.loss_of(right, truth)) < 0.01
    assert float(masks.loss_of(right.flip(1), truth)) > 1
    assert float(masks.loss_of(right, torch.zeros_like(truth))) > 1  # no class shown
    assert masks.dice(truth[0], truth[0], 2) == [1.0, None]
    shifted = truth[0].roll(2, 0)
    assert masks.dice(shifted, truth[0], 1) == [0.5]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"taste": 1}, "no setting named taste"),
        ({"runs": [[9, 0]]}, "wants 9 labelled"),
        ({"masks": []}, "0 masks"),
        ({"layout": "card.md"}, "damaged or missing"),
    ],
)
def test_a_plan_that_cannot_be_done_is_refused(
    tmp_path: Path, settings: dict[str, Any], words: str
) -> None:
    plan = plan_for(tmp_path, **settings)
    with pytest.raises(RunError, match=words):
        transfer.segment(plan, tmp_path, Willing(), lambda _: None)


def test_a_mask_that_lies_elsewhere_is_named(tmp_path: Path) -> None:
    plan = plan_for(tmp_path)
    written(tmp_path, "scan1", 16, moved_mm=40.0)
    with pytest.raises(RunError, match=r"scan1_seg\.nii\.gz.*40\.0 mm"):
        transfer.segment(plan, tmp_path, Willing(), lambda _: None)


def test_a_scan_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    plan = plan_for(tmp_path)
    Path(plan.data[1]).write_bytes(b"nothing")
    with pytest.raises(RunError, match=r"scan1\.nii\.gz cannot be used"):
        transfer.segment(plan, tmp_path, Willing(), lambda _: None)


def test_a_start_of_another_layout_is_refused(tmp_path: Path) -> None:
    start = tmp_path / "checkpoint.safetensors"
    sam = SamNetwork(2, (16, 8, 8, 8), 8)
    save_file({f"average.{k}": v.contiguous() for k, v in sam.state_dict().items()}, str(start))
    plan = plan_for(tmp_path, validation_masks=[])
    other = RunPlan("segment", plan.data, plan.settings, device="cpu", start=str(start))
    with pytest.raises(RunError, match=r"another layout: stage1\.0\.weight"):
        transfer.segment(other, tmp_path, Willing(), lambda _: None)
    fitting = plan.settings | {"layout": str(start), "steps": 1, "runs": [[1, 0]]}
    last = RunPlan("segment", plan.data, fitting, device="cpu", start=str(start))
    transfer.segment(last, tmp_path, Willing(), lambda _: None)
    assert (tmp_path / "runs" / "1-0.json").exists()


def test_a_stop_is_obeyed(tmp_path: Path) -> None:
    gone = Orders(io.StringIO("stop\n"), leave_by_force=False)
    while not gone.stopped:
        pass
    with pytest.raises(Stopped):
        transfer.segment(plan_for(tmp_path), tmp_path, gone, lambda _: None)
    assert not list((tmp_path / "runs").glob("*.json") if (tmp_path / "runs").exists() else [])
