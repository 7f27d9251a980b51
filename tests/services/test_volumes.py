"""Series to pixels, within a bound of memory."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from samdesk.core.ids import SeriesId
from samdesk.core.progress import Progress
from samdesk.core.reading import Arrived
from samdesk.core.study import Source
from samdesk.errors import ReadError, SamdeskError
from samdesk.services import volumes as module
from samdesk.services.volumes import VolumeService

Until = Callable[[Callable[[], Any]], None]
A, B, C = (SeriesId(name) for name in "abc")


def test_a_series_is_opened_and_held(desk: Any) -> None:
    desk.open("a")
    assert desk.volumes.get(A) is desk.opened["a"]
    assert desk.of("opened") == [("a", desk.opened["a"])]
    assert desk.volumes.held_bytes == 4 * 4 * 4 * 2
    assert desk.volumes.get(B) is None


def test_a_series_that_is_open_is_told_at_once_and_read_once(desk: Any) -> None:
    desk.open("a")
    desk.volumes.open(A)
    assert len(desk.of("opened")) == 2
    assert desk.volumes.reading == ()


def test_a_series_that_was_dropped_anew_from_elsewhere_is_read_again(
    desk: Any, made: SimpleNamespace, until: Until
) -> None:
    desk.open("a")
    desk.opened["a"] = made.opened()
    desk.add(replace(made.series("a"), source=Source("nifti", ())))
    desk.volumes.open(A)
    until(lambda: desk.volumes.get(A) is desk.opened["a"])
    assert desk.of("closed") == [("a",)]


def test_a_series_that_cannot_be_read_is_told_and_the_others_go_on(desk: Any, until: Until) -> None:
    told: list[tuple[str, SamdeskError]] = []
    desk.volumes.failed.connect(lambda *words: told.append(words))
    desk.opened["a"] = ReadError("The file ends early.", code="truncated")
    desk.volumes.open(A)
    until(lambda: told)
    assert told[0][0] == "a"
    assert told[0][1].code == "truncated"
    desk.volumes.open(SeriesId("gone"))
    assert told[1][1].code == "files-missing"
    desk.open("b")


def test_too_little_memory_is_told_in_a_sentence(desk: Any, until: Until) -> None:
    told: list[SamdeskError] = []
    desk.volumes.failed.connect(lambda _, error: told.append(error))
    desk.opened["a"] = MemoryError()
    desk.volumes.open(A)
    until(lambda: told)
    assert told[0].what == "There is not enough memory for this."


def test_slices_are_told_as_they_arrive(
    desk: Any, made: SimpleNamespace, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = made.opened()

    def slow(_series: object) -> Any:
        for k in range(4):
            yield Arrived(k, 4, "Reading", k, k, whole.image.array, whole.image.geometry)
        yield Arrived(4, 4, "Sorting")
        return whole

    monkeypatch.setattr(module, "_read", slow)
    arrived, progressed = list[Arrived](), list[Progress]()
    desk.volumes.arrived.connect(lambda _, one: arrived.append(one))
    desk.volumes.progressed.connect(lambda _, one: progressed.append(one))
    desk.open("a")
    assert [one.first for one in arrived] == [0, 1, 2, 3]
    assert progressed[-1].doing == "Sorting"


def test_the_least_recently_seen_goes_when_memory_is_short(desk: Any) -> None:
    desk.volumes.most_bytes = 2 * 128
    desk.open("a")
    desk.open("b")
    desk.volumes.open(A)
    desk.open("c")
    assert desk.volumes.ids == (A, C)
    assert desk.of("closed") == [("b",)]
    assert desk.volumes.held_bytes <= desk.volumes.most_bytes


def test_what_is_on_the_screen_is_held_whatever_the_bound_says(desk: Any) -> None:
    desk.volumes.most_bytes = 1
    desk.open("a")
    desk.volumes.show({A, B})
    desk.open("b")
    desk.open("c")
    assert set(desk.volumes.ids) == {A, B, C}
    desk.volumes.show({C})
    assert desk.volumes.ids == (C,)


def test_one_scan_larger_than_the_bound_is_shown_all_the_same(desk: Any) -> None:
    desk.volumes.most_bytes = 1
    desk.open("a")
    assert desk.volumes.ids == (A,)


def test_reading_is_cancelled_within_a_second(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()

    def endless(_series: object) -> Any:
        try:
            while True:
                time.sleep(0.02)
                yield Progress(0, 0, "Reading")
        finally:
            ended.set()

    monkeypatch.setattr(module, "_read", endless)
    stopped: list[str] = []
    desk.volumes.stopped.connect(stopped.append)
    desk.volumes.open(A)
    time.sleep(0.05)
    desk.volumes.cancel()
    assert ended.wait(1.0)
    assert stopped == ["a"]
    assert desk.volumes.reading == ()
    desk.volumes.cancel(A)
    assert stopped == ["a"]


def test_a_closed_series_is_let_go(desk: Any) -> None:
    desk.open("a")
    desk.volumes.close(A)
    desk.volumes.close(A)
    assert desk.volumes.get(A) is None
    assert desk.of("closed") == [("a",)]


def test_a_series_that_is_being_read_is_not_read_twice(desk: Any, until: Until) -> None:
    desk.volumes.open(A)
    desk.volumes.open(A)
    assert desk.volumes.reading == (A,)
    until(lambda: desk.volumes.get(A))
    assert len(desk.of("opened")) == 1


def test_the_bound_is_a_share_of_the_machine(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_sysconf(_name: str) -> int:
        raise ValueError

    assert desk.volumes.most_bytes >= module.LEAST_BYTES
    monkeypatch.setattr(module.os, "sysconf", no_sysconf)
    assert VolumeService(desk.jobs, desk.library).most_bytes == 2 * 2**30
