"""DICOM files made by pydicom, with whatever a test wants to be odd about them."""

import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

CT_CLASS = "1.2.840.10008.5.1.4.1.1.2"
AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def ct_slice(
    k: int = 0,
    *,
    at: Sequence[float] | None = None,
    values: Any = None,
    orientation: Sequence[float] = AXIAL,
    series: str = "1.2.3.4",
    **elements: Any,
) -> Dataset:
    """Make one axial CT slice of 12 rows and 10 columns at z = 2 k mm.

    Args:
        k: number of the slice.
        at: position; (0, 0, 2 k) if none.
        values: (j, i) HU; a gradient and the slice's number in one corner if none.
        orientation: direction cosines.
        series: series id.
        elements: DICOM keywords; None takes the element out.
    """
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 100"
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.SOPClassUID, ds.SOPInstanceUID = CT_CLASS, f"{series}.{k + 1}"
    ds.StudyDate, ds.Modality = "20260105", "CT"
    ds.PatientName, ds.PatientID, ds.PatientBirthDate = "MADE^UP", "T-1", "19600101"
    ds.SliceThickness = "2"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = "1.2.3", series
    ds.InstanceNumber = k + 1
    ds.ImagePositionPatient = [f"{v:.8g}" for v in (at if at is not None else (0, 0, 2.0 * k))]
    ds.ImageOrientationPatient = [f"{v:.8g}" for v in orientation]
    ds.FrameOfReferenceUID = "1.2.3.9"
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.PixelSpacing = ["1.5", "1.5"]
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 0
    ds.WindowCenter, ds.WindowWidth = "40", "400"
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = "-1024", "1", "HU"
    hu = picture(k) if values is None else np.asarray(values)
    ds.Rows, ds.Columns = hu.shape[:2]
    ds.PixelData = (hu + 1024).astype("<u2").tobytes()
    ds["PixelData"].VR = "OW"
    for name, value in elements.items():
        if value is not None:
            setattr(ds, name, value)
        elif name in ds:
            delattr(ds, name)
    return ds


def picture(k: int) -> np.ndarray:
    """Give the HU of a slice: a gradient, and the slice's number times ten in one corner."""
    j, i = np.mgrid[:12, :10]
    hu = (j * 10 + i - 500).astype(np.int64)
    hu[0, 0] = 10 * k
    return hu


def as_bytes(ds: Dataset, syntax: str = ExplicitVRLittleEndian) -> bytes:
    """Write a data set as a file."""
    meta = FileMetaDataset()
    meta.FileMetaInformationGroupLength = 0  # pydicom fills in the true length
    meta.MediaStorageSOPClassUID = ds.SOPClassUID
    meta.MediaStorageSOPInstanceUID = ds.get("SOPInstanceUID", "1.2")
    meta.TransferSyntaxUID = syntax
    buffer = io.BytesIO()
    file = FileDataset(buffer, ds, file_meta=meta, preamble=b"\0" * 128)
    file.set_original_encoding(None, None)
    meta.FileMetaInformationVersion = b"\0\1"
    meta.ImplementationClassUID = "1.2.3"
    dcmwrite(
        buffer,
        file,
        implicit_vr=syntax == ImplicitVRLittleEndian,
        little_endian=syntax != ExplicitVRBigEndian,
        enforce_file_format=False,
    )
    return buffer.getvalue()


def write(folder: Path, slices: Sequence[Dataset], syntax: str = ExplicitVRLittleEndian) -> Path:
    """Write slices as IM000, IM001 and so on."""
    folder.mkdir(parents=True, exist_ok=True)
    for n, ds in enumerate(slices):
        (folder / f"IM{n:03d}").write_bytes(as_bytes(ds, syntax))
    return folder


def compressed(ds: Dataset, streams: Sequence[bytes], **elements: Any) -> Dataset:
    """Put compressed streams, one a frame, in place of the pixels."""
    ds.PixelData = encapsulate(list(streams))
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    for name, value in elements.items():
        setattr(ds, name, value)
    return ds


def group(**elements: Any) -> Dataset:
    """Make an item of a sequence."""
    ds = Dataset()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a test may want what pydicom would not write
        for name, value in elements.items():
            setattr(ds, name, value)
    return ds
