"""Words that come down the standard input: pause, go, stop; its end means the parent is gone."""

import os
import sys
import threading
import time
from typing import TextIO

# decisions.md 28: a flag alone waits for the step to end; after this the process leaves by force.
PATIENCE_S = 0.7
LEFT_IN_MID_STEP = 75


class Orders:
    """Listens on a thread of its own and answers between two steps.

    Attributes:
        stopped: a stop was asked, or the parent is gone.
    """

    def __init__(self, stream: TextIO | None = None, *, leave_by_force: bool = True) -> None:
        self.stopped = False
        self.paused = False
        self._force = leave_by_force
        self._quiet = threading.Event()
        self._stream = stream if stream is not None else sys.stdin
        threading.Thread(target=self._listen, daemon=True).start()

    def keep_going(self) -> bool:
        """Wait while paused; tell whether to take another step."""
        while self.paused and not self.stopped:
            time.sleep(0.05)
        return not self.stopped

    def finishing(self) -> None:
        """The work between stop and end has begun: a checkpoint is being written, so wait."""
        self._quiet.set()

    def _listen(self) -> None:
        for line in self._stream:
            word = line.strip()
            if word == "stop":
                break
            if word in ("pause", "go"):
                self.paused = word == "pause"
        self.stopped = True
        if self._force and not self._quiet.wait(PATIENCE_S):
            # The checkpoint on disk is whole (it is swapped in), so nothing is lost but this step.
            os._exit(LEFT_IN_MID_STEP)
