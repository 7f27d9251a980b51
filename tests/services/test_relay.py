"""Calls from other threads, run on the thread of the window."""

import threading
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QThread

from samdesk.services.relay import Relay

Until = Callable[[Callable[[], Any]], None]


def test_posts_of_four_threads_arrive_each_in_its_order_on_this_thread(until: Until) -> None:
    relay, seen = Relay(), list[tuple[int, int]]()
    threads_seen = set()

    def see(thread: int, n: int) -> None:
        threads_seen.add(QThread.currentThread())
        seen.append((thread, n))

    def post(thread: int) -> None:
        for n in range(500):
            relay.post(lambda n=n: see(thread, n))  # type: ignore[misc]

    threads = [threading.Thread(target=post, args=(one,)) for one in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    until(lambda: len(seen) == 2000)
    assert threads_seen == {QThread.currentThread()}
    for one in range(4):
        assert [n for thread, n in seen if thread == one] == list(range(500))


def test_a_call_that_raises_takes_no_other_down(until: Until, qtbot: Any) -> None:
    relay, seen = Relay(), list[str]()
    with qtbot.capture_exceptions() as raised:
        relay.post(lambda: seen.append("first"))
        relay.post(lambda: 1 / 0 and None)
        relay.post(lambda: seen.append("last"))
        until(lambda: len(seen) == 2)
    assert [kind for kind, _, _ in raised] == [ZeroDivisionError]
