"""Patients, studies and series, as the headers tell them before any pixel is read."""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from samdesk.core.ids import PatientId, SeriesId, StudyId
from samdesk.core.reading_notes import Notice
from samdesk.core.volume import Modality


@dataclass(frozen=True)
class Source:
    """Where the bytes of a series are; opaque to every room but `io`.

    Attributes:
        kind: the reader's label: "dicom", "nifti", "itk" or "picture".
        paths: files, in no promised order; for zip members the zip's path.
        members: names within the zip, one a path, or empty.
        detail: what the reader wants to remember (which frames, which group); opaque.
    """

    kind: str
    paths: tuple[Path, ...]
    members: tuple[str, ...] = ()
    detail: str = ""


@dataclass(frozen=True)
class Series:
    """One acquisition or reconstruction that can be opened.

    Attributes:
        id: unique in the program's run; for DICOM the SeriesInstanceUID, with "/2" and so on
            where one series had to be split.
        number: place in the list of the scan report, from 1; `SCAN#3` on the command line.
        label: short words for a list; already safe to show (no control characters).
        shape: (k, j, i); k is 1 for a radiograph; None where only reading tells.
        spacing: mm along (k, j, i); None where there is none (pixels).
        notices: what the headers already showed.
        is_picture: a radiograph or another two-dimensional picture.
        is_apart: a localizer or capture, listed but not opened unasked.
        patient_name, study_label: to show in a list, never to log.
    """

    id: SeriesId
    study: StudyId
    patient: PatientId
    modality: Modality
    label: str
    source: Source
    number: int = 1
    study_date: date | None = None
    shape: tuple[int, int, int] | None = None
    spacing: tuple[float, float, float] | None = None
    orientation: str = ""
    is_picture: bool = False
    is_apart: bool = False
    patient_name: str = ""
    study_label: str = ""
    notices: tuple[Notice, ...] = field(default=())
