"""Drops, one after the other."""

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from samdesk.core.ids import SeriesId
from samdesk.core.progress import Progress
from samdesk.core.reading import ScanReport
from samdesk.core.reading_notes import Notice, Refusal
from samdesk.errors import ReadError, SamdeskError
from samdesk.services.jobs import JobQueue
from samdesk.services.library import MOST_RECENT, LibraryService
from samdesk.services.settings import SettingsService

Until = Callable[[Callable[[], Any]], None]
LINK = Notice("link-skipped", "A link was not followed.")


@pytest.fixture
def told() -> list[Any]:
    return []


@pytest.fixture
def library(
    jobs: JobQueue, told: list[Any], made: SimpleNamespace, fake_scan: Callable[[Any], None]
) -> LibraryService:
    """A library in which each path is a series of its name; "bad..." is refused."""

    def scan(paths: Sequence[Path]) -> Any:
        yield Progress(0, len(paths), "Reading headers")
        if paths[0].name == "broken":
            raise ReadError("The folder cannot be read.")
        if paths[0].name == "bug":
            raise KeyError("secret")
        good = tuple(made.series(path.name) for path in paths if not path.name.startswith("bad"))
        bad = tuple(
            Refusal(path, "not-an-image", "This is no image.")
            for path in paths
            if path.name.startswith("bad")
        )
        return ScanReport(good, bad, (LINK,), 0.5)

    fake_scan(scan)
    library = LibraryService(jobs, SettingsService(None))
    library.found.connect(told.append)
    library.failed.connect(told.append)
    library.busy.connect(told.append)
    library.stopped.connect(lambda: told.append("stopped"))
    return library


def drop(library: LibraryService, until: Until, *names: str) -> None:
    library.scan([Path(name) for name in names])
    until(lambda: not library.n_waiting)


def test_each_drop_adds_and_tells_what_it_brought(
    library: LibraryService, told: list[Any], until: Until
) -> None:
    drop(library, until, "a", "bad.pdf")
    drop(library, until, "b", "a")
    first, second = (one for one in told if isinstance(one, ScanReport))
    assert [one.id for one in first.series] == ["a"]
    assert [(one.id, one.number) for one in second.series] == [("b", 2), ("a", 1)]
    assert [(one.id, one.number) for one in library.report.series] == [("a", 1), ("b", 2)]
    assert [one.path.name for one in library.report.refusals] == ["bad.pdf"]
    assert library.report.notices == (LINK,)
    assert library.report.seconds == 1.0
    assert library.series(SeriesId("b")) is library.report.series[1]
    assert library.series(SeriesId("z")) is None


def test_a_drop_of_nothing_does_nothing(library: LibraryService, told: list[Any]) -> None:
    library.scan([])
    library.cancel()
    assert told == []


def test_drops_wait_for_one_another(library: LibraryService, told: list[Any], until: Until) -> None:
    library.scan([Path("a")])
    library.scan([Path("b")])
    assert library.n_waiting == 2
    until(lambda: not library.n_waiting)
    assert told[0] is True
    assert told.count(True) == told.count(False) == 1


def test_a_scan_that_fails_is_told_and_the_next_goes_on(
    library: LibraryService, told: list[Any], until: Until
) -> None:
    drop(library, until, "broken")
    drop(library, until, "bug")
    drop(library, until, "a")
    errors = [one for one in told if isinstance(one, SamdeskError)]
    assert [error.what for error in errors] == [
        "The folder cannot be read.",
        "samdesk made a mistake (KeyError); this piece of work was given up.",
    ]
    assert [one.id for one in library.report.series] == ["a"]


def test_cancel_stops_all_drops_and_keeps_what_was_there(
    library: LibraryService,
    told: list[Any],
    until: Until,
    fake_scan: Callable[[Any], None],
) -> None:
    drop(library, until, "a")
    ended = threading.Event()

    def endless(_paths: Sequence[Path]) -> Any:
        try:
            while True:
                time.sleep(0.01)
                yield Progress(0, 0, "Reading headers")
        finally:
            ended.set()

    fake_scan(endless)
    library.scan([Path("b")])
    library.scan([Path("c")])
    time.sleep(0.05)
    library.cancel()
    assert ended.wait(1.0)
    assert told[-1] == "stopped"
    assert library.n_waiting == 0
    assert [one.id for one in library.report.series] == ["a"]


def test_paths_are_remembered_only_if_that_is_allowed(
    jobs: JobQueue, library: LibraryService, until: Until
) -> None:
    drop(library, until, "a")
    drop(library, until, "b")
    drop(library, until, "a")
    drop(library, until, "bad.pdf")
    assert [path.name for path in library.recent] == ["a", "b"]
    library.forget(library.recent[1])
    assert [path.name for path in library.recent] == ["a"]
    library.forget_all()
    library.forget_all()
    assert library.recent == ()
    library._settings.change(is_recent_allowed=False)
    drop(library, until, "c")
    assert library.recent == ()


def test_the_remembered_paths_have_an_end(library: LibraryService, until: Until) -> None:
    drop(library, until, *(f"s{n}" for n in range(MOST_RECENT + 3)))
    assert len(library.recent) == MOST_RECENT


def test_without_a_folder_there_is_no_made_patient(
    library: LibraryService, told: list[Any]
) -> None:
    library.open_phantom()
    assert told == []
