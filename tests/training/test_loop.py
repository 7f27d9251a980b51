"""The loop: it resumes where it was, tells what it does, and stops at nonsense."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from samdesk.core.runs import RunEvent, RunPlan
from samdesk.errors import RunError
from samdesk.training import checkpoint, device, loop, registry
from samdesk.training.data.pairs import PairSettings, PairSource
from tests.training.made import blob_scan

SETTINGS = {"channels": [8, 8, 8, 8], "size": 8, "pairs": 1, "n_negatives": 128, "n_pool": 128}
PLAN = RunPlan("sam", ("made",), SETTINGS, minutes=100.0, seed=3, device="cpu")


@pytest.fixture(autouse=True)
def small_patches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two cores are all there is; and float32, since bf16 on maps so small is not exact."""
    monkeypatch.setattr(device, "_bf16_is_fast", lambda: False)


def source(rng: torch.Generator) -> PairSource:
    return PairSource([blob_scan()], 2.5, PairSettings(n_places=32, shapes=((32, 32, 32),)), rng)


def steps(n: int) -> Callable[[], bool]:
    """Say yes n times."""
    left = iter(range(n))
    return lambda: next(left, None) is not None


def run(
    folder: Path, n: int, plan: RunPlan = PLAN, *, resume: bool = False
) -> tuple[list[RunEvent], checkpoint.State]:
    generator = loop.train(
        plan,
        registry.method(plan.method, plan.settings),
        folder,
        source,
        keep_going=steps(n),
        resume=resume,
    )
    events = []
    while True:
        try:
            events.append(next(generator))
        except StopIteration as end:
            return events, end.value


def test_a_resumed_run_equals_the_unbroken_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The rate follows the clock, which no two runs share; here it is held still.
    monkeypatch.setattr(loop, "learning_rate", lambda rate, step, share: 1e-3)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    whole.mkdir()
    broken.mkdir()
    _, unbroken = run(whole, 4)
    run(broken, 2)
    _, resumed = run(broken, 2, resume=True)
    assert resumed.step == unbroken.step == 4
    for name, tensor in unbroken.network.state_dict().items():
        torch.testing.assert_close(resumed.network.state_dict()[name], tensor, atol=0, rtol=0)


def test_the_events_begin_with_the_device_and_end_saved(tmp_path: Path) -> None:
    events, _ = run(tmp_path, 1)
    assert [event.kind for event in events] == ["started", "saving", "saved"]
    assert events[0].values["device"].startswith("CPU")
    assert (tmp_path / loop.CHECKPOINT).exists()


def test_a_loss_that_is_no_number_ends_the_run(tmp_path: Path) -> None:
    plan = replace(PLAN, settings={**SETTINGS, "tau": 0.0})
    with pytest.raises(RunError, match="stopped being a number"):
        run(tmp_path, 9, plan)


def test_the_rate_warms_up_and_falls() -> None:
    assert loop.learning_rate(1.0, 0, 0.0) < 0.05
    assert loop.learning_rate(1.0, 1000, 0.0) == pytest.approx(1.0)
    assert loop.learning_rate(1.0, 1000, 1.0) == pytest.approx(0.01)


def test_cuda_that_is_not_there_is_said() -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    with pytest.raises(RunError, match="no CUDA device"):
        device.pick_device("cuda")


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    path = tmp_path / loop.CHECKPOINT
    path.write_bytes(b"not safetensors")
    with pytest.raises(RunError, match="damaged or missing"):
        checkpoint.weights(path)


def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    run(tmp_path, 1)
    plan = replace(PLAN, settings={**SETTINGS, "size": 16})
    with pytest.raises(RunError, match="another network"):
        run(tmp_path, 1, plan, resume=True)
