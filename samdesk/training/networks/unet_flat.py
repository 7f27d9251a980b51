"""A two-dimensional U-Net from a picture to one map for each landmark.

Source:
    Ronneberger et al., U-Net, MICCAI 2015, arXiv 1505.04597; heat maps for landmarks as in
    Payer et al., Regressing heatmaps for multiple landmark localization, MICCAI 2016.
"""

import torch
from torch import Tensor, nn

# Pixels of the input for one cell of the heat map, along each axis.
STRIDE = 2
LEVELS = 5


def _convolutions(channels_in: int, channels: int, count: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for n in range(count):
        layers += [
            nn.Conv2d(channels_in if n == 0 else channels, channels, 3, 1, 1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)


class FlatUNet(nn.Module):
    """Five resolutions, two convolutions in each going down and one going up.

    The first layer folds 2 x 2 pixels into channels, so that the finest maps already have half
    the resolution of the picture: a quarter of the time, and the decoding is below one cell.

    Args:
        n_points: landmarks, one map each.
        base: channels of the finest maps; each coarser level has twice as many, at most eight
            times `base`.
    """

    def __init__(self, n_points: int, base: int = 16) -> None:
        super().__init__()
        widths = [min(base * 2**level, base * 8) for level in range(LEVELS)]
        ins = [STRIDE * STRIDE, *widths[:-1]]
        self.down = nn.ModuleList(_convolutions(a, b, 2) for a, b in zip(ins, widths, strict=True))
        self.up = nn.ModuleList(
            _convolutions(widths[n] + widths[n + 1], widths[n], 1) for n in range(LEVELS - 1)
        )
        self.fold = nn.PixelUnshuffle(STRIDE)
        self.pool = nn.MaxPool2d(2)
        self.grow = nn.Upsample(scale_factor=2, mode="nearest")
        self.head = nn.Conv2d(widths[0], n_points, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(b, 1, j, i) -> logits (b, n_points, j/2, i/2); j and i are multiples of 32."""
        x = self.fold(x).contiguous(memory_format=torch.channels_last)
        kept: list[Tensor] = []
        for n, block in enumerate(self.down):
            x = block(x if n == 0 else self.pool(x))
            kept.append(x)
        for n in range(LEVELS - 2, -1, -1):
            x = self.up[n](torch.cat([kept[n], self.grow(x)], 1))
        out: Tensor = self.head(x)
        return out


# The picture's sides must be multiples of this.
MULTIPLE = STRIDE * 2 ** (LEVELS - 1)
