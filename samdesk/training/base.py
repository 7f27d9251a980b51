"""What a training method must offer. The loop does the rest."""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

import torch
from torch import Tensor, nn

from samdesk.core.progress import Progress
from samdesk.core.runs import RunPlan

# A setting of the loop and of no method: the run ends after so many steps.
STEPS = "steps"


class Item(Protocol):
    """What is drawn for a step: a pair of views, a masked patch."""

    def to(self, device: torch.device) -> Self:
        """Give the same with its tensors on the device."""


T_contra = TypeVar("T_contra", bound=Item, contravariant=True)
T_co = TypeVar("T_co", bound=Item, covariant=True)


class Source(Protocol[T_co]):
    """Draws items from the prepared data; all its chance comes from the run's generator."""

    def draw(self) -> T_co:
        """Draw one."""


# Measures a network in evaluation mode on held-out items: figures by name.
Probe = Callable[[nn.Module], dict[str, float]]


@dataclass(frozen=True)
class Prepared:
    """A run's data, ready to be drawn from.

    Attributes:
        source: makes the drawing of items from the run's generator.
        probe: measures held-out data; None where the plan names none.
    """

    source: Callable[[torch.Generator], Source[Any]]
    probe: Probe | None = None


@dataclass(frozen=True)
class Provenance:
    """Where the weights come from, for manifest and card.

    Attributes:
        data: one line for each scan: name and sha256.
        licence: of the data, and so of the weights.
        command, commit: how to make them again.
        figures: measured on held-out scans.
    """

    data: tuple[str, ...]
    licence: str
    command: str
    commit: str
    figures: Mapping[str, float]


class LoopSettings(Protocol):
    """What the loop asks of a method's settings."""

    @property
    def learning_rate(self) -> float:
        """The largest rate of the schedule."""

    @property
    def pairs(self) -> int:
        """Items in a step."""


class Method(Protocol[T_contra]):
    """A way of learning without labels: it owns its data, its network, its loss and its export."""

    name: str

    @property
    def settings(self) -> LoopSettings:
        """The plan's settings, checked."""

    def network(self) -> nn.Module:
        """Build the network, weights drawn from torch's global seed."""

    def prepare(self, plan: RunPlan, folder: Path) -> Generator[Progress, None, Prepared]:
        """Bring the plan's data into memory, through a cache in the run's folder.

        Raises:
            RunError: nothing of it could be used.
        """

    def outputs(self, network: nn.Module, drawn: Sequence[T_contra]) -> Any:
        """Pass the items of a step through the network; the loop runs this in autocast."""

    def loss(
        self, outputs: Any, drawn: Sequence[T_contra], rng: torch.Generator
    ) -> tuple[Tensor, dict[str, float]]:
        """Give the loss to step on, and its named parts for the chart ("loss" among them)."""

    def export(
        self, network: nn.Module, plan: RunPlan, told: Provenance, folder: Path
    ) -> dict[str, Any]:
        """Write what the run is for into `folder`, and give the values of the event "exported".

        Returns:
            "folder" and "sha256" at least.

        Raises:
            RunError: what was written is not what was trained.
        """
