"""A made patient as files: each date a DICOM series or a NIfTI file, with what is true of it.

A patient is one folder with a folder for each date:

    PHANTOM-00007/
      truth.csv                 every point and lesion on every date, also outside the scan
      20240312/
        dicom/CT0001.dcm ...    or ct.nii.gz
        points.csv              the points that lie in this scan
        lesions.csv             the lesions that are there on this date, with their diameter

Nothing is half written: the folder is made beside under another name and renamed at the end.
"""

import csv
import io
import shutil
from collections.abc import Generator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np

from samdesk.core.geometry import Position
from samdesk.core.phantom.patient import Patient, Timepoint
from samdesk.core.phantom.render import PhantomScan, grid, render
from samdesk.core.progress import Progress
from samdesk.core.volume import Volume
from samdesk.errors import NoRoom, UsageError
from samdesk.io.atomic import cannot_write
from samdesk.io.phantom_dicom import patient_id, write_dicom

POINT_COLUMNS = ("name", "x", "y", "z", "diameter_mm", "label", "note")
TRUTH_COLUMNS = ("date", "name", "kind", "x", "y", "z", "diameter_mm", "in_scan")
BYTES_A_VOXEL = 2


class FileFormat(Enum):
    """How the scans are written."""

    DICOM = "dicom"
    NIFTI = "nifti"


@dataclass(frozen=True)
class WrittenDate:
    """The files of one date.

    Attributes:
        date: YYYYMMDD.
        scan: the folder of the DICOM files, or the NIfTI file.
        points, lesions: CSV files of points as `samdesk match` reads them.
    """

    date: str
    scan: Path
    points: Path
    lesions: Path


@dataclass(frozen=True)
class WrittenPatient:
    """The files of one patient."""

    folder: Path
    truth: Path
    dates: tuple[WrittenDate, ...]


def bytes_needed(patient: Patient, spacing_mm: tuple[float, float, float] | None = None) -> int:
    """Give about how many bytes a patient takes on disk, without compression."""
    total = 0
    for number, date in enumerate(patient.timepoints):
        shape = grid(patient, number, spacing_mm or date.spacing_mm).shape
        total += shape[0] * shape[1] * shape[2] * BYTES_A_VOXEL + shape[0] * 2000
    return total


def write_patient(
    patient: Patient,
    folder: Path,
    *,
    file_format: FileFormat = FileFormat.DICOM,
    spacing_mm: tuple[float, float, float] | None = None,
) -> Generator[Progress, None, WrittenPatient]:
    """Write every date of a patient into a new folder.

    Args:
        patient: from `make_patient`.
        folder: where the patient's own folder is made; it is created where it is missing.
        file_format: DICOM or NIfTI.
        spacing_mm: of all scans (k, j, i); None takes each date's own.

    Returns:
        The paths of what was written.

    Raises:
        UsageError: the patient's folder is there already.
        NoRoom: the disk has no room for it; said before anything is drawn.
        SamdeskError: the folder cannot be written.
    """
    target = folder / patient_id(patient)
    if target.exists():
        raise UsageError(
            f"{target} is there already, and nothing is overwritten.",
            code="usage",
            hint="Name another folder with --out, or another --seed.",
        )
    _make_room(patient, folder, spacing_mm)
    beside = folder / f".{target.name}.part"
    shutil.rmtree(beside, ignore_errors=True)
    try:
        beside.mkdir()
        yield from _write_dates(patient, beside, file_format, spacing_mm)
        beside.rename(target)
    except OSError as error:
        raise cannot_write(target, error) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    dates = tuple(_paths(target / d.date, file_format) for d in patient.timepoints)
    return WrittenPatient(target, target / "truth.csv", dates)


def _paths(folder: Path, file_format: FileFormat) -> WrittenDate:
    scan = folder / ("dicom" if file_format is FileFormat.DICOM else "ct.nii.gz")
    return WrittenDate(folder.name, scan, folder / "points.csv", folder / "lesions.csv")


def _make_room(
    patient: Patient, folder: Path, spacing_mm: tuple[float, float, float] | None
) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from error
    needed, free = bytes_needed(patient, spacing_mm), shutil.disk_usage(folder).free
    if needed > free:
        raise NoRoom(
            f"{patient_id(patient)} takes about {needed / 1e6:.0f} MB and the disk of {folder} has "
            f"{free / 1e6:.0f} MB free.",
            code="no-room",
            hint="Free some room, or name another folder with --out.",
        )


def _write_dates(
    patient: Patient,
    folder: Path,
    file_format: FileFormat,
    spacing_mm: tuple[float, float, float] | None,
) -> Generator[Progress, None, None]:
    truth: list[tuple[object, ...]] = []
    count = len(patient.timepoints)
    for number, date in enumerate(patient.timepoints):
        doing = f"{patient_id(patient)}, date {number + 1} of {count}"
        yield Progress(number * 2, count * 2, f"{doing}: drawing")
        scan = render(patient, number, spacing_mm=spacing_mm or date.spacing_mm)
        yield Progress(number * 2 + 1, count * 2, f"{doing}: writing")
        paths = _paths(folder / date.date, file_format)
        (folder / date.date).mkdir()
        if file_format is FileFormat.DICOM:
            for _ in write_dicom(scan.volume, patient, number, paths.scan):
                yield Progress(number * 2 + 1, count * 2, f"{doing}: writing")
        else:
            write_nifti(scan.volume, paths.scan)
        _write_tables(scan, paths)
        truth += _truth_rows(scan, date)
    _write_csv(folder / "truth.csv", TRUTH_COLUMNS, truth)
    yield Progress(count * 2, count * 2, patient_id(patient))


def _is_inside(volume: Volume, at: Position) -> bool:
    return bool(volume.geometry.outside_mm(np.array([at]))[0] == 0)


def _write_tables(scan: PhantomScan, paths: WrittenDate) -> None:
    points: list[tuple[object, ...]] = [
        (name, *_rounded(at), "", "", "")
        for name, at in scan.points.items()
        if _is_inside(scan.volume, at)
    ]
    lesions: list[tuple[object, ...]] = [
        (name, *_rounded(lesion.at_mm), round(lesion.diameter_mm, 2), "lesion", "")
        for name, lesion in scan.lesions.items()
        if lesion.diameter_mm > 0 and _is_inside(scan.volume, lesion.at_mm)
    ]
    _write_csv(paths.points, POINT_COLUMNS, points)
    _write_csv(paths.lesions, POINT_COLUMNS, lesions)


def _truth_rows(scan: PhantomScan, date: Timepoint) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for name, at in scan.points.items():
        rows.append((date.date, name, "point", *_rounded(at), "", _word(scan.volume, at)))
    for name, lesion in scan.lesions.items():
        size, inside = round(lesion.diameter_mm, 2), _word(scan.volume, lesion.at_mm)
        rows.append((date.date, name, "lesion", *_rounded(lesion.at_mm), size, inside))
    return rows


def _word(volume: Volume, at: Position) -> str:
    return "yes" if _is_inside(volume, at) else "no"


def _rounded(at: Position) -> tuple[float, float, float]:
    return round(at[0], 3), round(at[1], 3), round(at[2], 3)


def _write_csv(path: Path, columns: tuple[str, ...], rows: list[tuple[object, ...]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8")


def write_nifti(volume: Volume, path: Path) -> None:
    """Write a volume as NIfTI, in whose millimetres x and y have the other sign.

    Source:
        NIfTI-1 standard, qform and sform: x grows to the right, y to the front, z to the head.
    """
    import nibabel

    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ volume.geometry.affine[:, [2, 1, 0, 3]]
    make: Any = nibabel.Nifti1Image
    image = make(np.ascontiguousarray(volume.array.transpose(2, 1, 0)), affine)
    image.header.set_xyzt_units("mm")
    image.set_qform(affine, 1)
    image.set_sform(affine, 1)
    nibabel.save(image, path)
