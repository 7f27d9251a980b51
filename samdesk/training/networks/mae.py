"""A masked autoencoder with the stages and the pyramid of the SAM network."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from samdesk.training.networks.fpn import Pyramid
from samdesk.training.networks.segmenter import VOXELS_IN_CELL, Trunk, unfolded


class MaeNetwork(Trunk):
    """Fills in what is hidden: every voxel from the fine map, block means from the coarse one.

    Args:
        channels_in, channels, size: see `Trunk`.

    Source:
        SimMIM, arXiv 2111.09886: hidden blocks become one learned value, the head is one layer,
        and the loss is L1 over what was hidden. That works for convolutions; the encoder of MAE
        (arXiv 2111.06377), which never sees the hidden parts, needs a transformer.
    """

    def __init__(self, channels_in: int, channels: Sequence[int], size: int) -> None:
        super().__init__(channels_in, channels, size)
        self.coarse_pyramid = Pyramid(channels[2:], size)
        self.hidden_value = nn.Parameter(torch.zeros(1, channels_in, 1, 1, 1))
        self.fine_filler = nn.Conv3d(size, channels_in * VOXELS_IN_CELL, 1)
        self.coarse_filler = nn.Conv3d(size, channels_in * VOXELS_IN_CELL, 1)

    def forward(self, x: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Fill in.

        Args:
            x: (b, channels_in, k, j, i), sides multiples of 16.
            hidden: (b, k, j, i) bool, what the network may not see.

        Returns:
            (b, channels_in, k, j, i), and the same at a quarter of the size.
        """
        fine, coarse = self.maps(torch.where(hidden[:, None], self.hidden_value, x))
        return unfolded(self.fine_filler(fine)), unfolded(self.coarse_filler(coarse))

    def maps(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Give the maps of the two pyramids, (b, size, k/2, j/2, i/2) and (b, size, k/8, ...)."""
        stages = self.stages(x)
        return self.fine_pyramid(stages)[0], self.coarse_pyramid(stages[2:])[0]


class Described(nn.Module):
    """What is exported: the maps as unit vectors, in the form in which matching wants them."""

    def __init__(self, network: MaeNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(b, channels_in, k, j, i) -> fine and coarse unit vectors."""
        fine, coarse = self.network.maps(x)
        return _unit(fine.float()), _unit(coarse.float())


def _unit(y: Tensor) -> Tensor:
    y = y - y.mean(1, keepdim=True)
    out: Tensor = y * torch.rsqrt((y * y).sum(1, keepdim=True) + 1e-12)
    return out
