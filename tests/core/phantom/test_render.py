"""A drawn scan shows what its points say."""

import numpy as np
import pytest

from samdesk.core.phantom.body_map import dense_map
from samdesk.core.phantom.lesions import LesionCourse
from samdesk.core.phantom.named import NAMED
from samdesk.core.phantom.patient import Patient, make_patient
from samdesk.core.phantom.render import PhantomScan, points_of, render
from samdesk.core.volume import Modality, Unit

SMALL = (np.array([-40.0, -40.0, 180.0]), np.array([40.0, 60.0, 260.0]))
COARSE = (5.0, 4.0, 4.0)


def drawn(patient: Patient, timepoint: int = 0, **more) -> np.ndarray:
    scan = render(patient, timepoint, spacing_mm=COARSE, field_of_view=SMALL, **more)
    return scan.volume.array


def test_a_scan_is_ct_in_hu_on_the_grid_that_was_asked_for(scan: PhantomScan) -> None:
    assert scan.volume.array.dtype == np.int16
    assert scan.volume.modality is Modality.CT
    assert scan.volume.unit is Unit.HU
    assert scan.volume.geometry.spacing == pytest.approx((4.0, 3.0, 3.0))
    assert -1024 <= scan.volume.array.min() < -900
    assert scan.volume.array.max() > 500


def test_the_same_seed_draws_the_same_scan(patient: Patient) -> None:
    assert np.array_equal(drawn(patient), drawn(make_patient(0)))


def test_a_scan_painted_in_parts_is_the_scan_painted_at_once(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = drawn(patient)
    monkeypatch.setattr("samdesk.core.phantom.render.SLAB_VOXELS", 5 * whole[0].size)
    assert np.array_equal(drawn(patient), whole)


def test_other_noise_leaves_the_anatomy(patient: Patient) -> None:
    one, other = drawn(patient), drawn(patient, rng=np.random.default_rng(9))
    assert not np.array_equal(one, other)
    assert abs(float(one.mean()) - float(other.mean())) < 2


def test_at_least_forty_points_have_names_and_paired_ones_have_two_sides() -> None:
    assert len(NAMED) >= 40
    left = {name[5:] for name in NAMED if name.startswith("left_")}
    right = {name[6:] for name in NAMED if name.startswith("right_")}
    assert left == right
    assert {"adrenal", "renal_hilum", "femoral_head", "lung_apex"} <= left


def test_left_is_at_greater_x_than_right(scan: PhantomScan) -> None:
    for name in (n[5:] for n in scan.points if n.startswith("left_")):
        assert scan.points[f"left_{name}"][0] > scan.points[f"right_{name}"][0] + 20


def test_vertebrae_follow_each_other_from_head_to_foot(scan: PhantomScan) -> None:
    names = [f"T{n}" for n in range(1, 13)] + [f"L{n}" for n in range(1, 6)]
    z = np.array([scan.points[name][2] for name in names])
    assert (np.diff(z) < -12).all()
    assert (np.diff(z) > -60).all()


@pytest.mark.parametrize(
    ("name", "tissue", "within"),
    [
        ("carina", "air", 40),
        ("left_main_bronchus", "air", 60),
        ("aortic_arch", "left_blood", 30),
        ("aortic_bifurcation", "left_blood", 45),
        ("pulmonary_trunk", "right_blood", 30),
        ("left_kidney_lower_pole", "kidney_cortex", 60),
        ("right_kidney_upper_pole", "kidney_cortex", 60),
        ("liver_tip", "liver", 25),
        ("bladder", "urine", 25),
        ("gallbladder_neck", "bile", 35),
        ("left_psoas", "muscle", 25),
        ("right_lung_apex", "lung", 110),
        ("L3", "spongy", 90),
        ("left_femoral_head", "spongy", 90),
    ],
)
def test_a_named_point_lies_in_the_tissue_that_it_names(
    patient: Patient, scan: PhantomScan, hu_at, name: str, tissue: str, within: float
) -> None:
    phase = patient.timepoints[0].phase.value
    expected = patient.tissues[tissue].in_phase(phase)
    assert hu_at(0, scan.points[name]) == pytest.approx(expected, abs=within)


def test_the_liver_is_on_the_right_and_the_heart_points_left(scan: PhantomScan) -> None:
    spine = scan.points["T10"][0]
    assert scan.points["liver_dome"][0] < spine - 40
    assert scan.points["heart_apex"][0] > spine + 30
    assert scan.points["spleen_hilum"][0] > spine + 40


def test_one_place_of_the_body_looks_alike_on_all_dates_and_in_all_people(
    hu_at, patient: Patient
) -> None:
    other = make_patient(3)
    for name, low, high in (("carina", -1030, -940), ("L3", 90, 420)):
        for of, timepoint in ((patient, 0), (patient, 1), (other, 0)):
            mm = dense_map(of, timepoint).from_canonical(np.array([NAMED[name]]))[0]
            assert low < hu_at(timepoint, tuple(mm), of) < high


def test_points_are_the_canonical_ones_taken_over_by_the_map(patient: Patient) -> None:
    points = points_of(patient, 2)
    back = dense_map(patient, 2).to_canonical(np.array(list(points.values())))
    assert np.abs(back - np.array(list(NAMED.values()))).max() < 0.01


def _with_lesion(diameters: tuple[float, ...]) -> Patient:
    base = make_patient(0)
    course = LesionCourse("liver_lesion", "air", (-82.0, -12.0, 340.0), diameters)
    return Patient(base.seed, base.build, base.moves, base.tissues, {"it": course}, base.timepoints)


def test_a_lesion_is_a_ball_of_its_diameter_in_patient_mm() -> None:
    patient, none = _with_lesion((24.0, 0.0, 0.0)), _with_lesion((0.0, 0.0, 0.0))
    at = np.array([-82.0, -12.0, 340.0])
    here = dense_map(patient, 0).from_canonical(at[None])[0]
    field = (here - 22, here + 22)
    scans = [render(p, 0, spacing_mm=(1.5,) * 3, field_of_view=field) for p in (patient, none)]
    changed = np.abs(scans[0].volume.array.astype(int) - scans[1].volume.array) > 400
    volume = changed.sum() * 1.5**3
    assert (6 * volume / np.pi) ** (1 / 3) == pytest.approx(24, abs=1.5)
    middle = scans[0].volume.geometry.to_mm(np.argwhere(changed).astype(float)).mean(axis=0)
    assert middle == pytest.approx(here, abs=0.7)
    assert scans[0].lesions["it"].at_mm == pytest.approx(tuple(here), abs=1e-3)
    assert scans[0].lesions["it"].diameter_mm == 24


def test_a_vanished_lesion_has_no_diameter_and_leaves_no_trace() -> None:
    gone, never = _with_lesion((24.0, 0.0, 0.0)), _with_lesion((0.0, 0.0, 0.0))
    at = dense_map(gone, 1).from_canonical(np.array([(-82.0, -12.0, 340.0)]))[0]
    field = (at - 15, at + 15)
    scans = [render(p, 1, spacing_mm=(3, 3, 3), field_of_view=field) for p in (gone, never)]
    assert scans[0].lesions["it"].diameter_mm == 0
    assert np.array_equal(scans[0].volume.array, scans[1].volume.array)


def test_shuffled_tissues_have_other_grey_values_in_the_same_places(patient: Patient) -> None:
    one = drawn(patient, tissue_shuffle=np.random.default_rng(1)).astype(float)
    other = drawn(patient, tissue_shuffle=np.random.default_rng(2)).astype(float)
    assert np.abs(one - other).mean() > 20


def test_a_field_of_view_is_a_part_of_the_whole_scan(patient: Patient) -> None:
    scan = render(patient, 0, spacing_mm=COARSE, field_of_view=SMALL)
    low = scan.volume.geometry.to_mm(np.zeros((1, 3)))[0]
    assert low == pytest.approx(SMALL[0])
    assert scan.volume.geometry.shape == (17, 26, 21)
    assert scan.points["carina"][2] > SMALL[1][2]
