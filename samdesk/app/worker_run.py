"""Run a training plan in a process of its own, as steps that can be stopped at any moment."""

import json
import queue
import shutil
import subprocess
import threading
from collections.abc import Generator
from pathlib import Path
from typing import IO, Any

from samdesk.app.worker_process import KIND_BY_CODE, PLAN, worker_command, worker_environment
from samdesk.core.progress import Progress
from samdesk.core.runs import RunEvent, RunPlan
from samdesk.errors import RunError
from samdesk.io.atomic import write_text

# A stop is heard this often; a worker that was told to stop is not waited for any longer than
# this, because it leaves by itself: its checkpoint on disk is whole at any moment.
LISTEN_S = 0.2
PATIENCE_S = 0.3
RESULTS = ("exported", "result")
DONE_FILE = "result.json"


def run_worker(plan: RunPlan, folder: Path) -> Generator[Progress, None, dict[str, Any]]:
    """Run a plan to its end.

    Args:
        plan: what is to be trained.
        folder: of the run. One that holds the same plan goes on where it was, or gives its result
            at once where it was finished; one that holds another plan is emptied first.

    Returns:
        The values of the last "exported" or "result" event.

    Raises:
        RunError: the worker crashed or gave no result.
        ReadError: it refused its plan or its data.
        NoRoom: it ran out of memory.
    """
    text = plan.to_json()
    plan_path = folder / PLAN
    if plan_path.exists() and plan_path.read_text(encoding="utf-8") != text:
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    done = folder / DONE_FILE
    if done.exists():
        finished: dict[str, Any] = json.loads(done.read_text(encoding="utf-8"))
        return finished
    write_text(plan_path, text)
    result = yield from _followed(plan_path, plan)
    write_text(done, json.dumps(result) + "\n")
    return result


def _followed(plan_path: Path, plan: RunPlan) -> Generator[Progress, None, dict[str, Any]]:
    with subprocess.Popen(  # noqa: S603 - our own program, no shell
        worker_command(plan_path),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=worker_environment(),
    ) as worker:
        try:
            result, broken = yield from _heard(worker.stdout, plan)
        except BaseException:
            _let_go(worker)
            raise
        code = worker.wait()
    if broken is not None:
        kind = KIND_BY_CODE.get(code, RunError)
        raise kind(broken["what"], code=broken.get("code", "fault"), hint=broken.get("hint", ""))
    if code != 0:
        raise RunError(f"The training process ended with code {code} and gave no reason.")
    if result is None:
        raise RunError("The training process ended without a result.")
    return result


def _heard(
    stream: IO[str] | None, plan: RunPlan
) -> Generator[Progress, None, tuple[dict[str, Any] | None, dict[str, str] | None]]:
    """Read events on a thread, so that a stop is heard while the worker says nothing."""
    assert stream is not None  # noqa: S101 - a pipe, as asked above
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def read() -> None:
        for line in stream:
            lines.put(line)
        lines.put(None)

    threading.Thread(target=read, name="samdesk-worker-events", daemon=True).start()
    result: dict[str, Any] | None = None
    broken: dict[str, str] | None = None
    progress = Progress(0, 1000, "starting the training process")
    while True:
        try:
            line = lines.get(timeout=LISTEN_S)
        except queue.Empty:
            yield progress
            continue
        if line is None:
            return result, broken
        event = RunEvent.from_json(line)
        if event.kind == "broken":
            broken = {key: str(value) for key, value in event.values.items()}
        elif event.kind in RESULTS:
            result = dict(event.values)
        progress = _progress(event, plan)
        yield progress


def _progress(event: RunEvent, plan: RunPlan) -> Progress:
    share = min(1.0, event.seconds / (plan.minutes * 60))
    words = " ".join(
        f"{key} {value:.4g}" for key, value in event.values.items() if isinstance(value, float)
    )
    return Progress(round(1000 * share), 1000, f"step {event.step} {event.kind} {words}".strip())


def _let_go(worker: "subprocess.Popen[str]") -> None:
    """Close the pipe that is the order to stop; what does not hear it is ended."""
    if worker.stdin is not None:
        worker.stdin.close()
    try:
        worker.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        worker.kill()
