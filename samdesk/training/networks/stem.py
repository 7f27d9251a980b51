"""The first layer: neighbouring voxels become channels, so that convolutions start at half size."""

from torch import Tensor, nn


class SpaceToDepth(nn.Module):
    """Fold each block of 2 x 2 x 2 voxels into channels: (b, c, k, j, i) -> (b, 8c, k/2, j/2, i/2).

    Written with reshape and permute only, which every runtime has and runs at memory speed.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Fold; the three sides must be even."""
        b, c, k, j, i = x.shape
        x = x.reshape(b, c, k // 2, 2, j // 2, 2, i // 2, 2)
        x = x.permute(0, 1, 3, 5, 7, 2, 4, 6)
        return x.reshape(b, c * 8, k // 2, j // 2, i // 2)
