"""Arms run side by side, end or fail by themselves, and are kept."""

import json
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samdesk.core.progress import Progress
from samdesk.core.runs import RunPlan
from samdesk.errors import RunError, Stopped
from samdesk.evaluation import few_labels
from samdesk.evaluation.evaluations import Request
from samdesk.evaluation.few_labels import ARMS, Arm, run_arms, side_by_side
from samdesk.evaluation.kept import Kept
from samdesk.evaluation.organ_sets import MAE, SAM, SCRATCH, Masked, OrganSet
from samdesk.io.registry import run

Worker = Callable[[RunPlan, Path], Generator[Progress, None, dict[str, Any]]]


def request(out: Path, worker: Worker, **changes: Any) -> Request:
    given: dict[str, Any] = {
        "data": None,
        "out": out,
        "model": "",
        "models": (),
        "device": "cpu",
        "method": "sam",
        "is_quick": False,
        "seeds": 0,
        "kept": Kept(out / "kept"),
        "run_worker": worker,
    }
    return Request(**given | changes)


def organs(folder: Path) -> OrganSet:
    one = Masked(folder / "a.nii.gz", folder / "a_seg.nii.gz")
    return OrganSet(
        name="tiny",
        title="Tiny",
        pool=(one, one),
        curve=(one,),
        test={"first": (one, one), "second": (one,)},
        classes={"ball": (5,), "cube": (6,)},
        sizes=(1, 2),
        settings={"steps": 1},
        pretraining={
            SAM: RunPlan("sam", ("a",), {}, minutes=1.0),
            MAE: RunPlan("mae", ("a",), {}, minutes=1.0),
        },
    )


def fake_worker(calls: list[str], failing: str = "") -> Worker:
    """A worker that writes what a real one writes: SAM is better than the others by 0.1."""

    def work(plan: RunPlan, folder: Path) -> Generator[Progress, None, dict[str, Any]]:
        calls.append(folder.name)
        yield Progress(1, 2, "working")
        folder.mkdir(parents=True, exist_ok=True)
        if folder.name == failing:
            raise RunError("The training process ended with code 9 and gave no reason.")
        if plan.method != "segment":
            (folder / few_labels.CHECKPOINT).write_bytes(plan.method.encode())
            told = {"kind": "evaluated", "step": 7, "seconds": 30, "values": {"held_out_loss": 0.5}}
            (folder / few_labels.EVENTS).write_text(json.dumps(told) + "\n", encoding="utf-8")
            return {}
        (folder / "runs").mkdir(exist_ok=True)
        for size, seed in plan.settings["runs"]:
            level = 0.5 + 0.05 * size + 0.01 * seed + (0.1 if "sam" in folder.name else 0.0)
            value = {
                "dice": [[level, None], [level, level], [level - 0.2, 0.0]],
                "loss": [[10, 1.0], [20, 0.5]],
                "validation": [[20, level]],
            }
            text = json.dumps(value)
            (folder / "runs" / f"{size}-{seed}.json").write_text(text, encoding="utf-8")
        return {"runs": []}

    return work


def test_all_arms_get_the_same_runs_and_are_kept(tmp_path: Path) -> None:
    calls: list[str] = []
    asked = request(tmp_path, fake_worker(calls))
    arms = run(run_arms(asked, organs(tmp_path), 3))
    assert sorted(calls[:2]) == ["learn-mae", "learn-sam"]
    assert set(arms) == set(ARMS)
    assert {len(arm.runs) for arm in arms.values()} == {6}
    assert arms[SAM].learned["steps"] == 7
    assert arms[SAM].learned["held_out_loss"] == 0.5
    assert arms[SCRATCH].learned == {}
    gap = arms[SAM].dice(2, 3, slice(0, 2)) - arms[SCRATCH].dice(2, 3, slice(0, 2))
    assert gap.shape == (3, 2)
    assert np.allclose(gap, 0.1)
    assert arms[SAM].by_class(1, 3, slice(0, 2), 1) == pytest.approx(0.66)
    calls.clear()
    again = run(run_arms(asked, organs(tmp_path), 3))
    assert not [name for name in calls if name.startswith("segment")]
    assert again[SAM].runs == arms[SAM].runs


def test_other_weights_are_other_runs(tmp_path: Path) -> None:
    calls: list[str] = []
    asked = request(tmp_path, fake_worker(calls))
    given = organs(tmp_path)
    run(run_arms(asked, given, 2))
    calls.clear()
    start = tmp_path / "runs" / "tiny" / "learn-sam" / few_labels.CHECKPOINT
    key = few_labels._digest({}, str(start))
    start.write_bytes(b"other")
    assert few_labels._digest({}, str(start)) != key


@pytest.mark.parametrize(("failing", "arm"), [("learn-mae", MAE), ("segment-sam", SAM)])
def test_an_arm_that_fails_is_reported_and_ends_no_other(
    tmp_path: Path, failing: str, arm: str
) -> None:
    arms = run(run_arms(request(tmp_path, fake_worker([], failing)), organs(tmp_path), 2))
    assert "code 9" in arms[arm].failure
    assert not arms[arm].runs
    assert all(len(other.runs) == 4 for label, other in arms.items() if label != arm)


def test_a_stop_closes_what_runs_beside() -> None:
    closed = []

    def endless() -> Generator[Progress, None, dict[str, Any]]:
        try:
            while True:
                yield Progress(0, 1)
        finally:
            closed.append(True)

    def stopped() -> Generator[Progress, None, dict[str, Any]]:
        yield Progress(0, 1)
        raise Stopped("Enough.", code="stopped")

    with pytest.raises(Stopped):
        run(side_by_side({"a": endless(), "b": stopped()}, 2, "x"))
    assert closed == [True]


def test_no_more_run_at_once_than_there_is_room_for() -> None:
    moving: set[str] = set()
    most = []

    def steps(name: str) -> Generator[Progress, None, dict[str, Any]]:
        moving.add(name)
        for n in range(3):
            most.append(len(moving))
            yield Progress(n, 3)
        moving.discard(name)
        return {"name": name}

    ended = run(side_by_side({n: steps(n) for n in "abcd"}, 2, "x"))
    assert max(most) == 2
    assert [ended[n] for n in "abcd"] == [{"name": n} for n in "abcd"]
    assert few_labels.cores() >= 1


def test_an_arm_that_learned_nothing_here_has_no_facts(tmp_path: Path) -> None:
    assert few_labels._learned(tmp_path) == {}
    assert Arm(SAM, {}, {}).failure == ""
