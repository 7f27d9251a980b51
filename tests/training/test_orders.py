"""Words that come down the standard input."""

import io
import os
import time
from collections.abc import Callable

from samdesk.training.orders import Orders


def wait_for(true: Callable[[], bool]) -> bool:
    """Give a thread up to two seconds."""
    end = time.monotonic() + 2
    while not true() and time.monotonic() < end:
        time.sleep(0.01)
    return true()


def test_the_end_of_the_input_is_an_order_to_stop() -> None:
    orders = Orders(io.StringIO(""), leave_by_force=False)
    assert wait_for(lambda: orders.stopped)
    assert not orders.keep_going()


def test_stop_ends_a_pause() -> None:
    orders = Orders(io.StringIO("pause\nstop\n"), leave_by_force=False)
    assert wait_for(lambda: orders.stopped)
    assert not orders.keep_going()


def test_pause_and_go() -> None:
    read, write = os.pipe()
    with os.fdopen(read) as source, os.fdopen(write, "w", buffering=1) as down:
        orders = Orders(source, leave_by_force=False)
        down.write("pause\n")
        assert wait_for(lambda: orders.paused)
        down.write("go\n")
        assert wait_for(lambda: not orders.paused)
        assert orders.keep_going()
        down.close()
        assert wait_for(lambda: orders.stopped)
