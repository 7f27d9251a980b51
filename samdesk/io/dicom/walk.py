"""A walk over the elements of a DICOM data set: bounded, and without decoding a value.

Every length is compared with the size of the file before it is believed and nesting is counted,
so that whatever library reads the values afterwards meets nothing that could take the program
down. Only the raw bytes of the wanted top-level elements are kept.
"""

import struct
from dataclasses import dataclass, field

from samdesk.errors import ReadError
from samdesk.io.dicom import tags

UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
DEEPEST = 64
# A sequence shorter than this cannot hold more than DEEPEST levels of at least 16 bytes each.
SHALLOW_BYTES = DEEPEST * 16

LONG_VRS = frozenset(
    {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
)
SHORT_VRS = frozenset(
    {
        b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT",
        b"PN", b"SH", b"SL", b"SS", b"ST", b"TM", b"UI", b"UL", b"US",
    }
)  # fmt: skip

Element = tuple[int, bytes, int, int]  # tag, VR, start of the value, its length


class More(Exception):
    """The walk needs the bytes up to `upto`, which the file has and the buffer has not."""

    def __init__(self, upto: int) -> None:
        super().__init__(upto)
        self.upto = upto


@dataclass
class Found:
    """What a walk met.

    Attributes:
        values: tag -> (VR, bytes) of the wanted elements at the top level; "" VR when implicit.
        pixels: the element of the pixels: (tag, VR, start in the data, length), or None.
        end: where the walk ended.
        broken_vr: an element with an unknown VR was stepped over.
        twice: wanted tags that came twice with different values.
    """

    values: dict[int, tuple[bytes, bytes]] = field(default_factory=dict)
    pixels: Element | None = None
    end: int = 0
    broken_vr: bool = False
    twice: set[int] = field(default_factory=set)


def truncated(what: str) -> ReadError:
    """Make the error for a file that ends before it should."""
    return ReadError(
        f"The file ends in the middle of {what}.", code="truncated", hint="Copy it again."
    )


@dataclass
class Walker:
    """Steps over the elements of one data set.

    Attributes:
        data: the bytes that were read so far, from the start of the file.
        size: bytes that the file (or the inflated data set) has in all.
        explicit: VRs are written.
        little: byte order.
    """

    data: bytes
    size: int
    explicit: bool = True
    little: bool = True
    found: Found = field(default_factory=Found)

    def __post_init__(self) -> None:
        order = "<" if self.little else ">"
        self._head = struct.Struct(order + "HH2sH").unpack_from
        self._long = struct.Struct(order + "L").unpack_from

    def need(self, upto: int, what: str) -> None:
        """Ask for more of the file, or say that it has no more."""
        if upto > len(self.data):
            raise More(upto) if upto <= self.size else truncated(what)

    def element(self, at: int) -> Element:
        """Read the head of the element at a place."""
        if at + 12 > len(self.data):
            self.need(at + 8, "a header")
        group, number, vr, short = self._head(self.data, at)
        tag = group << 16 | number
        if not self.explicit or group == 0xFFFE:
            return tag, b"", at + 8, self._long(self.data, at + 4)[0]
        if vr in LONG_VRS:
            self.need(at + 12, "a header")
            return tag, vr, at + 12, self._long(self.data, at + 8)[0]
        if vr not in SHORT_VRS:
            self._doubt(tag, vr)
        return tag, vr, at + 8, short

    def top(self, at: int) -> Found:
        """Walk the top level from a place to the pixels, or to the end.

        Raises:
            ReadError: truncated, too-deep or header-inconsistent.
            More: the buffer is too short, the file is not.
        """
        found, wanted, data = self.found, tags.WANTED, self.data
        held, size = len(data), self.size
        while at < size:
            tag, vr, start, length = self.element(at)
            if tag in tags.PIXELS:
                found.pixels = (tag, vr, start, length)
                found.end = at
                return found
            if length == UNDEFINED or vr == b"SQ":
                at = self._nested(tag, vr, start, length, 1)
                continue
            at = start + length
            if at > held:
                self.need(at, "an element of the header")
            if tag in wanted:
                self._keep(tag, vr, data[start:at])
        found.end = at
        return found

    def _keep(self, tag: int, vr: bytes, value: bytes) -> None:
        before = self.found.values.get(tag)
        if before is None:
            self.found.values[tag] = (vr, value)
        elif before[1] != value:
            self.found.twice.add(tag)

    def _doubt(self, tag: int, vr: bytes) -> None:
        """Step over an unknown VR in a private element; refuse it in a public one."""
        if not tag >> 16 & 1:
            raise ReadError(
                f"The header is damaged: element {tag >> 16:04x},{tag & 0xFFFF:04x} has no type.",
                code="header-inconsistent",
                hint="Export the file again from where it came.",
            )
        self.found.broken_vr = True

    def _nested(self, tag: int, vr: bytes, start: int, length: int, depth: int) -> int:
        """Step over a sequence, an item list of unknown length, or any nested thing."""
        if depth > DEEPEST:
            raise ReadError(
                f"Sequences are nested more than {DEEPEST} deep.",
                code="too-deep",
                hint="No scanner writes such a file; it is damaged or hostile.",
            )
        if length != UNDEFINED:
            self.need(start + length, "a sequence")
            if depth > 1 or length > SHALLOW_BYTES:
                self._probe(start, start + length, depth)
            return start + length
        # UN of unknown length holds implicit little endian items (DICOM PS3.5 6.2.2, note 4).
        explicit, self.explicit = self.explicit, self.explicit and vr != b"UN"
        try:
            return self._items(start, depth)
        finally:
            self.explicit = explicit

    def _items(self, at: int, depth: int) -> int:
        """Step over the items of a sequence of unknown length; returns where it ends."""
        while True:
            self._inside(at)
            tag, _, start, length = self.element(at)
            if tag == SEQUENCE_END:
                return start
            if tag != ITEM:
                raise self._swallowed()
            if length != UNDEFINED:
                self.need(start + length, "a sequence")
                at = start + length
                continue
            at = start
            while True:
                self._inside(at)
                tag, vr, start, length = self.element(at)
                if tag == ITEM_END:
                    at = start
                    break
                if tag in tags.PIXELS and depth == 1 and length == UNDEFINED:
                    raise self._swallowed()
                if length == UNDEFINED or vr == b"SQ":
                    at = self._nested(tag, vr, start, length, depth + 1)
                else:
                    self.need(start + length, "a sequence")
                    at = start + length

    def _inside(self, at: int) -> None:
        if at >= self.size:
            raise self._swallowed()

    @staticmethod
    def _swallowed() -> ReadError:
        return ReadError(
            "A sequence of the header has no end, so what follows cannot be told from it.",
            code="header-inconsistent",
            hint="Export the file again from where it came.",
        )

    def _probe(self, at: int, end: int, depth: int) -> None:
        """Count the nesting inside a sequence of known length; anything odd in it is let be."""
        while at + 8 <= end:
            tag, _, start, length = self.element(at)
            if tag != ITEM or length == UNDEFINED or start + length > end:
                return
            at = start + length
            inner = start
            while inner + 8 <= at:
                try:
                    _, vr, start, length = self.element(inner)
                except ReadError:
                    return
                if length == UNDEFINED or start + length > at:
                    return
                if vr == b"SQ" or (length > SHALLOW_BYTES and self._item_at(start)):
                    self._nested(0, vr, start, length, depth + 1)
                inner = start + length

    def _item_at(self, at: int) -> bool:
        return self.data[at : at + 4] in (b"\xfe\xff\x00\xe0", b"\xff\xfe\xe0\x00")
