"""Every case in which the answer is that there is none."""

from dataclasses import replace

import numpy as np
import pytest

from samdesk.core.geometry import Geometry
from samdesk.core.match import Verdict
from samdesk.core.radiograph import Radiograph
from samdesk.core.reading import Opened
from samdesk.core.reading_notes import Notice
from samdesk.core.volume import Modality, Unit, Volume
from samdesk.services import reasons

INSIDE = (2.0, 2.0, 2.0)


@pytest.fixture
def info(made):
    return made.info()


def opened(
    shape: tuple[int, int, int] = (4, 4, 4),
    spacing: tuple[float, float, float] = (2.0, 2.0, 2.0),
    modality: Modality = Modality.CT,
    unit: Unit = Unit.HU,
) -> Opened:
    geometry = Geometry.aligned(shape, spacing, np.zeros(3))
    return Opened(Volume(np.zeros(shape, np.int16), geometry, modality, unit))


def test_two_ct_scans_can_be_matched(info) -> None:
    assert reasons.cannot_match(opened(), opened(), INSIDE, info) == ""


def test_a_file_without_the_word_ct_whose_values_are_hu_counts_as_ct() -> None:
    assert reasons.modality(opened(modality=Modality.OTHER)) is Modality.CT
    assert reasons.modality(opened(modality=Modality.OTHER, unit=Unit.NONE)) is Modality.OTHER


def test_no_model() -> None:
    assert reasons.cannot_embed(opened(), None) == "No installed model knows CT."
    other = opened(modality=Modality.OTHER, unit=Unit.NONE)
    reason = reasons.cannot_embed(other, None)
    assert reason.startswith("No installed model knows this kind of scan.")


def test_where_no_model_knows_mr_the_next_step_is_to_train_one() -> None:
    reason = reasons.cannot_embed(opened(modality=Modality.MR, unit=Unit.NONE), None)
    assert reason.startswith("No installed model knows MR. `samdesk train --method sam")


def test_a_scan_that_does_not_say_what_made_it_is_asked_as_mr(info) -> None:
    mr = replace(info, modality=Modality.MR)
    one = opened(modality=Modality.MR, unit=Unit.NONE)
    other = opened(modality=Modality.OTHER, unit=Unit.NONE)
    assert reasons.cannot_match(one, other, INSIDE, mr) == ""
    assert reasons.cannot_match(other, one, INSIDE, mr) == ""
    assert "second scan is CT" in reasons.cannot_match(one, opened(), INSIDE, mr)


def test_a_radiograph(info) -> None:
    picture = Opened(Radiograph(np.zeros((4, 4), np.uint8)))
    assert "radiograph" in reasons.cannot_match(picture, opened(), INSIDE, info)


def test_another_kind_of_scan(info) -> None:
    reason = reasons.cannot_match(opened(), opened(modality=Modality.MR), INSIDE, info)
    assert reason == "The model knows CT; the second scan is MR."


def test_a_single_slice(info) -> None:
    assert "single slice" in reasons.cannot_match(opened(), opened((1, 4, 4)), INSIDE, info)


def test_no_spacing(info) -> None:
    flat = replace(opened(), notices=(Notice("no-scale", "No spacing."),))
    assert "no spacing" in reasons.cannot_embed(flat, info)


def test_slices_that_are_too_far_apart(info) -> None:
    reason = reasons.cannot_embed(opened(spacing=(12.0, 1.0, 1.0)), info)
    assert reason.startswith("The slices of this scan are 12.0 mm apart")


def test_a_point_outside_the_first_scan(info) -> None:
    # The grid ends half a voxel beyond the last center, at 7 mm: 91 - 7 = 84.
    reason = reasons.cannot_match(opened(), opened(), (91.0, 2.0, 2.0), info)
    assert reason == ("This point is 84 mm outside the first scan, so there is nothing to match.")


def test_the_answer_holds_the_reason_and_no_place() -> None:
    match = reasons.unknown("Because.", "m")
    assert (match.verdict, match.at_mm, match.reason, match.model) == (
        Verdict.UNKNOWN,
        None,
        "Because.",
        "m",
    )
