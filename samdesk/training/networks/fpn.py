"""Feature pyramid: coarse features are carried back to finer grids."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


def doubled(x: Tensor) -> Tensor:
    """Nearest up-sampling by 2 along k, j and i, written as stack and flatten.

    ONNX Runtime runs a 3-D `Resize` several times slower than this (tech.md 3: half of the pass).
    """
    for axis in (4, 3, 2):
        x = torch.stack((x, x), axis + 1).flatten(axis, axis + 1)
    return x


class Pyramid(nn.Module):
    """1 x 1 x 1 laterals of every stage, summed from the coarsest to the finest."""

    def __init__(self, channels: Sequence[int], size: int) -> None:
        super().__init__()
        self.laterals = nn.ModuleList(nn.Conv3d(c, size, 1) for c in channels)

    def forward(self, stages: Sequence[Tensor]) -> list[Tensor]:
        """Give one map of `size` channels for each stage, finest first."""
        top: Tensor | None = None
        out: list[Tensor] = []
        for lateral, x in zip(reversed(self.laterals), reversed(stages), strict=True):
            y = lateral(x)
            top = y if top is None else y + doubled(top)
            out.append(top)
        return out[::-1]
