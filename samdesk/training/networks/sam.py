"""The embedding network of samdesk: fine cells for precision, coarse cells for the whole body."""

from collections.abc import Sequence

from torch import Tensor, nn

from samdesk.training.networks.fpn import Pyramid
from samdesk.training.networks.heads import UnitHead
from samdesk.training.networks.residual import stage
from samdesk.training.networks.stem import SpaceToDepth

FINE_STRIDE = 2
COARSE_STRIDE = 8


class SamNetwork(nn.Module):
    """Residual stages at strides 2, 4, 8 and 16 with a pyramid and two heads.

    Args:
        channels_in: input channels (HU windows).
        channels: features of the four stages.
        size: length of the fine and of the coarse vectors.

    Source:
        arXiv 2012.02383, section 3.
        # Paper: 3-D ResNet-18 of 33 M parameters, 128-d vectors, coarse cells of 8 x 32 x 32 mm.
        # A desktop has two cores: 2 M parameters, 32-d vectors, isotropic cells (sam.md 3).
    """

    def __init__(
        self, channels_in: int = 2, channels: Sequence[int] = (16, 32, 64, 128), size: int = 32
    ) -> None:
        super().__init__()
        c1, c2, c3, c4 = channels
        self.fold = SpaceToDepth()
        self.stage1 = nn.Sequential(
            nn.Conv3d(channels_in * 8, c1, 3, 1, 1, bias=False),
            nn.BatchNorm3d(c1),
            nn.ReLU(inplace=True),
            stage(c1, c1, 1, 1),
        )
        self.stage2 = stage(c1, c2, 2, 2)
        self.stage3 = stage(c2, c3, 2, 2)
        self.stage4 = stage(c3, c4, 2, 2)
        self.fine_pyramid = Pyramid(channels, size)
        self.coarse_pyramid = Pyramid((c3, c4), 2 * size)
        self.fine_head = UnitHead(size, size)
        self.coarse_head = UnitHead(2 * size, size)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Embed.

        Args:
            x: (b, channels_in, k, j, i), sides multiples of 16.

        Returns:
            Fine (b, size, k/2, j/2, i/2) and coarse (b, size, k/8, j/8, i/8) unit vectors.
        """
        s1 = self.stage1(self.fold(x))
        s2 = self.stage2(s1)
        s3 = self.stage3(s2)
        s4 = self.stage4(s3)
        fine = self.fine_head(self.fine_pyramid((s1, s2, s3, s4))[0])
        coarse = self.coarse_head(self.coarse_pyramid((s3, s4))[0])
        return fine, coarse
