"""Move the steps of long work on the command line: a bar, and an end within 1 s of Ctrl-C.

The steps run on a thread of their own, because Python hears Ctrl-C only between two of its own
instructions, and one pass of a network can take seconds. The main thread draws and listens.
"""

import queue
import sys
import threading
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, TextIO, TypeVar

from samdesk.core.progress import Progress
from samdesk.errors import Stopped

Result = TypeVar("Result")

WIDTH = 28
# After Ctrl-C the step that runs gets this long to end by itself; cli.md promises one second.
PATIENCE_S = 0.6
LISTEN_S = 0.1


@dataclass(frozen=True)
class _Ended:
    """The last thing the moving thread says: its result, or what was raised."""

    result: Any = None
    error: BaseException | None = None


class _Mover(threading.Thread):
    """Moves steps to their end, or closes them between two steps once `stop` is set."""

    def __init__(self, steps: Generator[Progress, None, Any]) -> None:
        super().__init__(name="samdesk-steps", daemon=True)
        self.said: queue.SimpleQueue[Progress | _Ended] = queue.SimpleQueue()
        self.stop = threading.Event()
        self._steps = steps

    def run(self) -> None:
        try:
            while not self.stop.is_set():
                self.said.put(next(self._steps))
            self._steps.close()
        except StopIteration as end:
            self.said.put(_Ended(result=end.value))
        except BaseException as error:  # noqa: BLE001 - it is raised again on the main thread
            self.said.put(_Ended(error=error))


def run_steps(steps: Generator[Progress, None, Result], label: str = "") -> Result:
    """Move `steps` to their end and give back their result.

    Args:
        steps: the work; each Progress it yields is drawn where stderr is a terminal.
        label: what the bar begins with.

    Raises:
        Stopped: Ctrl-C. The steps were closed, so their own `finally` blocks ran, unless the step
            that ran did not end in time; then the program ends around it.
    """
    mover = _Mover(steps)
    bar = Bar(label)
    try:
        mover.start()
        while True:
            try:
                said = mover.said.get(timeout=LISTEN_S)
            except queue.Empty:
                continue
            if isinstance(said, _Ended):
                break
            bar.show(said)
    except KeyboardInterrupt:
        mover.stop.set()
        if mover.is_alive():
            mover.join(PATIENCE_S)
        raise Stopped("Stopped.", code="stopped") from None
    finally:
        bar.clear()
    if said.error is not None:
        raise said.error
    result: Result = said.result
    return result


class Bar:
    """One line on stderr that says how far the work is; nothing where that is no terminal."""

    def __init__(self, label: str, stream: TextIO | None = None) -> None:
        self._label = label
        self._stream = stream or sys.stderr
        self._shown = self._stream is not None and self._stream.isatty()
        self._last = ""

    def show(self, progress: Progress) -> None:
        """Draw the bar anew."""
        if not self._shown:
            return
        full = round(progress.share * WIDTH)
        bar = (
            f"[{'#' * full}{'.' * (WIDTH - full)}] {progress.share:4.0%}" if progress.total else ""
        )
        line = "  ".join(part for part in (self._label, bar, progress.doing) if part)[:110]
        if line != self._last:
            self._stream.write(f"\r\x1b[2K{line}")
            self._stream.flush()
            self._last = line

    def clear(self) -> None:
        """Take the bar away, so that results stand alone."""
        if self._last:
            self._stream.write("\r\x1b[2K")
            self._stream.flush()
            self._last = ""
