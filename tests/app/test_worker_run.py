"""A plan runs in a process of its own: its result, its refusal, its crash, a stop."""

import sys
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from samdesk.app import worker_run
from samdesk.core.progress import Progress
from samdesk.core.runs import RunPlan
from samdesk.errors import ReadError, RunError
from samdesk.io.base import finish

TALKS = """
import sys, pathlib
folder = pathlib.Path(sys.argv[1]).parent
(folder / "runs.txt").open("a").write("x")
print('{"kind": "trained", "step": 3, "seconds": 1.0, "values": {"loss": 0.5}}')
print('{"kind": "result", "step": 3, "seconds": 2.0, "values": {"dice": 0.75}}')
"""
REFUSES = """
import sys
print('{"kind": "broken", "values": {"what": "No masks.", "code": "files-missing"}}')
sys.exit(3)
"""
WAITS = """
import sys, time, pathlib
print('{"kind": "trained", "step": 1, "seconds": 1.0, "values": {}}', flush=True)
sys.stdin.read()
pathlib.Path(sys.argv[1]).with_name("left.txt").write_text("told")
"""
PLAN = RunPlan(method="made", data=(), minutes=1.0)


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a script in the worker's place; its text is written by the test."""
    script = tmp_path / "worker.py"
    monkeypatch.setattr(
        worker_run, "worker_command", lambda plan: [sys.executable, str(script), str(plan)]
    )
    return script


def heard(steps: Generator[Progress, None, dict[str, Any]]) -> tuple[list[Progress], Any]:
    """Move steps to their end and give what they told and their result."""
    told: list[Progress] = []
    while True:
        try:
            told.append(next(steps))
        except StopIteration as end:
            return told, end.value


def test_the_result_comes_back_and_is_not_made_twice(worker: Path, tmp_path: Path) -> None:
    worker.write_text(TALKS)
    folder = tmp_path / "run"
    told, result = heard(worker_run.run_worker(PLAN, folder))
    assert result == {"dice": 0.75}
    assert any("loss 0.5" in progress.doing for progress in told)
    assert told[-1].share == pytest.approx(2 / 60, abs=0.01)
    assert finish(worker_run.run_worker(PLAN, folder)) == {"dice": 0.75}
    assert (folder / "runs.txt").read_text() == "x"


def test_another_plan_empties_the_folder(worker: Path, tmp_path: Path) -> None:
    worker.write_text(TALKS)
    finish(worker_run.run_worker(PLAN, tmp_path / "run"))
    other = RunPlan(method="made", data=(), minutes=1.0, seed=1)
    assert finish(worker_run.run_worker(other, tmp_path / "run")) == {"dice": 0.75}
    assert (tmp_path / "run" / "runs.txt").read_text() == "x"


def test_a_refusal_and_a_crash_are_errors_with_a_reason(worker: Path, tmp_path: Path) -> None:
    worker.write_text(REFUSES)
    with pytest.raises(ReadError, match="No masks"):
        finish(worker_run.run_worker(PLAN, tmp_path / "run"))
    worker.write_text("import sys; sys.exit(9)")
    with pytest.raises(RunError, match="code 9"):
        finish(worker_run.run_worker(PLAN, tmp_path / "run"))
    worker.write_text("")
    with pytest.raises(RunError, match="without a result"):
        finish(worker_run.run_worker(PLAN, tmp_path / "run"))


def test_a_stop_is_heard_by_the_worker_within_its_patience(worker: Path, tmp_path: Path) -> None:
    worker.write_text(WAITS)
    steps = worker_run.run_worker(PLAN, tmp_path / "run")
    while "step 1" not in next(steps).doing:
        pass
    steps.close()
    for _ in range(100):
        if (tmp_path / "run" / "left.txt").exists():
            break
        time.sleep(0.02)
    assert not (tmp_path / "run" / "result.json").exists()


def test_a_worker_that_is_deaf_is_ended(worker: Path, tmp_path: Path) -> None:
    worker.write_text(WAITS.replace("sys.stdin.read()", "time.sleep(60)"))
    steps = worker_run.run_worker(PLAN, tmp_path / "run")
    while "step 1" not in next(steps).doing:
        pass
    steps.close()
    assert not (tmp_path / "run" / "left.txt").exists()
