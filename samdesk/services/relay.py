"""Bring work back to the GUI thread through one signal that is connected once and never let go."""

from collections import deque
from collections.abc import Callable
from threading import Lock

from PySide6.QtCore import QObject, Qt, Signal, Slot

Call = Callable[[], None]


class Relay(QObject):
    """Run calls on the thread that made the relay, in the order they were posted.

    Public signals come and go with the windows that listen to them, and a worker that emits
    one while a window is closing can crash Qt. So a worker posts here, and the service emits
    its public signal from the GUI thread.
    """

    _wake = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._calls: deque[Call] = deque()
        self._lock = Lock()
        self._wake.connect(self._run_next, Qt.ConnectionType.QueuedConnection)

    def post(self, call: Call) -> None:
        """Queue `call`; safe from any thread."""
        with self._lock:
            self._calls.append(call)
        self._wake.emit()

    @Slot()
    def _run_next(self) -> None:
        # One call a wake: a call that raises takes no other call down with it.
        with self._lock:
            call = self._calls.popleft()
        call()
