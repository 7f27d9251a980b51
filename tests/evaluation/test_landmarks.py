"""`samdesk evaluate landmarks` on made bodies: refusals, resuming, tables and bars."""

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samdesk.core.models import ModelInfo
from samdesk.core.progress import Progress
from samdesk.core.volume import Volume
from samdesk.errors import ReadError
from samdesk.evaluation import landmarks, landmarks_made
from samdesk.evaluation.arms import Arm
from samdesk.evaluation.base import Answers, Case, Section
from samdesk.evaluation.checks import ct_problems
from samdesk.evaluation.landmarks import Landmarks
from samdesk.evaluation.made import made_patient
from samdesk.io.base import finish
from tests.evaluation.asking import request_for
from tests.evaluation.conftest import Fails, Knows
from tests.evaluation.made_data import write_data


class Counts(Knows):
    """Knows the truth, and counts how often it was asked."""

    def __init__(self, label: str, off_mm: float) -> None:
        super().__init__(label, off_mm)
        self.n_asked = 0

    def answer(self, case: Case) -> Generator[Progress, None, Answers]:
        """Count, and give the truth."""
        self.n_asked += 1
        return (yield from super().answer(case))


@pytest.fixture
def sam(monkeypatch: pytest.MonkeyPatch, scan: Volume) -> Counts:
    """Put quick arms in place of all, and small bodies in place of made patients."""
    judged = Counts("judged", 2.0)

    def baselines(_: float) -> tuple[Arm, ...]:
        names = ("SimpleITK affine", "affine + B-spline")
        return (*(Arm(Knows(name, 5.0), "r") for name in names), Arm(Fails(), "r"))

    def small(a: tuple[int, int], b: tuple[int, int], _: object) -> Case:
        lesions = made_patient(b[0]).lesions if a[0] == b[0] else {}
        names = ("carina", *lesions)
        places = np.random.default_rng(a[0]).uniform(-20, 20, (len(names), 3))
        name = f"made patient {a[0]}.{a[1]} to {b[0]}.{b[1]}"
        return Case(name, scan, scan, places, places, names)

    def warped(name: str, volume: Volume, seed: int, n: int) -> Case:
        places = np.random.default_rng(seed).uniform(-20, 20, (n, 3))
        return Case(f"warp of {name}", volume, volume, places, places)

    monkeypatch.setattr(landmarks, "make_case", warped)
    for module in (landmarks, landmarks_made):
        monkeypatch.setattr(module, "baseline_arms", baselines)
        monkeypatch.setattr(module, "spline_arm", lambda *_: Arm(Knows("spline", 1.0), "s"))
    monkeypatch.setattr(landmarks, "helped_arm", lambda _: Arm(Knows("told", 4.0), "r"))
    monkeypatch.setattr(
        landmarks, "sam_arms", lambda _: (Arm(Knows("plain", 9.0), "s"), Arm(judged, "s"))
    )
    monkeypatch.setattr(landmarks_made, "made_case", small)
    return judged


@pytest.fixture(scope="module")
def data(scan: Volume, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("landmarks") / "data", scan)


def run(request: Any) -> dict[str, Section]:
    evaluation = Landmarks()
    evaluation.check(request)
    return {section.name: section for section in finish(evaluation.run(request))}


def test_the_whole_evaluation_judges_and_resumes(
    bank: ModelInfo, data: Path, tmp_path: Path, sam: Counts
) -> None:
    request = request_for(tmp_path, bank, data)
    sections = run(request)
    assert list(sections) == [
        "across", "seen", "two_phases", "warps", "made_follow_up", "made_across",
    ]  # fmt: skip
    bars = {bar.text: bar for bar in sections["across"].bars}
    assert bars["landmark pairs of chest and abdomen"].measured == 6  # apices do not count
    assert bars["across people, median"].measured == pytest.approx(2.0)
    assert bars["median below affine + B-spline on the same pairs"].limit == pytest.approx(5.0)
    assert bars["median below affine + B-spline on the same pairs"].is_met
    every, few, unsure, by_place, _ = sections["across"].tables
    assert [row[0] for row in every.rows] == ["plain", "judged", landmarks.BEST]
    assert "fails" in [row[0] for row in few.rows]
    assert "It gave up." in few.note
    assert "told" in [row[0] for row in few.rows]
    assert {row[0] for row in unsure.rows} >= {"judged"}
    assert [row[0] for row in by_place.rows] == ["carina", "lung apex left"]
    assert "No place is known in bare" in sections["across"].notes[0]
    assert "NOT a held-out figure" in sections["seen"].title
    asked = sam.n_asked
    again = run(request)["across"]
    assert again.bars[:3] == sections["across"].bars[:3]
    assert again.pictures == sections["across"].pictures
    assert sam.n_asked == asked


def test_phases_are_joined_and_warps_have_their_bars(
    bank: ModelInfo, data: Path, tmp_path: Path, sam: Counts
) -> None:
    assert sam.n_asked == 0
    sections = run(request_for(tmp_path, bank, data, is_quick=True))
    joined = {row[0]: row for row in sections["two_phases"].tables[1].rows}[landmarks.FUSED]
    assert joined[3].startswith("1.5 ")
    bars = {bar.text: bar.measured for bar in sections["warps"].bars}
    assert bars["known warps and crops, median"] == pytest.approx(2.0)
    assert bars["within 10 mm"] == 100.0


def test_lesions_are_judged_by_two_rulers_in_two_tables(
    bank: ModelInfo, tmp_path: Path, sam: Counts
) -> None:
    sections = run(request_for(tmp_path, bank))
    assert list(sections) == ["made_follow_up", "made_across"]
    follow_up = sections["made_follow_up"]
    ten, radius = follow_up.tables[2:]
    assert "ruler 1" in ten.title
    assert "ruler 2" in radius.title
    n_lesions = n_there = n_small = 0
    for seed in landmarks_made.SEEDS:
        for _, date in landmarks_made.DATES:
            sizes = [le.diameters_mm[date] for le in made_patient(seed).lesions.values()]
            n_lesions += len(sizes)
            n_there += sum(size > 0 for size in sizes)
            n_small += sum(0 < size / 2 < 2.0 for size in sizes)
    assert ten.rows[-1][1] == str(n_lesions)
    assert radius.rows[-1][1] == str(n_there)
    bars = {bar.text: bar.measured for bar in follow_up.bars}
    assert bars["lesions within 10 mm"] == 100.0
    assert bars["lesions within min(10 mm, r)"] == pytest.approx(100 * (1 - n_small / n_there))
    assert sam.n_asked == 12


def test_everything_that_does_not_fit_is_named_before_the_run(
    bank: ModelInfo, scan: Volume, tmp_path: Path
) -> None:
    folder = write_data(tmp_path / "data", scan)
    (folder / "ct" / "chest_a.nii.gz").unlink()
    (folder / "ct" / "belly_a_seg.nii.gz").unlink()
    (folder / "ct" / "chest_b.csv").write_text("name,x,y\ncarina,1,2\n")
    (folder / "ct" / "chest_v.csv").write_text(
        "name,x,y,z,kind,voxels,cut_by_edge,label\ncarina,1,two,3,auto,,0,\n"
    )
    request = request_for(tmp_path, bank, folder)
    with pytest.raises(ReadError) as refused:
        Landmarks().check(replace(request, is_made_only=False))
    for part in (
        "4 things",
        "chest_a.nii.gz",
        "belly_a_seg",
        "chest_b.csv has no column z",
        "no three",
    ):
        assert part in refused.value.what


def test_landmarks_and_masks_of_another_scan_are_named(scan: Volume, tmp_path: Path) -> None:
    folder = write_data(tmp_path / "data", scan)
    (folder / "ct" / "chest_a.csv").write_text(
        "name,x,y,z,kind,voxels,cut_by_edge,label\ncarina,0,0,800,auto,,0,\n"
    )
    small = (folder / "ct" / "chest_b.nii.gz").read_bytes()
    (folder / "ct" / "belly_a_seg.nii.gz").write_bytes(small[: len(small) // 2])
    problems = ct_problems(folder, "test")
    assert "carina of chest_a lies" in problems[0]
    assert "belly_a" in problems[1]
    (folder / "ct" / "manifest.csv").write_text("case,file\n")
    assert "no column split" in ct_problems(folder, "test")[0]
