"""Residual blocks and the stages made of them."""

from torch import Tensor, nn


class Residual(nn.Module):
    """conv-BN-ReLU-conv-BN plus the input, then ReLU.

    BatchNorm and not InstanceNorm or GroupNorm: their statistics over a whole scan differ from
    those over a patch (share of air), which would shift embeddings between training and use.
    """

    def __init__(self, channels_in: int, channels: int, stride: int = 1) -> None:
        super().__init__()
        self.first = nn.Conv3d(channels_in, channels, 3, stride, 1, bias=False)
        self.first_norm = nn.BatchNorm3d(channels)
        self.second = nn.Conv3d(channels, channels, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm3d(channels)
        self.relu = nn.ReLU(inplace=True)
        self.skip: nn.Module = nn.Identity()
        if stride != 1 or channels_in != channels:
            # A 2 x 2 x 2 kernel sees every voxel; 1 x 1 x 1 with stride 2 drops seven of eight.
            self.skip = nn.Sequential(
                nn.Conv3d(channels_in, channels, stride, stride, 0, bias=False),
                nn.BatchNorm3d(channels),
            )

    def forward(self, x: Tensor) -> Tensor:
        """(b, channels_in, k, j, i) -> (b, channels, k/stride, j/stride, i/stride)."""
        y = self.relu(self.first_norm(self.first(x)))
        y = self.second_norm(self.second(y))
        out: Tensor = self.relu(y + self.skip(x))
        return out


def stage(channels_in: int, channels: int, blocks: int, stride: int) -> nn.Sequential:
    """Make `blocks` residual blocks, the first with `stride`."""
    first = Residual(channels_in, channels, stride)
    return nn.Sequential(first, *(Residual(channels, channels) for _ in range(blocks - 1)))
