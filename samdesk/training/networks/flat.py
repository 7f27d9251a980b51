"""The embedding network for radiographs: the same plan as for volumes, in two dimensions."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name torch's own manual uses

FINE_STRIDE = 4
COARSE_STRIDE = 32
MULTIPLE_OF = 32
# Half side of the box in which the local contrast is measured, in blocks of 4 x 4 pixels.
REACH = 6
LEAST_SPREAD = 0.03


class FlatFold(nn.Module):
    """Fold each block of 4 x 4 pixels into channels, as they are and by their local contrast.

    The contrast is each pixel less the mean of the box around its block, over the box's spread: it
    hardly changes when a radiograph is exposed or processed otherwise. Beyond the picture nothing
    counts.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(b, 1, j, i) -> (b, 32, j/4, i/4); both sides must be multiples of 4."""
        x = x.float()
        b, c, j, i = x.shape
        y = x.reshape(b, c, j // 4, 4, i // 4, 4).permute(0, 1, 3, 5, 2, 4)
        y = y.reshape(b, c * 16, j // 4, i // 4)
        mean, square = (_box(v.mean(1, keepdim=True)) for v in (y, y * y))
        spread = torch.sqrt((square - mean * mean).clamp_min(0.0)) + LEAST_SPREAD
        return torch.cat([y, (y - mean) / spread], 1)


def _box(x: Tensor) -> Tensor:
    """Means of boxes along one axis and then along the other, which is the same and less work."""
    n = 2 * REACH + 1
    for size, pad in (((n, 1), (REACH, 0)), ((1, n), (0, REACH))):
        x = F.avg_pool2d(x, size, 1, pad, count_include_pad=False)
    return x


class FlatResidual(nn.Module):
    """conv-BN-ReLU-conv-BN plus the input, then ReLU."""

    def __init__(self, channels_in: int, channels: int, stride: int = 1) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(channels)
        self.second = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)
        self.skip: nn.Module = nn.Identity()
        if stride != 1 or channels_in != channels:
            self.skip = nn.Sequential(
                nn.Conv2d(channels_in, channels, stride, stride, 0, bias=False),
                nn.BatchNorm2d(channels),
            )

    def forward(self, x: Tensor) -> Tensor:
        """(b, channels_in, j, i) -> (b, channels, j/stride, i/stride)."""
        y = self.relu(self.first_norm(self.first(x)))
        out: Tensor = self.relu(self.second_norm(self.second(y)) + self.skip(x))
        return out


class FlatPyramid(nn.Module):
    """1 x 1 laterals of every stage, summed from the coarsest to the finest."""

    def __init__(self, channels: Sequence[int], size: int) -> None:
        super().__init__()
        self.laterals = nn.ModuleList(nn.Conv2d(c, size, 1) for c in channels)

    def forward(self, stages: Sequence[Tensor]) -> Tensor:
        """Give the finest map, (b, size, j, i)."""
        top = self.laterals[-1](stages[-1])
        for lateral, x in zip(list(self.laterals)[-2::-1], stages[-2::-1], strict=True):
            for axis in (3, 2):
                top = torch.stack((top, top), axis + 1).flatten(axis, axis + 1)
            top = lateral(x) + top
        out: Tensor = top
        return out


class FlatHead(nn.Module):
    """3 x 3 convolution, ReLU, 1 x 1 convolution, vectors of mean 0 and length 1."""

    def __init__(self, channels: int, size: int) -> None:
        super().__init__()
        self.mix = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)
        self.project = nn.Conv2d(channels, size, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(b, channels, j, i) -> (b, size, j, i), each vector of length 1."""
        y = self.project(self.relu(self.norm(self.mix(x)))).float()
        y = y - y.mean(1, keepdim=True)
        out: Tensor = y * torch.rsqrt((y * y).sum(1, keepdim=True) + 1e-12)
        return out


class FlatNetwork(nn.Module):
    """Residual stages at strides 4, 8, 16 and 32 with a pyramid and two heads.

    Args:
        channels: features of the four stages.
        size: length of the fine and of the coarse vectors.

    Source:
        arXiv 2012.02383, section 3, in two dimensions (sam.md 5.3).
    """

    def __init__(self, channels: Sequence[int] = (32, 64, 128, 160), size: int = 64) -> None:
        super().__init__()
        c1, c2, c3, c4 = channels
        self.fold = FlatFold()
        self.stage1 = nn.Sequential(
            nn.Conv2d(32, c1, 3, 1, 1, bias=False),
            nn.BatchNorm2d(c1),
            nn.ReLU(inplace=True),
            FlatResidual(c1, c1),
        )
        self.stage2 = nn.Sequential(FlatResidual(c1, c2, 2), FlatResidual(c2, c2))
        self.stage3 = nn.Sequential(FlatResidual(c2, c3, 2), FlatResidual(c3, c3))
        self.stage4 = nn.Sequential(FlatResidual(c3, c4, 2), FlatResidual(c4, c4))
        self.fine_pyramid = FlatPyramid(channels, size)
        self.fine_head = FlatHead(size, size)
        self.coarse_head = FlatHead(c4, size)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Embed.

        Args:
            x: (b, 1, j, i), sides multiples of 32.

        Returns:
            Fine (b, size, j/4, i/4) and coarse (b, size, j/32, i/32) unit vectors.
        """
        s1 = self.stage1(self.fold(x))
        s2 = self.stage2(s1)
        s3 = self.stage3(s2)
        s4 = self.stage4(s3)
        return self.fine_head(self.fine_pyramid((s1, s2, s3, s4))), self.coarse_head(s4)
