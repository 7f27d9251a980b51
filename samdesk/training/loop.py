"""The one training loop: a generator of events."""

import copy
import math
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import dtype as DType  # noqa: N812 - a class in all but its name
from torch import nn

from samdesk.core.runs import RunEvent, RunPlan
from samdesk.errors import RunError
from samdesk.training import checkpoint, registry
from samdesk.training.base import Method, Probe, Source

WARM_UP_STEPS = 40
REPORT_EVERY = 20
SAVE_EVERY_S = 120.0
AVERAGE = 0.998
CLIP = 5.0
# A step whose gradient is not finite is not taken. oneDNN's bf16 convolution now and then gives
# such a one for very small maps (torch 2.13, 8 channels of 2 x 2 x 2 cells); many in a row are
# the run's own fault.
MOST_REFUSED = 5
CHECKPOINT = "checkpoint.safetensors"


@dataclass(frozen=True)
class Device:
    """Where the run computes, as torch reports it, and how."""

    torch: torch.device
    half: DType | None
    words: str


def pick_device(asked: str) -> Device:
    """Choose the device; bf16 where it is fast, as small nets lose nothing by it (sam.md 2.5)."""
    if asked in ("auto", "cuda") and torch.cuda.is_available():
        return Device(torch.device("cuda"), torch.bfloat16, torch.cuda.get_device_name(0))
    if asked == "cuda":
        raise RunError("torch sees no CUDA device.", hint="Train with --device cpu.")
    fast = torch.backends.cpu.get_cpu_capability() == "AVX512" and _bf16_is_fast()
    words = f"CPU, {torch.get_num_threads()} threads{', bf16' if fast else ''}"
    return Device(torch.device("cpu"), torch.bfloat16 if fast else None, words)


def channels_last(module: nn.Module) -> nn.Module:
    """Lay the weights out with channels last: 2 to 3 times faster in bf16 on processors."""
    for parameter in module.parameters():
        if parameter.ndim == 5:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last_3d)
        elif parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return module


def fast_on_cuda(network: nn.Module) -> None:
    """Let cuDNN try its algorithms and torch fuse what lies between; shapes are few and fixed.

    `Module.compile` works in place, so the names of the weights in a checkpoint stay.
    """
    torch.backends.cudnn.benchmark = True
    torch.set_float32_matmul_precision("high")
    network.compile(dynamic=False)


def _bf16_is_fast() -> bool:
    """Time one convolution both ways: what the processor's name promises is not always so."""
    x = torch.randn(1, 16, 24, 24, 24).to(memory_format=torch.channels_last_3d)
    layer = channels_last(nn.Conv3d(16, 16, 3, padding=1))
    seconds = []
    with torch.no_grad():
        for half in (False, True):
            with torch.autocast("cpu", torch.bfloat16, enabled=half):
                layer(x)
                start = time.perf_counter()
                for _ in range(4):
                    layer(x)
            seconds.append(time.perf_counter() - start)
    return seconds[1] < seconds[0]


def learning_rate(plan_rate: float, step: int, share: float) -> float:
    """Warm up over the first steps, then follow a cosine of the time spent to one percent."""
    warm = min(1.0, (step + 1) / WARM_UP_STEPS)
    return plan_rate * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, share))))


def train(
    plan: RunPlan,
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
    method = registry.method(plan.method, plan.settings)
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
    steps = int(plan.settings.get(registry.STEPS, 0))
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


@torch.no_grad()
def follow(average: nn.Module, network: nn.Module, keep: float) -> None:
    """Move the averaged weights towards the network's; counters of BatchNorm are copied."""
    for mean, value in zip(
        average.state_dict().values(), network.state_dict().values(), strict=True
    ):
        if mean.dtype.is_floating_point:
            mean.lerp_(value, 1 - keep)
        else:
            mean.copy_(value)
