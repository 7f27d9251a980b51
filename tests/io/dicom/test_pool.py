"""The decode processes: one death costs one frame, nobody waits long, nothing stays behind."""

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from multiprocessing.shared_memory import SharedMemory

import imagecodecs
import numpy as np
import pytest

from samdesk.errors import ReadError
from samdesk.io.base import FileRef
from samdesk.io.dicom import decode
from samdesk.io.dicom.frames import Frame, frames_of
from samdesk.io.dicom.header import read_header
from samdesk.io.dicom.pixels import MOST_DEATHS, Picture, fragments_of, pictures
from samdesk.io.dicom.pool import Answer, Job, Pool
from tests.io.dicom import made

IMAGE = (np.arange(120).reshape(12, 10) * 7).astype(np.uint16)


@pytest.fixture
def pool() -> Iterator[Pool]:
    pool = Pool(size=1)
    yield pool
    pool.close()


def job(data: bytes | None = None, codec: str = "jpegls", rows: int = 12) -> Job:
    return Job(codec, imagecodecs.jpegls_encode(IMAGE) if data is None else data, rows, 10, 1, 2)


def wait(pool: Pool, ticket: int | None, seconds: float = 30) -> Answer:
    assert ticket is not None
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pool.poll(0.05)
        answer = pool.take(ticket)
        if answer is not None:
            return answer
    raise AssertionError("no answer")


def signal_decoders(pool: Pool, what: signal.Signals) -> None:
    """Send a signal to this pool's processes, and to nobody else's."""
    for worker in pool._workers:
        assert worker.process.pid is not None
        os.kill(worker.process.pid, what)


def test_a_frame_goes_out_and_comes_back(pool: Pool) -> None:
    answer = wait(pool, pool.submit(job()))
    assert answer.array is not None
    assert np.array_equal(answer.array, IMAGE)


def test_a_damaged_frame_is_told_and_the_process_lives(pool: Pool) -> None:
    assert wait(pool, pool.submit(job(b"\xff\xd8rubbish"))).code == "pixels-damaged"
    assert wait(pool, pool.submit(job(rows=11))).code == "header-inconsistent"
    assert wait(pool, pool.submit(job())).code == ""


def test_a_busy_pool_takes_no_more(pool: Pool) -> None:
    first = pool.submit(job())
    assert pool.submit(job()) is None
    wait(pool, first)


def test_a_dead_process_costs_its_frame_and_is_started_again(pool: Pool) -> None:
    ticket = pool.submit(job())
    signal_decoders(pool, signal.SIGKILL)
    assert wait(pool, ticket).code == "died"
    assert wait(pool, pool.submit(job())).code == ""


def test_a_process_that_takes_too_long_is_ended(pool: Pool) -> None:
    wait(pool, pool.submit(job()))
    pool.seconds_a_frame = 0.2
    signal_decoders(pool, signal.SIGSTOP)  # it hangs, as a decoder in an endless loop would
    assert wait(pool, pool.submit(job()), seconds=10).code == "died"
    pool.seconds_a_frame = 10.0
    assert wait(pool, pool.submit(job())).code == ""


def test_a_dropped_frame_is_forgotten(pool: Pool) -> None:
    ticket = pool.submit(job())
    assert ticket is not None
    pool.drop({ticket})
    second = None
    while second is None:
        pool.poll(0.05)
        second = pool.submit(job())
    assert wait(pool, second).code == ""
    assert pool.take(ticket) is None


def test_an_ended_pool_leaves_no_process() -> None:
    before = {process.pid for process in multiprocessing.active_children()}
    pool = Pool(size=2)
    wait(pool, pool.submit(job()))
    pool.close()
    assert {process.pid for process in multiprocessing.active_children()} <= before


def frames(tmp_path, count: int) -> list[Frame]:  # type: ignore[no-untyped-def]
    found = []
    for k in range(count):
        stream = imagecodecs.jpegls_encode((made.picture(k) + 1024).astype(np.uint16))
        path = tmp_path / f"{k}"
        path.write_bytes(
            made.as_bytes(made.compressed(made.ct_slice(k), [stream]), "1.2.840.10008.1.2.4.80")
        )
        found += frames_of(read_header(FileRef(path)))[0]
    return found


def test_three_deaths_on_one_series_refuse_it(tmp_path, pool: Pool) -> None:  # type: ignore[no-untyped-def]
    pool.seconds_a_frame = -100.0  # every process is late at once
    lost: list[Picture] = []
    with pytest.raises(ReadError) as caught:
        lost += [picture for picture in pictures(frames(tmp_path, 6), pool) if picture is not None]
    assert caught.value.code == "pixels-damaged"
    assert len(lost) < MOST_DEATHS


def test_stopping_in_the_middle_is_quick_and_leaves_the_pool_usable(tmp_path, pool: Pool) -> None:  # type: ignore[no-untyped-def]
    reading = pictures(frames(tmp_path, 6), pool)
    while next(reading) is None:
        pass
    start = time.monotonic()
    reading.close()  # type: ignore[attr-defined]
    assert time.monotonic() - start < 1.0
    whole = [picture for picture in pictures(frames(tmp_path, 3), pool) if picture is not None]
    assert sorted(picture.index for picture in whole) == [0, 1, 2]


def test_no_step_of_waiting_is_long(tmp_path, pool: Pool) -> None:  # type: ignore[no-untyped-def]
    longest = 0.0
    reading = pictures(frames(tmp_path, 4), pool)
    start = time.monotonic()
    for _ in reading:
        longest = max(longest, time.monotonic() - start)
        start = time.monotonic()
    assert longest < 1.0


def test_run_lengths_that_lie_are_refused() -> None:
    for segments in (999, 3):
        data = np.array([segments, *[64] * 15], "<u4").tobytes() + bytes(64)
        with pytest.raises(ValueError, match="segments"):
            decode.unpack_rle(data, 12, 10, 1, 2)
    short = np.array([2, 64, 70, *[0] * 13], "<u4").tobytes() + bytes(12)
    with pytest.raises(ValueError, match="short"):
        decode.unpack_rle(short, 12, 10, 1, 2)
    outside = np.array([2, 64, 7000, *[0] * 13], "<u4").tobytes() + bytes(12)
    with pytest.raises(ValueError, match="outside"):
        decode.unpack_rle(outside, 12, 10, 1, 2)


def test_a_jpeg_without_a_frame_is_refused() -> None:
    with pytest.raises(ValueError, match="marker"):
        decode.frame_kind(b"\xff\xd8" + b"no markers at all")
    with pytest.raises(ValueError, match="frame"):
        decode.frame_kind(b"\xff\xd8\xff\xe0\0\x04ab")


def test_the_worker_answers_in_this_process_as_in_its_own() -> None:
    memory = SharedMemory(create=True, size=IMAGE.nbytes)
    try:
        data = imagecodecs.jpegls_encode(IMAGE)
        held: dict[str, SharedMemory] = {}
        ask = (5, "jpegls", data, 12, 10, 1, 2, memory.name)
        assert decode._answer(ask, held) == (5, "", (12, 10), "<u2")
        assert np.array_equal(np.ndarray((12, 10), np.uint16, memory.buf), IMAGE)
        assert decode._answer((6, *ask[1:6], 1, memory.name), held)[1] == "header-inconsistent"
        held[memory.name].close()
    finally:
        memory.close()
        memory.unlink()


def test_fragments_belong_to_frames_by_count_or_by_table() -> None:
    found = [(108, 10), (126, 10), (144, 10), (162, 10)]
    assert fragments_of(0, 1, [], found) == found
    assert fragments_of(2, 4, [], found) == [found[2]]
    assert fragments_of(0, 2, [0, 36], found) == found[:2]
    assert fragments_of(1, 2, [0, 36], found) == found[2:]
    with pytest.raises(ReadError):
        fragments_of(0, 3, [], found)
