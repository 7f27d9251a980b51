"""Benchmarks on made patients, small, with contenders whose answers are known."""

from pathlib import Path

import numpy as np
import pytest

from samdesk.errors import ModelError
from samdesk.evaluation import formats, made, phantoms, presence, registry, speed
from samdesk.evaluation.base import Setting
from samdesk.evaluation.contenders import Embeddings
from samdesk.io.base import finish
from tests.evaluation.conftest import Fails, Knows

SMALL = (6.0, 5.0, 5.0)


@pytest.fixture(autouse=True)
def small_and_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw the quick cases on a coarse grid."""
    for module in (phantoms, formats, speed):
        monkeypatch.setattr(module, "QUICK_SPACING", SMALL)


def setting(*contenders: Knows) -> Setting:
    return Setting(contenders or (Knows(),), (Fails(),), None, is_quick=True)


def test_the_truth_of_a_made_case_is_the_same_place_of_the_body() -> None:
    case = made.across_case(made.FIRST_SEED, SMALL)
    back = made.carried((made.FIRST_SEED + 1, 0), (made.FIRST_SEED, 0), case.truth)
    assert np.abs(back - case.places).max() < 0.3
    assert (case.target.geometry.outside_mm(case.truth) == 0).all()
    assert "carina" in case.names
    assert case.names.count("random") > 10


def test_a_cut_target_has_places_inside_and_places_well_outside() -> None:
    case = made.with_cropped_target(made.follow_up_case(made.FIRST_SEED, SMALL), 1)
    assert case.absent is not None
    assert len(case.places) > 5
    assert len(case.absent) > 5
    assert (case.target.geometry.outside_mm(case.truth) == 0).all()


def test_follow_up_and_across_stand_beside_their_promises_and_the_failing_baseline() -> None:
    follow_up = finish(phantoms.FollowUp().run(setting(Knows(off_mm=4.0))))
    assert [bar.is_met for bar in follow_up.bars] == [False, True]
    assert follow_up.rows[-1].failures
    across = finish(phantoms.Across().run(setting(Knows(off_mm=4.0))))
    assert all(bar.is_met for bar in across.bars)
    assert across.values["random places, median mm"] == pytest.approx(4.0)


def test_who_knows_what_is_absent_has_an_area_of_one() -> None:
    section = finish(phantoms.Presence().run(setting()))
    assert section.values["AUC of the probability"] == 1.0
    assert section.values["absent called absent, %"] == 100.0
    assert section.bars[0].is_met


def test_confident_matches_in_a_mirrored_scan_break_the_promise() -> None:
    section = finish(phantoms.Mirror().run(setting()))
    assert section.values["called found, %"] == 100.0
    assert not section.bars[0].is_met


def test_a_model_that_runs_matches_a_scan_to_itself(embeddings: Embeddings) -> None:
    steps = registry.run_all(
        embeddings.info, embeddings.session, data=None, is_quick=True,
        with_registration=False, only=frozenset({"self_match", "warps"}),
    )  # fmt: skip
    (section,) = finish(steps)  # warps need scans, and there are none
    assert section.name == "self_match"
    assert section.rows[2].label == "samdesk + prior + vote"
    assert section.rows[2].figures.median_mm < 4.0


def test_a_benchmark_that_cannot_run_says_why_and_the_others_still_do(
    embeddings: Embeddings, tmp_path: Path
) -> None:
    steps = registry.run_all(
        embeddings.info, embeddings.session, data=tmp_path, only=frozenset({"bone"})
    )
    (section,) = finish(steps)
    assert "no list of scans" in section.notes[0]
    assert not section.bars[0].is_met


def test_nifti_and_dicom_of_one_scan_give_one_answer() -> None:
    section = finish(formats.Formats().run(setting()))
    assert section.values["places answered from both"] == formats.N_PLACES
    assert all(bar.is_met for bar in section.bars)


def test_a_folder_is_timed_beside_bare_pydicom(
    monkeypatch: pytest.MonkeyPatch, embeddings: Embeddings
) -> None:
    monkeypatch.setattr(speed, "N_SLICES", 12)
    monkeypatch.setattr(speed, "N_PIXELS", 32)
    monkeypatch.setattr(speed, "N_CLICKS", 2)
    monkeypatch.setattr(speed, "made_torso", lambda: made.made_scan(90_001, 0, SMALL).volume)
    section = finish(speed.Speed(embeddings).run(setting()))
    assert section.values["12 slices, bare pydicom, s"] > 0
    assert section.values["12 slices, first picture, s"] > 0
    assert section.values["one click, cached embeddings, median ms"] > 0
    assert len(section.bars) == 4


def test_a_calibration_is_fitted_from_made_patients_and_judged_on_held_out_thirds(
    embeddings: Embeddings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "SPACING", SMALL)
    examples = finish(presence.collect(embeddings, None, (made.FIRST_SEED,)))
    assert examples.features.shape == (len(examples.is_right), 10)
    assert not (examples.is_right & ~examples.is_present).any()
    fitted = presence.fit(examples)
    assert fitted.presence_auc > 0.7
    assert 0 <= fitted.ece < 0.3


def test_too_few_examples_are_said_and_not_fitted() -> None:
    few = presence.Examples(np.zeros((6, 10)), np.ones(6, bool), np.ones(6, bool))
    with pytest.raises(ModelError, match="cannot be calibrated"):
        presence.fit(few)


def test_benchmarks_never_name_a_made_patient_that_calibration_uses() -> None:
    used = {seed + step for seed in presence.SEEDS for step in (0, 1)}
    assert not used & {seed + 1 for seed in phantoms.ACROSS_SEEDS}
    assert not used & set(phantoms.FOLLOW_UP_SEEDS)
