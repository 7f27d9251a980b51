"""Packed voxels come out within their bound, or it is said why not."""

import bz2
import gzip
import io
import os
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samdesk.errors import ReadError
from samdesk.io import limits, unpack
from samdesk.io.base import finish

DATA = os.urandom(3000) + bytes(3000)
PACKED = {
    "raw": DATA,
    "gzip": gzip.compress(DATA),
    "zlib": zlib.compress(DATA),
    "bzip2": bz2.compress(DATA),
}


def unpacked(raw: bytes, packing: str, want: int = len(DATA)) -> unpack.Unpacked:
    return finish(unpack.unpack(io.BytesIO(raw), packing, want, "x.nii"))


def code_of(raw: bytes, packing: str, want: int = len(DATA)) -> str:
    with pytest.raises(ReadError) as caught:
        unpacked(raw, packing, want)
    return caught.value.code


@pytest.mark.parametrize("packing", PACKED)
def test_every_packing_gives_the_data_back(packing: str) -> None:
    got = unpacked(PACKED[packing], packing)
    assert (bytes(got.data), got.beyond) == (DATA, 0)


@pytest.mark.parametrize("packing", PACKED)
def test_every_packing_that_is_cut_is_refused(packing: str) -> None:
    assert code_of(PACKED[packing][:-20], packing) == "truncated"


@pytest.mark.parametrize("packing", PACKED)
def test_data_behind_the_claim_are_counted(packing: str) -> None:
    got = unpacked(PACKED[packing], packing, 5900)
    assert (bytes(got.data), got.beyond) == (DATA[:5900], 100)


@given(st.integers(min_value=12, max_value=len(PACKED["gzip"]) - 1), st.integers(0, 7))
def test_a_flipped_bit_never_goes_unnoticed(at: int, bit: int) -> None:
    raw = bytearray(PACKED["gzip"])
    raw[at] ^= 1 << bit
    assert code_of(bytes(raw), "gzip") in ("checksum", "truncated", "too-large")


@pytest.mark.parametrize("packing", ["zlib", "bzip2"])
def test_a_damaged_stream_is_a_wrong_checksum(packing: str) -> None:
    raw = bytearray(PACKED[packing])
    raw[40] ^= 0xFF
    assert code_of(bytes(raw), packing) == "checksum"


def test_members_follow_each_other_and_zeros_pad() -> None:
    raw = gzip.compress(DATA[:100]) + gzip.compress(DATA[100:]) + bytes(600)
    got = unpacked(raw, "gzip")
    assert (bytes(got.data), got.beyond) == (DATA, 0)
    assert unpack.unpack_head(io.BytesIO(raw), 200) == DATA[:200]


def test_rubbish_behind_the_stream_is_counted() -> None:
    assert unpacked(PACKED["gzip"] + b"rubbish", "gzip").beyond == 7


def test_a_bomb_stops_at_its_bound() -> None:
    raw = gzip.compress(bytes(4 * 1024 * 1024))
    assert code_of(raw, "gzip", 100) == "too-large"


def test_what_no_packing_could_hold_is_refused_before_it_is_allocated() -> None:
    assert code_of(PACKED["gzip"], "gzip", 50_000_000) == "truncated"


def test_what_does_not_fit_into_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "free_memory", lambda: 5000)
    assert code_of(PACKED["raw"], "raw") == "too-large"


def test_an_error_of_the_disk_is_no_wrong_checksum() -> None:
    class Broken(io.BytesIO):
        def read(self, n: int | None = -1) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(OSError, match="Input/output"):
        finish(unpack.unpack(Broken(PACKED["gzip"]), "gzip", len(DATA), "x"))


def test_the_head_of_a_damaged_stream_is_what_could_be_read() -> None:
    assert unpack.unpack_head(io.BytesIO(b"\x1f\x8brubbish"), 50) == b""
    assert unpack.unpack_head(io.BytesIO(PACKED["gzip"][:100]), 5000) != DATA


@pytest.mark.parametrize(
    ("n_bytes", "words"),
    [(512, "512 B"), (33_000, "33 KB"), (3_400_000_000, "3.4 GB"), (10**16, "more than 1000 TB")],
)
def test_bytes_are_written_as_a_person_would(n_bytes: int, words: str) -> None:
    assert limits.in_words(n_bytes) == words


def test_free_memory_is_a_sensible_number() -> None:
    assert 10**7 < limits.free_memory() < 10**14


def test_where_the_system_tells_nothing_a_careful_number_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def silent(*_: object, **__: object) -> str:
        raise OSError

    monkeypatch.setattr("pathlib.Path.read_text", silent)
    assert 10**7 < limits.free_memory() < 10**14
    monkeypatch.setattr("os.sysconf", silent)
    assert limits.free_memory() <= 2 * 1024**3
