"""Frames into stacks: what belongs to one volume, what stands apart, what is left out."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from samdesk.core.reading_notes import Notice, Refusal
from samdesk.io.dicom import sentences, tags
from samdesk.io.dicom.fourd import Split, split
from samdesk.io.dicom.frames import Frame, Kind
from samdesk.io.dicom.names import is_garbled
from samdesk.io.dicom.stacking import SAME_PLACE_MM, Floats, Layout, directions, lay_out

ORIENTATION_TOLERANCE = 1e-3
SPACING_TOLERANCE = 1e-4
# A stack this small beside one this many times larger and turned another way is its scout.
SCOUT_SLICES, SCOUT_RATIO = 3, 4
# More steps than this between two slices make two stacks; fewer are a gap.
LARGEST_GAP = 10.5

Codes = dict[int, frozenset[str]]  # id(header) -> notice codes that its file earned


@dataclass
class Stack:
    """Frames that open together.

    Attributes:
        frames: in the order of the layout where there is one.
        kind: of its frames.
        layout: the grid; None for pictures without a place.
        notices: what is to be known.
        is_apart: listed, not opened unasked.
        suffix: what tells it from its sisters of one series, for the label.
    """

    frames: list[Frame]
    kind: Kind
    layout: Layout | None = None
    notices: list[Notice] = field(default_factory=list)
    is_apart: bool = False
    suffix: str = ""


def group(
    frames: Sequence[Frame], codes: Codes
) -> tuple[list[tuple[str, list[Stack]]], list[Refusal]]:
    """Group frames by series, and each series into stacks.

    Args:
        frames: of all files.
        codes: what the check of each file earned.

    Returns:
        (series id, its stacks) in the order of first appearance; and the files left out.
    """
    series: defaultdict[str, list[Frame]] = defaultdict(list)
    for frame in frames:
        series[_series_key(frame)].append(frame)
    grouped, refusals = [], []
    for key, members in series.items():
        stacks, left = _stacks(members)
        for stack in stacks:
            stack.notices.extend(_header_notices(stack, codes))
        grouped.append((key, stacks))
        refusals += left
    return grouped, refusals


def _series_key(frame: Frame) -> str:
    uid = frame.header.ascii(tags.SERIES_UID)
    return uid if uid else f"no series id, {frame.header.ref.path.parent.name}"


def _header_notices(stack: Stack, codes: Codes) -> list[Notice]:
    headers = {id(frame.header): frame.header for frame in stack.frames}
    counts = Counter(code for key in headers for code in codes.get(key, ()))
    counts["charset"] = sum(1 for header in headers.values() if is_garbled(header))
    has = {notice.code for notice in stack.notices}
    return [
        sentences.of_header(code, count)
        for code, count in counts.items()
        if count and code not in has
    ]


def _identity(frame: Frame) -> tuple[bytes, ...]:
    raw = frame.header.raw
    return tuple(
        raw(tag).strip(b" \0") for tag in (tags.PATIENT_ID, tags.PATIENT_NAME, tags.BIRTH_DATE)
    )


def _stacks(members: list[Frame]) -> tuple[list[Stack], list[Refusal]]:
    """Take one series apart."""
    people: defaultdict[tuple[bytes, ...], list[Frame]] = defaultdict(list)
    for frame in members:
        people[_identity(frame)].append(frame)
    stacks: list[Stack] = []
    refusals: list[Refusal] = []
    for n, person in enumerate(sorted(people.values(), key=len, reverse=True)):
        found, left = _stacks_of_one(person)
        refusals += left
        if len(people) > 1:
            notice = Notice(
                "identity-conflict",
                f"The series names {len(people)} different patients; {len(members) - len(person)}"
                " slice(s) of another are set apart.",
                float(len(people)),
            )
            for stack in found:
                stack.notices.insert(0, notice)
                stack.is_apart = stack.is_apart or n > 0
                stack.suffix += " · other patient" if n > 0 else ""
        stacks += found
    return stacks, refusals


def _stacks_of_one(members: list[Frame]) -> tuple[list[Stack], list[Refusal]]:
    kinds: defaultdict[Kind, list[Frame]] = defaultdict(list)
    for frame in members:
        kinds[frame.kind].append(frame)
    stacks, refusals = _slices(kinds[Kind.SLICE])
    if kinds[Kind.LOCALIZER]:
        scouts, left = _slices(kinds[Kind.LOCALIZER])
        refusals += left
        stacks = _set_apart(stacks, scouts)
    stacks += _radiographs(kinds[Kind.RADIOGRAPH])
    if kinds[Kind.LABEL]:
        stacks.append(_pictures(kinds[Kind.LABEL], Kind.LABEL, ["label-without-image"]))
    pictures = kinds[Kind.PICTURE]
    if pictures and not stacks:
        return [_pictures(pictures, Kind.PICTURE, ["picture-only"])], refusals
    if pictures:
        refusals += _leave_out(stacks, pictures, "colour pictures among grey slices")
    return stacks, refusals


def _set_apart(stacks: list[Stack], scouts: list[Stack]) -> list[Stack]:
    for scout in scouts:
        scout.is_apart, scout.kind = True, Kind.LOCALIZER
        scout.suffix = scout.suffix or " · localizer"
        scout.notices = [one for one in scout.notices if one.code != "several-stacks"]
        notice = Notice(
            "localizer-apart",
            f"{len(scout.frames)} localizer picture(s) are listed apart.",
            float(len(scout.frames)),
        )
        scout.notices.append(notice)
        for stack in stacks:
            stack.notices.append(notice)
    return stacks + scouts


def _leave_out(stacks: list[Stack], frames: list[Frame], why: str) -> list[Refusal]:
    """Refuse frames by file and say so on the stacks that they are missing from."""
    for stack in stacks:
        if not stack.is_apart:
            stack.notices.append(sentences.left_out(len(frames), why))
    paths = {frame.header.ref.path: frame for frame in frames}
    return [Refusal(path, "header-inconsistent", f"{sentences.LEFT_OUT}: {why}.") for path in paths]


def _radiographs(frames: list[Frame]) -> list[Stack]:
    """Make each radiograph a stack of its own; the frames of one file stay together."""
    files: defaultdict[int, list[Frame]] = defaultdict(list)
    for frame in frames:
        files[id(frame.header)].append(frame)
    stacks = []
    for n, members in enumerate(files.values(), start=1):
        notices = [sentences.first_frame(len(members))] if len(members) > 1 else []
        suffix = f" · {n}" if len(files) > 1 else ""
        stacks.append(Stack(members, Kind.RADIOGRAPH, notices=notices, suffix=suffix))
    return stacks


def _pictures(frames: list[Frame], kind: Kind, codes: list[str]) -> Stack:
    frames = sorted(frames, key=lambda f: (f.number_of(tags.INSTANCE) or 0.0, f.number))
    notices = [sentences.no_place(code, len(frames)) for code in codes]
    return Stack(frames, kind, None, notices, is_apart=kind is not Kind.SLICE)


def _slices(frames: list[Frame]) -> tuple[list[Stack], list[Refusal]]:
    """Make stacks of slices, and pictures of those that have no place."""
    placed: list[Frame] = []
    lost: list[Frame] = []
    codes = Counter[str]()
    for frame in frames:
        lacks = _lacks(frame)
        codes.update(lacks)
        (lost if lacks else placed).append(frame)
    if not placed:
        wanted = [code for code in ("no-orientation", "no-position", "no-scale") if codes[code]]
        return [_pictures(frames, Kind.SLICE, wanted)] if frames else [], []
    stacks = _placed(placed)
    refusals = []
    if lost:
        refusals = _leave_out(stacks, lost, "they have no valid position, orientation or scale")
    return stacks, refusals


def _lacks(frame: Frame) -> list[str]:
    """List the codes of what a slice lacks to be placed."""
    lacks = []
    if frame.position is None:
        lacks.append("no-position")
    if directions(frame.numbers(tags.ORIENTATION)) is None:
        lacks.append("no-orientation")
    if frame.pixel_mm is None:
        lacks.append("no-scale")
    return lacks


# What must be the same, and the orientation and pixel size that must be near.
Key = tuple[tuple[bytes | str, ...], tuple[float, ...]]


def _placed(frames: list[Frame]) -> list[Stack]:
    clusters = _clusters(frames)
    clusters.sort(key=len, reverse=True)
    main = clusters[0]
    volumes: list[list[Frame]] = []
    scouts: list[list[Frame]] = []
    for cluster in clusters:
        is_scout = (
            len(cluster) <= SCOUT_SLICES
            and len(main) >= SCOUT_RATIO * len(cluster)
            and not _same_direction(cluster[0], main[0])
        )
        (scouts if is_scout else volumes).append(cluster)
    stacks = [stack for cluster in volumes for stack in _volumes(cluster)]
    if len(volumes) > 1:
        sizes = ", ".join(str(len(cluster)) for cluster in volumes[:8])
        notice = Notice(
            "several-stacks",
            f"The series holds {len(volumes)} different stacks ({sizes} slices), listed apart.",
            float(len(volumes)),
        )
        for n, stack in enumerate(stacks):
            stack.notices.insert(0, notice)
            stack.suffix = stack.suffix or f" · stack {n + 1}"
    return _set_apart(stacks, [s for cluster in scouts for s in _volumes(cluster)])


def _same_direction(a: Frame, b: Frame) -> bool:
    one, other = a.numbers(tags.ORIENTATION), b.numbers(tags.ORIENTATION)
    return bool(np.allclose(one or (), other or (), atol=ORIENTATION_TOLERANCE))


def _clusters(frames: list[Frame]) -> list[list[Frame]]:
    """Put frames together that share matrix, frame of reference, orientation and pixel size."""
    exact: defaultdict[Key, list[Frame]] = defaultdict(list)
    for frame in frames:
        raw = frame.header.raw
        cells = (raw(tags.ROWS), raw(tags.COLUMNS), raw(tags.FRAME_OF_REFERENCE))
        numbers = (*(frame.numbers(tags.ORIENTATION) or ()), *(frame.pixel_mm or ()))
        exact[(*cells, _image_class(frame)), numbers].append(frame)
    found: defaultdict[tuple[bytes | str, ...], list[tuple[Floats, list[Frame]]]] = defaultdict(
        list
    )
    for (shared, numbers), members in exact.items():
        _join(found[shared], np.array(numbers), members)
    return [members for near in found.values() for _, members in near]


def _join(near: list[tuple[Floats, list[Frame]]], numbers: Floats, members: list[Frame]) -> None:
    limits = np.array([ORIENTATION_TOLERANCE] * 6 + [SPACING_TOLERANCE] * 2)
    for held, others in near:
        if (np.abs(held - numbers) <= limits).all():
            others.extend(members)
            return
    near.append((numbers, list(members)))


def _image_class(frame: Frame) -> str:
    """Tell magnitude from phase, water from fat: the words of MR's image type after the second."""
    if frame.header.ascii(tags.MODALITY) != "MR":
        return ""
    return "\\".join(frame.header.ascii(tags.IMAGE_TYPE).split("\\")[2:])


def _volumes(frames: list[Frame]) -> list[Stack]:
    """Split a cluster by time or copies, and lay out each volume."""
    axes = directions(frames[0].numbers(tags.ORIENTATION))
    if axes is None:
        return []
    origins = np.array([frame.position for frame in frames])
    parts = split(frames, origins @ axes[2])
    about = sentences.of_split(parts)
    stacks = []
    for value, volume in zip(parts.values, parts.volumes, strict=True):
        blocks = list(_blocks(np.array(volume), origins[list(volume)] @ axes[2]))
        for n, block in enumerate(blocks):
            stack = _lay_out([frames[m] for m in block], origins[block], axes)
            stack.notices = about + stack.notices
            stack.suffix = _suffix(parts, value) + (f" · part {n + 1}" if len(blocks) > 1 else "")
            if len(blocks) > 1:
                stack.notices.append(sentences.far_apart(len(blocks)))
            stacks.append(stack)
    return stacks


def _blocks(volume: NDArray[np.intp], along: Floats) -> Iterator[NDArray[np.intp]]:
    """Cut a volume where so much is absent that filling the gap would be invention."""
    order = np.argsort(along, kind="stable")
    volume, steps = volume[order], np.diff(along[order])
    if len(steps) < 2:
        yield volume
        return
    step = float(np.sort(steps)[(len(steps) - 1) // 2])
    cuts = np.flatnonzero(steps > max(LARGEST_GAP * step, SAME_PLACE_MM)) + 1
    yield from np.split(volume, cuts)


def _suffix(parts: Split, value: float) -> str:
    return f" · {parts.words} {value:g}" if parts.axis else ""


def _lay_out(frames: list[Frame], origins: Floats, axes: Floats) -> Stack:
    pixel_mm = frames[0].pixel_mm or (1.0, 1.0)
    thickness = frames[0].number_of(tags.THICKNESS)
    if thickness is not None and not 1e-3 <= thickness <= 1000:
        thickness = None
    layout = lay_out(origins, axes, pixel_mm, thickness or min(pixel_mm))
    ordered = [frames[n] for n in layout.order]
    notices = sentences.of_layout(layout, thickness, len(frames) == 1)
    return Stack(ordered, Kind.SLICE, layout, notices)
