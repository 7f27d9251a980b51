"""A made patient written as files reads back as what was drawn."""

import csv
import shutil
from collections import namedtuple
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest

from samdesk.core.phantom.patient import Patient, make_patient
from samdesk.core.phantom.render import render
from samdesk.errors import NoRoom, UsageError
from samdesk.io.base import finish
from samdesk.io.phantom_files import FileFormat, WrittenPatient, write_patient

COARSE = (10.0, 8.0, 8.0)


@pytest.fixture(scope="module")
def patient() -> Patient:
    return make_patient(0, 2)


@pytest.fixture(scope="module")
def dicom(patient: Patient, tmp_path_factory: pytest.TempPathFactory) -> WrittenPatient:
    return finish(write_patient(patient, tmp_path_factory.mktemp("dicom"), spacing_mm=COARSE))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_each_date_is_a_series_that_pydicom_reads_as_the_drawn_hu(
    patient: Patient, dicom: WrittenPatient
) -> None:
    for number, date in enumerate(dicom.dates):
        drawn = render(patient, number, spacing_mm=COARSE).volume
        files = sorted(date.scan.iterdir())
        assert len(files) == drawn.geometry.shape[0]
        middle = len(files) // 2
        read = pydicom.dcmread(files[middle])
        hu = read.pixel_array.astype(int) * int(read.RescaleSlope) + int(read.RescaleIntercept)
        assert np.array_equal(hu, np.clip(drawn.array[middle], -1024, 3071))
        place = drawn.geometry.to_mm(np.array([[middle, 0.0, 0.0]]))[0]
        assert [float(v) for v in read.ImagePositionPatient] == pytest.approx(place, abs=1e-4)
        assert [float(v) for v in read.PixelSpacing] == pytest.approx([8, 8])
        assert read.StudyDate == patient.timepoints[number].date
        assert str(read.PatientName) == "PHANTOM^SAMDESK"
        assert read.SOPClassUID == "1.2.840.10008.5.1.4.1.1.2"


def test_dates_are_studies_of_one_patient_and_every_uid_is_valid(dicom: WrittenPatient) -> None:
    heads = [pydicom.dcmread(next(d.scan.iterdir()), stop_before_pixels=True) for d in dicom.dates]
    assert len({h.PatientID for h in heads}) == 1
    assert len({h.StudyInstanceUID for h in heads}) == len(heads)
    files = [f for d in dicom.dates for f in d.scan.iterdir()]
    uids = [pydicom.dcmread(f, stop_before_pixels=True).SOPInstanceUID for f in files]
    assert len(set(uids)) == len(files)
    assert all(uid.is_valid for uid in uids)


def test_the_reader_of_samdesk_opens_it_without_a_warning(dicom: WrittenPatient) -> None:
    from samdesk.io.registry import open_path

    opened = finish(open_path(dicom.dates[0].scan))
    assert opened.notices == ()
    assert opened.image.geometry.spacing == pytest.approx(COARSE)


def test_the_same_patient_has_the_same_files(
    patient: Patient, dicom: WrittenPatient, tmp_path: Path
) -> None:
    again = finish(write_patient(make_patient(0, 2), tmp_path, spacing_mm=COARSE))
    for one, other in zip(dicom.dates, again.dates, strict=True):
        for name in ("CT0001.dcm", "CT0020.dcm"):
            assert (one.scan / name).read_bytes() == (other.scan / name).read_bytes()
        assert one.points.read_text() == other.points.read_text()


def test_nifti_says_the_same_places_with_its_own_signs(patient: Patient, tmp_path: Path) -> None:
    written = finish(
        write_patient(patient, tmp_path, file_format=FileFormat.NIFTI, spacing_mm=COARSE)
    )
    image = nibabel.load(written.dates[0].scan)
    drawn = render(patient, 0, spacing_mm=COARSE).volume
    index = np.array([[3.0, 5.0, 7.0]])
    mm = drawn.geometry.to_mm(index)[0]
    assert nibabel.affines.apply_affine(image.affine, index[0, ::-1]) == pytest.approx(
        (-mm[0], -mm[1], mm[2])
    )
    assert int(np.asarray(image.dataobj)[7, 5, 3]) == int(drawn.array[3, 5, 7])


def test_points_and_lesions_are_those_of_the_date(patient: Patient, dicom: WrittenPatient) -> None:
    for number, date in enumerate(dicom.dates):
        drawn = render(patient, number, spacing_mm=COARSE)
        points = rows(date.points)
        for row in points:
            at = [float(row[axis]) for axis in "xyz"]
            assert at == pytest.approx(drawn.points[row["name"]], abs=1e-3)
            assert drawn.volume.geometry.outside_mm(np.array([at]))[0] == 0
        for row in rows(date.lesions):
            assert float(row["diameter_mm"]) > 0
            lesion = drawn.lesions[row["name"]]
            assert [float(row[a]) for a in "xyz"] == pytest.approx(lesion.at_mm, abs=1e-3)


def test_the_truth_lists_every_point_and_lesion_on_every_date(
    patient: Patient, dicom: WrittenPatient
) -> None:
    truth = rows(dicom.truth)
    drawn = render(patient, 0, spacing_mm=COARSE)
    assert len(truth) == 2 * (len(drawn.points) + len(drawn.lesions))
    gone = [r for r in truth if r["kind"] == "lesion" and float(r["diameter_mm"]) == 0]
    assert gone
    assert {r["in_scan"] for r in truth} <= {"yes", "no"}


def test_nothing_is_overwritten(patient: Patient, dicom: WrittenPatient) -> None:
    with pytest.raises(UsageError, match="is there already"):
        finish(write_patient(patient, dicom.folder.parent, spacing_mm=COARSE))


def test_stopped_on_the_way_nothing_is_left(patient: Patient, tmp_path: Path) -> None:
    steps = write_patient(patient, tmp_path / "out", spacing_mm=COARSE)
    for _ in range(4):
        next(steps)
    steps.close()
    assert list((tmp_path / "out").iterdir()) == []


def test_a_full_disk_is_said_before_anything_is_drawn(
    patient: Patient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10, 9, 1))
    with pytest.raises(NoRoom, match="MB free"):
        next(write_patient(patient, tmp_path, spacing_mm=COARSE))
    assert list(tmp_path.iterdir()) == []
