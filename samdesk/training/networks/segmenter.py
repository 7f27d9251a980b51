"""A segmentation network of the layout of the SAM network, to measure what its weights are worth.

The stages and the pyramid have the names of `SamNetwork`, so that its weights can be copied by name
(sam.md 5.5). One new 1 x 1 x 1 convolution gives, for each fine cell, the classes of the voxels
that the stem folded into it.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from samdesk.training.networks.fpn import Pyramid
from samdesk.training.networks.residual import stage
from samdesk.training.networks.stem import SpaceToDepth

VOXELS_IN_CELL = 8
# Parts that are copied; the heads of a pretrained network are not.
COPIED = ("stage1.", "stage2.", "stage3.", "stage4.", "fine_pyramid.")


class Trunk(nn.Module):
    """Stages at strides 2, 4, 8 and 16 and their pyramid.

    Args:
        channels_in: input channels.
        channels: features of the four stages.
        size: features of the pyramid.
    """

    def __init__(self, channels_in: int, channels: Sequence[int], size: int) -> None:
        super().__init__()
        c1, c2, c3, c4 = channels
        self.fold = SpaceToDepth()
        self.stage1 = nn.Sequential(
            nn.Conv3d(channels_in * VOXELS_IN_CELL, c1, 3, 1, 1, bias=False),
            nn.BatchNorm3d(c1),
            nn.ReLU(inplace=True),
            stage(c1, c1, 1, 1),
        )
        self.stage2 = stage(c1, c2, 2, 2)
        self.stage3 = stage(c2, c3, 2, 2)
        self.stage4 = stage(c3, c4, 2, 2)
        self.fine_pyramid = Pyramid(channels, size)

    def stages(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Give the maps of the four stages of (b, channels_in, k, j, i)."""
        s1 = self.stage1(self.fold(x))
        s2 = self.stage2(s1)
        s3 = self.stage3(s2)
        return s1, s2, s3, self.stage4(s3)


class Segmenter(Trunk):
    """The trunk with a head of classes; class 0 is what belongs to none."""

    def __init__(self, channels_in: int, channels: Sequence[int], size: int, classes: int) -> None:
        super().__init__(channels_in, channels, size)
        self.head = nn.Conv3d(size, classes * VOXELS_IN_CELL, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(b, channels_in, k, j, i), sides multiples of 16, -> (b, classes, k, j, i) scores."""
        return unfolded(self.head(self.fine_pyramid(self.stages(x))[0]))


def unfolded(x: Tensor) -> Tensor:
    """Undo the stem's folding: (b, 8c, k, j, i) -> (b, c, 2k, 2j, 2i)."""
    b, c, k, j, i = x.shape
    x = x.reshape(b, c // VOXELS_IN_CELL, 2, 2, 2, k, j, i)
    x = x.permute(0, 1, 5, 2, 6, 3, 7, 4)
    return x.reshape(b, c // VOXELS_IN_CELL, 2 * k, 2 * j, 2 * i)


def layout_of(given: Mapping[str, Tensor]) -> tuple[tuple[int, ...], int]:
    """Read channels of the stages and size of the pyramid off a network's weights.

    Raises:
        ValueError: they are no weights of this layout; the sentence names what is missing.
    """
    channels = []
    for number in range(1, 5):
        name = f"stage{number}.0.weight" if number == 1 else f"stage{number}.0.first.weight"
        if name not in given:
            raise ValueError(f"{name} is missing")
        channels.append(int(given[name].shape[0]))
    return tuple(channels), int(given["fine_pyramid.laterals.0.weight"].shape[0])


@torch.no_grad()
def copy_trunk(network: Trunk, given: Mapping[str, Tensor]) -> list[str]:
    """Copy stages and pyramid by name.

    Args:
        network: gets the values.
        given: names and tensors of a pretrained network of the same layout.

    Returns:
        Names of the parameters that were copied.

    Raises:
        ValueError: a tensor is missing or has another shape; the sentence names it.
    """
    own = network.state_dict()
    wanted = [name for name in own if name.startswith(COPIED)]
    for name in wanted:
        if name not in given:
            raise ValueError(f"{name} is missing")
        if given[name].shape != own[name].shape:
            raise ValueError(
                f"{name} is {tuple(given[name].shape)} and not {tuple(own[name].shape)}"
            )
        own[name].copy_(given[name])
    parameters = {name for name, _ in network.named_parameters()}
    return [name for name in wanted if name in parameters]
