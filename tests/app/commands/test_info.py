"""`samdesk info`, as a program would call it and as a person would read it."""

import json
from pathlib import Path
from typing import Any

import pytest

from samdesk.app import cli, exit_codes
from tests.io.dicom import made
from tests.io.dicom.made import ct_slice, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder without the logs and settings that samdesk writes."""
    path = tmp_path / "cd"
    path.mkdir()
    return path


def answer(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, Any, str]:
    code = cli.run(["info", *words, "--json"])
    out = capsys.readouterr()
    return code, json.loads(out.out), out.err


def test_a_sound_folder_is_told_without_warnings(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, [ct_slice(k) for k in range(5)])
    code, told, _ = answer(capsys, str(folder))
    assert code == exit_codes.DONE
    (scan,) = told["scans"]
    assert scan["size"] == [5, 12, 10]
    assert scan["spacing_mm"] == [2.0, 1.5, 1.5]
    assert (scan["orientation"], scan["unit"], scan["modality"]) == ("LPH", "HU", "CT")
    assert scan["warnings"] == []
    assert told["skipped"] == []
    assert (told["patients"], told["studies"]) == (1, 1)


def test_warnings_and_skipped_files_are_told_with_code_sentence_and_number(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, [ct_slice(k, RescaleSlope="0") for k in range(6) if k != 2])
    (folder / "IM003").write_bytes(b"")
    code, told, _ = answer(capsys, str(folder))
    assert code == exit_codes.DONE
    found = {warning["code"]: warning for warning in told["scans"][0]["warnings"]}
    assert set(found) == {"missing-slices", "slices-left-out", "rescale-invalid"}
    assert found["missing-slices"]["number"] == 2
    assert "mm" in found["missing-slices"]["sentence"]
    (skipped,) = told["skipped"]
    assert skipped["code"] == "empty-file"
    assert skipped["path"].endswith("IM003")


def test_headers_alone_are_enough_where_they_are_asked_for(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, [ct_slice(k) for k in range(5)])
    code, told, _ = answer(capsys, "--headers", str(folder))
    assert code == exit_codes.DONE
    assert told["scans"][0]["size"] == [5, 12, 10]
    assert told["scans"][0]["unit"] is None


def test_nothing_to_open_ends_with_three_and_says_why(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "notes.txt").write_text("nothing\n")
    code, told, err = answer(capsys, str(folder))
    assert code == exit_codes.REFUSED
    assert told["scans"] == []
    assert {one["code"] for one in told["skipped"]} == {"nothing-to-open", "not-recognised"}
    assert json.loads(err)["code"] == "nothing-to-open"


def test_a_path_that_is_not_there_is_a_part_that_is_missing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there = write(folder / "a", [ct_slice(k) for k in range(3)])
    code, told, _ = answer(capsys, str(there), str(folder / "gone"))
    assert code == exit_codes.PART
    assert [one["code"] for one in told["skipped"]] == ["files-missing"]


def test_a_series_that_cannot_be_decoded_is_skipped_by_name(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = made.compressed(ct_slice(0), [b"\xff\xd8rubbish!\xff\xd9"])
    write(folder, [damaged], "1.2.840.10008.1.2.4.80")
    code, told, _ = answer(capsys, str(folder))
    assert code == exit_codes.REFUSED
    assert [one["code"] for one in told["skipped"]] == ["pixels-damaged"]


def test_names_are_told_only_where_they_are_asked_for(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, [ct_slice(k) for k in range(3)])
    assert cli.run(["info", str(folder)]) == exit_codes.DONE
    told = capsys.readouterr().out
    assert "Patient 1" in told
    assert "MADE" not in told
    assert "10 x 12 x 3, 1.5 x 1.5 x 2 mm, LPH, HU" in told
    cli.run(["info", "--names", str(folder)])
    assert "MADE^UP, T-1" in capsys.readouterr().out
    _, answered, _ = answer(capsys, "--names", str(folder))
    assert answered["scans"][0]["patient_name"] == "MADE^UP"


def test_a_person_reads_warnings_and_what_was_not_opened(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, [ct_slice(k) for k in range(6) if k != 2])
    (folder / "notes.txt").write_text("nothing\n")
    assert cli.run(["info", str(folder)]) == exit_codes.DONE
    told = capsys.readouterr().out
    assert "missing-slices: 1 slice(s) are missing at z = 4.0 mm" in told
    assert "Not opened: 1" in told
    assert "not-recognised" in told


def test_a_radiograph_says_what_its_scale_rests_on(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nothing = dict.fromkeys(("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"))
    ds = ct_slice(0, Modality="DX", ImagerPixelSpacing=["0.2", "0.3"], **nothing)
    write(folder, [ds])
    _, told, _ = answer(capsys, str(folder))
    (scan,) = told["scans"]
    assert (scan["kind"], scan["scale"]) == ("picture", "at the detector")
    assert scan["spacing_mm"] == [0.2, 0.3]
    assert scan["size"] == [12, 10]
    cli.run(["info", str(folder)])
    assert "0.3 x 0.2 mm, scale: at the detector" in capsys.readouterr().out
