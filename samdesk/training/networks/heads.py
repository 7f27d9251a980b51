"""From features to unit vectors."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name torch's own manual uses


class UnitHead(nn.Module):
    """3 x 3 x 3 convolution, ReLU, 1 x 1 x 1 convolution, vectors of mean 0 and length 1.

    Taking the mean away costs one of the dimensions and lets training use the fused LayerNorm,
    whose length is sqrt(size): written as products it was a quarter of a step on two cores.
    """

    def __init__(self, channels: int, size: int) -> None:
        super().__init__()
        self.size = size
        self.mix = nn.Conv3d(channels, channels, 3, 1, 1, bias=False)
        self.norm = nn.BatchNorm3d(channels)
        self.relu = nn.ReLU(inplace=True)
        self.project = nn.Conv3d(channels, size, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(b, channels, k, j, i) -> (b, size, k, j, i), each vector of length 1."""
        y = self.project(self.relu(self.norm(self.mix(x)))).float()
        if self.training:
            length = y.new_full((self.size,), self.size**-0.5)
            last = F.layer_norm(y.permute(0, 2, 3, 4, 1), (self.size,), weight=length, eps=1e-8)
            return last.permute(0, 4, 1, 2, 3)
        # The same in operations that every runtime has, without moving the channels.
        y = y - y.mean(1, keepdim=True)
        out: Tensor = y * torch.rsqrt((y * y).sum(1, keepdim=True) + 1e-12)
        return out
