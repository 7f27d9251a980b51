"""A scan of a made patient as a DICOM series that any viewer reads."""

import hashlib
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from samdesk.core.phantom.patient import Patient, Phase
from samdesk.core.progress import Progress
from samdesk.core.volume import Volume

if TYPE_CHECKING:
    from pydicom import Dataset

CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2"
EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
SAMDESK_CLASS_UID = "2.25.188263120871446172935027451263004121587"
PATIENT_NAME = "PHANTOM^SAMDESK"
STORED_ZERO_HU = 1024
STORED_LARGEST = 4095
SHARP_MM = 0.5
EVERY = 40


def patient_id(patient: Patient) -> str:
    """Give the PatientID that a made patient is written under."""
    return f"PHANTOM-{patient.seed:05d}"


def uid(*words: object) -> str:
    """Give the same UID for the same words.

    Source:
        DICOM PS3.5 B.2: 2.25 and an unsigned 128-bit number.
    """
    text = "|".join(str(word) for word in ("samdesk phantom", *words))
    return f"2.25.{int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], 'big')}"


def write_dicom(
    volume: Volume, patient: Patient, timepoint: int, folder: Path
) -> Generator[Progress, None, None]:
    """Write a volume as one series of CT Image Storage, a file a slice.

    Args:
        volume: along the patient's axes, in HU.
        patient: whose scan it is.
        timepoint: number of the date.
        folder: made new.

    Source:
        DICOM PS3.3 A.3 (CT Image IOD), C.7.6.2 (Image Plane), C.8.2.1 (CT Image).
    """
    from pydicom import Dataset
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import UID

    folder.mkdir(parents=True)
    count = volume.geometry.shape[0]
    head = _head(volume, patient, timepoint)
    places = volume.geometry.to_mm(np.array([[k, 0.0, 0.0] for k in range(count)]))
    for k, place in enumerate(places):
        dataset = Dataset()
        dataset.update(head)
        dataset.SOPInstanceUID = uid(patient.seed, timepoint, volume.geometry.spacing, k)
        dataset.InstanceNumber = k + 1
        dataset.ImagePositionPatient = [_decimal(v) for v in place]
        dataset.SliceLocation = _decimal(place[2])
        stored = np.clip(volume.array[k].astype(np.int32) + STORED_ZERO_HU, 0, STORED_LARGEST)
        dataset.add_new("PixelData", "OW", stored.astype("<u2").tobytes())
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = UID(CT_IMAGE_STORAGE)
        meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        meta.TransferSyntaxUID = UID(EXPLICIT_LITTLE_ENDIAN)
        meta.ImplementationClassUID = UID(SAMDESK_CLASS_UID)
        dataset.file_meta = meta
        dataset.save_as(folder / f"CT{k + 1:04d}.dcm", enforce_file_format=True)
        if k % EVERY == 0:
            yield Progress(k, count, "writing")


def _decimal(value: float) -> str:
    """Write a number as a decimal string of 16 characters at most (DICOM PS3.5 6.2, DS)."""
    text = f"{value:.5f}".rstrip("0").rstrip(".")
    return "0" if text in ("", "-0") else text


def _head(volume: Volume, patient: Patient, timepoint: int) -> "Dataset":
    """Make what all slices of a series share."""
    from pydicom import Dataset

    head = Dataset()
    head.SpecificCharacterSet = "ISO_IR 192"
    head.SOPClassUID = CT_IMAGE_STORAGE
    _name_patient(head, patient)
    _name_study(head, patient, timepoint, volume.geometry.spacing)
    _tell_scan(head, patient, timepoint)
    _tell_pixels(head, volume)
    return head


def _name_patient(head: "Dataset", patient: Patient) -> None:
    head.PatientName = PATIENT_NAME
    head.PatientID = patient_id(patient)
    head.PatientBirthDate = ""
    head.PatientSex = patient.build.sex
    head.PatientIdentityRemoved = "YES"
    head.DeidentificationMethod = "Made by a program; nobody was scanned"


def _name_study(
    head: "Dataset", patient: Patient, timepoint: int, spacing: tuple[float, float, float]
) -> None:
    date = patient.timepoints[timepoint]
    head.StudyInstanceUID = uid(patient.seed, timepoint, "study")
    head.SeriesInstanceUID = uid(patient.seed, timepoint, "series", spacing)
    head.FrameOfReferenceUID = uid(patient.seed, timepoint, "frame")
    head.StudyDate = head.SeriesDate = head.AcquisitionDate = head.ContentDate = date.date
    head.StudyTime = head.SeriesTime = head.AcquisitionTime = head.ContentTime = "103000"
    head.StudyID = f"{timepoint + 1}"
    head.AccessionNumber = ""
    head.ReferringPhysicianName = ""
    head.StudyDescription = "Made CT of the trunk"
    head.SeriesDescription = f"Phantom, {date.phase.value}"
    head.SeriesNumber = 1
    head.AcquisitionNumber = 1
    head.PositionReferenceIndicator = ""


def _tell_scan(head: "Dataset", patient: Patient, timepoint: int) -> None:
    date = patient.timepoints[timepoint]
    head.Modality = "CT"
    head.Manufacturer = "samdesk"
    head.ManufacturerModelName = "phantom"
    head.InstitutionName = ""
    head.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    head.BodyPartExamined = "CHESTABDPELVIS"
    head.PatientPosition = "HFS"
    head.KVP = "120"
    head.ConvolutionKernel = "SHARP" if date.kernel_mm < SHARP_MM else "SOFT"
    if date.phase is not Phase.NATIVE:
        head.ContrastBolusAgent = "made"
    head.ImageComments = "Made by samdesk; not a patient. Research use only."
    head.BurnedInAnnotation = "NO"


def _tell_pixels(head: "Dataset", volume: Volume) -> None:
    sk, sj, si = volume.geometry.spacing
    _, rows, columns = volume.geometry.shape
    head.SliceThickness = _decimal(sk)
    head.SpacingBetweenSlices = _decimal(sk)
    head.PixelSpacing = [_decimal(sj), _decimal(si)]
    head.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
    head.SamplesPerPixel = 1
    head.PhotometricInterpretation = "MONOCHROME2"
    head.Rows, head.Columns = rows, columns
    head.BitsAllocated, head.BitsStored, head.HighBit = 16, 12, 11
    head.PixelRepresentation = 0
    head.RescaleIntercept = str(-STORED_ZERO_HU)
    head.RescaleSlope = "1"
    head.RescaleType = "HU"
    head.WindowCenter, head.WindowWidth = "40", "400"
