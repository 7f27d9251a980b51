"""Made DICOM series through headers, grouping, pixels and opening, as a person would open them."""

import struct
from collections.abc import Sequence
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from samdesk.core.radiograph import Radiograph, Scale
from samdesk.core.reading import Arrived, Opened
from samdesk.core.reading_notes import Refusal
from samdesk.core.study import Series
from samdesk.core.volume import Modality, Unit, Volume
from samdesk.errors import ReadError
from samdesk.io.base import FileRef, finish
from samdesk.io.readers.dicom import DicomReader
from tests.io.dicom import made
from tests.io.dicom.made import ct_slice, group, write


def listed(folder: Path) -> tuple[DicomReader, list[Series], list[Refusal], set[str]]:
    reader = DicomReader()
    files = [FileRef(path) for path in sorted(folder.iterdir())]
    series, refusals, notices = finish(reader.headers(files))
    return reader, series, refusals, {notice.code for notice in notices}


def opened(folder: Path) -> tuple[Opened, set[str]]:
    """Open the first series and give it with the codes of its notices."""
    reader, series, _, _ = listed(folder)
    result = finish(reader.read(series[0]))
    return result, {notice.code for notice in result.notices}


def volume_of(result: Opened) -> Volume:
    assert isinstance(result.image, Volume)
    return result.image


def number_of(result: Opened, code: str) -> float | None:
    return next(notice.number for notice in result.notices if notice.code == code)


def test_a_ct_folder_becomes_a_volume_in_hounsfield_units(tmp_path: Path) -> None:
    result, codes = opened(write(tmp_path, [ct_slice(k) for k in (3, 0, 2, 1)]))
    volume = volume_of(result)
    assert codes == set()
    assert volume.array.dtype == np.int16
    assert volume.unit is Unit.HU
    assert volume.modality is Modality.CT
    assert np.array_equal(volume.array[2], made.picture(2))
    assert volume.geometry.spacing == pytest.approx((2.0, 1.5, 1.5))
    assert result.window == (40.0, 400.0)


def test_the_middle_slice_comes_first_and_the_rest_outward(tmp_path: Path) -> None:
    reader, series, _, _ = listed(write(tmp_path, [ct_slice(k) for k in range(30)]))
    ranges = [(s.first, s.last) for s in reader.read(series[0]) if isinstance(s, Arrived)]
    assert ranges[0] == (15, 15)
    seen = sorted(k for first, last in ranges for k in range(first, last + 1))
    assert seen == list(range(30))


def test_a_listed_series_opens_after_it_was_forgotten(tmp_path: Path) -> None:
    _, series, _, _ = listed(write(tmp_path, [ct_slice(k) for k in range(4)]))
    again = finish(DicomReader().read(series[0]))
    assert volume_of(again).array.shape == (4, 12, 10)


def test_a_gap_is_named_and_filled_between_its_neighbors(tmp_path: Path) -> None:
    result, codes = opened(write(tmp_path, [ct_slice(k) for k in range(8) if k != 3]))
    assert codes == {"missing-slices"}
    assert number_of(result, "missing-slices") == 1
    volume = volume_of(result)
    assert volume.array.shape[0] == 8
    assert volume.array[3, 0, 0] == 30
    assert volume.array[4, 0, 0] == 40


def test_uneven_slices_are_resampled_at_their_true_places(tmp_path: Path) -> None:
    places = [0, 2, 4, 6, 9.5, 13, 16.5, 20]
    slices = [
        ct_slice(k, at=(0, 0, z), values=np.full((12, 10), round(10 * z)))
        for k, z in enumerate(places)
    ]
    result, codes = opened(write(tmp_path, slices))
    assert codes == {"non-uniform-spacing"}
    volume = volume_of(result)
    z = volume.geometry.to_mm(np.array([[k, 0.0, 0.0] for k in range(volume.array.shape[0])]))[:, 2]
    assert np.abs(volume.array[:, 5, 5] - 10 * z).max() <= 0.5
    assert z[-1] == pytest.approx(20.0)


def test_slices_that_wander_are_moved_back(tmp_path: Path) -> None:
    x = [0.0, 1.5, 0.0, -1.5, 0.0, 1.5, 0.0]
    _, i = np.mgrid[:12, :10]
    slices = [
        ct_slice(k, at=(x[k], 0, 2 * k), values=100 + 10 * (i * 1.5 + x[k])) for k in range(7)
    ]
    result, codes = opened(write(tmp_path, slices))
    assert "sheared-stack" in codes
    volume = volume_of(result)
    mm = volume.geometry.to_mm(np.array([[3.0, 5.0, 5.0]]))[0]
    assert volume.array[3, 5, 5] == pytest.approx(100 + 10 * mm[0], abs=2)


def test_duplicates_are_dropped_and_the_lowest_number_is_kept(tmp_path: Path) -> None:
    slices = [ct_slice(k) for k in range(6)]
    other = ct_slice(2, values=np.full((12, 10), 1000), SOPInstanceUID="9.9", InstanceNumber=77)
    result, codes = opened(write(tmp_path, [*slices, slices[1], other]))
    assert codes == {"duplicate-slices"}
    assert number_of(result, "duplicate-slices") == 2
    assert volume_of(result).array[2].max() < 1000


@pytest.mark.parametrize(
    ("keyword", "values"),
    [
        ("TemporalPositionIdentifier", (1, 2, 3)),
        ("NominalPercentageOfCardiacPhase", (0.0, 40.0, 80.0)),
        ("TriggerTime", ("0", "120", "240")),
        ("DiffusionBValue", (0.0, 500.0, 1000.0)),
        ("EchoTime", ("4.6", "9.2", "13.8")),
        ("AcquisitionNumber", (1, 2, 3)),
    ],
)
def test_volumes_of_one_place_are_split_by_the_tag_that_explains_them(
    tmp_path: Path, keyword: str, values: Sequence[object]
) -> None:
    slices = [
        ct_slice(k, SOPInstanceUID=f"5.{n}.{k}", **{keyword: value})
        for n, value in enumerate(values)
        for k in range(4)
    ]
    _, series, _, _ = listed(write(tmp_path, slices))
    assert [one.shape for one in series] == [(4, 12, 10)] * 3
    assert len({one.id for one in series}) == 3
    assert all("four-d" in {n.code for n in one.notices} for one in series)


def test_volumes_of_one_place_without_a_tag_are_guessed_and_said_to_be(tmp_path: Path) -> None:
    slices = [
        ct_slice(k, SOPInstanceUID=f"5.{n}.{k}", InstanceNumber=4 * n + k + 1)
        for n in range(2)
        for k in range(4)
        if (n, k) != (1, 3)
    ]
    _, series, _, _ = listed(write(tmp_path, slices))
    codes = {notice.code for notice in series[0].notices}
    assert {"four-d-guessed", "four-d-incomplete"} <= codes
    assert [one.shape[0] for one in series if one.shape] == [4, 3]


def test_a_scout_is_listed_apart_by_its_word_or_its_direction(tmp_path: Path) -> None:
    coronal = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)
    slices = [ct_slice(k) for k in range(8)]
    word = ct_slice(50, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    turned = ct_slice(51, orientation=coronal)
    _, series, _, _ = listed(write(tmp_path, [*slices, word, turned]))
    assert [one.is_apart for one in series] == [False, True, True]
    assert "localizer-apart" in {notice.code for notice in series[0].notices}


def test_different_stacks_of_one_series_are_listed_one_by_one(tmp_path: Path) -> None:
    first = [ct_slice(k) for k in range(6)]
    second = [ct_slice(k + 10, FrameOfReferenceUID="8.8") for k in range(5)]
    _, series, _, _ = listed(write(tmp_path, first + second))
    assert [one.shape[0] for one in series if one.shape] == [6, 5]
    assert all("several-stacks" in {n.code for n in one.notices} for one in series)


def test_blocks_far_apart_are_not_joined(tmp_path: Path) -> None:
    slices = [ct_slice(k) for k in (0, 1, 2, 3, 200, 201, 202)]
    _, series, _, _ = listed(write(tmp_path, slices))
    assert [one.shape[0] for one in series if one.shape] == [4, 3]


def test_a_slice_of_another_patient_is_set_apart(tmp_path: Path) -> None:
    slices = [ct_slice(k, PatientID="OTHER" if k == 2 else "T-1") for k in range(6)]
    _, series, _, notices = listed(write(tmp_path, slices))
    assert [(one.shape[0] if one.shape else 0, one.is_apart) for one in series] == [
        (5, False),
        (1, True),
    ]
    assert "identity-conflict" in {notice.code for notice in series[0].notices}
    assert "several-patients" in notices


@pytest.mark.parametrize(
    ("elements", "code"),
    [
        ({"ImagePositionPatient": None}, "no-position"),
        ({"ImageOrientationPatient": None}, "no-orientation"),
        ({"PixelSpacing": None}, "no-scale"),
        ({"PixelSpacing": ["0", "0"]}, "no-scale"),
    ],
)
def test_slices_without_a_place_or_scale_become_a_picture(
    tmp_path: Path, elements: dict[str, object], code: str
) -> None:
    result, codes = opened(write(tmp_path, [ct_slice(k, **elements) for k in range(5)]))
    assert code in codes
    assert isinstance(result.image, Radiograph)
    assert (result.image.pixel_mm is None) == (code == "no-scale")


def test_one_slice_without_position_is_left_out_and_named(tmp_path: Path) -> None:
    slices = [ct_slice(k, **({"ImagePositionPatient": None} if k == 3 else {})) for k in range(7)]
    reader, series, refusals, _ = listed(write(tmp_path, slices))
    codes = {notice.code for notice in finish(reader.read(series[0])).notices}
    assert codes == {"slices-left-out", "missing-slices"}
    assert [refusal.path.name for refusal in refusals] == ["IM003"]


def test_a_single_slice_is_a_volume_of_one(tmp_path: Path) -> None:
    result, codes = opened(write(tmp_path, [ct_slice(4)]))
    assert codes == {"single-slice"}
    assert volume_of(result).geometry.spacing == pytest.approx((2.0, 1.5, 1.5))


def test_thin_slices_far_apart_say_so(tmp_path: Path) -> None:
    slices = [ct_slice(k, SliceThickness="1") for k in range(5)]
    result, codes = opened(write(tmp_path, slices))
    assert codes == {"gap-between-slices"}
    assert number_of(result, "gap-between-slices") == pytest.approx(1.0)


def test_each_slice_is_rescaled_by_its_own_numbers(tmp_path: Path) -> None:
    stored = np.arange(120).reshape(12, 10) + 1000
    slices = [
        ct_slice(k, values=stored - 1024, RescaleSlope=f"{0.5 + 0.25 * k}", RescaleIntercept="0")
        for k in range(5)
    ]
    volume = volume_of(opened(write(tmp_path, slices))[0])
    assert volume.array.dtype == np.float32
    for k in range(5):
        assert np.allclose(volume.array[k], stored * (0.5 + 0.25 * k))


@pytest.mark.parametrize("slope", ["0", "1e300"])
def test_a_slope_that_is_no_number_shows_stored_numbers(tmp_path: Path, slope: str) -> None:
    result, codes = opened(write(tmp_path, [ct_slice(k, RescaleSlope=slope) for k in range(4)]))
    assert codes == {"rescale-invalid"}
    assert volume_of(result).unit is Unit.NONE
    assert np.array_equal(volume_of(result).array[1], made.picture(1) + 1024)


def test_ct_that_does_not_say_hounsfield_has_no_unit(tmp_path: Path) -> None:
    nothing = {"RescaleSlope": None, "RescaleIntercept": None, "RescaleType": None}
    result, codes = opened(write(tmp_path, [ct_slice(k, **nothing) for k in range(4)]))
    assert codes == {"values-not-hu"}
    assert volume_of(result).unit is Unit.NONE


def test_padding_becomes_air_also_when_its_type_is_wrong(tmp_path: Path) -> None:
    slices = []
    for k in range(4):
        stored = (made.picture(k) + 1024).astype("<u2")
        stored[:, :2] = 63536
        ds = ct_slice(k)
        ds.PixelData = stored.tobytes()
        ds.add_new(0x00280120, "SS", -2000)
        slices.append(ds)
    volume = volume_of(opened(write(tmp_path, slices))[0])
    assert volume.array.dtype == np.int16
    assert (volume.array[:, :, :2] == -1024).all()
    assert volume.array.max() < 500


def test_signed_cells_are_extended_and_overlay_bits_cleared(tmp_path: Path) -> None:
    hu = made.picture(0)
    signed, overlay = [], []
    for k in range(3):
        ds = ct_slice(k, series="7.1", PixelRepresentation=1, BitsStored=12, HighBit=11)
        ds.RescaleIntercept = "0"
        ds.PixelData = (hu.astype("<i2").view("<u2") & 0x0FFF).tobytes()
        signed.append(ds)
        ds = ct_slice(k, series="7.2", BitsStored=12, HighBit=11)
        ds.PixelData = ((hu + 1024).astype("<u2") | 0x8000).tobytes()
        overlay.append(ds)
    for name, slices in (("signed", signed), ("overlay", overlay)):
        result, codes = opened(write(tmp_path / name, slices))
        assert codes == set()
        assert np.array_equal(volume_of(result).array[1], hu)


def test_voxels_that_are_no_numbers_are_counted_and_replaced(tmp_path: Path) -> None:
    slices = []
    for k in range(3):
        values = made.picture(k).astype("<f4")
        values[4, 4] = np.nan
        ds = ct_slice(k, BitsAllocated=32, BitsStored=32, HighBit=31, RescaleIntercept="0")
        del ds.PixelData
        ds.FloatPixelData = values.tobytes()
        slices.append(ds)
    result, codes = opened(write(tmp_path, slices))
    assert "non-finite" in codes
    assert number_of(result, "non-finite") == 3
    assert np.isfinite(volume_of(result).array).all()


def test_a_volume_of_one_value_is_told(tmp_path: Path) -> None:
    slices = [ct_slice(k, values=np.zeros((12, 10))) for k in range(3)]
    assert opened(write(tmp_path, slices))[1] == {"flat-image"}


def test_monochrome1_keeps_its_numbers(tmp_path: Path) -> None:
    slices = [ct_slice(k, PhotometricInterpretation="MONOCHROME1") for k in range(3)]
    result, codes = opened(write(tmp_path, slices))
    assert codes == set()
    assert np.array_equal(volume_of(result).array[0], made.picture(0))


def radiograph(**elements: object) -> Dataset:
    nothing = dict.fromkeys(
        ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "RescaleType")
    )
    ds = ct_slice(0, **nothing)
    ds.Modality, ds.SOPClassUID = "DX", "1.2.840.10008.5.1.4.1.1.1.1"
    for name, value in elements.items():
        setattr(ds, name, value)
    return ds


@pytest.mark.parametrize(
    ("elements", "scale", "pixel_mm"),
    [
        ({"PixelSpacing": ["0.2", "0.3"]}, Scale.CALIBRATED, (0.2, 0.3)),
        ({"ImagerPixelSpacing": ["0.2", "0.2"]}, Scale.DETECTOR, (0.2, 0.2)),
        (
            {"PixelSpacing": ["0.1", "0.1"], "ImagerPixelSpacing": ["0.2", "0.2"]},
            Scale.CALIBRATED,
            (0.1, 0.1),
        ),
        (
            {"PixelSpacing": ["0.2", "0.2"], "ImagerPixelSpacing": ["0.2", "0.2"]},
            Scale.DETECTOR,
            (0.2, 0.2),
        ),
        ({}, Scale.NONE, None),
    ],
)
def test_a_radiograph_says_what_its_millimetres_rest_on(
    tmp_path: Path,
    elements: dict[str, object],
    scale: Scale,
    pixel_mm: tuple[float, float] | None,
) -> None:
    ds = radiograph(PhotometricInterpretation="MONOCHROME1", **elements)
    result, codes = opened(write(tmp_path, [ds]))
    assert isinstance(result.image, Radiograph)
    assert result.image.scale is scale
    assert result.image.pixel_mm == pixel_mm
    assert result.image.is_inverted
    assert codes == ({"no-scale"} if scale is Scale.NONE else set())


def test_a_colour_capture_becomes_a_grey_picture_and_never_a_volume(tmp_path: Path) -> None:
    rgb = np.zeros((12, 10, 3), np.uint8)
    rgb[..., 1] = 200
    ds = ct_slice(0, SamplesPerPixel=3, PhotometricInterpretation="RGB", PlanarConfiguration=0)
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelData = 8, 8, 7, rgb.tobytes()
    result, codes = opened(write(tmp_path, [ds]))
    assert codes >= {"picture-only"}
    assert isinstance(result.image, Radiograph)
    assert int(result.image.array[3, 3]) == round(0.587 * 200)


def test_a_palette_picture_is_looked_up(tmp_path: Path) -> None:
    ds = ct_slice(0, PhotometricInterpretation="PALETTE COLOR")
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 8, 8, 7
    ds.PixelData = np.full((12, 10), 7, np.uint8).tobytes()
    for n, tag in enumerate((0x00281101, 0x00281102, 0x00281103)):
        ds.add_new(tag, "US", [256, 0, 16])
        ds.add_new(0x00281201 + n, "OW", (np.arange(256) * 257).astype("<u2").tobytes())
    result, _ = opened(write(tmp_path, [ds]))
    assert (result.image.array == 7).all()


def enhanced(places: Sequence[float | None], **elements: object) -> Dataset:
    ds = ct_slice(0, values=np.concatenate([made.picture(k) for k in range(len(places))]))
    ds.Rows, ds.NumberOfFrames = 12, str(len(places))
    ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2.1"
    for name in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"):
        delattr(ds, name)
    for name in ("RescaleIntercept", "RescaleSlope", "RescaleType", "SliceThickness"):
        delattr(ds, name)
    scale = group(RescaleIntercept="-1024", RescaleSlope="1", RescaleType="HU")
    ds.SharedFunctionalGroupsSequence = [
        group(
            PlaneOrientationSequence=[group(ImageOrientationPatient=list(made.AXIAL))],
            PixelMeasuresSequence=[group(PixelSpacing=["1.5", "1.5"], SliceThickness="2")],
            PixelValueTransformationSequence=[scale],
        )
    ]
    frames = []
    for z in places:
        frame = group()
        if z is not None:
            frame.PlanePositionSequence = [group(ImagePositionPatient=["0", "0", f"{z}"])]
        frames.append(frame)
    ds.PerFrameFunctionalGroupsSequence = frames
    for name, value in elements.items():
        setattr(ds, name, value)
    return ds


def test_frames_of_one_file_are_sorted_by_their_places(tmp_path: Path) -> None:
    result, codes = opened(write(tmp_path, [enhanced([4.0, 0.0, 2.0, 6.0])]))
    volume = volume_of(result)
    assert codes == set()
    assert volume.unit is Unit.HU
    assert volume.array[:, 0, 0].tolist() == [10, 20, 0, 30]


def test_a_frame_without_a_place_is_left_out(tmp_path: Path) -> None:
    _, codes = opened(write(tmp_path, [enhanced([0.0, 2.0, None, 6.0, 8.0])]))
    assert codes == {"slices-left-out", "missing-slices"}


def shifted(hu: np.ndarray) -> np.ndarray:
    return (hu + 1024).astype(np.uint16)


PACKED = [
    (JPEGLSLossless, lambda a: imagecodecs.jpegls_encode(a), 0),
    (JPEGLSNearLossless, lambda a: imagecodecs.jpegls_encode(a, level=2), 2),
    (
        JPEG2000Lossless,
        lambda a: imagecodecs.jpeg2k_encode(a, codecformat="j2k", reversible=True),
        0,
    ),
    (UID("1.2.840.10008.1.2.4.201"), lambda a: imagecodecs.htj2k_encode(a), 0),
    (JPEGLosslessSV1, lambda a: imagecodecs.jpeg8_encode(a, lossless=True, bitspersample=16), 0),
    (JPEGExtended12Bit, lambda a: imagecodecs.jpeg8_encode(a, level=99, bitspersample=12), 40),
]


@pytest.mark.parametrize(("syntax", "encode", "error"), PACKED, ids=[str(p[0]) for p in PACKED])
def test_compressed_slices_come_back_right(tmp_path, syntax, encode, error) -> None:  # type: ignore[no-untyped-def]
    slices = [made.compressed(ct_slice(k), [encode(shifted(made.picture(k)))]) for k in range(3)]
    result, codes = opened(write(tmp_path, slices, syntax))
    assert codes <= {"lossy"}
    for k in range(3):
        assert np.abs(volume_of(result).array[k] - made.picture(k)).max() <= error


def test_run_lengths_and_deflated_and_implicit_slices_come_back_right(tmp_path: Path) -> None:
    for name, syntax in (("d", DeflatedExplicitVRLittleEndian), ("i", ImplicitVRLittleEndian)):
        result, codes = opened(write(tmp_path / name, [ct_slice(k) for k in range(3)], syntax))
        assert codes == set()
        assert np.array_equal(volume_of(result).array[2], made.picture(2))
    slices = []
    for k in range(3):
        stored = shifted(made.picture(k)).astype(">u2").view(np.uint8).reshape(-1, 2)
        parts = [imagecodecs.packbits_encode(stored[:, n].tobytes()) for n in range(2)]
        parts = [part + b"\0" * (len(part) % 2) for part in parts]
        head = struct.pack("<16I", 2, 64, 64 + len(parts[0]), *[0] * 13)
        slices.append(made.compressed(ct_slice(k), [head + parts[0] + parts[1]]))
    result, codes = opened(write(tmp_path / "r", slices, RLELossless))
    assert codes == set()
    assert np.array_equal(volume_of(result).array[2], made.picture(2))


def test_baseline_jpeg_is_told_to_be_lossy(tmp_path: Path) -> None:
    slices = []
    for k in range(3):
        grey = ((made.picture(k) + 600) // 8).astype(np.uint8)
        stream = imagecodecs.jpeg8_encode(grey, level=95)
        slices.append(
            made.compressed(ct_slice(k), [stream], BitsAllocated=8, BitsStored=8, HighBit=7)
        )
    assert "lossy" in opened(write(tmp_path, slices, JPEGBaseline8Bit))[1]


def test_compressed_frames_of_one_file_are_told_apart(tmp_path: Path) -> None:
    ds = enhanced([0.0, 2.0, 4.0])
    streams = [imagecodecs.jpegls_encode(shifted(made.picture(k))) for k in range(3)]
    result, _ = opened(write(tmp_path, [made.compressed(ds, streams)], JPEGLSLossless))
    assert volume_of(result).array[:, 0, 0].tolist() == [0, 10, 20]


def test_one_damaged_stream_costs_one_slice(tmp_path: Path) -> None:
    slices = []
    for k in range(5):
        stream = imagecodecs.jpegls_encode(shifted(made.picture(k)))
        slices.append(made.compressed(ct_slice(k), [stream[: len(stream) // (3 if k == 2 else 1)]]))
    result, codes = opened(write(tmp_path, slices, JPEGLSLossless))
    assert "slices-left-out" in codes
    assert volume_of(result).array[2, 0, 0] == 20  # between its neighbors
    assert volume_of(result).array[3, 0, 0] == 30


def test_a_damaged_end_is_cut_off_and_not_made_up(tmp_path: Path) -> None:
    slices = []
    for k in range(5):
        stream = imagecodecs.jpegls_encode(shifted(made.picture(k)))
        slices.append(made.compressed(ct_slice(k), [stream[: len(stream) // (3 if k == 0 else 1)]]))
    volume = volume_of(opened(write(tmp_path, slices, JPEGLSLossless))[0])
    assert volume.array.shape[0] == 4
    assert volume.geometry.to_mm(np.zeros((1, 3)))[0].tolist() == [0.0, 0.0, 2.0]


def test_a_series_of_which_nothing_can_be_read_is_refused(tmp_path: Path) -> None:
    slices = [made.compressed(ct_slice(k), [b"\xff\xd8rubbish!\xff\xd9"]) for k in range(2)]
    reader, series, _, _ = listed(write(tmp_path, slices, JPEGLSLossless))
    with pytest.raises(ReadError) as caught:
        finish(reader.read(series[0]))
    assert caught.value.code == "pixels-damaged"


def test_a_stream_of_another_size_is_refused(tmp_path: Path) -> None:
    stream = imagecodecs.jpegls_encode(np.zeros((6, 5), np.uint16))
    reader, series, _, _ = listed(
        write(tmp_path, [made.compressed(ct_slice(0), [stream])], JPEGLSLossless)
    )
    with pytest.raises(ReadError) as caught:
        finish(reader.read(series[0]))
    assert caught.value.code == "header-inconsistent"


def test_a_file_that_vanishes_while_reading_costs_its_slice(tmp_path: Path) -> None:
    reader, series, _, _ = listed(write(tmp_path, [ct_slice(k) for k in range(6)]))
    (tmp_path / "IM004").unlink()
    result = finish(reader.read(series[0]))
    assert "slices-left-out" in {notice.code for notice in result.notices}
    assert volume_of(result).array[4, 0, 0] == 40


def test_a_series_whose_files_are_gone_is_refused(tmp_path: Path) -> None:
    reader, series, _, _ = listed(write(tmp_path, [ct_slice(k) for k in range(3)]))
    for path in list(tmp_path.iterdir()):
        path.unlink()
    with pytest.raises(ReadError) as caught:
        finish(reader.read(series[0]))
    assert caught.value.code == "files-missing"
    with pytest.raises(ReadError) as caught:
        finish(DicomReader().read(series[0]))
    assert caught.value.code == "files-missing"


def test_a_frame_count_is_not_believed(tmp_path: Path) -> None:
    many = ct_slice(0, NumberOfFrames="100000000")
    _, series, refusals, _ = listed(write(tmp_path, [many]))
    assert series == []
    assert [refusal.code for refusal in refusals] == ["truncated"]


def test_two_names_of_one_number_are_a_conflict(tmp_path: Path) -> None:
    slices = [ct_slice(k, series="7.1") for k in range(3)]
    slices += [ct_slice(k, series="7.2", PatientName="OTHER^NAME") for k in range(3)]
    _, _, _, notices = listed(write(tmp_path, slices))
    assert "identity-conflict" in notices


def test_a_name_outside_its_character_set_is_told(tmp_path: Path) -> None:
    data = made.as_bytes(ct_slice(0)).replace(b"ISO_IR 100", b"ISO_IR 192")
    tmp_path.joinpath("a").write_bytes(data.replace(b"MADE^UP ", b"M\xfcDE^UP "))
    _, series, _, _ = listed(tmp_path)
    assert "charset" in {notice.code for notice in series[0].notices}
    assert "\ufffd" in series[0].patient_name
