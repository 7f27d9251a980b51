"""`samdesk phantom` writes what cli.md promises."""

from pathlib import Path

import pytest

from samdesk.app import cli
from samdesk.app.commands import phantom as command
from samdesk.core.phantom import patient as patients
from samdesk.core.phantom.patient import Patient


@pytest.fixture(autouse=True)
def coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw in large voxels; the command itself takes each date's own spacing."""
    from dataclasses import replace

    def made(seed: int, n_timepoints: int = 3) -> Patient:
        fine = patients.make_patient(seed, n_timepoints)
        dates = tuple(replace(d, spacing_mm=(12.0, 10.0, 10.0)) for d in fine.timepoints)
        return replace(fine, timepoints=dates)

    monkeypatch.setattr(command, "make_patient", made)


def test_patients_are_numbered_on_from_the_seed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["phantom", "--out", str(tmp_path), "--seed", "0", "--timepoints", "1"]
    assert cli.run([*words, "--patients", "2", "--format", "nifti"]) == 0
    assert sorted(p.name for p in tmp_path.iterdir() if p.name.startswith("PHANTOM")) == [
        "PHANTOM-00000",
        "PHANTOM-00001",
    ]
    assert len(list(tmp_path.glob("PHANTOM-00000/*/ct.nii.gz"))) == 1
    assert "PHANTOM-00001" in capsys.readouterr().out


def test_dicom_is_written_unless_asked_otherwise(tmp_path: Path) -> None:
    assert cli.run(["phantom", "--out", str(tmp_path / "a"), "--timepoints", "1"]) == 0
    assert len(list((tmp_path / "a").glob("PHANTOM-00000/*/dicom/CT0001.dcm"))) == 1


def test_a_folder_that_is_there_is_refused_and_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there = tmp_path / "PHANTOM-00000"
    there.mkdir()
    (there / "mine.txt").write_text("mine")
    assert cli.run(["phantom", "--out", str(tmp_path)]) == 2
    assert (there / "mine.txt").read_text() == "mine"
    assert "nothing is overwritten" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--timepoints", "0"], ["--format", "png"], ["--seed", "x"]])
def test_a_wrong_word_is_wrong_usage(tmp_path: Path, words: list[str]) -> None:
    assert cli.run(["phantom", "--out", str(tmp_path), *words]) == 2
