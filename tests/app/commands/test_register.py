"""`samdesk register` from the files to the files, which other programs read as they are."""

import json
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import SimpleITK

from samdesk.app import cli, paths
from samdesk.core.geometry import Points
from samdesk.core.volume import Volume
from samdesk.io.exporters.registration import write_volume
from tests.model import made

sitk: Any = SimpleITK

SHIFT = np.array([7.0, -4.0, 5.0])
TURN = np.deg2rad(4.0)
LINEAR = np.array([[np.cos(TURN), -np.sin(TURN), 0], [np.sin(TURN), np.cos(TURN), 0], [0, 0, 1.03]])
PLACES = np.array([[20.0, 5.0, 10.0], [-25.0, 10.0, -15.0], [5.0, -20.0, 20.0]])


def to_moving(fixed_mm: Points) -> Points:
    moved: Points = fixed_mm @ LINEAR.T + SHIFT
    return moved


def to_fixed(moving_mm: Points) -> Points:
    moved: Points = (moving_mm - SHIFT) @ np.linalg.inv(LINEAR).T
    return moved


def read(path: Path) -> Any:
    """Read a transform as any user of SimpleITK would."""
    reader: Any = sitk.ReadTransform
    return reader(str(path))


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fixed scan, one turned, shifted and stretched, the same stored flipped, and bad ones."""
    folder = tmp_path_factory.mktemp("scans")
    fixed = made.scan((64, 56, 60))
    moving = made.scan((60, 60, 56), moved=to_fixed)
    write_volume(folder / "fixed.nii.gz", fixed)
    write_volume(folder / "moving.nii.gz", moving)
    image: Any = nibabel.load(folder / "moving.nii.gz")
    # Not image.slicer[::-1]: nibabel 5 leaves the origin where it was.
    flip = image.as_reoriented(np.array([[0, -1], [1, 1], [2, -1]]))
    nibabel.save(flip, folder / "flipped.nii.gz")
    write_volume(folder / "slice.nii.gz", made.scan((1, 56, 60)))
    # Tissue without a form: even another body would be laid onto this one by its outline.
    noise = np.random.default_rng(5).normal(40, 60, (64, 56, 60)).astype(np.int16)
    noise[:, :16], noise[:, :, :12] = -1000, -1000
    other = Volume(noise, made.scan((64, 56, 60)).geometry)
    write_volume(folder / "other.nii.gz", other)
    return folder


@pytest.fixture(autouse=True)
def installed(private_folders: None) -> None:
    """Install the made model where the user's own models are."""
    made.write_model(paths.models_folders()[0] / "bank")


def run(scans: Path, out: Path, *more: str, moving: str = "moving.nii.gz") -> int:
    words = ["register", "--fixed", str(scans / "fixed.nii.gz"), "--moving", str(scans / moving)]
    return cli.run([*words, "--out", str(out), "--model", "bank", "--device", "cpu", *more])


def error_mm(transform: Any) -> float:
    mapped = np.array([transform.TransformPoint(place.tolist()) for place in PLACES])
    return float(np.linalg.norm(mapped - to_moving(PLACES), axis=1).max())


def test_the_files_hold_the_transform_and_the_scan_on_the_fixed_grid(
    scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "folder"

    assert run(scans, out, "--json") == 0

    told = json.loads(capsys.readouterr().out)
    assert sorted(path.name for path in out.iterdir()) == [
        "affine.tfm", "deformable.h5", "report.html", "report.json", "resampled.nii.gz",
    ]  # fmt: skip
    assert json.loads((out / "report.json").read_text()) == told
    assert told["residuals"]["used"] > 20
    assert told["residuals"]["median_mm"] < 2.0
    assert told["least_jacobian"] > 0
    affine, whole = (read(out / name) for name in ("affine.tfm", "deformable.h5"))
    assert error_mm(affine) < 2.0
    assert error_mm(whole) < 2.0
    assert np.allclose(
        np.array(affine.TransformPoint((1.0, 2.0, 3.0))),
        (np.array(told["affine"]) @ [1.0, 2.0, 3.0, 1.0])[:3],
    )
    check_other_program_agrees(scans, out)
    page = (out / "report.html").read_text()
    assert "fixed scan to places of the moving scan" in page
    assert page.count("<tr") > told["residuals"]["used"]


def check_other_program_agrees(scans: Path, out: Path) -> None:
    """Draw the moving scan with the written transform as any user of SimpleITK would."""
    fixed, moving = (sitk.ReadImage(str(scans / f"{n}.nii.gz")) for n in ("fixed", "moving"))
    transform = read(out / "deformable.h5")
    theirs = sitk.Resample(moving, fixed, transform, sitk.sitkLinear, -1000.0, sitk.sitkFloat32)
    ours = sitk.ReadImage(str(out / "resampled.nii.gz"), sitk.sitkFloat32)
    assert np.allclose(ours.GetOrigin(), fixed.GetOrigin(), atol=1e-4)
    a, b, body, before = (
        sitk.GetArrayFromImage(image).astype(np.float64)
        for image in (ours, theirs, fixed, sitk.Resample(moving, fixed))
    )
    assert np.abs(a - b).max() <= 1.0
    shown = b > -900
    assert 0.1 < shown.mean() < 0.95  # air where the moving scan shows nothing
    after = np.corrcoef(body[shown], a[shown])[0, 1]
    assert after > 0.7
    assert after > 0.3 + np.corrcoef(body[shown], before[shown])[0, 1]


def test_a_scan_stored_from_the_other_end_gives_the_same_millimetres(
    scans: Path, tmp_path: Path
) -> None:
    assert run(scans, tmp_path / "plain", "--affine-only") == 0
    assert run(scans, tmp_path / "flip", "--affine-only", moving="flipped.nii.gz") == 0

    plain, flip = (read(tmp_path / name / "affine.tfm") for name in ("plain", "flip"))
    assert not (tmp_path / "plain" / "deformable.h5").exists()
    for place in PLACES:
        one, other = (np.array(t.TransformPoint(place.tolist())) for t in (plain, flip))
        assert np.linalg.norm(one - other) < 0.5


def test_scans_without_anything_in_common_are_refused(
    scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(scans, tmp_path / "out", moving="other.nii.gz") == 3
    assert "too-little-in-common" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_one_slice_is_refused_with_the_reason(
    scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(scans, tmp_path / "out", moving="slice.nii.gz") == 5
    assert "not-comparable" in capsys.readouterr().err


def test_a_radiograph_is_refused(
    scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from PIL import Image

    Image.fromarray(np.arange(4096, dtype=np.uint8).reshape(64, 64)).save(scans / "x.png")
    assert run(scans, tmp_path / "out", moving="x.png") == 3
    assert "not-a-volume" in capsys.readouterr().err


def test_scans_of_different_kinds_are_refused(
    scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    from samdesk.app.commands import register
    from samdesk.core.volume import Modality, Unit

    plain = register._scan

    def as_mr(spec: str) -> Any:
        found = yield from plain(spec)
        if "moving" not in spec:
            return found
        volume = Volume(found.volume.array, found.volume.geometry, Modality.MR, Unit.NONE)
        return register._Scan(spec, volume, ())

    monkeypatch.setattr(register, "_scan", as_mr)
    assert run(scans, tmp_path / "out") == 3
    assert "other-modality" in capsys.readouterr().err


def test_a_file_in_place_of_the_folder_is_refused_before_any_work(
    scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").write_text("mine")
    assert run(scans, tmp_path / "out") == 2
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "deformable.h5").write_text("mine")
    assert run(scans, tmp_path / "old", "--affine-only") == 2
    assert "another run" in capsys.readouterr().err
