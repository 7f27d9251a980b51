"""The worker: order, overtaking, cancel, errors, and an end without leftovers."""

import threading
import time
from collections.abc import Callable, Generator
from typing import Any

import pytest
from PySide6.QtCore import QThread

from samdesk.core.progress import Progress
from samdesk.core.reading import Arrived
from samdesk.errors import SamdeskError, Stopped
from samdesk.services.jobs import MOST_INTERRUPTS, Job, JobQueue, Urgency
from samdesk.services.relay import Relay

Until = Callable[[Callable[[], Any]], None]
CANCEL_S = 1.0


class Book:
    """Submits jobs and keeps what they told, with the thread that told it."""

    def __init__(self, jobs: JobQueue) -> None:
        self.jobs = jobs
        self.told: list[tuple[str, object]] = []
        self.threads: set[QThread] = set()

    def submit(self, name: str, urgency: Urgency, steps: Any, **more: Any) -> Job:
        def tell(what: object) -> None:
            self.threads.add(QThread.currentThread())
            self.told.append((name, what))

        return self.jobs.submit(
            urgency, steps, on_progress=tell, on_done=tell, on_error=tell, **more
        )

    def names(self) -> list[str]:
        return [name for name, _ in self.told]


@pytest.fixture
def book(jobs: JobQueue) -> Book:
    return Book(jobs)


def quick(log: list[str], name: str) -> Generator[Progress, None, str]:
    log.append(name)
    yield Progress(0, 1)
    return name


def gated(gate: threading.Event, n: int = 1) -> Generator[Progress, None, str]:
    for step in range(n):
        gate.wait(5)
        yield Progress(step, n, f"step {step}")
    return "gated"


class Pass:
    """A step that takes half a minute unless it is interrupted, as a network's pass."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.ended = threading.Event()
        self.passes = 0
        self.is_closed = False

    def steps(self) -> Generator[Progress, None, str]:
        try:
            while True:
                try:
                    self.run()
                except Stopped:
                    yield Progress(0, 0, f"Waiting {self.passes}")
                else:
                    return "passed"
        finally:
            self.is_closed = True

    def run(self) -> None:
        self.passes += 1
        self.ended.clear()
        self.begun.set()
        if self.ended.wait(30):
            raise Stopped("stopped")

    def interrupt(self) -> None:
        self.ended.set()


def test_the_most_urgent_job_goes_first_and_equals_in_their_order(book: Book, until: Until) -> None:
    gate, log = threading.Event(), list[str]()
    book.submit("gate", Urgency.BACKGROUND, gated(gate))
    time.sleep(0.05)
    for name, urgency in (
        ("scan", Urgency.SCAN),
        ("background", Urgency.BACKGROUND),
        ("open", Urgency.OPEN),
        ("click", Urgency.CLICK),
        ("click 2", Urgency.CLICK),
        ("awaited", Urgency.AWAITED),
    ):
        book.submit(name, urgency, quick(log, name))
    gate.set()
    until(lambda: len(log) == 6)
    assert log == ["click", "click 2", "awaited", "open", "scan", "background"]
    until(lambda: ("background", "background") in book.told)


def test_a_click_goes_between_two_steps_of_a_long_job(book: Book, until: Until) -> None:
    gate = threading.Event()
    gate.set()

    def long() -> Generator[Progress, None, str]:
        for step in range(10):
            time.sleep(0.03)
            yield Progress(step, 10, f"step {step}")
        return "long"

    book.submit("long", Urgency.BACKGROUND, long())
    until(lambda: len(book.told) >= 3)
    book.submit("click", Urgency.CLICK, quick([], "click"))
    until(lambda: ("long", "long") in book.told)
    assert book.told.index(("click", "click")) < len(book.told) - 3


def test_all_calls_arrive_on_the_gui_thread(book: Book, until: Until) -> None:
    def bad() -> Generator[Progress, None, None]:
        yield Progress(0, 1)
        raise SamdeskError("no")

    book.submit("good", Urgency.OPEN, quick([], "good"))
    book.submit("bad", Urgency.OPEN, bad())
    until(lambda: len(book.told) == 4)
    assert book.threads == {QThread.currentThread()}


def test_a_click_overtakes_a_pass_of_the_network_which_is_run_again(
    book: Book, until: Until
) -> None:
    work = Pass()
    book.submit("pass", Urgency.BACKGROUND, work.steps(), interrupt=work.interrupt)
    assert work.begun.wait(5)
    work.begun.clear()
    started = time.monotonic()
    book.submit("click", Urgency.CLICK, quick([], "click"))
    until(lambda: ("click", "click") in book.told)
    assert time.monotonic() - started < CANCEL_S
    assert work.begun.wait(5), "the pass was not run again"
    assert work.passes == 2


def test_equal_urgency_interrupts_nothing(book: Book) -> None:
    work = Pass()
    job = book.submit("pass", Urgency.OPEN, work.steps(), interrupt=work.interrupt)
    assert work.begun.wait(5)
    book.submit("other", Urgency.OPEN, quick([], "other"))
    book.submit("later", Urgency.BACKGROUND, quick([], "later"))
    assert not work.ended.wait(0.1)
    job.cancel()


def test_someone_who_clicks_all_the_time_cannot_keep_a_pass_from_its_end(
    book: Book, until: Until
) -> None:
    work = Pass()
    job = book.submit("pass", Urgency.BACKGROUND, work.steps(), interrupt=work.interrupt)
    for n in range(MOST_INTERRUPTS):
        assert work.begun.wait(5)
        work.begun.clear()
        book.submit(f"click {n}", Urgency.CLICK, quick([], "click"))
    assert work.begun.wait(5)
    book.submit("one too many", Urgency.CLICK, quick([], "click"))
    assert not work.ended.wait(0.1)
    job.cancel()
    until(lambda: ("one too many", "click") in book.told)


def test_cancel_ends_a_step_in_its_middle_within_a_second(book: Book, until: Until) -> None:
    work = Pass()
    job = book.submit("pass", Urgency.OPEN, work.steps(), interrupt=work.interrupt)
    assert work.begun.wait(5)
    started = time.monotonic()
    job.cancel()
    until(lambda: work.is_closed)
    assert time.monotonic() - started < CANCEL_S
    assert book.told == []


def test_a_cancelled_job_runs_its_finally_and_reports_nothing_more(
    book: Book, until: Until
) -> None:
    gate, log = threading.Event(), list[str]()

    def careful() -> Generator[Progress, None, None]:
        try:
            while True:
                gate.wait(5)
                yield Progress(0, 1, "more")
        finally:
            log.append("closed")

    job = book.submit("careful", Urgency.OPEN, careful())
    gate.set()
    until(lambda: book.told)
    job.cancel()
    n = len(book.told)
    until(lambda: log)
    book.submit("after", Urgency.OPEN, quick([], "after"))
    until(lambda: ("after", "after") in book.told)
    assert book.names()[n:].count("careful") == 0


def test_a_job_that_waits_can_be_made_more_urgent_and_never_less(book: Book, until: Until) -> None:
    gate, log = threading.Event(), list[str]()
    book.submit("gate", Urgency.CLICK, gated(gate))
    time.sleep(0.05)
    book.submit("open", Urgency.OPEN, quick(log, "open"))
    late = book.submit("late", Urgency.BACKGROUND, quick(log, "late"))
    book.jobs.hurry(late, Urgency.AWAITED)
    book.jobs.hurry(late, Urgency.BACKGROUND)
    gate.set()
    until(lambda: len(log) == 2)
    assert log == ["late", "open"]
    until(lambda: len(book.told) == 6)


def test_the_job_that_runs_is_not_interrupted_by_its_own_hurry(book: Book, until: Until) -> None:
    work = Pass()
    job = book.submit("pass", Urgency.BACKGROUND, work.steps(), interrupt=work.interrupt)
    assert work.begun.wait(5)
    book.jobs.hurry(job, Urgency.AWAITED)
    assert not work.ended.wait(0.1)
    job.cancel()
    until(lambda: work.is_closed)


def test_an_error_reaches_its_owner_and_the_worker_goes_on(book: Book, until: Until) -> None:
    def bad() -> Generator[Progress, None, None]:
        yield Progress(0, 1)
        raise ZeroDivisionError

    def bad_at_the_end() -> Generator[Progress, None, None]:
        try:
            begun.set()
            gate.wait(5)
            yield Progress(0, 1)
        finally:
            raise ValueError("on the way out")

    begun, gate = threading.Event(), threading.Event()
    book.submit("bad", Urgency.OPEN, bad())
    job = book.submit("bad at the end", Urgency.OPEN, bad_at_the_end())
    assert begun.wait(5)
    job.cancel()
    gate.set()
    book.submit("good", Urgency.BACKGROUND, quick([], "good"))
    until(lambda: ("good", "good") in book.told)
    assert isinstance(dict(book.told)["bad"], ZeroDivisionError)


def test_progress_is_told_seldom_but_slices_that_arrived_always(book: Book, until: Until) -> None:
    def steps() -> Generator[Progress, None, str]:
        for n in range(200):
            yield Progress(n, 200, "Reading")
            yield Arrived(n, 200, "Reading", first=n, last=n)
        yield Progress(0, 0, "Sorting")
        return "done"

    book.submit("read", Urgency.OPEN, steps())
    until(lambda: ("read", "done") in book.told)
    arrived = [what.first for _, what in book.told if isinstance(what, Arrived)]
    plain = [what for _, what in book.told if type(what) is Progress]
    assert arrived == list(range(200))
    assert len(plain) < 20
    assert plain[-1].doing == "Sorting"


def test_closing_stops_the_step_that_runs_and_closes_what_waits(until: Until) -> None:
    jobs = JobQueue(Relay())
    jobs.start()
    book, work, log = Book(jobs), Pass(), list[str]()

    def careful() -> Generator[Progress, None, None]:
        try:
            yield Progress(0, 1)
            time.sleep(5)
        finally:
            log.append("closed")

    steps = careful()
    next(steps)
    book.submit("pass", Urgency.CLICK, work.steps(), interrupt=work.interrupt)
    book.submit("careful", Urgency.OPEN, steps)
    assert work.begun.wait(5)
    started = time.monotonic()
    jobs.close()
    assert time.monotonic() - started < CANCEL_S
    assert work.is_closed
    assert log == ["closed"]
    assert not jobs.isRunning()
    late = book.submit("late", Urgency.CLICK, quick(log, "late"))
    assert late.cancelled
    assert log == ["closed"]
