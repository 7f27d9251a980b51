"""The channels of the network's input, the same for all that is trained on volumes."""

import torch
from torch import Tensor

# (low, high, center, divisor) in HU: one channel for everything, one for soft tissue (sam.md 1).
WINDOWS = ((-1000.0, 1000.0, 0.0, 500.0), (-160.0, 340.0, 60.0, 125.0))


def windowed(hu: Tensor) -> Tensor:
    """(b, k, j, i) HU to (b, c, k, j, i) channels."""
    return torch.stack([(hu.clamp(a, b) - c) / d for a, b, c, d in WINDOWS], 1)
