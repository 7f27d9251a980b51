"""A file is what its first bytes say, whatever its name promises."""

import gzip
import struct

import pytest

from samdesk.io import sniff


def nifti(magic: bytes = b"n+1\0", order: str = "<") -> bytes:
    return struct.pack(f"{order}i", 348) + bytes(340) + magic + bytes(200)


NIFTI_2 = struct.pack("<i", 540) + b"n+2\0\r\n\x1a\n" + bytes(532)


@pytest.mark.parametrize(
    ("head", "name", "format_"),
    [
        (bytes(128) + b"DICM", "x.png", "dicom"),
        (b"II*\0" + bytes(124) + b"DICM", "x.tif", "dicom"),
        (b"\x89PNG\r\n\x1a\n", "x", "png"),
        (b"\xff\xd8\xff\xe0", "x", "jpeg"),
        (b"MM\0*", "x", "tiff"),
        (b"GIF89a", "x", "gif"),
        (b"BM1234", "x", "bmp"),
        (b"NRRD0004\n", "x", "nrrd"),
        (b"ObjectType = Image\n", "x", "meta"),
        (b"NDims = 3\n", "x", "meta"),
        (b"PK\x03\x04", "x.zip", "zip"),
        (b"PK\x03\x04", "x.xlsx", ""),
        (nifti(), "x", "nifti"),
        (nifti(order=">"), "x", "nifti"),
        (nifti(b"ni1\0"), "x", "nifti"),
        (NIFTI_2, "x", "nifti"),
        (nifti(b"\0\0\0\0"), "x.hdr", "nifti"),
        (nifti(b"abcd"), "x.nii", ""),
        (nifti()[:100], "x.nii", "nifti"),
        (gzip.compress(nifti(), mtime=0), "x", "nifti.gz"),
        (gzip.compress(b"text" * 200, mtime=0), "x.gz", ""),
        (gzip.compress(b"", mtime=0), "x.nii.gz", "nifti.gz"),
        (b"anything at all", "x.img", "nifti"),
        (b"anything at all", "x.dat", ""),
    ],
)
def test_the_bytes_tell_the_format(head: bytes, name: str, format_: str) -> None:
    assert sniff.format_of(head, name) == format_


@pytest.mark.parametrize(
    ("head", "name", "code", "words"),
    [
        (b"", "a.dcm", "empty-file", "0 bytes"),
        (b"<!DOCTYPE html><html>", "a.nii.gz", "not-recognised", "web page"),
        (b"%PDF-1.4", "a.pdf", "unsupported-format", "PDF"),
        (b"7z\xbc\xaf\x27\x1c", "a.7z", "unsupported-format", "7-Zip"),
        (bytes(257) + b"ustar", "a.tar", "unsupported-format", "tar"),
        (gzip.compress(b"x" * 900, mtime=0), "a.gz", "unsupported-format", "gzip"),
        (b"PK\x03\x04", "a.docx", "unsupported-format", "Office"),
        (b"rubbish", "a.nii.gz", "not-recognised", "gzip"),
        (b"rubbish", "a.dcm", "not-recognised", "no image"),
    ],
)
def test_a_file_without_a_reader_is_refused_with_a_next_step(
    head: bytes, name: str, code: str, words: str
) -> None:
    got, reason, hint = sniff.refusal(head, name)
    assert got == code
    assert words in reason
    assert hint


def test_archives_are_to_be_unpacked() -> None:
    assert "Unpack" in sniff.refusal(b"Rar!\x1a\x07", "a.rar")[2]


def test_an_ending_that_promises_another_format_is_said() -> None:
    notice = sniff.wrong_extension(nifti(), "scan.nii.gz")
    assert notice is not None
    assert notice.code == "wrong-extension"
    assert "a NIfTI" in notice.sentence


@pytest.mark.parametrize("name", ["scan.nii", "scan", "scan.ima"])
def test_an_ending_that_promises_nothing_else_is_fine(name: str) -> None:
    assert sniff.wrong_extension(nifti(), name) is None
