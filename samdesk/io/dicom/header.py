"""The header of one DICOM file: found within bounds, its values converted only when asked.

The walk (walk.py) decides whether the file holds together; this module decides what it is: which
transfer syntax, whether it is a picture, whether its sizes agree with its bytes.
"""

import math
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from samdesk.errors import ReadError
from samdesk.io.base import FileRef
from samdesk.io.dicom import tags
from samdesk.io.dicom.walk import (
    LONG_VRS,
    SHORT_VRS,
    Element,
    Found,
    More,
    Walker,
    truncated,
)

FIRST_READ = 16 << 10
LARGEST_HEADER = 64 << 20
# A deflated data set may grow this much; real ones stay under 50 times.
INFLATE_RATIO = 200
INFLATE_STEP = 1 << 20
KINDS = LONG_VRS | SHORT_VRS
DIRECTORY_CLASS = tags.DIRECTORY_CLASS.encode()
# Not a notice: the meta group says that this is a DICOMDIR, whose data set has no class.
IS_DIRECTORY = "directory"
UNSIGNED_VRS = {b"US": 2, b"SS": 2, b"UL": 4, b"SL": 4, b"": 2, b"UN": 2}


@lru_cache(maxsize=4096)
def _numbers(raw: bytes) -> tuple[float, ...] | None:
    """Convert a decimal string (DS, IS); None where a part of it is no finite number."""
    try:
        parts = tuple(float(part) for part in raw.strip(b" \0").split(b"\\"))
    except ValueError:
        return None
    return parts if all(math.isfinite(part) for part in parts) else None


@dataclass(slots=True)
class Header:
    """The wanted part of one file's header.

    Attributes:
        ref: the file.
        size: bytes of the file, or of the inflated data set.
        syntax: transfer syntax UID, the one that holds (guessed where the file lies).
        explicit, little: how the data set is written.
        values: tag -> (VR, bytes).
        pixels: (tag, VR, start, length) in the file, or in the inflated data set.
        codes: notice codes that the header alone earned.
        base: where the data set of a deflated file begins; 0 otherwise.
    """

    ref: FileRef
    size: int
    syntax: str
    explicit: bool = True
    little: bool = True
    values: dict[int, tuple[bytes, bytes]] = field(default_factory=dict)
    pixels: Element | None = None
    codes: frozenset[str] = frozenset()
    base: int = 0

    @property
    def is_deflated(self) -> bool:
        """Whether the data set has to be inflated to reach its pixels."""
        return self.syntax == tags.DEFLATED_LE

    @property
    def is_native(self) -> bool:
        """Whether the pixels are stored as they are, without a codec."""
        return self.syntax in tags.NATIVE

    def raw(self, tag: int) -> bytes:
        """Give the bytes of a value, empty where there is none."""
        return self.values.get(tag, (b"", b""))[1]

    def ascii(self, tag: int) -> str:
        """Give a value of the basic alphabet (CS, UI, DA) without its padding."""
        return self.raw(tag).strip(b" \0").decode("ascii", "replace")

    def numbers(self, tag: int) -> tuple[float, ...] | None:
        """Give decimal strings or binary floats; None where absent or not finite."""
        vr, raw = self.values.get(tag, (b"", b""))
        if not raw:
            return None
        if vr in (b"FD", b"FL") or (tag in (tags.CARDIAC_PERCENT, tags.B_VALUE) and not vr):
            return self._floats(raw, 4 if vr == b"FL" else 8)
        return _numbers(raw)

    def _floats(self, raw: bytes, width: int) -> tuple[float, ...] | None:
        count = len(raw) // width
        letter = "f" if width == 4 else "d"
        order = "<" if self.little else ">"
        parts = struct.unpack_from(f"{order}{count}{letter}", raw)
        return parts if parts and all(math.isfinite(part) for part in parts) else None

    def number(self, tag: int) -> float | None:
        """Give the first of `numbers`."""
        parts = self.numbers(tag)
        return parts[0] if parts else None

    def unsigned(self, tag: int, default: int = 0) -> int:
        """Give a 16-bit count (US).

        Raises:
            ReadError: header-inconsistent, the value is of another type.
        """
        held = self.values.get(tag)
        if held is None or not held[1]:
            return default
        width = UNSIGNED_VRS.get(held[0])
        if width is None or len(held[1]) < width:
            raise inconsistent(f"element {tag >> 16:04x},{tag & 0xFFFF:04x} is not a number")
        return int.from_bytes(held[1][:width], "little" if self.little else "big")

    def frame_count(self) -> int:
        """Give NumberOfFrames, 1 where the file does not say.

        Raises:
            ReadError: header-inconsistent, it is no count.
        """
        raw = self.raw(tags.FRAMES)
        if not raw.strip(b" \0"):
            return 1
        parts = _numbers(raw)
        if not parts or parts[0] < 1 or parts[0] != int(parts[0]):
            raise inconsistent("its number of frames is no count")
        return int(parts[0])

    @property
    def frame_bytes(self) -> int:
        """Bytes of one frame when it is not compressed."""
        samples = self.unsigned(tags.SAMPLES, 1)
        pixels = self.unsigned(tags.ROWS) * self.unsigned(tags.COLUMNS) * samples
        bits = self.unsigned(tags.BITS_ALLOCATED, 16)
        return pixels * bits // 8 if bits >= 8 else -(-pixels * bits // 8)


def inconsistent(what: str, hint: str = "Export the file again from where it came.") -> ReadError:
    """Make the error for a header that contradicts itself."""
    return ReadError(
        f"The header contradicts itself: {what}.", code="header-inconsistent", hint=hint
    )


def looks_like_dicom(head: bytes) -> bool:
    """Tell from the first 512 bytes: the magic, or a first element that can be one."""
    return head[128:132] == b"DICM" or bare_start(head) is not None


def bare_start(head: bytes) -> tuple[bool, bool] | None:
    """Look at the first element of a file without preamble.

    Returns:
        (explicit, little endian), or None where this is no DICOM element.
    """
    if len(head) < 16:
        return None
    little = head[0] in (2, 8) and head[1] == 0
    big = head[1] in (2, 8) and head[0] == 0
    if not little and not big:
        return None
    number = int.from_bytes(head[2:4], "little" if little else "big")
    if number > 0x0100 or (head[:2] in (b"\2\0", b"\0\2") and number > 0x0102):
        return None
    if head[4:6] in KINDS:
        return True, little
    length = int.from_bytes(head[4:8], "little" if little else "big")
    return (False, little) if 0 < length <= 64 and length % 2 == 0 else None


def read_header(ref: FileRef) -> Header:
    """Read the header of one file up to its pixels.

    Raises:
        ReadError: the file is damaged, or contradicts itself; the code says how.
    """
    size = ref.size
    if size == 0:
        raise ReadError("The file is empty.", code="empty-file", hint="Copy it again.")
    with ref.open() as file:
        data = file.read(FIRST_READ)
        while True:
            try:
                return _parse(ref, data, size)
            except More as more:
                data += file.read(_more_bytes(len(data), more.upto))


def _more_bytes(held: int, upto: int) -> int:
    if upto > LARGEST_HEADER:
        raise ReadError(
            "The header claims more than 64 MB before the pixels.",
            code="too-large",
            hint="No scanner writes such a file; it is damaged or hostile.",
        )
    return max(upto - held, held * 7)


def _parse(ref: FileRef, data: bytes, size: int) -> Header:
    start, syntax, doubts = _meta(data, size)
    if syntax == tags.DEFLATED_LE:
        return _parse_deflated(ref, start, doubts)
    explicit, little = _encoding(data, start, syntax, doubts)
    walker = Walker(data, size, explicit, little)
    found = walker.top(start)
    held = syntax
    if not held or (held in tags.NATIVE and "header-inconsistent" in doubts):
        held = {
            (True, True): tags.EXPLICIT_LE,
            (False, True): tags.IMPLICIT_LE,
        }.get((explicit, little), tags.EXPLICIT_BE)
    return _header(ref, size, held, walker, found, doubts)


def _header(
    ref: FileRef, size: int, syntax: str, walker: Walker, found: Found, doubts: set[str]
) -> Header:
    if found.broken_vr:
        doubts.add("header-inconsistent")
    if found.twice & {tags.PATIENT_ID, tags.PATIENT_NAME, tags.BIRTH_DATE}:
        doubts.add("identity-conflict")
    header = Header(
        ref,
        size,
        syntax,
        walker.explicit,
        walker.little,
        {tag: (vr, _shared(value)) for tag, (vr, value) in found.values.items()},
        found.pixels,
        frozenset(doubts - {IS_DIRECTORY}),
    )
    if IS_DIRECTORY in doubts and not header.raw(tags.SOP_CLASS):
        header.values[tags.SOP_CLASS] = (b"UI", tags.DIRECTORY_CLASS.encode())
    return header


@lru_cache(maxsize=16384)
def _shared(value: bytes) -> bytes:
    """Keep one copy of a value that is the same in thousands of slices."""
    return value


def _meta(data: bytes, size: int) -> tuple[int, str, set[str]]:
    """Read the file meta group by its elements, never by its claimed length.

    Returns:
        Where the data set begins, the transfer syntax ("" if unknown), notice codes.
    """
    first = _meta_start(data, size)
    if data[first : first + 2] != b"\2\0":
        # A bare data set is legal in old archives; with the magic, the group must be there.
        return first, "", {"header-inconsistent"} if first else set()
    doubts: set[str] = set()
    walker = Walker(data, size)
    at, claimed, syntax = first, -1, ""
    while at < size and data[at : at + 2] == b"\2\0":
        tag, _, start, length = walker.element(at)
        at = start + length
        walker.need(at, "its first group")
        value = data[start:at]
        if tag == tags.META_LENGTH and length == 4:
            claimed = at + int.from_bytes(value, "little")
        elif tag == tags.SYNTAX:
            syntax = value.strip(b" \0").decode("ascii", "replace")
        elif tag == tags.MEDIA_CLASS and value.startswith(DIRECTORY_CLASS):
            doubts.add(IS_DIRECTORY)
    if at >= size:
        raise truncated("its header")
    if not syntax or claimed not in (-1, at):
        doubts.add("header-inconsistent")
    return at, syntax, doubts


def _meta_start(data: bytes, size: int) -> int:
    """Find where the first element lies: after the magic, or at once.

    Raises:
        ReadError: not-recognised or truncated.
    """
    if data[128:132] == b"DICM":
        if size == 132:
            raise truncated("its preamble")
        return 132
    if bare_start(data) is None:
        raise ReadError(
            "This is not a DICOM file.", code="not-recognised", hint="Open another file."
        )
    return 0


def _encoding(data: bytes, at: int, syntax: str, doubts: set[str]) -> tuple[bool, bool]:
    """Tell how the data set is written; what is there counts more than what is claimed."""
    seen = bare_start(data[at : at + 16])
    claimed = (syntax != tags.IMPLICIT_LE, syntax != tags.EXPLICIT_BE)
    if seen is None:
        return claimed
    if syntax and seen != claimed:
        doubts.add("header-inconsistent")
    return seen


def _parse_deflated(ref: FileRef, start: int, doubts: set[str]) -> Header:
    """Walk a deflated data set; only its first megabyte is kept."""
    kept, total = b"", 0
    for chunk in inflate(ref, start):
        if total == 0:
            kept = chunk
        total += len(chunk)
    walker = Walker(kept, total)
    try:
        found = walker.top(0)
    except More:
        raise ReadError(
            "The header of this deflated file is larger than 1 MB.", code="too-large"
        ) from None
    header = _header(ref, total, tags.DEFLATED_LE, walker, found, doubts)
    header.base = start
    return header


def inflate(ref: FileRef, start: int) -> Iterator[bytes]:
    """Inflate a data set in steps of at most a megabyte, within the allowed ratio.

    Raises:
        ReadError: truncated or too-large.
    """
    with ref.open() as file:
        packed = file.read()[start:]
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    limit, total = max(INFLATE_STEP, INFLATE_RATIO * len(packed)), 0
    try:
        while not unpacker.eof:
            chunk = unpacker.decompress(packed, INFLATE_STEP)
            packed = unpacker.unconsumed_tail
            total += len(chunk)
            if not chunk and not packed:
                raise truncated("its deflated data")
            if total > limit:
                raise ReadError(
                    f"This deflated file grows to more than {INFLATE_RATIO} times its size.",
                    code="too-large",
                    hint="No scanner writes such a file.",
                )
            yield chunk
    except zlib.error:
        raise ReadError("The deflated data are damaged.", code="pixels-damaged") from None
