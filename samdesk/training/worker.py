"""Run a plan: read it, move the loop, say events as JSON lines, obey pause and stop."""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from samdesk.core.runs import RunEvent, RunPlan
from samdesk.errors import RunError, SamdeskError, Stopped

if TYPE_CHECKING:
    from samdesk.training.base import Method, Prepared
    from samdesk.training.checkpoint import State
    from samdesk.training.orders import Orders

EVENTS = "events.jsonl"
DONE, FAULT, REFUSED, STOPPED = 0, 1, 3, 130
EVALUATE_EVERY_S = 300.0


def main(plan_path: Path) -> int:
    """Train by the plan, in the folder that holds it; runs in a process of its own.

    Returns:
        0 done, 1 a fault, 3 the plan or its data were refused, 130 stopped.
    """
    folder = plan_path.parent
    begun = time.monotonic()
    with (folder / EVENTS).open("a", encoding="utf-8") as log:

        def say(event: RunEvent) -> None:
            line = event.to_json() + "\n"
            log.write(line)
            log.flush()
            try:
                sys.stdout.write(line)
                sys.stdout.flush()
            except (BrokenPipeError, ValueError):
                os._exit(75)  # the program that started this run is gone

        try:
            _run(RunPlan.from_json(plan_path.read_text(encoding="utf-8")), folder, say)
        except Stopped:
            say(RunEvent("ended", 0, time.monotonic() - begun, {"how": "stopped"}))
            return STOPPED
        except SamdeskError as error:
            say(RunEvent("broken", 0, time.monotonic() - begun, _told(error)))
            return REFUSED if isinstance(error, RunError) else FAULT
        except MemoryError:
            what = "There was not enough memory for a training step."
            say(RunEvent("broken", 0, time.monotonic() - begun, {"what": what, "code": "memory"}))
            return 7
    return DONE


def _told(error: SamdeskError) -> dict[str, str]:
    return {"what": error.what, "hint": error.hint, "code": error.code}


def _run(plan: RunPlan, folder: Path, say: Callable[[RunEvent], None]) -> None:
    import torch

    from samdesk.training import registry
    from samdesk.training.orders import Orders

    _be_nice()
    torch.set_num_threads(plan.threads or max(1, (os.cpu_count() or 2) - 1))
    orders = Orders()
    begun = time.monotonic()
    if plan.method in registry.TASKS:
        registry.TASKS[plan.method](plan, folder, orders, say)
        if orders.stopped:
            raise Stopped("The run was stopped.", code="stopped")
        say(RunEvent("ended", 0, time.monotonic() - begun, {"how": "done"}))
        return
    method = registry.method(plan.method, plan.settings)
    state, figures = _trained(method, plan, folder, orders, say)
    if orders.stopped:
        raise Stopped("The run was stopped; its checkpoint is whole.", code="stopped")
    orders.finishing()
    values = exported(method, plan, folder, state, figures)
    say(RunEvent("exported", state.step, state.seconds, values))
    say(RunEvent("ended", state.step, state.seconds, {"how": "done"}))


def _trained(
    method: "Method[Any]",
    plan: RunPlan,
    folder: Path,
    orders: "Orders",
    say: Callable[[RunEvent], None],
) -> tuple["State", dict[str, float]]:
    """Prepare the data and move the loop to its end, or to the stop."""
    from samdesk.training import loop

    prepared = _prepared(method, plan, folder, orders, say)
    steps = loop.train(
        plan,
        method,
        folder,
        prepared.source,
        keep_going=orders.keep_going,
        resume=(folder / loop.CHECKPOINT).exists(),
        probe=prepared.probe,
        probe_every_s=EVALUATE_EVERY_S,
    )
    figures: dict[str, float] = {}
    while True:
        try:
            event = next(steps)
        except StopIteration as end:
            return end.value, figures
        if event.kind == "evaluated":
            figures = dict(event.values)
        if event.kind == "saving":
            orders.finishing()
        say(event)


def _prepared(
    method: "Method[Any]",
    plan: RunPlan,
    folder: Path,
    orders: "Orders",
    say: Callable[[RunEvent], None],
) -> "Prepared":
    steps = method.prepare(plan, folder)
    while True:
        try:
            progress = next(steps)
        except StopIteration as end:
            ready: Prepared = end.value
            return ready
        if not orders.keep_going():
            raise Stopped("The run was stopped while its data were prepared.", code="stopped")
        say(RunEvent("preparing", 0, 0.0, {"doing": progress.doing}))


def exported(
    method: "Method[Any]", plan: RunPlan, folder: Path, state: "State", figures: dict[str, float]
) -> dict[str, Any]:
    """Write the model folder of a run, and say what is in it."""
    from samdesk.training.base import Provenance

    told = Provenance(
        data=tuple(_listed(plan.data)),
        licence=plan.licence or "not stated: for the person who trained it",
        command=_command(plan),
        commit=plan.commit,
        figures=figures,
    )
    return method.export(state.average, plan, told, folder / "export" / plan.name)


def _be_nice() -> None:
    """Give way to the window; SAMDESK_NICE=0 leaves the priority as it is."""
    wanted = int(os.environ.get("SAMDESK_NICE", "10"))
    if wanted and hasattr(os, "nice"):
        os.nice(wanted)


def _listed(data: tuple[str, ...]) -> list[str]:
    from samdesk.training.data.scans import sha256

    lines = []
    for item in data:
        path = Path(item)
        lines.append(f"{path.name} sha256 {sha256(path)}" if path.is_file() else path.name)
    return lines


def _command(plan: RunPlan) -> str:
    settings = f" --config plan.json ({json.dumps(dict(plan.settings))})" if plan.settings else ""
    return f"samdesk train --method {plan.method} --data ... --minutes {plan.minutes:g}{settings}"
