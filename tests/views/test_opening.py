"""Which scans of a drop are shown without asking."""

from datetime import date
from pathlib import Path

from samdesk.core.ids import PatientId, SeriesId, StudyId
from samdesk.core.study import Series, Source
from samdesk.core.volume import Modality
from samdesk.views.opening import is_other_patient, pair_to_open


def series(
    name: str,
    *,
    patient: str = "P1",
    study: str = "S1",
    day: date | None = None,
    slices: int = 100,
    kind: str = "dicom",
    is_apart: bool = False,
    is_picture: bool = False,
) -> Series:
    return Series(
        SeriesId(name), StudyId(study), PatientId(patient), Modality.CT, name,
        Source(kind, (Path("/data") / name,)), study_date=day, shape=(slices, 64, 64),
        is_apart=is_apart, is_picture=is_picture,
    )  # fmt: skip


def test_the_earliest_study_is_the_baseline_and_the_latest_the_follow_up() -> None:
    found = [
        series("new", study="S3", day=date(2026, 9, 1)),
        series("middle", study="S2", day=date(2026, 6, 1)),
        series("old", study="S1", day=date(2026, 3, 1)),
    ]
    assert pair_to_open(found) == ("old", "new")


def test_of_a_study_the_series_with_the_most_slices_is_shown_and_localizers_are_not() -> None:
    found = [
        series("scout", slices=400, is_apart=True),
        series("thick", slices=40),
        series("thin", slices=300),
    ]
    assert pair_to_open(found) == ("thin", "thick")


def test_two_patients_are_never_set_side_by_side_without_a_click() -> None:
    found = [series("one"), series("other", patient="P2", study="S2")]
    assert pair_to_open(found) == ("one", None)
    assert is_other_patient(*found)
    assert not is_other_patient(found[0], found[0])
    assert not is_other_patient(found[0], None)


def test_files_that_name_no_patient_are_compared_in_the_order_of_the_drop() -> None:
    found = [series("b", kind="nifti", patient=""), series("a", kind="nifti", patient="")]
    assert pair_to_open(found, [Path("/data/a"), Path("/data/b")]) == ("a", "b")
    assert pair_to_open(found, [Path("/elsewhere")]) == ("b", "a")
    assert not is_other_patient(*found)


def test_a_radiograph_alone_is_shown_and_nothing_gives_nothing() -> None:
    assert pair_to_open([series("film", is_picture=True)]) == ("film", None)
    assert pair_to_open([]) == (None, None)
    assert pair_to_open([series("scout", is_apart=True)]) == (None, None)
