"""Run a plan: read it, move the loop, say events as JSON lines, obey pause and stop."""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from samdesk.core.runs import RunEvent, RunPlan
from samdesk.errors import RunError, SamdeskError, Stopped

if TYPE_CHECKING:
    from samdesk.training.checkpoint import State
    from samdesk.training.data.scans import TrainingScan
    from samdesk.training.orders import Orders

EVENTS = "events.jsonl"
DONE, FAULT, REFUSED, STOPPED = 0, 1, 3, 130
EVALUATE_EVERY_S = 300.0
N_HELD_OUT_PAIRS = 12


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

    from samdesk.training.orders import Orders

    _be_nice()
    torch.set_num_threads(plan.threads or max(1, (os.cpu_count() or 2) - 1))
    orders = Orders()
    state, figures = _trained(plan, folder, orders, say)
    if orders.stopped:
        raise Stopped("The run was stopped; its checkpoint is whole.", code="stopped")
    orders.finishing()
    values = exported(plan, folder, state, figures)
    say(RunEvent("exported", state.step, state.seconds, values))
    say(RunEvent("ended", state.step, state.seconds, {"how": "done"}))


def _trained(
    plan: RunPlan, folder: Path, orders: "Orders", say: Callable[[RunEvent], None]
) -> tuple["State", dict[str, float]]:
    """Prepare the data and move the loop to its end, or to the stop."""
    import torch

    from samdesk.training import loop, registry
    from samdesk.training.data.pairs import PairSource
    from samdesk.training.evaluate import fixed_pairs, held_out

    settings = registry.method(plan.method, plan.settings).settings
    spacing_mm, drawing = settings.spacing_mm, settings.drawing
    scans = _prepared(plan, plan.data, spacing_mm, folder, orders, say)
    held = _prepared(plan, plan.validation, spacing_mm, folder, orders, say)
    rng = torch.Generator().manual_seed(0)
    fixed = (
        fixed_pairs(PairSource(held, spacing_mm, drawing, rng), N_HELD_OUT_PAIRS) if held else []
    )
    steps = loop.train(
        plan,
        folder,
        lambda rng: PairSource(scans, spacing_mm, drawing, rng),
        keep_going=orders.keep_going,
        resume=(folder / loop.CHECKPOINT).exists(),
        probe=(lambda network: held_out(network, fixed)) if fixed else None,
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
    plan: RunPlan,
    data: tuple[str, ...],
    spacing_mm: float,
    folder: Path,
    orders: "Orders",
    say: Callable[[RunEvent], None],
) -> list["TrainingScan"]:
    from samdesk.training.data import scans

    if not data:
        return []
    steps = scans.load(data, spacing_mm, folder / "cache", plan.seed)
    while True:
        try:
            progress = next(steps)
        except StopIteration as end:
            found: list[TrainingScan] = end.value
            return found
        if not orders.keep_going():
            raise Stopped("The run was stopped while its data were prepared.", code="stopped")
        say(RunEvent("preparing", 0, 0.0, {"doing": progress.doing}))


def exported(
    plan: RunPlan, folder: Path, state: "State", figures: dict[str, float]
) -> dict[str, object]:
    """Write the model folder of a run, and say what is in it."""
    from samdesk.training import registry
    from samdesk.training.export import Provenance, export

    told = Provenance(
        data=tuple(_listed(plan.data)),
        licence=plan.licence or "not stated: for the person who trained it",
        command=_command(plan),
        commit=plan.commit,
        figures=figures,
    )
    settings = registry.method(plan.method, plan.settings).settings
    info, least = export(state.average, settings, plan, told, folder / "export" / plan.name)
    return {"folder": str(info.folder), "least_cosine": round(least, 6), "sha256": info.sha256}


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
