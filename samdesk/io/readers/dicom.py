"""DICOM: headers into series, series into volumes and radiographs."""

import json
from collections import OrderedDict
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from datetime import date
from threading import Lock

from samdesk.core.geometry import Geometry
from samdesk.core.ids import PatientId, SeriesId, StudyId
from samdesk.core.orientation import letters
from samdesk.core.progress import Progress
from samdesk.core.reading import Opened
from samdesk.core.reading_notes import Notice, Refusal
from samdesk.core.study import Series, Source
from samdesk.errors import ReadError
from samdesk.io.base import FileRef, Headers, gone
from samdesk.io.dicom import sentences, tags
from samdesk.io.dicom.frames import Frame, Kind, frames_of, modality_of
from samdesk.io.dicom.grouping import Codes, Stack, group
from samdesk.io.dicom.header import Header, looks_like_dicom, read_header
from samdesk.io.dicom.names import words
from samdesk.io.dicom.opening import open_stack, picture_scale
from samdesk.io.dicom.pool import shared_pool
from samdesk.io.text import plain

FILES_A_STEP = 50
# Frames whose headers are remembered between listing and opening.
REMEMBERED_FRAMES = 60_000


@dataclass
class Memory:
    """Stacks that were listed, so that opening one does not read its headers again."""

    limit: int = REMEMBERED_FRAMES
    _stacks: "OrderedDict[Source, Stack]" = field(default_factory=OrderedDict)
    _held: int = 0
    _lock: Lock = field(default_factory=Lock)

    def keep(self, source: Source, stack: Stack) -> None:
        """Remember a stack and forget the oldest beyond the limit."""
        with self._lock:
            old = self._stacks.pop(source, None)
            self._held += len(stack.frames) - (len(old.frames) if old else 0)
            self._stacks[source] = stack
            while self._held > self.limit and len(self._stacks) > 1:
                _, oldest = self._stacks.popitem(last=False)
                self._held -= len(oldest.frames)

    def recall(self, source: Source) -> Stack | None:
        """Give a remembered stack."""
        with self._lock:
            return self._stacks.get(source)


@dataclass(frozen=True)
class DicomReader:
    """Reads DICOM files, single and multi-frame, of every image kind that samdesk opens."""

    label: str = "dicom"
    memory: Memory = field(default_factory=Memory)

    def can_read(self, head: bytes, name: str) -> bool:
        """Tell by the first 512 bytes: the magic, or a first element that can be one."""
        return looks_like_dicom(head)

    def headers(self, files: Sequence[FileRef]) -> Generator[Progress, None, Headers]:
        """Read headers up to the pixels, and group them into series.

        Returns:
            The series that can be opened (numbers are given by scan.py), every file that is
            left out with its reason, and what concerns no single series.
        """
        frames: list[Frame] = []
        codes: Codes = {}
        refusals: list[Refusal] = []
        for n, ref in enumerate(files):
            found = _frames_of_file(ref)
            if isinstance(found, Refusal):
                refusals.append(found)
            else:
                frames += found[0]
                codes |= {id(frame.header): found[1] for frame in found[0][:1]}
            if n % FILES_A_STEP == FILES_A_STEP - 1:
                yield Progress(n + 1, len(files), "reading headers")
        if any(not frame.header.is_native for frame in frames):
            # Their start overlaps with the grouping and with the person's choice.
            shared_pool().start()
        yield Progress(len(files), len(files), "grouping")
        grouped, left = group(frames, codes)
        listed = [
            self._series(key, number, stack)
            for key, stacks in grouped
            for number, stack in enumerate(stacks, start=1)
        ]
        return listed, refusals + left, _people(frames)

    def read(self, series: Series) -> Generator[Progress, None, Opened]:
        """Read the pixels of a series.

        Raises:
            ReadError: it cannot become a volume or radiograph, or its files have changed.
        """
        stack = self.memory.recall(series.source)
        if stack is None:
            stack = yield from self._find_again(series)
        return (yield from open_stack(stack, series.notices))

    def _find_again(self, series: Series) -> Generator[Progress, None, Stack]:
        """Read the headers of a series that is not remembered."""
        source = series.source
        members = source.members or ("",) * len(source.paths)
        files = [FileRef(path, name) for path, name in zip(source.paths, members, strict=True)]
        listed, refusals, _ = yield from self.headers(files)
        for other in listed:
            stack = self.memory.recall(other.source)
            if other.source.detail == source.detail and stack is not None:
                return stack
        if refusals:
            first = refusals[0]
            raise ReadError(first.reason, code=first.code, hint=first.hint)
        raise ReadError(
            "The files of this series are not what they were.",
            code="image-changed",
            hint="Open the folder again.",
        )

    def _series(self, key: str, number: int, stack: Stack) -> Series:
        first = stack.frames[0]
        header = first.header
        refs = list(dict.fromkeys(frame.header.ref for frame in stack.frames))
        members = tuple(ref.member for ref in refs)
        detail = json.dumps([key, number])
        source = Source(
            self.label,
            tuple(ref.path for ref in refs),
            members if any(members) else (),
            detail,
        )
        self.memory.keep(source, stack)
        notices, is_picture = list(stack.notices), stack.layout is None
        if stack.kind is Kind.RADIOGRAPH and picture_scale(first, stack.kind)[0] is None:
            notices.append(sentences.no_place("no-scale", 1))
        uid = plain(key)
        return Series(
            id=SeriesId(uid if number == 1 else f"{uid}/{number}"),
            study=StudyId(plain(header.ascii(tags.STUDY_UID))),
            patient=PatientId(_patient(header)),
            modality=modality_of(header),
            label=(words(header, tags.SERIES_TEXT) or plain(header.ascii(tags.MODALITY)) or "?")
            + stack.suffix,
            source=source,
            study_date=_date(header.ascii(tags.STUDY_DATE)),
            shape=_shape(stack),
            spacing=_spacing(stack),
            orientation=_letters(stack),
            is_picture=is_picture,
            is_apart=stack.is_apart,
            patient_name=words(header, tags.PATIENT_NAME),
            study_label=words(header, tags.STUDY_TEXT),
            notices=tuple(notices),
        )


def _frames_of_file(ref: FileRef) -> tuple[list[Frame], frozenset[str]] | Refusal:
    try:
        return frames_of(read_header(ref))
    except ReadError as error:
        return Refusal(ref.shown, error.code, error.what, error.hint)
    except OSError as error:
        lost = gone(ref.path, error)
        return Refusal(ref.shown, lost.code, lost.what, lost.hint)


def _patient(header: Header) -> str:
    return words(header, tags.PATIENT_ID) or words(header, tags.PATIENT_NAME) or "unknown"


def _people(frames: Sequence[Frame]) -> list[Notice]:
    """Compare the identities of all files: several patients, or one number with two names."""
    people = {
        tuple(frame.header.raw(tag).strip(b" \0") for tag in (tags.PATIENT_ID, *_NAMES))
        for frame in frames
    }
    numbers = {person[0] for person in people}
    notices = []
    if len(numbers) > 1 or (numbers == {b""} and len(people) > 1):
        count = max(len(numbers), len(people) if numbers == {b""} else 0)
        notices.append(
            Notice(
                "several-patients",
                f"These files belong to {count} patients; they are never compared unasked.",
                float(count),
            )
        )
    if numbers != {b""} and len(people) > len(numbers):
        notices.append(
            Notice(
                "identity-conflict",
                "One patient number comes with different names or birth dates.",
                float(len(people)),
            )
        )
    return notices


_NAMES = (tags.PATIENT_NAME, tags.BIRTH_DATE)


def _date(text: str) -> date | None:
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:8])) if len(text) >= 8 else None
    except ValueError:
        return None


def _shape(stack: Stack) -> tuple[int, int, int]:
    header = stack.frames[0].header
    return len(stack.frames), header.unsigned(tags.ROWS), header.unsigned(tags.COLUMNS)


def _geometry(stack: Stack) -> Geometry | None:
    if stack.layout is None:
        return None
    _, rows, columns = _shape(stack)
    return Geometry((stack.layout.count, rows, columns), stack.layout.affine)


def _spacing(stack: Stack) -> tuple[float, float, float] | None:
    """Give mm along (k, j, i); k is the step of the grid along the stack."""
    geometry = _geometry(stack)
    if geometry is not None:
        return geometry.spacing
    pixel_mm, _ = picture_scale(stack.frames[0], stack.kind)
    return None if pixel_mm is None else (0.0, *pixel_mm)


def _letters(stack: Stack) -> str:
    geometry = _geometry(stack)
    if geometry is None:
        return ""
    return "".join(letters(geometry.affine[:3, axis])[:1] for axis in (2, 1, 0))
