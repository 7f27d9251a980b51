"""Run a long piece of work in a process of its own, so that it can be stopped at any moment."""

from collections.abc import Callable, Generator
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from samdesk.core.progress import Progress
from samdesk.errors import SamdeskError
from samdesk.services.jobs import Steps

LOOK_S = 0.1
LEAVE_S = 1.0

Work = Callable[..., Generator[Progress, None, Any]]


def apart(work: Work, *settings: object) -> Steps:
    """Move the steps of `work` to their end in a fresh process; gives nothing back.

    For work whose steps take seconds and cannot be ended from outside. Closing these steps ends
    the process, so the work must leave nothing half written when it is killed.

    Args:
        work: a function of a module, which the process imports by its name.
        settings: what it is called with.

    Raises:
        SamdeskError: what the work raised, or that its process ended by itself.
    """
    context = get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(theirs, work, settings), daemon=True)
    process.start()
    theirs.close()
    try:
        while True:
            if not ours.poll(LOOK_S):
                yield Progress(0, 0, "working")
                continue
            kind, values = ours.recv()
            if kind == "progress":
                yield Progress(*values)
            elif kind == "error":
                what, code, hint = values
                raise SamdeskError(what, code=code, hint=hint)
            else:
                return
    except EOFError as error:
        process.join(LEAVE_S)
        raise SamdeskError(
            f"A process that was to help ended before its work was done ({process.exitcode})."
        ) from error
    finally:
        process.terminate()
        process.join(LEAVE_S)
        ours.close()


def _work(pipe: Connection, work: Work, settings: tuple[object, ...]) -> None:
    try:
        for progress in work(*settings):
            pipe.send(("progress", (progress.done, progress.total, progress.doing)))
        pipe.send(("done", ()))
    except SamdeskError as error:
        pipe.send(("error", (error.what, error.code, error.hint)))
