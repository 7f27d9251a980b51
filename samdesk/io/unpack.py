"""Packed voxels, unpacked within the bound that the header allows and checked to their end."""

import os
import zlib
from collections.abc import Generator
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from samdesk.core.progress import Progress
from samdesk.errors import ReadError
from samdesk.io.limits import check_room, in_words

# Bytes behind the claimed data that are read before the stream is called a bomb.
SLACK = 64 * 1024
# zlib.net/zlib_tech.html; bzip2 packs zeros better, real voxels far worse.
_BEST_RATIO = 1040
_READ = 256 * 1024
# Between two yields; about a tenth of a second of unpacking.
_STEP = 16 * 1024 * 1024
_AGAIN = "Copy or download the file again."
# Tells zlib to find out by itself whether the stream is gzip or zlib.
_EITHER = 47
_GZIP = b"\x1f\x8b"


class _Unpacker(Protocol):
    """What zlib and bz2 have in common, as far as it is needed here."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


@dataclass
class Unpacked:
    """What came out of a stream.

    Attributes:
        data: at most as many bytes as were wanted.
        beyond: bytes that followed: in the stream behind the data, or behind the stream (other
            than zeros, which tapes pad with).
    """

    data: bytearray
    beyond: int = 0


def unpack(
    stream: BinaryIO, packing: str, want: int, shown: str
) -> Generator[Progress, None, Unpacked]:
    """Unpack `want` bytes from the stream's place on, and check the stream to its end.

    Args:
        stream: at the first packed byte.
        packing: "raw", "gzip" (several members allowed), "zlib" or "bzip2".
        want: bytes of the voxels by the header; memory for them is taken once.
        shown: name of the file for sentences, already plain.

    Yields:
        Progress, several times a second.

    Raises:
        ReadError: truncated, checksum (also for a damaged stream), or too-large: more than
            64 KB come out behind what the header allows, or there is no memory.
    """
    check_room(want, shown)
    _check_packed(stream, want, shown)
    try:
        out = bytearray(want)
    except MemoryError as error:
        raise ReadError(
            f"{shown} needs {in_words(want)} of memory, which the system does not give.",
            code="too-large",
            hint="Close other scans or programs.",
        ) from error
    if packing == "raw":
        return (yield from _copy(stream, out, shown))
    try:
        return (yield from _inflate(stream, packing, out, shown))
    except (zlib.error, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the disk's error; that of bz2 has no number
        raise ReadError(
            f"{shown} is damaged: its packed data or their checksum are wrong.",
            code="checksum",
            hint=_AGAIN,
        ) from error


def _check_packed(stream: BinaryIO, want: int, shown: str) -> None:
    """Refuse at once what no packing could hold: deflate packs 1032 to 1 at best."""
    at = stream.tell()
    have = stream.seek(0, os.SEEK_END) - at
    stream.seek(at)
    if want > (have + 1) * _BEST_RATIO:
        raise _cut(shown, have, want)


def unpack_head(stream: BinaryIO, n: int) -> bytes:
    """Unpack the first bytes of gzip or zlib, at most `n`; fewer where it is cut or damaged."""
    unpacker = zlib.decompressobj(_EITHER)
    out = b""
    try:
        while len(out) < n:
            packed = unpacker.unused_data + stream.read(16 * 1024)
            if unpacker.eof:
                unpacker = zlib.decompressobj(_EITHER)
            if not packed:
                break
            out += unpacker.decompress(packed, n - len(out))
    except zlib.error:
        pass
    return out


def _copy(stream: BinaryIO, out: bytearray, shown: str) -> Generator[Progress, None, Unpacked]:
    view, at = memoryview(out), 0
    while at < len(out):
        n = stream.readinto(view[at : at + _STEP])  # type: ignore[attr-defined]
        if not n:
            raise _cut(shown, at, len(out))
        at += n
        yield Progress(at, len(out), "Reading")
    return Unpacked(out, len(stream.read(SLACK)))


def _inflate(
    stream: BinaryIO, packing: str, out: bytearray, shown: str
) -> Generator[Progress, None, Unpacked]:
    """Inflate member by member, straight into the one buffer."""
    view, at, beyond, told = memoryview(out), 0, 0, 0
    unpacker, packed = _start(packing), stream.read(_READ)
    while True:
        room = max(len(out) - at, 0)
        # Behind the data one byte of room is enough to see that more comes.
        piece = unpacker.decompress(packed, room or SLACK)
        view[at : at + len(piece)] = piece[:room]
        at += min(len(piece), room)
        beyond += 0 if room else len(piece)
        if beyond > SLACK:
            raise _bomb(shown, len(out))
        if at - told >= _STEP:
            told = at
            yield Progress(at, len(out), "Unpacking")
        if unpacker.eof:
            rest = unpacker.unused_data + stream.read(_READ)
            if packing == "gzip" and rest.startswith(_GZIP):
                unpacker, packed = _start(packing), rest
                continue
            if at < len(out):
                raise _cut(shown, at, len(out))
            return Unpacked(out, beyond + len(rest.strip(b"\0")))
        packed = getattr(unpacker, "unconsumed_tail", b"")
        if not packed and getattr(unpacker, "needs_input", True):
            packed = stream.read(_READ)
            # An empty piece with no input left: the stream ends in the middle.
            if not packed and not piece:
                raise _cut(shown, at, len(out))


def _start(packing: str) -> _Unpacker:
    if packing == "bzip2":
        import bz2

        return bz2.BZ2Decompressor()
    return zlib.decompressobj(31 if packing == "gzip" else 15)


def _cut(shown: str, got: int, want: int) -> ReadError:
    return ReadError(
        f"{shown} is cut: only {in_words(got)} for {in_words(want)} of voxels are there.",
        code="truncated",
        hint=_AGAIN,
    )


def _bomb(shown: str, want: int) -> ReadError:
    return ReadError(
        f"{shown} unpacks to more than the {in_words(want)} that its header allows.",
        code="too-large",
        hint="Do not open it unless you know its sender.",
    )
