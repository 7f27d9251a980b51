"""`samdesk train`: what it refuses before anything starts, and the plan it writes."""

import sys
from pathlib import Path

import pytest

from samdesk.app import exit_codes
from samdesk.app.cli import run
from samdesk.app.commands.train import expanded, worker_command
from samdesk.errors import UsageError


def test_a_folder_of_volume_files_is_as_many_scans(tmp_path: Path) -> None:
    for name in ("b.nii.gz", "a.nrrd", "notes.txt"):
        (tmp_path / name).write_bytes(b"x")
    assert [Path(p).name for p in expanded([str(tmp_path)])] == ["a.nrrd", "b.nii.gz"]


def test_a_folder_without_volume_files_is_one_scan(tmp_path: Path) -> None:
    (tmp_path / "IM0001").write_bytes(b"x")
    assert expanded([str(tmp_path), "phantom:3"]) == [str(tmp_path), "phantom:3"]


@pytest.mark.parametrize("wrong", ["phantom:many", "no/such/scan.nii"])
def test_data_that_is_not_there_is_named(wrong: str) -> None:
    with pytest.raises(UsageError, match=wrong.split("/")[0]):
        expanded([wrong])


def test_an_unknown_method_is_wrong_usage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", "--method", "alchemy", "--data", "phantom:1", "--out", str(tmp_path / "run")]
    assert run(words) == exit_codes.USAGE
    assert "alchemy" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_nothing_to_train_on_is_wrong_usage(tmp_path: Path) -> None:
    assert run(["train", "--method", "sam", "--out", str(tmp_path / "run")]) == exit_codes.USAGE


def test_a_run_is_never_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "plan.json").write_text("{}", encoding="utf-8")
    words = ["train", "--method", "sam", "--data", "phantom:1", "--out", str(tmp_path)]
    assert run(words) == exit_codes.USAGE
    assert "--resume" in capsys.readouterr().err
    assert (tmp_path / "plan.json").read_text(encoding="utf-8") == "{}"


def test_resuming_what_never_began_is_wrong_usage(tmp_path: Path) -> None:
    words = ["train", "--method", "sam", "--out", str(tmp_path / "none"), "--resume"]
    assert run(words) == exit_codes.USAGE


def test_a_config_that_is_no_plan_is_refused(tmp_path: Path) -> None:
    (tmp_path / "wrong.json").write_text("{}", encoding="utf-8")
    words = ["train", "--method", "sam", "--config", str(tmp_path / "wrong.json"), "--out", "run"]
    assert run(words) == exit_codes.REFUSED


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_data_that_cannot_be_used_ends_with_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty.nii").write_bytes(b"")
    words = ["train", "--method", "sam", "--data", str(tmp_path), "--out", str(tmp_path / "run")]
    assert run([*words, "--minutes", "0.01"]) == exit_codes.REFUSED
    assert "could be used" in capfd.readouterr().err


def test_the_worker_is_the_same_program(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = Path("plan.json")
    assert worker_command(plan) == [sys.executable, "-m", "samdesk", "--worker", "plan.json"]
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert worker_command(plan) == [sys.executable, "--worker", "plan.json"]
