"""A PNG's chunks, checked and thinned before Pillow sees them.

Text, profiles and further frames are left out: they can be bombs, hold names of patients, and
nothing of them is shown.
"""

import struct
import zlib

from samdesk.errors import ReadError
from samdesk.io.limits import MAX_PIXELS

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_KEPT = frozenset([b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"])
_IHDR_END = 33
_AGAIN = "Copy or download the picture again."


def check_start(head: bytes, shown: str) -> tuple[int, int]:
    """Check the first chunk and give (width, height).

    Raises:
        ReadError: truncated, checksum, header-inconsistent or too-large.
    """
    if len(head) < _IHDR_END:
        raise _cut(shown)
    length, kind = struct.unpack(">I4s", head[8:16])
    if kind != b"IHDR" or length != 13:
        raise _inconsistent(shown, "its first chunk is not IHDR")
    if zlib.crc32(head[12:29]) != int.from_bytes(head[29:33], "big"):
        raise ReadError(
            f"{shown} is damaged: the checksum of its header is wrong.",
            code="checksum",
            hint=_AGAIN,
        )
    width, height = struct.unpack(">II", head[16:24])
    check_pixels(width, height, shown)
    return width, height


def check_pixels(width: int, height: int, shown: str) -> None:
    """Refuse a picture without pixels or with too many, before anything is allocated.

    Raises:
        ReadError: header-inconsistent or too-large.
    """
    if width < 1 or height < 1:
        raise _inconsistent(shown, f"it is {width} x {height} pixels large")
    if width * height > MAX_PIXELS:
        raise ReadError(
            f"{shown} claims {width} x {height} pixels; at most {MAX_PIXELS // 10**6} million "
            "are read.",
            code="too-large",
            hint="Save it smaller, or cut out the part you need.",
        )


def thin(data: bytes, shown: str) -> tuple[bytes, int]:
    """Keep the chunks that make the picture, each with its checksum compared.

    Args:
        data: the whole file.
        shown: its name for sentences.

    Returns:
        A PNG of these chunks only, and the number of frames that it claims.

    Raises:
        ReadError: truncated or checksum.
    """
    check_start(data[:_IHDR_END], shown)
    out = [SIGNATURE]
    frames, at = 1, len(SIGNATURE)
    view = memoryview(data)
    while True:
        if at + 12 > len(data):
            raise _cut(shown)
        length = int.from_bytes(view[at : at + 4], "big")
        kind = bytes(view[at + 4 : at + 8])
        end = at + 12 + length
        if end > len(data):
            raise _cut(shown)
        if kind == b"acTL" and length >= 4:
            frames = int.from_bytes(view[at + 8 : at + 12], "big")
        if kind in _KEPT:
            if zlib.crc32(view[at + 4 : end - 4]) != int.from_bytes(view[end - 4 : end], "big"):
                raise ReadError(
                    f"{shown} is damaged: the checksum of a part of it is wrong.",
                    code="checksum",
                    hint=_AGAIN,
                )
            out.append(bytes(view[at:end]))
        if kind == b"IEND":
            return b"".join(out), frames
        at = end


def _cut(shown: str) -> ReadError:
    return ReadError(
        f"{shown} is cut: the picture ends before its end.", code="truncated", hint=_AGAIN
    )


def _inconsistent(shown: str, how: str) -> ReadError:
    return ReadError(
        f"The header of {shown} cannot be right: {how}.", code="header-inconsistent", hint=_AGAIN
    )
