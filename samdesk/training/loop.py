"""The one training loop: a generator of events."""

import copy
import math
import time
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from samdesk.core.runs import RunEvent, RunPlan
from samdesk.errors import RunError
from samdesk.training import checkpoint
from samdesk.training.base import STEPS, Method, Probe, Source
from samdesk.training.device import CLIP, Device, channels_last, fast_on_cuda, follow, pick_device

WARM_UP_STEPS = 40
REPORT_EVERY = 20
SAVE_EVERY_S = 120.0
AVERAGE = 0.998
# A step whose gradient is not finite is not taken. oneDNN's bf16 convolution now and then gives
# such a one for very small maps (torch 2.13, 8 channels of 2 x 2 x 2 cells); many in a row are
# the run's own fault.
MOST_REFUSED = 5
CHECKPOINT = "checkpoint.safetensors"


def learning_rate(plan_rate: float, step: int, share: float) -> float:
    """Warm up over the first steps, then follow a cosine of the time spent to one percent."""
    warm = min(1.0, (step + 1) / WARM_UP_STEPS)
    return plan_rate * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, share))))


def train(
    plan: RunPlan,
    method: Method[Any],
    folder: Path,
    source: Callable[[torch.Generator], Source[Any]],
    *,
    keep_going: Callable[[], bool],
    resume: bool,
    probe: Probe | None = None,
    probe_every_s: float = 300.0,
) -> Generator[RunEvent, None, checkpoint.State]:
    """Train until the plan's minutes are used or `keep_going` says no.

    A plan with the setting `steps` ends after so many of them, however long they take: arms of a
    comparison then learn the same on a machine that does other things too.

    Args:
        plan: the run's settings.
        method: that prepared the source; it may have kept what it knows of its data.
        folder: gets `checkpoint.safetensors`.
        source: makes the drawing of pairs, or whatever the method learns from, from the run's
            generator.
        keep_going: asked between two steps.
        resume: go on from the folder's checkpoint.
        probe: measures the averaged weights on held-out scans, now and then and at the end.
        probe_every_s: how often.

    Raises:
        RunError: the loss is no longer a number; the last good checkpoint is kept.
    """
    device = pick_device(plan.device)
    state = _start(plan, method, device, folder if resume else None)
    pairs = source(state.rng)
    begun, before = time.monotonic(), state.seconds
    saved = told = probed = begun
    sums: dict[str, float] = {}
    refused = 0
    yield RunEvent("started", state.step, state.seconds, {"device": device.words})
    while keep_going() and (share := _share(plan, state)) < 1:
        rate = learning_rate(method.settings.learning_rate, state.step, share)
        parts = _step(method, device, state, pairs, rate)
        refused = 0 if math.isfinite(parts["loss"]) else refused + 1
        if refused:
            if refused < MOST_REFUSED:
                continue
            raise RunError(
                f"The loss stopped being a number after {state.step} steps.",
                hint="The last checkpoint is whole; start from it with a lower learning rate.",
            )
        sums = {k: sums.get(k, 0.0) + v for k, v in parts.items()}
        now = time.monotonic()
        state = replace(state, step=state.step + 1, seconds=before + now - begun)
        if state.step % REPORT_EVERY == 0:
            means = {k: round(v / REPORT_EVERY, 5) for k, v in sums.items()}
            means["seconds_per_step"] = round((now - told) / REPORT_EVERY, 4)
            means["learning_rate"] = rate
            sums, told = {}, now
            yield RunEvent("stepped", state.step, state.seconds, means)
        if now - saved > SAVE_EVERY_S:
            checkpoint.store(folder / CHECKPOINT, state)
            saved = now
            yield RunEvent("saved", state.step, state.seconds)
        if probe and now - probed > probe_every_s:
            yield RunEvent("evaluated", state.step, state.seconds, probe(state.average))
            probed = time.monotonic()
    yield RunEvent("saving", state.step, state.seconds)
    checkpoint.store(folder / CHECKPOINT, state)
    yield RunEvent("saved", state.step, state.seconds)
    if probe:
        yield RunEvent("evaluated", state.step, state.seconds, probe(state.average))
    return state


def _share(plan: RunPlan, state: checkpoint.State) -> float:
    """Part of the run that is done: of its steps where the plan counts them, else of its time."""
    steps = int(plan.settings.get(STEPS, 0))
    return state.step / steps if steps else state.seconds / (plan.minutes * 60)


def _start(
    plan: RunPlan, method: Method[Any], device: Device, resumed: Path | None
) -> checkpoint.State:
    torch.manual_seed(plan.seed)
    network = method.network()
    if plan.start:
        network.load_state_dict(checkpoint.weights(Path(plan.start)))
    network = channels_last(network.to(device.torch))
    average = copy.deepcopy(network).eval()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=1e-4)
    rng = torch.Generator().manual_seed(plan.seed)
    if device.torch.type == "cuda":
        fast_on_cuda(network)
    state = checkpoint.State(network, average, optimizer, rng)
    return checkpoint.restore(resumed / CHECKPOINT, state) if resumed else state


def _step(
    method: Method[Any], device: Device, state: checkpoint.State, source: Source[Any], rate: float
) -> dict[str, float]:
    drawn = [source.draw() for _ in range(method.settings.pairs)]
    if device.torch.type != "cpu":
        drawn = [item.to(device.torch) for item in drawn]
    state.network.train()
    for group in state.optimizer.param_groups:
        group["lr"] = rate
    with torch.autocast(
        device.torch.type, device.half or torch.bfloat16, enabled=device.half is not None
    ):
        outputs = method.outputs(state.network, drawn)
    loss, parts = method.loss(outputs, drawn, state.rng)
    state.optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    norm = float(nn.utils.clip_grad_norm_(state.network.parameters(), CLIP))
    if not math.isfinite(norm):
        parts["loss"] = math.nan
    else:
        state.optimizer.step()
        follow(state.average, state.network, min(AVERAGE, (1 + state.step) / (10 + state.step)))
    return parts
