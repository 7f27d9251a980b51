"""`samdesk evaluate registration`: its cases, its ways, its tables."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from samdesk.core.geometry import Points
from samdesk.core.models import ModelInfo
from samdesk.core.volume import Volume
from samdesk.evaluation import registering, registering_arms, registering_cases
from samdesk.evaluation.arms import Arm, Asked, Said, ask
from samdesk.evaluation.base import Case
from samdesk.evaluation.evaluations import Request
from samdesk.evaluation.kept import Kept
from samdesk.evaluation.overlap import LabeledCase, Labels
from samdesk.evaluation.registering_tables import (
    both_answered,
    failed_cases,
    organ_table,
    organs_of,
    side_by_side,
)
from samdesk.io.base import finish
from samdesk.model.session import Session
from samdesk.registration import affine, deformable
from tests.evaluation.conftest import Fails, Knows
from tests.model import made

SHIFT = np.array([6.0, -4.0, 8.0])


@pytest.fixture(scope="module")
def case() -> LabeledCase:
    """A made body and the same moved, with one organ: its upper half."""
    rng = np.random.default_rng(3)
    places = rng.uniform(-30, 30, (12, 3))

    def upper(points: Points) -> NDArray[np.int32]:
        inside: NDArray[np.int32] = (points[:, 2] > 0).astype(np.int32)
        return inside

    labels = Labels({1: "upper half"}, upper, lambda points: upper(points - SHIFT))
    return LabeledCase(
        "moved body", made.scan((64, 56, 60)),
        made.scan((64, 56, 60), moved=lambda mm: mm - SHIFT),
        places, places + SHIFT, same_patient=True, labels=labels, version="1",
    )  # fmt: skip


@pytest.fixture(scope="module")
def answered(
    case: LabeledCase, tmp_path_factory: pytest.TempPathFactory
) -> tuple[list[Said], Kept, tuple[Arm, ...], list[Asked]]:
    """Every way that needs no long registration, asked about the case."""
    folder = tmp_path_factory.mktemp("work")
    info = made.write_model(folder / "bank")
    kept = Kept(folder / "kept")
    work = registering_arms.Work(info, Session(info, device="cpu"))
    arms = registering_arms.sam_arms(work, kept, with_places=True)
    asked = [Asked(case.name, "1", lambda: case)]
    return finish(ask(asked, arms, kept)), kept, arms, asked


def test_every_way_from_sam_lays_the_body_onto_the_moved_one(
    answered: tuple[list[Said], Kept, tuple[Arm, ...], list[Asked]],
) -> None:
    said, kept, arms, asked = answered
    assert [one.label for one in said] == [
        "SAM affine", "SAM coarse field", "SAM + B-spline", "SAM + demons", "SAM match alone",
    ]  # fmt: skip
    assert not any(one.failure for one in said)
    for one in said[:4]:
        assert np.median(one.errors) < 3.0
        assert one.seconds > 0
    organs = organs_of(asked, arms, kept)
    assert set(organs) == {one.label for one in said[:4]}
    assert min(found["upper half"] for found in organs.values()) > 0.9
    # The B-spline holds the seconds of embedding and matching, as the affine does.
    assert said[2].seconds > said[0].seconds


def test_fused_answers_are_made_of_what_was_said(
    answered: tuple[list[Said], Kept, tuple[Arm, ...], list[Asked]],
) -> None:
    said = answered[0]
    fused = registering_arms.fused_of(said)
    assert [one.label for one in fused] == ["match and SAM + B-spline fused"]
    assert np.isfinite(fused[0].errors).all()
    assert fused[0].seconds == pytest.approx(said[2].seconds + said[4].seconds)


def test_the_second_run_asks_nobody(
    answered: tuple[list[Said], Kept, tuple[Arm, ...], list[Asked]],
) -> None:
    said, kept, arms, asked = answered

    def never() -> Case:
        raise AssertionError("the case was made again")

    again = finish(ask([Asked(asked[0].name, "1", never)], arms, kept))
    assert [one.seconds for one in again] == [one.seconds for one in said]


def test_ways_without_the_model_outlive_new_weights(bank: ModelInfo, tmp_path: Path) -> None:
    work = registering_arms.Work(bank, None)  # type: ignore[arg-type]
    grey = registering_arms.grey_arms(work, Kept(tmp_path), with_told=True)
    sam = registering_arms.sam_arms(work, Kept(tmp_path))
    assert not any(bank.sha256 in arm.key for arm in grey)
    assert all(bank.sha256 in arm.key for arm in sam)
    assert "TOLD" in grey[-1].label


def test_grey_ways_share_the_affine_and_count_it(
    case: LabeledCase, bank: ModelInfo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    plain = affine.register

    def counted(template: Volume, target: Volume, spacing_mm: float, **more: Any) -> Any:
        calls.append("told" if more else "affine")
        return plain(template, target, 10.0, **more)

    monkeypatch.setattr(affine, "register", counted)
    monkeypatch.setattr(registering_arms, "SPACING_MM", 10.0)
    monkeypatch.setattr(deformable, "LEVELS", (deformable.Level(1, 1, 0.3, 2),))
    work = registering_arms.Work(bank, None)  # type: ignore[arg-type]
    kept = Kept(tmp_path)
    arms = registering_arms.grey_arms(work, kept, with_told=True)
    said = finish(ask([Asked(case.name, "1", lambda: case)], arms, kept))
    assert calls == ["affine", "told"]
    assert said[0].label == "affine"
    assert said[1].seconds > said[0].seconds
    assert np.median(said[0].errors) < 4.0


def asked_of(case: Case, name: str) -> list[Asked]:
    return [Asked(f"{name} {n}", "1", lambda: case) for n in range(2)]


def request_of(folder: Path, bank: ModelInfo) -> Request:
    return Request(
        data=None, out=folder, model=bank.id, models=(bank.folder.parent,), device="cpu",
        method="sam", is_quick=True, seeds=0, kept=Kept(folder / "kept"),
        run_worker=None, is_made_only=True,  # type: ignore[arg-type]
    )  # fmt: skip


def test_the_report_has_three_sets_with_bars_failures_and_organs(
    case: LabeledCase, bank: ModelInfo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = registering_arms

    def grey(*_: object, with_told: bool = False) -> tuple[Arm, ...]:
        return Arm(Knows(labels.SPLINE, 6.0), "k"), Arm(Fails(), "k")

    def sam(*_: object, with_places: bool = False) -> tuple[Arm, ...]:
        spline, match = Arm(Knows(labels.SAM_SPLINE, 3.0), "k"), Arm(Knows(labels.MATCH, -4.0), "k")
        return (spline, match) if with_places else (spline,)

    monkeypatch.setattr(registering, "grey_arms", grey)
    monkeypatch.setattr(registering, "sam_arms", sam)
    for name in ("same_patient", "large_offset", "across_patients"):
        monkeypatch.setattr(
            registering_cases, name, lambda *_, name=name, **__: asked_of(case, name)
        )
    request = request_of(tmp_path, bank)
    evaluation = registering.Registering()
    evaluation.check(request)
    sections = finish(evaluation.run(request))

    assert [section.name for section in sections] == [
        "same_patient", "large_offset", "across_patients",
    ]  # fmt: skip
    rows = {row[0]: row for row in sections[0].tables[0].rows}
    assert rows["fails"][7:9] == ("2 of 2", "2")
    assert "It gave up." in sections[0].tables[0].note
    assert rows[labels.FUSED][2] == "0.50"
    assert all(bar.is_met for bar in sections[0].bars)
    saved, failed, more = sections[1].bars
    assert saved.measured == pytest.approx(50.0)
    assert (failed.measured, failed.is_met) == (0.0, True)
    assert more.measured == pytest.approx(0.0)
    assert sections[0].pictures
    assert sections[0].boxes[0].series.keys() >= {labels.SPLINE, labels.FUSED}


def said_of(label: str, case: str, errors: list[float], failure: str = "") -> Said:
    n = len(errors)
    nothing = np.full((n, 3), np.nan)
    values = np.array(errors)
    return Said(
        case, label, ("",) * n, values, values, nothing, nothing, np.ones(n, bool),
        np.full(n, np.nan), ("",) * n, ("",) * n, 1.0, failure,
    )  # fmt: skip


def test_a_crash_and_a_far_case_are_failures_and_missing_places_are_not_compared() -> None:
    said = [
        said_of("a", "one", [2.0, 4.0]), said_of("a", "two", [30.0, 50.0]),
        said_of("a", "three", [np.inf, np.inf], "It crashed."),
        said_of("b", "one", [1.0, np.inf]), said_of("b", "two", [3.0, 3.0]),
    ]  # fmt: skip
    assert failed_cases(said, "a") == 2
    assert failed_cases(said, "b") == 1
    ours, theirs = both_answered(said, "a", "b")
    assert ours.tolist() == [2.0, 30.0, 50.0]
    assert theirs.tolist() == [1.0, 3.0, 3.0]
    assert both_answered(said, "a", "nobody")[0].size == 0
    row = side_by_side("t", said, {"a": {"liver": 0.5}}).rows[0]
    assert row[6:10] == ("4", "2 of 3", "1", "0.500")
    table = organ_table("o", {"a": {"liver": 0.5}, "b": {"spleen": 0.25}})
    assert table.rows == (("liver", "0.500", "-"), ("spleen", "-", "0.250"))


def test_cut_scans_have_their_middles_far_apart_and_places_in_both() -> None:
    body = made.scan((80, 40, 40))
    rng = np.random.default_rng(2)
    places = rng.uniform([-40, -40, -95], [40, 40, 95], (300, 3))
    whole = Case("whole", body, body, places, places.copy())
    cut = registering_cases.cut_apart(whole, rng, is_both=True)
    apart = cut.template.geometry.center_mm - cut.target.geometry.center_mm
    assert abs(apart[2]) > 60
    assert 5 < len(cut.places) <= 2 * registering_cases.N_PLACES
    for volume, points in ((cut.template, cut.places), (cut.target, cut.truth)):
        assert volume.geometry.outside_mm(points).max() == 0
    single = registering_cases.cut_apart(whole, rng, is_both=False)
    assert single.template is body
    assert single.target.array.shape[0] == 40


def test_made_cases_need_no_data() -> None:
    for gather in (
        registering_cases.same_patient,
        registering_cases.large_offset,
        registering_cases.across_patients,
    ):
        asked = gather(None, is_quick=True)
        assert len(asked) == 1
        assert "made patient" in asked[0].name


@pytest.mark.realdata
def test_the_real_cases_are_of_splits_that_no_training_saw(data_folder: Path) -> None:
    names = [
        one.name
        for gather in (
            registering_cases.same_patient,
            registering_cases.large_offset,
            registering_cases.across_patients,
        )
        for one in gather(data_folder, is_quick=False)
    ]
    assert len(names) == len(set(names))
    assert not any("lungdx" in name or "hcc006" in name for name in names)
    assert any(name.startswith("masks") for name in names)
    assert any(name.startswith("bone, hcc002") for name in names)
