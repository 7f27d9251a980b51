"""Two decode processes that are kept between series, replaced when they die, ended at exit."""

import atexit
import contextlib
import itertools
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from multiprocessing import connection, get_context
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from multiprocessing.shared_memory import SharedMemory
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samdesk.io.dicom import decode

WORKERS = 2
SECONDS_A_FRAME = 10.0
# Starting takes this long on a slow machine before the first frame.
SECONDS_TO_START = 30.0


@dataclass(frozen=True)
class Job:
    """One compressed frame.

    Attributes:
        codec: as in decode.py.
        data: the joined fragments.
        rows, columns, samples: of the header.
        width: bytes of a sample.
    """

    codec: str
    data: bytes
    rows: int
    columns: int
    samples: int
    width: int

    @property
    def n_bytes(self) -> int:
        """Bytes of the decoded frame."""
        return self.rows * self.columns * self.samples * self.width


@dataclass(frozen=True, eq=False)
class Answer:
    """What became of a job.

    Attributes:
        array: the decoded frame, or None.
        code: "" where there is an array, else a refusal code, or "died" where the process ended
            or took too long.
    """

    array: NDArray[Any] | None = None
    code: str = ""


@dataclass
class _Worker:
    process: SpawnProcess
    pipe: Connection
    memory: SharedMemory | None = None
    ticket: int = -1
    deadline: float = 0.0
    is_warm: bool = False

    @property
    def is_idle(self) -> bool:
        return self.ticket < 0


@dataclass
class Pool:
    """Decodes frames in processes of its own.

    Several readers may use one pool by turns: each takes its own tickets.
    """

    size: int = WORKERS
    seconds_a_frame: float = SECONDS_A_FRAME
    _workers: list[_Worker] = field(default_factory=list)
    _answers: dict[int, Answer] = field(default_factory=dict)
    _dropped: set[int] = field(default_factory=set)
    _tickets: "itertools.count[int]" = field(default_factory=itertools.count)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def start(self) -> None:
        """Start the processes that are absent; returns without waiting for them."""
        with self._lock:
            while len(self._workers) < self.size:
                self._workers.append(_start_worker())

    def submit(self, job: Job) -> int | None:
        """Give a job to an idle process; None where all are busy."""
        with self._lock:
            self.start()
            worker = next((worker for worker in self._workers if worker.is_idle), None)
            if worker is None:
                return None
            ticket = next(self._tickets)
            if worker.memory is None or worker.memory.size < job.n_bytes:
                _release(worker)
                worker.memory = SharedMemory(create=True, size=max(job.n_bytes, 1))
            message: decode.Job = (
                ticket, job.codec, job.data, job.rows, job.columns, job.samples, job.width,
                worker.memory.name,
            )  # fmt: skip
            worker.ticket = ticket
            worker.deadline = time.monotonic() + self.seconds_a_frame
            if not worker.is_warm:
                worker.deadline += SECONDS_TO_START
            try:
                worker.pipe.send(message)
            except OSError:
                self._bury(worker)
            return ticket

    def poll(self, seconds: float) -> None:
        """Wait at most so long for an answer, and replace processes that died or hang."""
        with self._lock:
            busy = [worker for worker in self._workers if not worker.is_idle]
        if not busy:
            return
        ready = connection.wait([worker.pipe for worker in busy], timeout=seconds)
        with self._lock:
            for worker in busy:
                if worker.is_idle:
                    continue
                if worker.pipe in ready:
                    self._receive(worker)
                elif time.monotonic() > worker.deadline:
                    self._bury(worker)

    def take(self, ticket: int) -> Answer | None:
        """Give the answer to a job once, None while there is none."""
        with self._lock:
            return self._answers.pop(ticket, None)

    def drop(self, tickets: set[int]) -> None:
        """Forget jobs; what is running ends by itself or at its deadline."""
        with self._lock:
            for ticket in tickets:
                if self._answers.pop(ticket, None) is None:
                    self._dropped.add(ticket)

    def close(self) -> None:
        """End the processes and give their memory back."""
        with self._lock:
            workers, self._workers = self._workers, []
            for worker in workers:
                worker.pipe.close()
            for worker in workers:
                worker.process.join(0.2)
                _end(worker)

    def _answer(self, worker: _Worker, answer: Answer) -> None:
        ticket, worker.ticket = worker.ticket, -1
        if ticket in self._dropped:
            self._dropped.discard(ticket)
        else:
            self._answers[ticket] = answer

    def _receive(self, worker: _Worker) -> None:
        try:
            _, code, shape, dtype = worker.pipe.recv()
        except (EOFError, OSError):
            self._bury(worker)
            return
        worker.is_warm = True
        array = None
        if not code and worker.memory is not None:
            array = np.ndarray(shape, np.dtype(dtype), worker.memory.buf).copy()
        self._answer(worker, Answer(array, code))

    def _bury(self, worker: _Worker) -> None:
        """End a process that died or hangs; a new one is started with the next job."""
        self._answer(worker, Answer(code="died"))
        with contextlib.suppress(ValueError):
            self._workers.remove(worker)
        worker.pipe.close()
        _end(worker)


def _start_worker() -> _Worker:
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(
        target=decode.serve, args=(theirs,), name="samdesk-decode", daemon=True
    )
    with _no_main():
        process.start()
    theirs.close()
    return _Worker(process, ours)


@contextlib.contextmanager
def _no_main() -> Iterator[None]:
    """Keep a new process from running the main script again.

    Spawn imports the parent's main module in the child, which the decoder does not need: it would
    start slower, and not at all where the main script is no file or has no guard.
    """
    held = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = held


def _release(worker: _Worker) -> None:
    if worker.memory is not None:
        worker.memory.close()
        worker.memory.unlink()
        worker.memory = None


def _end(worker: _Worker) -> None:
    if worker.process.is_alive():
        worker.process.kill()
    worker.process.join(2.0)
    with contextlib.suppress(ValueError):
        worker.process.close()
    _release(worker)


@cache
def shared_pool() -> Pool:
    """Give the program's one pool; it ends with the program."""
    pool = Pool()
    atexit.register(pool.close)
    return pool
