"""A made patient is its seed and nothing else."""

import numpy as np

from samdesk.core.phantom.patient import make_patient


def test_the_same_seed_makes_the_same_patient() -> None:
    one, other = make_patient(4), make_patient(4)
    assert one.build == other.build
    assert one.timepoints == other.timepoints
    assert one.lesions == other.lesions
    assert one.tissues == other.tissues


def test_another_seed_makes_another_patient() -> None:
    assert make_patient(4).build != make_patient(5).build


def test_more_dates_leave_the_first_ones_as_they_are() -> None:
    assert make_patient(4, 5).timepoints[:2] == make_patient(4, 2).timepoints


def test_dates_follow_each_other_and_the_first_shows_the_whole_trunk() -> None:
    dates = make_patient(1, 6).timepoints
    assert [d.date for d in dates] == sorted({d.date for d in dates})
    low, high = dates[0].z_mm
    assert low < 0
    assert high > 590


def test_every_patient_has_four_to_eight_lesions_of_which_one_grows_and_one_vanishes() -> None:
    for seed in range(30):
        courses = list(make_patient(seed).lesions.values())
        assert 4 <= len(courses) <= 8
        sizes = np.array([c.diameters_mm for c in courses])
        assert ((sizes[:, 0] > 0) & (sizes[:, -1] == 0)).any()
        assert ((sizes[:, 0] > 0) & (sizes[:, -1] > 1.3 * sizes[:, 0])).any()
        assert sizes.max() <= 45


def test_both_sexes_come_up() -> None:
    assert {make_patient(seed).build.sex for seed in range(20)} == {"F", "M"}
