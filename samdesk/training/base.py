"""What a training method must offer. The loop does the rest."""

from collections.abc import Sequence
from typing import Protocol

from torch import Generator, Tensor, nn

from samdesk.training.data.pairs import Pair, PairSettings

# fine and coarse maps (c, k, j, i) of the first and of the second patch of a pair
Output = tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]


class LoopSettings(Protocol):
    """What the loop asks of a method's settings."""

    @property
    def learning_rate(self) -> float:
        """The largest rate of the schedule."""

    @property
    def pairs(self) -> int:
        """Pairs in a step."""

    @property
    def spacing_mm(self) -> float:
        """Edge of the network's input voxels."""

    @property
    def drawing(self) -> PairSettings:
        """How pairs are drawn."""


class Method(Protocol):
    """A way of learning without labels."""

    name: str

    @property
    def settings(self) -> LoopSettings:
        """The plan's settings, checked."""

    def network(self) -> nn.Module:
        """Build the network, weights drawn from torch's global seed."""

    def inputs(self, pairs: Sequence[Pair]) -> list[Tensor]:
        """Make the network's input: tensors (b, c, k, j, i) that hold all patches in turn."""

    def loss(
        self, outputs: Sequence[Output], pairs: Sequence[Pair], rng: Generator
    ) -> tuple[Tensor, dict[str, float]]:
        """Give the loss to step on, and its named parts for the chart."""
