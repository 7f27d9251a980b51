"""The CD of a made hospital, and real folders: as a person would drop them on the window."""

import csv
from pathlib import Path

import numpy as np
import pydicom
import pytest

from samdesk.core.radiograph import Radiograph, Scale
from samdesk.core.reading import Opened, ScanReport
from samdesk.core.study import Series
from samdesk.core.volume import Modality, Unit, Volume
from samdesk.io.base import FileRef, finish
from samdesk.io.dicom.directory import read_directory
from samdesk.io.registry import open_series
from samdesk.io.scan import scan

pytestmark = pytest.mark.realdata


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def cd(data_folder: Path) -> Path:
    return data_folder / "hospital" / "cd"


@pytest.fixture(scope="module", params=["folder", "DICOMDIR"])
def report(request: pytest.FixtureRequest, cd: Path) -> ScanReport:
    return finish(scan([cd if request.param == "folder" else cd / "DICOMDIR"]))


def by_uid(report: ScanReport) -> dict[str, Series]:
    return {str(series.id): series for series in report.series}


def opened(series: Series) -> Opened:
    return finish(open_series(series))


def test_the_cd_has_two_patients_and_five_studies(report: ScanReport, cd: Path) -> None:
    assert len({series.patient for series in report.series}) == 2
    assert len({series.study for series in report.series}) == 5
    assert "several-patients" in {notice.code for notice in report.notices}
    listed = by_uid(report)
    for row in rows(cd.parent / "series.csv"):
        if "dose report" in row["what"]:
            assert row["series_uid"] not in listed
            continue
        series = listed[row["series_uid"]]
        apart = row["what"] == "localizer" or "capture" in row["what"]
        assert series.is_apart == apart
        if not apart:
            assert series.shape is not None
            assert series.shape[0] == int(row["n_images"])


def test_dose_reports_are_refused_as_reports(report: ScanReport) -> None:
    reports = [one for one in report.refusals if one.code == "not-an-image"]
    assert len(reports) == 3
    assert all("dose report" in refusal.reason for refusal in reports)


def thin_series(report: ScanReport, cd: Path) -> dict[str, Series]:
    """Give the thin CT of each study."""
    listed = by_uid(report)
    return {
        row["study"]: listed[row["series_uid"]]
        for row in rows(cd.parent / "series.csv")
        if row["what"] == "thin CT"
    }


def test_every_pixel_lies_where_its_own_file_says(report: ScanReport, cd: Path) -> None:
    """By the standard's formula, file by file, independent of how the stack was made."""
    for series in thin_series(report, cd).values():
        image = opened(series).image
        assert isinstance(image, Volume)
        for k, path in enumerate(sorted(series.source.paths, key=height)):
            ds = pydicom.dcmread(path, stop_before_pixels=True)
            across = np.array(ds.ImageOrientationPatient[:3], float) * float(ds.PixelSpacing[1])
            down = np.array(ds.ImageOrientationPatient[3:], float) * float(ds.PixelSpacing[0])
            due = np.array(ds.ImagePositionPatient, float) + 50 * down + 20 * across
            shown = image.geometry.to_mm(np.array([[k, 50.0, 20.0]]))[0]
            assert np.linalg.norm(shown - due) < 0.01


def height(path: Path) -> float:
    return float(pydicom.dcmread(path, stop_before_pixels=True).ImagePositionPatient[2])


def test_lesions_lie_where_the_truth_says(report: ScanReport, cd: Path) -> None:
    """The middle of what stands out at each lesion's place; pixels are 4 mm, neighbors disturb."""
    volumes = {study: opened(series).image for study, series in thin_series(report, cd).items()}
    off = []
    for row in rows(cd.parent / "truth.csv"):
        if row["status"] == "present":
            at = np.array([float(row[f"{axis}_lps_mm"]) for axis in "xyz"])
            volume = volumes[row["study"]]
            assert isinstance(volume, Volume)
            found = middle_of_mass(volume, at, float(row["diameter_mm"]))
            off.append(float(np.linalg.norm(found - at)))
    assert len(off) == 10
    assert np.median(off) < 0.5
    assert max(off) < 1.5


def middle_of_mass(volume: Volume, at: np.ndarray, diameter: float) -> np.ndarray:
    """Weigh what differs from its surroundings near a place, by its share of each voxel."""
    geometry = volume.geometry
    low = (np.floor(geometry.to_index(at[None])[0]) - 25).clip(0).astype(int)
    high = np.minimum(low + 51, volume.array.shape)
    box = volume.array[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
    mm = geometry.to_mm(np.argwhere(np.ones(box.shape)) + low.astype(float))
    values, distance = box.reshape(-1).astype(float), np.linalg.norm(mm - at, axis=1)
    inside = np.median(values[distance < diameter / 3])
    around = np.median(values[(distance > diameter / 2 + 3) & (distance < diameter / 2 + 8)])
    near = distance < diameter / 2 + max(geometry.spacing)
    weight = np.clip((values - around) / (inside - around), 0, 1) * near
    return np.asarray((mm * weight[:, None]).sum(axis=0) / weight.sum())


def test_the_tilt_of_the_last_date_is_reported(report: ScanReport, cd: Path) -> None:
    row = next(row for row in rows(cd.parent / "series.csv") if row["tilt_deg"] == "8.0")
    result = opened(by_uid(report)[row["series_uid"]])
    tilts = [notice.number for notice in result.notices if notice.code == "gantry-tilt"]
    assert tilts == [pytest.approx(8.0, abs=0.2)]


def test_every_series_of_the_cd_opens(report: ScanReport) -> None:
    for series in report.series:
        image = opened(series).image
        if isinstance(image, Volume):
            assert image.unit is Unit.HU
            assert image.array.min() >= -1200
            assert image.array.max() < 3100


def test_the_radiograph_measures_at_the_detector(report: ScanReport, cd: Path) -> None:
    row = next(row for row in rows(cd.parent / "series.csv") if "DX" in row["what"])
    image = opened(by_uid(report)[row["series_uid"]]).image
    assert isinstance(image, Radiograph)
    assert image.scale is Scale.DETECTOR
    assert image.pixel_mm == (0.8, 0.8)
    assert image.is_inverted
    truth = rows(cd.parent / "truth_dx.csv")[0]
    length, unit = image.length((0, 0), (float(truth["diameter_px"]), 0))
    assert (round(length, 1), unit) == (28.1, "mm")


def test_real_folders_open_as_what_they_are(data_folder: Path) -> None:
    folder = data_folder / "dicom"
    pelvis = finish(scan([folder / "totalseg_j2k_pelvis"])).series[0]
    volume = opened(pelvis).image
    assert isinstance(volume, Volume)
    assert volume.array.shape == (20, 512, 512)
    assert volume.geometry.spacing == pytest.approx((2.0, 0.977, 0.977), abs=1e-3)
    sagittal = finish(scan([folder / "midrc_sagittal_jpegll"])).series[0]
    result = opened(sagittal)
    assert result.image.array.shape == (19, 512, 512)
    assert sagittal.orientation == "PFR"
    chest = finish(scan([folder / "ibsi_lung_rtstruct"]))
    assert [one.shape for one in chest.series] == [(60, 201, 204)]
    assert "not-an-image" in {refusal.code for refusal in chest.refusals}
    prior = finish(scan([folder / "nysbu_prior_current"]))
    dicom = [one for one in prior.series if one.source.kind == "dicom"]
    assert len(dicom) == 6
    assert len({one.study_date for one in dicom}) == 2


@pytest.mark.parametrize(
    "name",
    [
        "DICOMDIR",
        "DICOMDIR-bigEnd",
        "DICOMDIR-implicit",
        "DICOMDIR-nooffset",
        "DICOMDIR-reordered",
        "TINY_ALPHA/DICOMDIR",
    ],
)
def test_lists_of_media_of_every_encoding_are_read(data_folder: Path, name: str) -> None:
    listed = read_directory(FileRef(data_folder / "dicom" / "pydicom_dicomdir" / name))
    assert len(listed.files) >= 30
    assert listed.outside == 0


def test_the_dicomdir_of_four_patients_opens(data_folder: Path) -> None:
    told = finish(scan([data_folder / "dicom" / "pydicom_dicomdir" / "DICOMDIR"]))
    kinds = {series.modality for series in told.series}
    assert kinds == {Modality.CR, Modality.CT, Modality.MR}
    assert [refusal.code for refusal in told.refusals] == []
