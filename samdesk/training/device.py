"""Where a run computes, how fast that is, and the average of weights that every run keeps."""

import time
from dataclasses import dataclass

import torch
from torch import dtype as DType  # noqa: N812 - a class in all but its name
from torch import nn

from samdesk.errors import RunError

# Longest gradient that a step may follow.
CLIP = 5.0


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
