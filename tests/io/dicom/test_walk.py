"""The walk over elements: bounded, and every lie about a length is caught."""

import struct

import pytest

from samdesk.errors import ReadError
from samdesk.io.dicom import tags
from samdesk.io.dicom.walk import DEEPEST, UNDEFINED, More, Walker


def short(tag: int, vr: bytes, value: bytes, length: int | None = None) -> bytes:
    return struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr, length or len(value)) + value


def long(tag: int, vr: bytes, value: bytes, length: int | None = None) -> bytes:
    return (
        struct.pack(
            "<HH2sHI", tag >> 16, tag & 0xFFFF, vr, 0, len(value) if length is None else length
        )
        + value
    )


ITEM = struct.pack("<HHI", 0xFFFE, 0xE000, UNDEFINED)
ITEM_END = struct.pack("<HHI", 0xFFFE, 0xE00D, 0)
SEQUENCE_END = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
ROWS = short(tags.ROWS, b"US", b"\x0a\0")
PRIVATE = 0x00211010


def code_of(data: bytes, size: int | None = None) -> str:
    with pytest.raises(ReadError) as caught:
        Walker(data, len(data) if size is None else size).top(0)
    return caught.value.code


def test_wanted_values_are_kept_and_others_stepped_over() -> None:
    data = short(tags.MODALITY, b"CS", b"CT") + short(0x00080070, b"LO", b"maker ") + ROWS
    found = Walker(data, len(data)).top(0)
    assert found.values[tags.MODALITY] == (b"CS", b"CT")
    assert tags.ROWS in found.values
    assert len(found.values) == 2
    assert found.pixels is None


def test_the_walk_ends_at_the_pixels() -> None:
    data = ROWS + long(tags.PIXEL_DATA, b"OW", b"1234") + b"rubbish"
    found = Walker(data, len(data)).top(0)
    assert found.pixels == (tags.PIXEL_DATA, b"OW", len(ROWS) + 12, 4)


def test_a_length_past_the_end_is_a_cut_file() -> None:
    assert code_of(long(PRIVATE, b"UN", b"abcd", 0xFFFFFFF0)) == "truncated"
    assert code_of(ROWS[:5]) == "truncated"


def test_a_buffer_that_is_too_short_asks_for_more() -> None:
    data = long(PRIVATE, b"OB", b"x" * 100)
    with pytest.raises(More) as caught:
        Walker(data[:20], len(data)).top(0)
    assert caught.value.upto == len(data)


def test_open_nested_sequences_end_at_the_limit() -> None:
    assert code_of((long(PRIVATE, b"SQ", b"", UNDEFINED) + ITEM) * 20_000) == "too-deep"


def test_closed_nested_sequences_end_at_the_limit() -> None:
    nested = b""
    for _ in range(DEEPEST + 5):
        nested = long(PRIVATE, b"SQ", struct.pack("<HHI", 0xFFFE, 0xE000, len(nested)) + nested)
    assert code_of(nested + ROWS) == "too-deep"


def test_a_sequence_of_unknown_length_is_stepped_over() -> None:
    inner = long(PRIVATE, b"SQ", b"", UNDEFINED) + ITEM + ROWS + ITEM_END + SEQUENCE_END
    known = struct.pack("<HHI", 0xFFFE, 0xE000, len(ROWS)) + ROWS
    data = long(PRIVATE, b"SQ", b"", UNDEFINED) + ITEM + inner + ITEM_END + known + SEQUENCE_END
    data += short(tags.COLUMNS, b"US", b"\x04\0")
    found = Walker(data, len(data)).top(0)
    assert set(found.values) == {tags.COLUMNS}


def test_unknown_of_unknown_length_holds_implicit_items() -> None:
    implicit = struct.pack("<HHI", 0x0021, 0x1001, 4) + b"abcd"
    data = long(PRIVATE, b"UN", b"", UNDEFINED) + ITEM + implicit + ITEM_END + SEQUENCE_END + ROWS
    assert tags.ROWS in Walker(data, len(data)).top(0).values


def test_a_sequence_without_end_is_said_to_be_that() -> None:
    data = long(PRIVATE, b"SQ", b"", UNDEFINED) + ITEM + ROWS
    assert code_of(data) == "header-inconsistent"
    assert code_of(long(PRIVATE, b"SQ", b"", UNDEFINED) + ROWS) == "header-inconsistent"


def test_an_unknown_type_is_stepped_over_in_private_elements_only() -> None:
    private = struct.pack("<HH2sH", 0x0021, 0x1013, b"??", 4) + b"abcd"
    found = Walker(private + ROWS, len(private + ROWS)).top(0)
    assert found.broken_vr
    assert tags.ROWS in found.values
    assert code_of(struct.pack("<HH2sH", 0x0028, 0x0010, b"us", 2) + b"\x0a\0") == (
        "header-inconsistent"
    )


def test_a_tag_that_comes_twice_with_two_values_is_noted() -> None:
    data = short(tags.PATIENT_ID, b"LO", b"A1") + short(tags.PATIENT_ID, b"LO", b"B2")
    found = Walker(data, len(data)).top(0)
    assert found.twice == {tags.PATIENT_ID}
    assert found.values[tags.PATIENT_ID][1] == b"A1"


def test_big_endian_and_implicit_data_are_walked() -> None:
    big = struct.pack(">HH2sH", 0x0028, 0x0010, b"US", 2) + b"\0\x0a"
    assert Walker(big, len(big), little=False).top(0).values[tags.ROWS] == (b"US", b"\0\x0a")
    implicit = struct.pack("<HHI", 0x0028, 0x0010, 2) + b"\x0a\0"
    assert Walker(implicit, len(implicit), explicit=False).top(0).values[tags.ROWS][1] == b"\x0a\0"


def test_odd_bytes_inside_a_closed_sequence_are_let_be() -> None:
    item = struct.pack("<HHI", 0xFFFE, 0xE000, 2000) + b"\x99" * 2000
    data = long(PRIVATE, b"SQ", item) + ROWS
    assert tags.ROWS in Walker(data, len(data)).top(0).values
