"""MR: places of masks, warps with exact places, and what is said where something is missing."""

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - its own manual says sitk
from scipy import ndimage, stats

from samdesk.core.geometry import Geometry
from samdesk.core.models import ModelInfo
from samdesk.core.progress import Progress
from samdesk.core.runs import RunPlan
from samdesk.core.volume import Modality, Unit, Volume
from samdesk.errors import ReadError, RunError, UsageError
from samdesk.evaluation import mr
from samdesk.evaluation import mr_sets as sets
from samdesk.evaluation.base import Case
from samdesk.io.base import finish
from tests.evaluation.asking import request_for

HEAD = "file,subject,split,label_file\n"


def blob(seed: int = 0, size: int = 40) -> np.ndarray:
    """Smooth tissue, (size, size, size)."""
    coarse = np.random.default_rng(seed).uniform(40, 220, (5, 5, 5)).astype(np.float32)
    fine = sitk.Expand(sitk.GetImageFromArray(coarse), [size // 5] * 3, sitk.sitkLinear)
    return sitk.GetArrayFromImage(fine).astype(np.int16)


def write(path: Path, array: np.ndarray, spacing_mm: float = 1.0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = sitk.GetImageFromArray(array.astype(np.int16))
    image.SetSpacing((spacing_mm,) * 3)
    sitk.WriteImage(image, str(path))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder of small sets: two hippocampi, two hearts, two heads, one knee."""
    root = tmp_path / "data"
    mask = np.zeros((40, 40, 40), np.int16)
    mask[10:30, 8:20, 12:28], mask[10:30, 20:32, 12:28] = 1, 2
    for name, part in ((sets.HIPPOCAMPUS, mask), (sets.HEARTS, (mask > 0) * 1)):
        folder = root / "mr" / name
        lines = [HEAD]
        for n, split in enumerate(("test", "test", "train", "val")):
            write(folder / f"i{n}.nii.gz", blob(n))
            write(folder / f"m{n}.nii.gz", part)
            lines.append(f"i{n}.nii.gz,s{n},{split},m{n}.nii.gz\n")
        (folder / "manifest.csv").write_text("".join(lines))
    heads = root / "mr" / sets.HEADS
    rows = ["image,name,x,y,z\n"]
    for n in range(2):
        write(heads / "images" / f"h{n}.nii.gz", blob(n), 2.0)
        rows += [f"images/h{n}.nii.gz,AC,10,20,{15 + n}\n", f"images/h{n}.nii.gz,PC,22,8,30\n"]
    (heads / "landmarks.csv").write_text("".join(rows))
    (heads / "manifest.csv").write_text(HEAD)
    write(root / "mr" / sets.KNEE / "knee.nii.gz", blob(9), 2.5)
    (root / "mr" / sets.KNEE / "manifest.csv").write_text(HEAD)
    return root


def test_places_of_a_mask_are_middles_and_ends_in_millimetres() -> None:
    labels = np.zeros((20, 20, 20), int)
    labels[5:10, 4:8, 6:16], labels[5:10, 8:16, 6:16] = 1, 2
    grid = Geometry.aligned((20, 20, 20), (2.0, 1.0, 0.5), (10.0, 0.0, 0.0))
    found = sets.known_places(labels, grid, sets.HIPPOCAMPUS)
    assert np.allclose(found["anterior_middle"], [10 + 10.5 / 2, 5.5, 14])
    assert np.allclose(found["front_end"], [10 + 10.5 / 2, 4, 14])
    assert np.allclose(found["back_end"], [10 + 10.5 / 2, 15, 14])
    assert np.allclose(found["high_end"][2], 18)
    with pytest.raises(ReadError, match="has no posterior_middle"):
        sets.known_places((labels == 1) * 1, grid, sets.HIPPOCAMPUS)


def test_every_pair_comes_once_and_never_with_itself(tmp_path: Path) -> None:
    scans = [sets.Marked("s", str(n), tmp_path, tmp_path) for n in range(5)]
    found = sets.pairs(scans, 99)
    assert len(found) == 10
    assert len({frozenset((a.name, b.name)) for a, b in found}) == 10
    assert [(a.name, b.name) for a, b in sets.pairs(scans, 3)] == [
        ("0", "1"), ("1", "2"), ("2", "3"),
    ]  # fmt: skip


def test_a_warped_copy_of_mr_shows_the_same_tissue_at_the_told_places() -> None:
    volume = Volume(blob(4, 60), Geometry.aligned((60, 60, 60), (2.0,) * 3), Modality.MR, Unit.NONE)
    case = sets.warped("w", volume, 3, 30)
    assert case.target.modality is Modality.MR
    assert case.target.unit is Unit.NONE
    assert (case.target.geometry.outside_mm(case.truth) == 0).all()
    assert np.linalg.norm(case.truth - case.places, axis=1).max() < 80

    def values(one: Volume, mm: np.ndarray) -> np.ndarray:
        at = one.geometry.to_index(mm).T
        return ndimage.map_coordinates(np.asarray(one.array, float), at, order=1)

    # by rank: the changes of grey keep the order and bend the scale
    one, other = values(case.template, case.places), values(case.target, case.truth)
    assert stats.spearmanr(one, other).statistic > 0.8


def test_mr_called_ct_has_the_values_of_the_fixed_numbers() -> None:
    volume = Volume(blob(), Geometry.aligned((40,) * 3, (1.0,) * 3), Modality.MR, Unit.NONE)
    made = sets.as_ct(volume)
    assert (made.modality, made.unit) == (Modality.CT, Unit.HU)
    assert -1000 <= made.array.min() < made.array.max() <= 1600


def test_all_sets_are_asked_and_nothing_of_split_test_is_learned(data: Path) -> None:
    asked = {name: mr.cases(data, name, is_quick=False) for name in mr.PARTS}
    assert [len(found) for found in asked.values()] == [1, 1, 2, 2]
    forth, back = (one.make() for one in asked[sets.HEADS])
    assert np.allclose(forth.places, back.truth)
    assert np.allclose(np.abs(forth.truth - forth.places).max(), 2.0)
    assert len(mr.cases(data, sets.KNEE, is_quick=True)) == 1
    plan = mr.plan_of(data, 3.0)
    assert [Path(item).name for item in plan.data] == ["i2.nii.gz"] * 2
    assert [Path(item).name for item in plan.validation] == ["i3.nii.gz"] * 2
    assert "may not leave the machine" in plan.licence


def test_what_is_missing_or_does_not_fit_is_named_before_the_run(
    data: Path, tmp_path: Path, bank: ModelInfo
) -> None:
    assert mr.problems(data) == []
    request = request_for(tmp_path, bank, data)
    mr.Mr().check(replace(request, model=""))
    with pytest.raises(UsageError, match="was trained on CT, not on MR"):
        mr.Mr().check(request)
    with pytest.raises(UsageError, match="no made patients in MR"):
        mr.Mr().check(replace(request, is_made_only=True))
    write(data / "mr" / sets.HEARTS / "m1.nii.gz", np.ones((20, 40, 40)))
    with pytest.raises(ReadError, match="voxels, its scan"):
        mr.Mr().check(replace(request, model=""))
    (data / "mr" / sets.HIPPOCAMPUS / "m0.nii.gz").unlink()
    assert mr.problems(data) == ["hippocampus holds no m0.nii.gz."]
    (data / "mr" / sets.HEADS / "landmarks.csv").unlink()
    with pytest.raises(ReadError, match=r"holds no mr/heads_afids/landmarks\.csv"):
        mr.Mr().check(replace(request, model=""))


def test_the_same_place_from_the_middles_follows_the_scans() -> None:
    a = Volume(blob(), Geometry.aligned((40,) * 3, (1.0,) * 3), Modality.MR, Unit.NONE)
    b = replace(a, geometry=Geometry.aligned((40,) * 3, (1.0,) * 3, (5.0, -3.0, 0.0)))
    places = np.array([[1.0, 2.0, 3.0]])
    answers = finish(mr.Middle().answer(Case("c", a, b, places, places)))
    assert np.allclose(answers.places, [[6.0, -1.0, 3.0]])


def only(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(mr, "PARTS", {name: mr.PARTS[name]})


def test_a_training_that_crashes_is_told_and_the_others_are_measured(
    data: Path, tmp_path: Path, bank: ModelInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    only(monkeypatch, sets.HIPPOCAMPUS)
    request = replace(request_for(tmp_path, bank, data), model="")
    refusals, section = finish(mr.Mr().run(request))
    assert "FAILED" in refusals.notes[0]
    said = {row[0]: row[2] for row in refusals.tables[0].rows}
    assert "`samdesk train --method sam --modality MR" in said[next(iter(said))]
    labels = [row[0] for row in section.tables[0].rows]
    assert labels == [mr.MIDDLE, mr.AFFINE, mr.SPLINE, mr.FORCED_CT]
    assert section.tables[0].rows[0][1:4] == ("9", "9", "0.0")
    assert all(bar.measured is None for bar in section.bars)


def test_the_model_that_was_trained_is_measured_beside_the_others(
    data: Path, tmp_path: Path, bank: ModelInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    from samdesk.model import manifest

    only(monkeypatch, sets.HEADS)
    folder = tmp_path / "trained" / "bank"
    folder.mkdir(parents=True)
    (folder / bank.file).write_bytes((bank.folder / bank.file).read_bytes())
    local = replace(
        bank, folder=folder, modality=Modality.MR, intensities="percentile", spacing_mm=2.5,
        figures={"median_mm": 1.5},
    )  # fmt: skip
    manifest.write(local, folder)

    def worker(plan: RunPlan, _folder: Path) -> Generator[Progress, None, dict[str, Any]]:
        assert plan.settings["modality"] == "MR"
        yield Progress(0, 1, "training")
        return {"folder": str(folder)}

    request = replace(request_for(tmp_path, bank, data), model="", run_worker=worker)
    refusals, section = finish(mr.Mr().run(request))
    assert "median_mm 1.5" in refusals.notes[0]
    assert "This scan is CT" in refusals.tables[0].rows[2][2]
    assert refusals.tables[0].rows[3][2] == "answers"
    labels = [row[0] for row in section.tables[0].rows]
    assert labels[:2] == [mr.SINGLE, mr.WHOLE]
    assert labels[-1] == mr.BEST
    assert section.bars[0].measured is not None


def test_a_worker_that_names_no_model_is_a_failure_too(
    data: Path, tmp_path: Path, bank: ModelInfo
) -> None:
    def worker(_plan: RunPlan, folder: Path) -> Generator[Progress, None, dict[str, Any]]:
        yield Progress(0, 1, "training")
        raise RunError(f"{folder.name} broke.")

    request = replace(request_for(tmp_path, bank, data), model="", run_worker=worker)
    info, told = finish(mr._model(request, data))
    assert info is None
    assert "training broke." in told
