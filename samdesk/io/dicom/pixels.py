"""Pictures out of frames: uncompressed ones read here, compressed ones through the decode pool."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from samdesk.errors import ReadError
from samdesk.io.base import gone
from samdesk.io.dicom import cells, tags
from samdesk.io.dicom.frames import Frame, list_fragments
from samdesk.io.dicom.header import Header, inconsistent
from samdesk.io.dicom.pool import Answer, Job, Pool, shared_pool
from samdesk.io.dicom.walk import truncated

MOST_DEATHS = 3
POLL_SECONDS = 0.1
END_OF_IMAGE = b"\xff\xd9"
REFUSALS = {
    "pixels-damaged": "The compressed pixels are damaged.",
    "header-inconsistent": "The compressed picture has another size than the header says.",
    "too-large": "The picture asks for more memory than a decoder may use.",
    "died": "The decoder stopped on this picture.",
}


@dataclass
class Picture:
    """One frame's pixels, or why there are none.

    Attributes:
        index: in the frames that were asked for.
        stored: (j, i) or (j, i, 3) numbers as stored, native order, signs right.
        error: why it could not be read.
        is_lossy: the stream says that it lost something.
    """

    index: int
    stored: cells.Stored = field(default_factory=lambda: np.zeros((1, 1), np.uint8))
    error: ReadError | None = None
    is_lossy: bool = False


def pictures(frames: Sequence[Frame], pool: Pool | None = None) -> Iterator[Picture | None]:
    """Read frames; None is yielded while waiting, so that nobody is kept longer than a moment.

    Args:
        frames: in the order in which they are wanted; compressed ones may come out of order.
        pool: decode processes; the shared pool where none is given.
    """
    packed = []
    for index, frame in enumerate(frames):
        if not frame.header.is_native:
            packed.append(index)
            continue
        yield _native(index, frame)
    if packed:
        yield from _Decoding(frames, deque(packed), pool or shared_pool()).run()


def _native(index: int, frame: Frame) -> Picture:
    try:
        return Picture(index, cells.native_frame(frame.header, frame.number))
    except ReadError as error:
        return Picture(index, error=error)
    except OSError as error:
        return Picture(index, error=gone(frame.header.ref.path, error))


@dataclass
class _Decoding:
    """One reader's use of the pool."""

    frames: Sequence[Frame]
    waiting: deque[int]
    pool: Pool
    running: dict[int, int] = field(default_factory=dict)  # ticket -> index
    fragments: dict[int, tuple[list[int], list[tuple[int, int]]]] = field(default_factory=dict)
    deaths: int = 0

    def run(self) -> Iterator[Picture | None]:
        try:
            while self.waiting or self.running:
                yield from self._fill()
                self.pool.poll(POLL_SECONDS)
                answered = False
                for ticket in list(self.running):
                    answer = self.pool.take(ticket)
                    if answer is not None:
                        answered = True
                        yield self._picture(self.running.pop(ticket), answer)
                if not answered:
                    yield None
        finally:
            self.pool.drop(set(self.running))

    def _fill(self) -> Iterator[Picture]:
        """Hand out jobs while a process is idle."""
        while self.waiting:
            index = self.waiting[0]
            frame = self.frames[index]
            try:
                job = self._job(frame)
            except ReadError as error:
                self.waiting.popleft()
                yield Picture(index, error=error)
                continue
            except OSError as error:
                self.waiting.popleft()
                yield Picture(index, error=gone(frame.header.ref.path, error))
                continue
            ticket = self.pool.submit(job)
            if ticket is None:
                return
            self.running[ticket] = self.waiting.popleft()

    def _job(self, frame: Frame) -> Job:
        header = frame.header
        data = self._stream(frame)
        codec = tags.DECODERS[header.syntax]
        if codec != "rle" and END_OF_IMAGE not in data.rstrip(b"\0")[-4:]:
            raise ReadError(
                "The compressed picture has no end.",
                code="pixels-damaged",
                hint="Copy the file again.",
            )
        return Job(
            codec,
            data,
            header.unsigned(tags.ROWS),
            header.unsigned(tags.COLUMNS),
            header.unsigned(tags.SAMPLES, 1),
            max(1, header.unsigned(tags.BITS_ALLOCATED, 16) // 8),
        )

    def _stream(self, frame: Frame) -> bytes:
        """Join the fragments of one frame."""
        header = frame.header
        if header.pixels is None:
            raise truncated("its pixels")
        start = header.pixels[2]
        with header.ref.open() as file:
            if id(header) not in self.fragments:
                found = list_fragments(file, start, header.size)
                file.seek(start + 4)
                table = file.read(int.from_bytes(file.read(4), "little"))
                offsets = np.frombuffer(table[: len(table) // 4 * 4], "<u4").tolist()
                self.fragments[id(header)] = (offsets, found)
            offsets, found = self.fragments[id(header)]
            chosen = fragments_of(frame.number, header.frame_count(), offsets, found)
            parts = []
            for at, length in chosen:
                file.seek(at)
                parts.append(file.read(length))
        return b"".join(parts)

    def _picture(self, index: int, answer: Answer) -> Picture:
        header = self.frames[index].header
        if answer.array is None:
            self.deaths += answer.code == "died"
            code = "pixels-damaged" if answer.code == "died" else answer.code
            error = ReadError(
                REFUSALS[answer.code], code=code, hint="Export the series uncompressed."
            )
            if self.deaths >= MOST_DEATHS:
                raise error
            return Picture(index, error=error)
        array = answer.array
        if header.unsigned(tags.SAMPLES, 1) == 1:
            array = _cells_of(array, header)
        return Picture(index, array, is_lossy=self._is_lossy(self.frames[index]))

    def _is_lossy(self, frame: Frame) -> bool:
        """Whether a JPEG 2000 stream uses the wavelet that rounds (ITU-T T.800 A.6.1)."""
        if frame.header.syntax != tags.JPEG_FAMILY + "91" or frame.number:
            return False
        data = self._stream(frame)
        at = data.find(b"\xff\x52")
        return at > 0 and len(data) > at + 13 and data[at + 13] == 0


def _cells_of(array: cells.Stored, header: Header) -> cells.Stored:
    """Give a decoded frame the cell width and sign that its header promises."""
    width = max(1, header.unsigned(tags.BITS_ALLOCATED, 16) // 8)
    if array.dtype.kind == "i":
        return array
    return cells.signed_cells(array.astype(np.dtype(f"u{width}"), copy=False), header)


def fragments_of(
    number: int, count: int, offsets: list[int], found: list[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Choose the fragments of one frame.

    Args:
        number: of the frame.
        count: frames of the file.
        offsets: the basic offset table, empty where there is none.
        found: (start, length) of all fragments.

    Raises:
        ReadError: frames and fragments cannot be told apart.

    Source:
        DICOM PS3.5 A.4.
    """
    if count == 1:
        return found
    if len(found) == count:
        return [found[number]]
    if len(offsets) == count:
        base = found[0][0] - 8
        low = base + offsets[number]
        high = base + offsets[number + 1] if number + 1 < count else None
        return [
            part for part in found if part[0] - 8 >= low and (high is None or part[0] - 8 < high)
        ]
    raise inconsistent("its frames cannot be told apart")
