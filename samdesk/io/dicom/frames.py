"""The pictures of a DICOM file: checked against its bytes, one Frame each."""

import re
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from typing import Any, BinaryIO

from samdesk.core.volume import Modality
from samdesk.errors import ReadError
from samdesk.io.dicom import tags
from samdesk.io.dicom.header import Header, inconsistent
from samdesk.io.dicom.library import pydicom
from samdesk.io.dicom.walk import ITEM, SEQUENCE_END, UNDEFINED, truncated

LARGEST_FRAME = 1 << 30
BITS = frozenset({1, 8, 16, 32, 64})
PHOTOMETRIC = frozenset(
    {
        "MONOCHROME1", "MONOCHROME2", "RGB", "PALETTE COLOR", "YBR_FULL", "YBR_FULL_422",
        "YBR_ICT", "YBR_RCT", "",
    }
)  # fmt: skip
RADIOGRAPHS = {
    "CR": Modality.CR, "DX": Modality.DX, "MG": Modality.MG, "RG": Modality.DX,
    "IO": Modality.DX, "PX": Modality.DX, "XC": Modality.OTHER, "XA": Modality.OTHER,
    "RF": Modality.OTHER,
}  # fmt: skip
RADIOGRAPH_CLASSES = tuple(tags.CLASSES + end for end in ("1.1", "1.2", "1.3"))
LOCALIZER_WORDS = frozenset({"LOCALIZER", "LOCALISER", "SCOUT", "TOPOGRAM", "SCANOGRAM"})
UID = re.compile(r"[0-9.]{1,64}")
HINT_AGAIN = "Copy it again from where it came."


class Kind(Enum):
    """What a frame can become."""

    SLICE = "slice"
    RADIOGRAPH = "radiograph"
    LOCALIZER = "localizer"
    PICTURE = "picture"
    LABEL = "label"


@dataclass(slots=True)
class Frame:
    """One picture of a file.

    Attributes:
        header: of its file.
        number: its place in the file, from 0.
        kind: what it can become.
        over: tag -> numbers or words of this frame that hold in place of the header's.
    """

    header: Header
    number: int = 0
    kind: Kind = Kind.SLICE
    over: dict[int, tuple[float, ...] | str | None] = field(default_factory=dict)

    def numbers(self, tag: int) -> tuple[float, ...] | None:
        """Give numbers of this frame; None where absent or not finite."""
        if tag in self.over:
            value = self.over[tag]
            return value if isinstance(value, tuple) else None
        return self.header.numbers(tag)

    def number_of(self, tag: int) -> float | None:
        """Give the first of `numbers`."""
        parts = self.numbers(tag)
        return parts[0] if parts else None

    def words(self, tag: int) -> str:
        """Give a code string of this frame."""
        value = self.over.get(tag)
        return value if isinstance(value, str) else self.header.ascii(tag)

    def has(self, tag: int) -> bool:
        """Whether the frame or its file carries the element."""
        return tag in self.over or bool(self.header.raw(tag))

    @property
    def position(self) -> tuple[float, ...] | None:
        """Centre of the first pixel, (x, y, z) mm, or None."""
        parts = self.numbers(tags.POSITION)
        return parts if parts is not None and len(parts) == 3 else None

    @property
    def pixel_mm(self) -> tuple[float, float] | None:
        """Pixel Spacing: distance of rows, of columns; None where it is not believable."""
        return believable(self.numbers(tags.PIXEL_SPACING))


def believable(parts: tuple[float, ...] | None) -> tuple[float, float] | None:
    """Accept a pixel size between a micrometre and a tenth of a metre."""
    if parts is None or len(parts) != 2 or not all(1e-3 <= part <= 100 for part in parts):
        return None
    return parts[0], parts[1]


def modality_of(header: Header) -> Modality:
    """Turn the DICOM code string into the house's word."""
    name = header.ascii(tags.MODALITY)
    if name in RADIOGRAPHS:
        return RADIOGRAPHS[name]
    try:
        return Modality(name)
    except ValueError:
        return Modality.OTHER


def frames_of(header: Header) -> tuple[list[Frame], frozenset[str]]:
    """Check a file's pictures against its bytes and list them.

    Returns:
        The frames, and the notice codes that the check earned.

    Raises:
        ReadError: no picture can be read from the file.
    """
    _refuse_other_objects(header)
    codes = set(header.codes) | _check_cells(header)
    count = header.frame_count()
    if header.is_native:
        codes |= _check_native(header, count)
    else:
        _check_compressed(header)
    if not all(UID.fullmatch(header.ascii(tag)) for tag in (tags.SERIES_UID, tags.STUDY_UID)):
        codes.add("header-inconsistent")
    kind = _kind(header)
    if kind is Kind.LABEL:
        codes.add("label-without-image")
    if count == 1 and not _is_enhanced(header):
        return [Frame(header, 0, kind)], frozenset(codes)
    return _many(header, count, kind), frozenset(codes)


def _refuse_other_objects(header: Header) -> None:
    sop_class = header.ascii(tags.SOP_CLASS)
    what = tags.not_an_image(sop_class)
    if what:
        raise ReadError(f"This is {what}, not a picture.", code="not-an-image")
    if header.pixels is None:
        raise ReadError("The file has no pixels.", code="no-pixels", hint=HINT_AGAIN)
    if not header.is_native and header.syntax not in tags.DECODERS:
        name = tags.UNSUPPORTED_NAMES.get(header.syntax, f"transfer syntax {header.syntax[:64]}")
        raise ReadError(
            f"The pixels are stored as {name}, which samdesk cannot read.",
            code="unsupported-syntax",
            hint="Export the series uncompressed, or as JPEG 2000 or JPEG-LS.",
        )


def _check_cells(header: Header) -> set[str]:
    """Compare sizes, samples, bits and colour model with what can be."""
    rows, columns = header.unsigned(tags.ROWS), header.unsigned(tags.COLUMNS)
    if rows < 1 or columns < 1:
        raise inconsistent(f"its picture has {rows} rows and {columns} columns")
    samples = header.unsigned(tags.SAMPLES, 1)
    if samples not in (1, 3):
        raise inconsistent(f"{samples} samples in each pixel")
    bits = header.unsigned(tags.BITS_ALLOCATED, 16)
    stored = header.unsigned(tags.BITS_STORED, bits)
    if bits not in BITS or not 1 <= stored <= bits:
        raise inconsistent(f"{stored} of {bits} bits in each pixel")
    photometric = header.ascii(tags.PHOTOMETRIC)
    if photometric not in PHOTOMETRIC:
        raise ReadError(
            "The colour model of the pixels is not known.",
            code="unsupported-pixels",
            hint="Export the series as grey values.",
        )
    high = header.unsigned(tags.HIGH_BIT, stored - 1)
    return {"header-inconsistent"} if high != stored - 1 else set()


def _check_native(header: Header, count: int) -> set[str]:
    tag, _, start, length = _pixels(header)
    due = header.frame_bytes * count
    if length == UNDEFINED or due > length:
        if start + 16 < header.size and _first_item(header, start) is not None:
            raise inconsistent("its pixels are compressed and it says they are not")
        if length == UNDEFINED:
            raise truncated("its pixels")
    if start + length > header.size:
        raise truncated("its pixels")
    if due > length:
        raise ReadError(
            f"The file has {length} bytes of pixels and should have {due}.",
            code="truncated",
            hint=HINT_AGAIN,
        )
    _refuse_giants(header)
    codes: set[str] = set()
    if length >= due + header.frame_bytes and tag == tags.PIXEL_DATA:
        codes.add("header-inconsistent")
    if start + length < header.size and not header.is_deflated and _has_tail(header):
        codes.add("trailing-bytes")
    return codes


def _refuse_giants(header: Header) -> None:
    if header.frame_bytes > LARGEST_FRAME:
        raise ReadError(
            f"One picture claims {header.frame_bytes / 1e9:.1f} GB.",
            code="too-large",
            hint="No scanner writes such a picture; the file is damaged or hostile.",
        )


def _pixels(header: Header) -> tuple[int, bytes, int, int]:
    if header.pixels is None:
        raise ReadError("The file has no pixels.", code="no-pixels", hint=HINT_AGAIN)
    return header.pixels


def _first_item(header: Header, start: int) -> int | None:
    with header.ref.open() as file:
        file.seek(start)
        head = file.read(8)
    return int.from_bytes(head[4:], "little") if head[:4] == b"\xfe\xff\x00\xe0" else None


def _has_tail(header: Header) -> bool:
    """Whether bytes follow the pixels that are neither an element nor empty padding."""
    _, _, start, length = _pixels(header)
    with header.ref.open() as file:
        file.seek(start + length)
        tail = file.read(4096)
    if not tail.strip(b"\0"):
        return False
    order = "little" if header.little else "big"
    group = int.from_bytes(tail[:2], order)  # type: ignore[arg-type]
    return group < 0x7FE0 or (header.explicit and not tail[4:6].isalpha())


def _check_compressed(header: Header) -> None:
    _, _, start, length = _pixels(header)
    if length != UNDEFINED:
        raise ReadError(
            "The file says its pixels are compressed and they are not.",
            code="pixels-damaged",
            hint="Export the series again.",
        )
    _refuse_giants(header)
    with header.ref.open() as file:
        fragments = list_fragments(file, start, header.size)
    if not fragments:
        raise ReadError("The file has no pixels.", code="no-pixels", hint=HINT_AGAIN)


def list_fragments(file: BinaryIO, start: int, size: int) -> list[tuple[int, int]]:
    """List the (start, length) of the fragments of compressed pixels, offset table left out.

    Raises:
        ReadError: truncated.

    Source:
        DICOM PS3.5 A.4.
    """
    found: list[tuple[int, int]] = []
    at, first = start, True
    while at + 8 <= size:
        file.seek(at)
        head = file.read(8)
        tag = int.from_bytes(head[:2], "little") << 16 | int.from_bytes(head[2:4], "little")
        length = int.from_bytes(head[4:], "little")
        if tag == SEQUENCE_END:
            return found
        if tag != ITEM or at + 8 + length > size:
            raise truncated("its pixels")
        if not first:
            found.append((at + 8, length))
        first = False
        at += 8 + length
    if at < size or not found:
        raise truncated("its pixels")
    return found


@lru_cache(maxsize=256)
def _is_localizer(image_type: bytes) -> bool:
    parts = {part.strip().upper() for part in image_type.decode("ascii", "replace").split("\\")}
    return bool(parts & LOCALIZER_WORDS)


def _kind(header: Header) -> Kind:
    sop_class = header.ascii(tags.SOP_CLASS)
    is_colour = header.unsigned(tags.SAMPLES, 1) == 3 or header.ascii(tags.PHOTOMETRIC).startswith(
        "PALETTE"
    )
    if sop_class == tags.SEGMENTATION_CLASS:
        return Kind.LABEL
    has_place = bool(header.raw(tags.POSITION) and header.raw(tags.ORIENTATION))
    is_capture = sop_class.startswith(tags.CAPTURE_CLASS) and not has_place
    if is_colour or is_capture:
        return Kind.PICTURE
    if header.ascii(tags.MODALITY) in RADIOGRAPHS or sop_class.startswith(RADIOGRAPH_CLASSES):
        return Kind.RADIOGRAPH
    return Kind.LOCALIZER if _is_localizer(header.raw(tags.IMAGE_TYPE)) else Kind.SLICE


def _is_enhanced(header: Header) -> bool:
    """Whether places and values are in functional groups (DICOM PS3.3 C.7.6.16)."""
    return header.ascii(tags.SOP_CLASS) in {
        tags.CLASSES + "2.1",
        tags.CLASSES + "2.2",
        tags.CLASSES + "4.1",
        tags.CLASSES + "4.4",
        tags.CLASSES + "128.1",
        tags.CLASSES + "130",
    }


def _many(header: Header, count: int, kind: Kind) -> list[Frame]:
    """List the frames of a multi-frame file with what its functional groups say of each."""
    shared: dict[int, tuple[float, ...] | str | None] = {}
    each: list[dict[int, tuple[float, ...] | str | None]] = []
    try:
        groups = _functional_groups(header)
        for dataset in groups.get("SharedFunctionalGroupsSequence", [])[:1]:
            shared = _group_values(dataset)
        each = [
            _group_values(dataset)
            for dataset in groups.get("PerFrameFunctionalGroupsSequence", [])[:count]
        ]
    except Exception as error:
        raise inconsistent("the groups of its frames cannot be read") from error
    # One place in the plain header cannot be the place of several frames.
    nowhere: dict[int, tuple[float, ...] | str | None] = {tags.POSITION: None}
    base = nowhere | shared if count > 1 else shared
    each += [{}] * (count - len(each))
    return [Frame(header, number, kind, base | own) for number, own in enumerate(each)]


def _functional_groups(header: Header) -> Any:
    with header.ref.open() as file:
        return pydicom().dcmread(
            file,
            stop_before_pixels=True,
            force=True,
            specific_tags=[tags.SHARED_GROUPS, tags.FRAME_GROUPS],
        )


# (sequence, attribute, tag it stands for) of the functional groups that reading uses.
NUMBER_GROUPS = (
    ("PlanePositionSequence", "ImagePositionPatient", tags.POSITION),
    ("PlaneOrientationSequence", "ImageOrientationPatient", tags.ORIENTATION),
    ("PixelMeasuresSequence", "PixelSpacing", tags.PIXEL_SPACING),
    ("PixelMeasuresSequence", "SliceThickness", tags.THICKNESS),
    ("PixelValueTransformationSequence", "RescaleSlope", tags.SLOPE),
    ("PixelValueTransformationSequence", "RescaleIntercept", tags.INTERCEPT),
    ("FrameVOILUTSequence", "WindowCenter", tags.CENTER),
    ("FrameVOILUTSequence", "WindowWidth", tags.WIDTH),
    ("FrameContentSequence", "TemporalPositionIndex", tags.TEMPORAL_POSITION),
    ("FrameContentSequence", "FrameAcquisitionNumber", tags.ACQUISITION),
    ("CardiacSynchronizationSequence", "NominalPercentageOfCardiacPhase", tags.CARDIAC_PERCENT),
    ("CardiacSynchronizationSequence", "NominalCardiacTriggerDelayTime", tags.TRIGGER_TIME),
    ("MRDiffusionSequence", "DiffusionBValue", tags.B_VALUE),
    ("MREchoSequence", "EffectiveEchoTime", tags.ECHO_TIME),
)


def _group_values(dataset: Any) -> dict[int, tuple[float, ...] | str | None]:
    """Take the numbers that reading uses out of one item of the functional groups."""
    values: dict[int, tuple[float, ...] | str | None] = {}
    for sequence, attribute, tag in NUMBER_GROUPS:
        items = dataset.get(sequence)
        value = items[0].get(attribute) if items else None
        if value is not None:
            many = isinstance(value, (list, tuple)) or hasattr(value, "__iter__")
            values[tag] = tuple(float(part) for part in (value if many else [value]))
    transform = dataset.get("PixelValueTransformationSequence")
    if transform and transform[0].get("RescaleType"):
        values[tags.RESCALE_TYPE] = str(transform[0].RescaleType)
    return values
