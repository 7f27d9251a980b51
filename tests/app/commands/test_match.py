"""`samdesk match` from the files to the table, with a made model and made scans."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest

from samdesk.app import cli, paths
from samdesk.core.volume import Modality, Volume
from samdesk.model import manifest
from tests.model import made

PLACES = {"upper": (5.0, 4.0, 40.0), "lower": (5.0, 4.0, -40.0), "side": (20.0, -8.0, 30.0)}


def write_nifti(volume: Volume, path: Path) -> None:
    """Write a volume in RAS, the frame of NIfTI."""
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ volume.geometry.affine[:, [2, 1, 0, 3]]
    image = nibabel.Nifti1Image(np.asarray(volume.array).transpose(2, 1, 0), affine)
    nibabel.save(image, path)


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A template, a whole and a cropped target, one slice, a picture-like scan, and points."""
    folder = tmp_path_factory.mktemp("scans")
    whole = made.scan((64, 56, 60))
    write_nifti(whole, folder / "template.nii.gz")
    write_nifti(made.scan((56, 60, 60), 2.6, (3.0, 2.0, 1.0)), folder / "target.nii.gz")
    write_nifti(made.scan((28, 56, 60), center_mm=(0, 0, 45)), folder / "upper.nii.gz")
    write_nifti(made.scan((1, 56, 60)), folder / "slice.nii.gz")
    rows = "".join(f"{name},{x},{y},{z}\n" for name, (x, y, z) in PLACES.items())
    (folder / "points.csv").write_text("name,x,y,z\n" + rows)
    (folder / "broken.nii.gz").write_bytes((folder / "target.nii.gz").read_bytes()[:2000])
    return folder


@pytest.fixture(autouse=True)
def installed(private_folders: None) -> None:
    """Install the made model where the user's own models are."""
    made.write_model(paths.models_folders()[0] / "bank")


def run(scans: Path, *targets: str, out: Path, template: str = "template.nii.gz") -> int:
    words = ["match", "--template", str(scans / template), "--points", str(scans / "points.csv")]
    for target in targets:
        words += ["--target", str(scans / target)]
    return cli.run([*words, "--out", str(out), "--model", "bank", "--device", "cpu"])


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_point_has_a_row_for_every_target(scans: Path, tmp_path: Path) -> None:
    out = tmp_path / "results" / "matches.csv"

    code = run(scans, "target.nii.gz", "upper.nii.gz", out=out)

    assert code == 0
    rows = rows_of(out)
    assert [row["name"] for row in rows] == [*PLACES, *PLACES]
    assert [Path(row["target"]).name for row in rows] == ["target.nii.gz"] * 3 + [
        "upper.nii.gz"
    ] * 3
    for row in rows[:3]:
        place = np.array([float(row[axis]) for axis in "xyz"])
        assert np.linalg.norm(place - PLACES[row["name"]]) < 3.0
        assert row["verdict"] == "found"
        assert 0.5 < float(row["p_present"]) <= 1.0
        assert row["model"] == "bank"
    # The upper scan ends at z = 10 mm.
    absent = rows[4]
    assert (absent["verdict"], absent["x"], absent["y"], absent["z"]) == ("absent", "", "", "")


def test_a_scan_against_itself_is_matched_to_half_a_millimeter(scans: Path, tmp_path: Path) -> None:
    out = tmp_path / "matches.csv"
    assert run(scans, "template.nii.gz", out=out) == 0
    places = np.array([[float(row[axis]) for axis in "xyz"] for row in rows_of(out)])
    assert np.linalg.norm(places - np.array(list(PLACES.values())), axis=1).max() < 0.6


def test_markups_are_written_for_slicer(scans: Path, tmp_path: Path) -> None:
    out = tmp_path / "matches.mrk.json"
    assert run(scans, "template.nii.gz", out=out) == 0
    assert len(json.loads(out.read_text())["markups"][0]["controlPoints"]) == 3


def test_a_refused_target_is_named_and_the_rest_is_done(
    scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "matches.csv"
    assert run(scans, "broken.nii.gz", "template.nii.gz", out=out) == 4
    rows = rows_of(out)
    assert [row["verdict"] for row in rows[:3]] == ["unknown"] * 3
    assert [row["verdict"] for row in rows[3:]] == ["found"] * 3
    assert "broken.nii.gz: skipped: " in capsys.readouterr().err


def test_only_refused_targets_leave_no_table(scans: Path, tmp_path: Path) -> None:
    out = tmp_path / "matches.csv"
    assert run(scans, "broken.nii.gz", out=out) == 3
    assert list(tmp_path.glob("*.csv*")) == []


def test_a_refused_template_leaves_no_table(scans: Path, tmp_path: Path) -> None:
    out = tmp_path / "matches.csv"
    assert run(scans, "target.nii.gz", out=out, template="nowhere.nii.gz") == 3
    assert not out.exists()


def test_one_slice_is_unknown_with_the_reason(
    scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "matches.csv"
    assert run(scans, "slice.nii.gz", out=out) == 0
    assert [row["verdict"] for row in rows_of(out)] == ["unknown"] * 3
    assert "unknown for 3 points: This scan is one slice" in capsys.readouterr().err


def test_a_table_of_another_kind_is_refused_before_the_work(scans: Path, tmp_path: Path) -> None:
    assert run(scans, "target.nii.gz", out=tmp_path / "matches.xlsx") == 2


def test_a_folder_in_place_of_the_table_is_refused(scans: Path, tmp_path: Path) -> None:
    (tmp_path / "table.csv").mkdir()
    assert run(scans, "target.nii.gz", out=tmp_path / "table.csv") == 2


def test_a_damaged_model_ends_with_five_and_writes_nothing(
    scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = paths.models_folders()[0] / "bank" / "model.onnx"
    path.write_bytes(path.read_bytes()[:-1])
    out = tmp_path / "matches.csv"
    assert run(scans, "target.nii.gz", out=out) == 5
    assert not out.exists()
    assert "is not the one that was tested" in capsys.readouterr().err


def test_an_unknown_model_is_told(scans: Path, tmp_path: Path) -> None:
    words = ["match", "--template", str(scans / "template.nii.gz"), "--points"]
    words += [str(scans / "points.csv"), "--target", str(scans / "target.nii.gz")]
    assert cli.run([*words, "--out", str(tmp_path / "m.csv"), "--model", "bonk"]) == 5


def write_mr(path: Path) -> None:
    """Write a scan whose values are no HU and which does not say what made it."""
    volume = made.scan((48, 48, 48))
    bright = (np.asarray(volume.array, np.float32) + 1000) * 0.1
    write_nifti(replace(volume, array=bright.astype(np.int16)), path)


def ask_without_a_name(scans: Path, mr: Path, out: Path) -> int:
    words = ["match", "--template", str(mr), "--points", str(scans / "points.csv")]
    return cli.run([*words, "--target", str(mr), "--out", str(out), "--device", "cpu"])


def test_mr_has_no_answer_from_ct_weights_and_the_next_step_is_said(
    scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_mr(tmp_path / "mr.nii.gz")
    assert ask_without_a_name(scans, tmp_path / "mr.nii.gz", tmp_path / "out.csv") == 0
    assert {row["verdict"] for row in rows_of(tmp_path / "out.csv")} == {"unknown"}
    said = capsys.readouterr().err
    assert "nothing in it shows that it is CT" in said
    assert "`samdesk train --method sam --modality MR --data SCANS --out RUN`" in said


def test_mr_is_matched_by_the_model_for_mr_where_one_is_installed(
    scans: Path, tmp_path: Path
) -> None:
    write_mr(tmp_path / "mr.nii.gz")
    info = made.write_model(paths.models_folders()[0] / "knees")
    manifest.write(
        replace(info, modality=Modality.MR, intensities="percentile", spacing_mm=3.0), info.folder
    )
    assert ask_without_a_name(scans, tmp_path / "mr.nii.gz", tmp_path / "out.csv") == 0
    rows = rows_of(tmp_path / "out.csv")
    assert {row["model"] for row in rows} == {"knees"}
    place = np.array([float(rows[0][axis]) for axis in "xyz"])
    assert np.linalg.norm(place - PLACES["upper"]) < 3.0
