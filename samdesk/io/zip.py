"""Members of a zip, unpacked in memory one at a time and never by name to the disk.

Names that would lead out of a folder refuse the whole zip, since such a zip was made to do harm.
Every number of the central directory is counted against what really comes out.
"""

import stat
import struct
import zipfile
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from samdesk.core.reading_notes import Notice, Refusal
from samdesk.errors import ReadError
from samdesk.io.limits import (
    MAX_DEPTH,
    MAX_MEMBERS,
    MAX_RATIO,
    MAX_ZIP_BYTES,
    check_room,
    in_words,
)
from samdesk.io.text import plain

# Below this size a ratio says nothing: a header of zeros packs well.
_RATIO_FROM = 4 * 1024**2
_CHUNK = 1024 * 1024
_LOCAL = struct.Struct("<4s5H3I2H")
_DEVICES = frozenset(
    ["CON", "PRN", "AUX", "NUL", *(f"{port}{n}" for port in ("COM", "LPT") for n in range(1, 10))]
)
_JUNK = frozenset([".DS_Store", "Thumbs.db", "desktop.ini"])


@dataclass(frozen=True)
class Member:
    """Where one member lies in the zip and what the central directory says of it."""

    name: str
    offset: int
    packed: int
    size: int
    crc: int
    method: int


@dataclass(frozen=True)
class Listing:
    """The members of a zip that may be read.

    Attributes:
        members: by name, in the order of the zip; regular files with sound names only.
        refusals: members that are not read, each with its reason.
        notices: what the zip as a whole has to say.
    """

    members: dict[str, Member]
    refusals: tuple[Refusal, ...] = ()
    notices: tuple[Notice, ...] = ()


def is_zip(head: bytes) -> bool:
    """Tell by the first bytes whether a file is a zip, an empty one included."""
    return head[:4] in (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")


def listing(path: Path) -> Listing:
    """List the members of a zip that may be read.

    Raises:
        ReadError: truncated, encrypted, outside-folder, too-large, too-deep or
            nothing-to-open (no members at all).
    """
    try:
        state = path.stat()
    except OSError as error:
        raise _unreadable(path, error) from error
    return _listing(path, state.st_mtime_ns, state.st_size)


def size_of(path: Path, name: str) -> int:
    """Give the bytes that a member claims to unpack to.

    Raises:
        ReadError: the zip cannot be read or has no such member.
    """
    return _member(path, name).size


def read_member(path: Path, name: str) -> bytes:
    """Unpack one member into memory, its length and checksum compared.

    Raises:
        ReadError: header-inconsistent (another length than it says), checksum, truncated,
            too-large, or files-missing.
    """
    member = _member(path, name)
    check_room(member.size, plain(name))
    data = _inflate(path, member, None)
    if zlib.crc32(data) != member.crc:
        raise ReadError(
            f"{plain(name)} in {plain(path.name)} is damaged: its checksum is wrong.",
            code="checksum",
            hint="Copy or download the zip again.",
        )
    return data


def read_head(path: Path, name: str, n: int) -> bytes:
    """Unpack the first bytes of a member, at most `n`, without comparing the rest.

    Raises:
        ReadError: as `read_member`, less checksum.
    """
    return _inflate(path, _member(path, name), n)


def _member(path: Path, name: str) -> Member:
    member = listing(path).members.get(name)
    if member is None:
        raise ReadError(
            f"{plain(path.name)} has no member {plain(name)} any more.",
            code="files-missing",
            hint="Open the zip again.",
        )
    return member


@lru_cache(maxsize=8)
def _listing(path: Path, _changed: int, _size: int) -> Listing:
    """Read the central directory once for each state of the file."""
    try:
        with zipfile.ZipFile(path) as file:
            infos = file.infolist()
    except OSError as error:
        raise _unreadable(path, error) from error
    except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error) as error:
        raise ReadError(
            f"{plain(path.name)} ends before its list of members, or the list is damaged.",
            code="truncated",
            hint="Copy or download the zip again.",
        ) from error
    if not infos:
        raise ReadError(
            f"{plain(path.name)} is an empty zip.",
            code="nothing-to-open",
            hint="Choose the zip or folder that holds the images.",
        )
    _check_whole(path, infos)
    return _sort(path, infos)


def _check_whole(path: Path, infos: list[zipfile.ZipInfo]) -> None:
    """Refuse the zip for what no sound zip of images has."""
    shown = plain(path.name)
    if len(infos) > MAX_MEMBERS:
        raise ReadError(
            f"{shown} has {len(infos)} members; at most {MAX_MEMBERS} are read.",
            code="too-large",
            hint="Unpack it and open the folder of one patient.",
        )
    for info in infos:
        if info.flag_bits & 0x41:
            raise ReadError(
                f"{shown} is encrypted.",
                code="encrypted",
                hint="Unpack it with its password first, then open the folder.",
            )
        if _climbs(info.orig_filename) or stat.S_ISLNK(info.external_attr >> 16):
            raise ReadError(
                f"{shown} has a member that leads out of its folder; nothing of it was opened.",
                code="outside-folder",
                hint="Ask the sender for a zip with plain files only.",
            )
        if info.filename.count("/") > MAX_DEPTH:
            raise ReadError(
                f"{shown} has folders more than {MAX_DEPTH} deep.",
                code="too-deep",
                hint="Unpack it and open the folder with the images.",
            )
    _check_sizes(shown, infos)


def _check_sizes(shown: str, infos: list[zipfile.ZipInfo]) -> None:
    total = sum(info.file_size for info in infos)
    worst = max(infos, key=lambda info: info.file_size)
    if total > MAX_ZIP_BYTES:
        raise ReadError(
            f"{shown} unpacks to {in_words(total)}; at most {in_words(MAX_ZIP_BYTES)} are read.",
            code="too-large",
            hint="Unpack it and open the folder of one patient.",
        )
    if worst.file_size > max(_RATIO_FROM, MAX_RATIO * worst.compress_size):
        raise ReadError(
            f"{shown} holds a member that unpacks to more than {MAX_RATIO} times its size "
            f"({in_words(worst.compress_size)} to {in_words(worst.file_size)}).",
            code="too-large",
            hint="Images do not pack so well; do not open this zip unless you know its sender.",
        )


def _sort(path: Path, infos: list[zipfile.ZipInfo]) -> Listing:
    """Keep regular files with sound names, the first of each name; say what is left out."""
    members: dict[str, Member] = {}
    refusals: list[Refusal] = []
    for info in infos:
        if info.is_dir() or _is_junk(info.filename):
            continue
        why = _unsound(info) or ("a second member of this name" if info.filename in members else "")
        if why:
            refusals.append(
                Refusal(
                    path / plain(info.orig_filename),
                    "header-inconsistent",
                    f"This member of the zip was left out: {why}.",
                    "Ask the sender for a zip with plain file names.",
                )
            )
            continue
        members[info.filename] = Member(
            info.filename,
            info.header_offset,
            info.compress_size,
            info.file_size,
            info.CRC,
            info.compress_type,
        )
    notices: tuple[Notice, ...] = ()
    if refusals:
        n = len(refusals)
        notices = (
            Notice("slices-left-out", f"{n} member(s) of {plain(path.name)} were left out.", n),
        )
    return Listing(members, tuple(refusals), notices)


def _climbs(name: str) -> bool:
    """Whether a name leads out of the folder: absolute, with a drive, or with ".." in it."""
    parts = name.replace("\\", "/").split("/")
    drive = len(name) > 2 and name[1] == ":" and name[0].isalpha() and name[2] in "/\\"
    return parts[0] == "" or drive or ".." in parts


def _unsound(info: zipfile.ZipInfo) -> str:
    last = info.orig_filename.replace("\\", "/").rsplit("/", 1)[-1]
    if "\0" in info.orig_filename:
        return "its name has a NUL character"
    if ":" in last or last.split(".")[0].upper() in _DEVICES:
        return "its name is that of a device"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "its way of packing is not known"
    return ""


def _is_junk(name: str) -> bool:
    return name.startswith("__MACOSX/") or name.rsplit("/", 1)[-1] in _JUNK


def _inflate(path: Path, member: Member, head: int | None) -> bytes:
    """Unpack a member, all of it or its head, stopping one byte beyond what it claims."""
    want = member.size if head is None else min(member.size, head)
    # One byte more than the claim shows that the claim is wrong.
    stop = want + 1 if want == member.size else want
    try:
        with path.open("rb") as stream:
            _to_data(stream, member)
            data, more = _chunks(stream, member, stop)
    except OSError as error:
        raise _unreadable(path, error) from error
    except zlib.error as error:
        raise ReadError(
            f"{plain(member.name)} in {plain(path.name)} is damaged.",
            code="checksum",
            hint="Copy or download the zip again.",
        ) from error
    if more or len(data) > member.size:
        raise ReadError(
            f"{plain(member.name)} in {plain(path.name)} unpacks to more than it says.",
            code="header-inconsistent",
            hint="Do not open this zip unless you know its sender.",
        )
    if len(data) < want:
        raise ReadError(
            f"{plain(member.name)} in {plain(path.name)} is cut.",
            code="truncated",
            hint="Copy or download the zip again.",
        )
    return data


def _chunks(stream: BinaryIO, member: Member, stop: int) -> tuple[bytes, bool]:
    """Give at most `stop` bytes, and whether the member has more than it claims."""
    if member.method == zipfile.ZIP_STORED:
        return stream.read(min(member.packed, stop)), False
    unpack = zlib.decompressobj(-15)
    out = bytearray()
    left = member.packed
    while left > 0 and not unpack.eof and len(out) < stop:
        packed = stream.read(min(left, _CHUNK))
        if not packed:
            break
        left -= len(packed)
        while packed and len(out) < stop:
            out += unpack.decompress(packed, stop - len(out))
            packed = unpack.unconsumed_tail
    return bytes(out), len(out) > member.size


def _to_data(stream: BinaryIO, member: Member) -> None:
    """Move to the first packed byte, behind the local header."""
    stream.seek(member.offset)
    raw = stream.read(_LOCAL.size)
    if len(raw) < _LOCAL.size or raw[:4] != b"PK\x03\x04":
        raise ReadError(
            f"The zip's entry of {plain(member.name)} is damaged.",
            code="truncated",
            hint="Copy or download the zip again.",
        )
    *_, name_length, extra_length = _LOCAL.unpack(raw)
    stream.seek(name_length + extra_length, 1)


def _unreadable(path: Path, error: OSError) -> ReadError:
    return ReadError(
        f"{plain(path.name)} could not be read: {error.strerror or 'input/output error'}.",
        code="files-missing",
        hint="Check that the drive is still connected, then open the zip again.",
    )
