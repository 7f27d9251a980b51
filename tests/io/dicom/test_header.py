"""Headers that lie, and what a person is told of them."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian

from samdesk.errors import ReadError
from samdesk.io.base import FileRef
from samdesk.io.dicom import tags
from samdesk.io.dicom.cells import native_frame
from samdesk.io.dicom.frames import Kind, frames_of, modality_of
from samdesk.io.dicom.header import Header, bare_start, looks_like_dicom, read_header
from samdesk.io.dicom.names import is_garbled, words
from tests.io.dicom import made
from tests.io.dicom.made import ct_slice

META = 132 + 12


def header(tmp_path: Path, data: bytes) -> Header:
    path = tmp_path / "file"
    path.write_bytes(data)
    return read_header(FileRef(path))


def refused(tmp_path: Path, data: bytes) -> str:
    with pytest.raises(ReadError) as caught:
        frames_of(header(tmp_path, data))
    assert caught.value.what
    return caught.value.code


def start_of_data(data: bytes) -> int:
    return META + int(struct.unpack_from("<I", data, 140)[0])


@pytest.mark.parametrize(
    ("elements", "code"),
    [
        ({"Rows": None}, "header-inconsistent"),
        ({"Rows": 0}, "header-inconsistent"),
        ({"SamplesPerPixel": 4}, "header-inconsistent"),
        ({"BitsAllocated": 7}, "header-inconsistent"),
        ({"BitsStored": 20, "HighBit": 19}, "header-inconsistent"),
        ({"NumberOfFrames": "-1"}, "header-inconsistent"),
        ({"PhotometricInterpretation": "PLAID"}, "unsupported-pixels"),
        ({"PixelData": None}, "no-pixels"),
        ({"Rows": 65535, "Columns": 65535}, "truncated"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.88.67"}, "not-an-image"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.104.1"}, "not-an-image"),
    ],
)
def test_what_cannot_be_a_picture_is_refused(
    tmp_path: Path, elements: dict[str, Any], code: str
) -> None:
    assert refused(tmp_path, made.as_bytes(ct_slice(0, **elements))) == code


@pytest.mark.parametrize(
    ("syntax", "code", "words_of_it"),
    [
        ("1.2.840.10008.1.2.4.102", "unsupported-syntax", "MPEG-4"),
        ("1.2.3.999.4.5.6", "unsupported-syntax", "1.2.3.999.4.5.6"),
    ],
)
def test_an_unknown_way_of_packing_is_refused_by_name(
    tmp_path: Path, syntax: str, code: str, words_of_it: str
) -> None:
    data = made.as_bytes(made.compressed(ct_slice(0), [bytes(64)]), "1.2.840.10008.1.2.4.80")
    old, new = b"1.2.840.10008.1.2.4.80", syntax.encode()
    longer = len(new) - len(old)
    at = data.find(old)
    size = struct.pack("<H", len(old) + longer + longer % 2)
    data = data[: at - 2] + size + new + b"\0" * (longer % 2) + data[at + len(old) :]
    with pytest.raises(ReadError, match=words_of_it) as caught:
        frames_of(header(tmp_path, data))
    assert caught.value.code == code


def test_pixels_that_are_cut_or_absent_are_told_apart(tmp_path: Path) -> None:
    whole = made.as_bytes(ct_slice(0))
    assert refused(tmp_path, whole[:-20]) == "truncated"
    assert refused(tmp_path, whole[: start_of_data(whole) + 103]) == "truncated"
    assert refused(tmp_path, whole[:132]) == "truncated"
    assert refused(tmp_path, whole[:200]) == "truncated"
    assert refused(tmp_path, b"") == "empty-file"
    assert refused(tmp_path, bytes(4000)) == "not-recognised"
    packed = made.compressed(ct_slice(0), [b"\xff\x4f" + bytes(60)])
    data = made.as_bytes(packed, "1.2.840.10008.1.2.4.90")
    assert refused(tmp_path, data[:-40]) == "truncated"


def test_pixels_packed_otherwise_than_claimed_are_refused(tmp_path: Path) -> None:
    packed = made.as_bytes(
        made.compressed(ct_slice(0), [b"\xff\x4f" + bytes(60)]), "1.2.840.10008.1.2.4.90"
    )
    native = packed.replace(b"1.2.840.10008.1.2.4.90", b"1.2.840.10008.1.2.1\0\0\0")
    assert refused(tmp_path, native) == "header-inconsistent"
    plain = made.as_bytes(ct_slice(0)).replace(
        b"\x02\0\x10\0UI\x14\x001.2.840.10008.1.2.1\0",
        b"\x02\0\x10\0UI\x16\x001.2.840.10008.1.2.4.90",
    )
    assert refused(tmp_path, plain) == "pixels-damaged"


def test_a_giant_picture_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    packed = made.compressed(ct_slice(0), [bytes(100)], Rows=65535, Columns=65535)
    assert refused(tmp_path, made.as_bytes(packed, "1.2.840.10008.1.2.5")) == "too-large"


def test_a_deflated_bomb_is_not_inflated(tmp_path: Path) -> None:
    ds = ct_slice(0)
    ds.add_new(0x00211010, "OB", bytes(20 << 20))
    assert refused(tmp_path, made.as_bytes(ds, "1.2.840.10008.1.2.1.99")) == "too-large"
    deflated = made.as_bytes(ct_slice(0), "1.2.840.10008.1.2.1.99")
    assert refused(tmp_path, deflated[: len(deflated) * 2 // 3]) == "truncated"


@pytest.mark.parametrize("what", ["no preamble", "no meta", "wrong length", "wrong syntax"])
def test_what_the_bytes_say_counts_more_than_what_is_claimed(tmp_path: Path, what: str) -> None:
    data = made.as_bytes(ct_slice(0))
    if what == "no preamble":
        data = data[132:]
    elif what == "no meta":
        data = data[start_of_data(data) :]
    elif what == "wrong length":
        data = data[:140] + struct.pack("<I", 0x7FFFFFFF) + data[144:]
    else:
        data = data.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2\0\0\0")
    found = header(tmp_path, data)
    _, codes = frames_of(found)
    assert np.array_equal(native_frame(found, 0), made.picture(0) + 1024)
    assert ("header-inconsistent" in codes) == (what in ("wrong length", "wrong syntax"))


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_other_encodings_give_the_same_numbers(tmp_path: Path, syntax: str) -> None:
    ds = ct_slice(0)
    if syntax == ExplicitVRBigEndian:
        ds.PixelData = np.frombuffer(ds.PixelData, "<u2").byteswap().tobytes()
    found = header(tmp_path, made.as_bytes(ds, syntax))
    assert found.unsigned(tags.ROWS) == 12
    frame = native_frame(found, 0)
    assert frame.dtype.isnative
    assert np.array_equal(frame, made.picture(0) + 1024)


def test_a_long_header_is_read_to_its_end(tmp_path: Path) -> None:
    ds = ct_slice(0)
    ds.add_new(0x00211010, "OB", bytes(300_000))
    assert header(tmp_path, made.as_bytes(ds)).pixels is not None


def test_bytes_after_the_pixels_are_noticed_unless_they_are_empty(tmp_path: Path) -> None:
    data = made.as_bytes(ct_slice(0))
    assert frames_of(header(tmp_path, data + bytes(100)))[1] == frozenset()
    assert frames_of(header(tmp_path, data + b"\x07rubbish" * 9))[1] == {"trailing-bytes"}


def test_malformed_ids_are_noticed(tmp_path: Path) -> None:
    data = made.as_bytes(ct_slice(0, SeriesInstanceUID=None))
    assert frames_of(header(tmp_path, data))[1] == {"header-inconsistent"}


def test_rows_of_another_type_are_refused(tmp_path: Path) -> None:
    data = made.as_bytes(ct_slice(0)).replace(b"\x28\0\x10\0US", b"\x28\0\x10\0LO")
    assert refused(tmp_path, data) == "header-inconsistent"


def test_only_a_first_element_that_can_be_one_is_believed() -> None:
    assert looks_like_dicom(bytes(128) + b"DICM" + bytes(100))
    assert not looks_like_dicom(b"\x08\0\x05\x03" + bytes(100))
    assert not looks_like_dicom(b"\x08\0")
    assert bare_start(b"\x08\0\x05\0CS\x0a\0ISO_IR 100") == (True, True)
    assert bare_start(b"\x08\0\x05\0\x0a\0\0\0ISO_IR 100") == (False, True)
    assert bare_start(b"\0\x08\0\x05CS\0\x0aISO_IR 100") == (True, False)


def test_kinds_and_modalities_are_told_apart(tmp_path: Path) -> None:
    def kind(**elements: Any) -> Kind:
        found = header(tmp_path, made.as_bytes(ct_slice(0, **elements)))
        return frames_of(found)[0][0].kind

    assert kind() is Kind.SLICE
    assert kind(Modality="MG") is Kind.RADIOGRAPH
    assert kind(ImageType=["ORIGINAL", "PRIMARY", "SCOUT"]) is Kind.LOCALIZER
    assert kind(SOPClassUID="1.2.840.10008.5.1.4.1.1.66.4") is Kind.LABEL
    capture = {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7", "ImagePositionPatient": None}
    assert kind(**capture) is Kind.PICTURE
    odd = header(tmp_path, made.as_bytes(ct_slice(0, Modality="XYZ")))
    assert modality_of(odd).value == "OT"


@pytest.mark.parametrize(
    ("charset", "raw", "shown", "garbled"),
    [
        (b"ISO_IR 100", "M\u00fcller^J\u00f6rg".encode("latin-1"), "M\u00fcller^J\u00f6rg", False),
        (b"ISO_IR 192", "\u03a9^\u540d".encode(), "\u03a9^\u540d", False),
        (b"GB18030", "Wang=\u738b^\u5c0f".encode("gb18030"), "Wang=\u738b^\u5c0f", False),
        (
            b"\\ISO 2022 IR 87",
            b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B",
            "Yamada^Tarou=\u5c71\u7530^\u592a\u90ce",
            False,
        ),
        (b"ISO_IR 192", b"M\xfcller", "M\ufffdller", True),
        (b"ISO_IR 999", "M\u00fcller".encode("latin-1"), "M\ufffdller", True),
        (b"ISO_IR 999", b"Miller", "Miller", True),
        (b"", "M\u00fcller".encode("latin-1"), "M\ufffdller", True),
        (b"", b"Miller", "Miller", False),
    ],
)
def test_names_of_every_alphabet_are_decoded(
    tmp_path: Path, charset: bytes, raw: bytes, shown: str, garbled: bool
) -> None:
    found = header(tmp_path, made.as_bytes(ct_slice(0)))
    found.values[tags.CHARSET] = (b"CS", charset)
    found.values[tags.PATIENT_NAME] = (b"PN", raw)
    assert words(found, tags.PATIENT_NAME) == shown
    assert is_garbled(found) == garbled


def test_one_bit_and_planar_cells_are_unpacked(tmp_path: Path) -> None:
    bits = np.zeros((12, 10), np.uint8)
    bits[3, 4] = 1
    ds = ct_slice(0, BitsAllocated=1, BitsStored=1, HighBit=0)
    ds.PixelData = np.packbits(bits, bitorder="little").tobytes() + b"\0"
    assert np.array_equal(native_frame(header(tmp_path, made.as_bytes(ds)), 0), bits)
    rgb = np.arange(360, dtype=np.uint16).astype(np.uint8).reshape(3, 12, 10)
    ds = ct_slice(0, SamplesPerPixel=3, PlanarConfiguration=1, PhotometricInterpretation="RGB")
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelData = 8, 8, 7, rgb.tobytes()
    frame = native_frame(header(tmp_path, made.as_bytes(ds)), 0)
    assert np.array_equal(frame, np.moveaxis(rgb, 0, -1))
