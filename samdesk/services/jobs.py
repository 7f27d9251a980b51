"""One worker thread that moves jobs forward a step at a time, the most urgent first."""

import itertools
import logging
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from enum import IntEnum
from heapq import heapify, heappop, heappush
from threading import Condition
from typing import Any

from PySide6.QtCore import QObject, QThread

from samdesk.core.progress import Progress
from samdesk.services.relay import Relay

logger = logging.getLogger(__name__)

# A status line that changes more often than this cannot be read, and costs the window time.
BETWEEN_PROGRESS_S = 0.05
# Someone who clicks every second would else keep a long step from ever reaching its end.
MOST_INTERRUPTS = 3


class Urgency(IntEnum):
    """How soon a job gets its next step; the lowest number goes first."""

    CLICK = 0
    AWAITED = 1
    OPEN = 2
    SCAN = 3
    BACKGROUND = 4


Steps = Generator[Progress, None, Any]


@dataclass(order=True)
class Job:
    """The steps of some work, and the calls that its progress, result or error end in.

    All three calls run on the GUI thread. After `cancel` none of them runs any more.
    """

    urgency: Urgency
    ticket: int
    steps: Steps = field(compare=False)
    on_progress: Callable[[Progress], None] = field(compare=False)
    on_done: Callable[[Any], None] = field(compare=False)
    on_error: Callable[[Exception], None] = field(compare=False)
    interrupt: Callable[[], None] | None = field(default=None, compare=False)
    cancelled: bool = field(default=False, compare=False)
    interrupts: int = field(default=0, compare=False)
    told_s: float = field(default=0.0, compare=False)
    told_doing: str = field(default="", compare=False)
    on_cancel: Callable[["Job"], None] = field(default=lambda _: None, compare=False)

    def cancel(self) -> None:
        """End the job, in the middle of its step where it has an `interrupt`.

        Its own `finally` blocks run, on the worker.
        """
        self.cancelled = True
        self.on_cancel(self)


class JobQueue(QThread):
    """The worker. Between two steps it asks again which job is the most urgent.

    A step that takes seconds comes with an `interrupt`, which makes it end early from outside. It
    is called to cancel the job, and when something more urgent comes; the steps then have to
    yield and to begin that piece of work again when they are moved on.
    """

    def __init__(self, relay: Relay, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._relay = relay
        self._waiting: list[Job] = []
        self._running: Job | None = None
        self._turn = Condition()
        self._tickets = itertools.count()
        self._closing = False

    def submit(
        self,
        urgency: Urgency,
        steps: Steps,
        *,
        on_progress: Callable[[Progress], None],
        on_done: Callable[[Any], None],
        on_error: Callable[[Exception], None],
        interrupt: Callable[[], None] | None = None,
    ) -> Job:
        """Queue `steps` and give back the job, which the caller keeps in order to cancel it.

        Args:
            urgency: who goes first; equals go in the order in which they came.
            steps: the work; yields after about 100 ms.
            on_progress: may be left out when it comes often; never for slices that arrived.
            on_done: gets what the steps return.
            on_error: gets what they raise.
            interrupt: makes a running step yield soon; called from any thread, must not wait.
        """
        job = Job(urgency, next(self._tickets), steps, on_progress, on_done, on_error, interrupt)
        job.on_cancel = self._stop_step
        with self._turn:
            if self._closing:
                job.cancelled = True
                steps.close()
            else:
                heappush(self._waiting, job)
                self._overtake(urgency)
                self._turn.notify()
        return job

    def hurry(self, job: Job, urgency: Urgency) -> None:
        """Make a job more urgent, because someone waits for it now; never less."""
        with self._turn:
            if urgency >= job.urgency:
                return
            job.urgency = urgency
            heapify(self._waiting)
            if any(one is job for one in self._waiting):
                self._overtake(urgency)

    def close(self) -> None:
        """Stop the step that runs now, and close what still waits."""
        with self._turn:
            self._closing = True
            self._interrupt()
            self._turn.notify()
        self.wait()

    def run(self) -> None:
        """Advance jobs until `close`; runs on the worker thread."""
        while (job := self._take()) is not None:
            if job.cancelled:
                _end(job)
            else:
                self._advance(job)
        for job in self._waiting:
            _end(job)
        self._waiting.clear()

    def _advance(self, job: Job) -> None:
        try:
            progress = next(job.steps)
        except StopIteration as end:
            self._rest()
            self._tell(job, job.on_done, end.value)
        except Exception as error:  # noqa: BLE001 - a job may fail in any way; its owner decides
            self._rest()
            self._tell(job, job.on_error, error)
        else:
            self._tell_progress(job, progress)
            self._rest(job)

    def _tell(self, job: Job, call: Callable[[Any], None], what: object) -> None:
        self._relay.post(lambda: None if job.cancelled else call(what))

    def _tell_progress(self, job: Job, progress: Progress) -> None:
        now = time.monotonic()
        is_plain = type(progress) is Progress and progress.doing == job.told_doing
        if is_plain and now - job.told_s < BETWEEN_PROGRESS_S:
            return
        job.told_s, job.told_doing = now, progress.doing
        self._tell(job, job.on_progress, progress)

    def _rest(self, job: Job | None = None) -> None:
        with self._turn:
            self._running = None
            if job is not None:
                heappush(self._waiting, job)

    def _take(self) -> Job | None:
        with self._turn:
            self._turn.wait_for(lambda: self._waiting or self._closing)
            if self._closing:
                return None
            self._running = heappop(self._waiting)
            return self._running

    def _stop_step(self, job: Job) -> None:
        with self._turn:
            if self._running is job:
                self._interrupt()

    def _overtake(self, urgency: Urgency) -> None:
        running = self._running
        if running is None or running.interrupt is None or urgency >= running.urgency:
            return
        if running.interrupts < MOST_INTERRUPTS:
            running.interrupts += 1
            self._interrupt()

    def _interrupt(self) -> None:
        # The lock is held, so the step that is stopped is this job's and no other's.
        if self._running is not None and self._running.interrupt is not None:
            self._running.interrupt()


def _end(job: Job) -> None:
    try:
        job.steps.close()
    except Exception:
        # What a job does on its way out must not take the worker down.
        logger.exception("job.close")
