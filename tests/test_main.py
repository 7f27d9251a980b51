"""The front door: what is opened for which words."""

import subprocess
import sys
from pathlib import Path

import pytest

from samdesk import __main__ as front
from samdesk.app import exit_codes


def test_a_worker_is_started_with_its_plan_and_without_the_command_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plans: list[Path] = []

    def work(plan: Path) -> int:
        plans.append(plan)
        return 0

    monkeypatch.setattr("samdesk.training.worker.main", work)
    assert front.main(["--worker", "run/plan.json"]) == 0
    assert plans == [Path("run/plan.json")]


def test_a_worker_without_a_plan_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert front.main(["--worker"]) == exit_codes.USAGE
    assert "--worker" in capsys.readouterr().err


def test_the_module_is_the_program(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "samdesk", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("samdesk ")
