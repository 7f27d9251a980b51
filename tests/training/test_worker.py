"""A run from plan to model folder, as a program."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - its own manual says sitk

from samdesk.core.runs import RunEvent, RunPlan
from samdesk.model import manifest

SETTINGS = {"channels": [8, 8, 8, 8], "size": 8, "pairs": 1, "n_negatives": 128, "n_pool": 128}


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """A CT-like block of smooth noise in a body, large enough for the patches."""
    rng = np.random.default_rng(0)
    coarse = rng.normal(40, 60, (13, 11, 13)).astype(np.float32)
    fine = sitk.Expand(sitk.GetImageFromArray(coarse), [8, 8, 8], sitk.sitkLinear)
    fine.SetSpacing((2.5, 2.5, 2.5))
    path = tmp_path / "made.nii.gz"
    sitk.WriteImage(sitk.Cast(fine, sitk.sitkInt16), str(path))
    return path


def work(plan: RunPlan, folder: Path) -> tuple[int, list[RunEvent]]:
    """Run a plan to its end; the standard input stays open, since its end is an order to stop."""
    folder.mkdir()
    path = folder / "plan.json"
    path.write_text(plan.to_json(), encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, "-m", "samdesk", "--worker", str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"SAMDESK_NICE": "0"},
    ) as worker:
        assert worker.stdout is not None
        events = [RunEvent.from_json(line) for line in worker.stdout]
    return worker.returncode, events


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_run_ends_with_a_model_that_the_shelf_reads(scan: Path, tmp_path: Path) -> None:
    plan = RunPlan("sam", (str(scan),), SETTINGS, minutes=0.05, device="cpu", name="tiny")
    code, events = work(plan, tmp_path / "run")
    assert code == 0, events[-1]
    assert [e.kind for e in events][-3:] == ["saved", "exported", "ended"]
    info = manifest.read(tmp_path / "run" / "export" / "tiny")
    assert info.fine_size == 8
    assert info.sha256 == events[-2].values["sha256"]
    assert float(events[-2].values["least_cosine"]) >= 0.9999
    lines = (tmp_path / "run" / "events.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == len(events)


@pytest.mark.slow
def test_a_plan_with_an_unknown_setting_is_refused_in_a_sentence(tmp_path: Path) -> None:
    code, events = work(RunPlan("sam", ("nowhere.nii",), {"taste": 1}), tmp_path / "run")
    assert code == 3
    assert events[-1].kind == "broken"
    assert "taste" in events[-1].values["what"]
