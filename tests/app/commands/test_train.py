"""`samdesk train`: what it refuses before anything starts, and the plan it writes."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from samdesk.app import exit_codes
from samdesk.app.cli import run
from samdesk.app.training_data import dimensions, expanded
from samdesk.app.worker_process import worker_command
from samdesk.core.runs import METHODS, TASKS, RunPlan
from samdesk.errors import UsageError


def test_a_folder_of_volume_files_is_as_many_scans(tmp_path: Path) -> None:
    for name in ("b.nii.gz", "a.nrrd", "notes.txt"):
        (tmp_path / name).write_bytes(b"x")
    assert [Path(p).name for p in expanded([str(tmp_path)])] == ["a.nrrd", "b.nii.gz"]


def test_a_folder_without_volume_files_is_one_scan(tmp_path: Path) -> None:
    (tmp_path / "IM0001").write_bytes(b"x")
    assert expanded([str(tmp_path), "phantom:3"]) == [str(tmp_path), "phantom:3"]


def test_a_folder_of_pictures_and_projections_is_spread_out(tmp_path: Path) -> None:
    for name in ("b.PNG", "a.jpg", "ct.nii.gz", "notes.txt"):
        (tmp_path / name).write_bytes(b"x")
    found = [Path(p).name for p in expanded([str(tmp_path)])]
    assert found == ["a.jpg", "b.PNG", "ct.nii.gz"]
    assert expanded([f"drr:{tmp_path}"]) == [f"drr:{tmp_path / 'ct.nii.gz'}"]


def test_pictures_and_projections_are_learned_in_two_dimensions(tmp_path: Path) -> None:
    Image.fromarray(np.eye(20, dtype=np.uint8)).save(tmp_path / "film.png")
    (tmp_path / "film").write_bytes((tmp_path / "film.png").read_bytes())
    assert dimensions(["a.nii.gz", "phantom:2"]) == 3
    assert dimensions(["a.png", "drr:ct.nii.gz"]) == 2
    # without an ending, the file itself tells
    assert dimensions([str(tmp_path / "film")]) == 2
    with pytest.raises(UsageError, match=r"a\.nii\.gz is no radiograph"):
        dimensions(["a.nii.gz", "b.png"])


def test_the_plan_of_pictures_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.fromarray(np.eye(20, dtype=np.uint8)).save(tmp_path / "film.png")
    monkeypatch.setattr("samdesk.app.commands.train._follow", lambda *_: 0)
    words = ["train", "--method", "sam", "--data", str(tmp_path), "--out", str(tmp_path / "run")]
    assert run(words) == 0
    plan = RunPlan.from_json((tmp_path / "run" / "plan.json").read_text(encoding="utf-8"))
    assert plan.settings == {"dimensions": 2}


def test_the_methods_of_the_command_are_those_of_the_registry() -> None:
    from samdesk.training import registry

    assert set(METHODS) == set(registry.METHODS)
    assert set(TASKS) == set(registry.TASKS)


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


def test_the_plan_of_mr_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "knee.nii.gz").write_bytes(b"x")
    monkeypatch.setattr("samdesk.app.commands.train._follow", lambda *_: 0)
    words = ["train", "--method", "sam", "--data", str(tmp_path), "--out", str(tmp_path / "run")]
    assert run([*words, "--modality", "mr"]) == 0
    plan = RunPlan.from_json((tmp_path / "run" / "plan.json").read_text(encoding="utf-8"))
    assert plan.settings == {"modality": "MR"}


@pytest.mark.parametrize(
    ("method", "modality", "says"),
    [("sam", "US", "nothing that learns US"), ("mae", "MR", "by the method sam, from volumes")],
)
def test_a_modality_that_nothing_learns_is_wrong_usage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], method: str, modality: str, says: str
) -> None:
    words = ["train", "--method", method, "--data", "phantom:1", "--out", str(tmp_path / "run")]
    assert run([*words, "--modality", modality]) == exit_codes.USAGE
    assert says in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
