"""The decode process: one compressed frame in, its numbers into shared memory.

Runs in a process of its own because native decoders are assumed to be breakable. It opens no file:
it is handed bytes, and imports numpy and imagecodecs only.
"""

import sys
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Bytes that a worker may take beyond what its libraries need.
EXTRA_MEMORY = 3 << 30
RLE_HEADER = 64
MOST_SEGMENTS = 15
# The marker of a lossless frame, Huffman coded (SOF3).
LOSSLESS = 0xC3

Job = tuple[int, str, bytes, int, int, int, int, str]
# ticket, codec, data, rows, columns, samples, bytes of a sample, name of the shared memory


def serve(connection: Connection) -> None:
    """Decode jobs until the other end closes."""
    _limit_memory()
    shared: dict[str, Any] = {}
    while True:
        try:
            job: Job = connection.recv()
        except (EOFError, OSError):
            break
        connection.send(_answer(job, shared))
    for memory in shared.values():
        memory.close()


def _limit_memory() -> None:
    if not sys.platform.startswith("linux"):
        return
    import resource
    from pathlib import Path

    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    limit = pages * resource.getpagesize() + EXTRA_MEMORY
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


def _answer(job: Job, shared: dict[str, Any]) -> tuple[int, str, tuple[int, ...], str]:
    """Do one job.

    Returns:
        (ticket, "", shape, dtype), or (ticket, refusal code, shape or (), dtype or "").
    """
    ticket, codec, data, rows, columns, samples, width, name = job
    try:
        array = decode(codec, data, rows, columns, samples, width)
    except MemoryError:
        return ticket, "too-large", (), ""
    except Exception:  # noqa: BLE001 - decoders raise kinds of their own; their text is not shown
        return ticket, "pixels-damaged", (), ""
    shape = (rows, columns) if samples == 1 else (rows, columns, samples)
    if array.shape != shape or array.dtype.itemsize > width:
        return ticket, "header-inconsistent", array.shape, array.dtype.str
    memory = shared.get(name)
    if memory is None:
        from multiprocessing.shared_memory import SharedMemory

        for old in shared.values():
            old.close()
        shared.clear()
        memory = shared[name] = SharedMemory(name)
    target: NDArray[Any] = np.ndarray(shape, array.dtype, memory.buf)
    target[...] = array
    return ticket, "", shape, array.dtype.str


def decode(
    codec: str, data: bytes, rows: int, columns: int, samples: int, width: int
) -> NDArray[Any]:
    """Decode one frame.

    Args:
        codec: "rle", "jpeg", "jpegls", "jpeg2000" or "htj2k".
        data: the stream, its fragments joined.
        rows: what the header claims.
        columns: what the header claims.
        samples: what the header claims, in each pixel.
        width: bytes of a sample.

    Returns:
        (j, i) or (j, i, samples), native byte order.

    Raises:
        Exception: of any kind, the stream is damaged.
    """
    import imagecodecs

    if codec == "rle":
        return unpack_rle(data, rows, columns, samples, width)
    if codec == "jpeg":
        array = _jpeg(data)
    elif codec == "jpegls":
        array = imagecodecs.jpegls_decode(data)
    elif codec == "jpeg2000":
        array = imagecodecs.jpeg2k_decode(data)
    else:
        array = imagecodecs.htj2k_decode(data)
    return np.asarray(array)


def _jpeg(data: bytes) -> NDArray[Any]:
    """Decode baseline, extended 12-bit and lossless JPEG.

    libjpeg-turbo 3 reads all three; what it will not read of lossless JPEG, an older decoder may.
    """
    import imagecodecs

    kind = frame_kind(data)
    try:
        return np.asarray(imagecodecs.jpeg8_decode(data))
    except Exception:
        if kind != LOSSLESS:
            raise
        return np.asarray(imagecodecs.jpegsof3_decode(data))


def frame_kind(data: bytes) -> int:
    """Find the start-of-frame marker of a JPEG stream (ITU-T T.81 B.2.2)."""
    at = 2
    while at + 9 < len(data):
        if data[at] != 0xFF:
            raise ValueError("no marker")
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return marker
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    raise ValueError("no frame")


def unpack_rle(data: bytes, rows: int, columns: int, samples: int, width: int) -> NDArray[Any]:
    """Unpack run lengths; each segment must give exactly the bytes that are due.

    Source:
        DICOM PS3.5 annex G.
    """
    import imagecodecs

    heads = np.frombuffer(data[:RLE_HEADER], "<u4")
    count = int(heads[0])
    if count != samples * width or count > MOST_SEGMENTS:
        raise ValueError("segments do not fit the header")
    ends = [*heads[2 : count + 1].tolist(), len(data)]
    due = rows * columns
    planes = np.empty((samples, due, width), np.uint8)
    for n, (start, end) in enumerate(zip(heads[1 : count + 1].tolist(), ends, strict=True)):
        if not RLE_HEADER <= start <= end <= len(data):
            raise ValueError("segment outside of the frame")
        plane = np.frombuffer(imagecodecs.packbits_decode(data[start:end]), np.uint8)
        if plane.size < due:
            raise ValueError("segment too short")
        sample, byte = divmod(n, width)
        # Segments come with the most significant byte first.
        planes[sample, :, width - 1 - byte] = plane[:due]
    array = planes.view(f"<u{width}").reshape(samples, rows, columns)
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    return array[0] if samples == 1 else np.moveaxis(array, 0, -1)
