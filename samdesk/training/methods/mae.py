"""MAE: learning to fill in hidden blocks, the usual rival of SAM as a start for other networks.

Blocks of a patch are hidden and drawn back:

    L = mean |filled - true| over hidden voxels + the same of block means at the coarse cells
"""

from collections.abc import Generator as Steps
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name torch's own manual uses

from samdesk.core.progress import Progress
from samdesk.core.runs import RunPlan
from samdesk.core.volume import Modality
from samdesk.errors import RunError
from samdesk.model.intensities import HU, PERCENTILE
from samdesk.training import checkpoint
from samdesk.training.base import Prepared, Provenance
from samdesk.training.data import scans
from samdesk.training.data.scans import TrainingScan
from samdesk.training.data.views import cut, random_view
from samdesk.training.export import Promise, export
from samdesk.training.networks.mae import Described, MaeNetwork
from samdesk.training.networks.segmenter import layout_of
from samdesk.training.windows import WINDOWS, windowed

AIR_HU = -1000.0
MULTIPLE_OF = 16
STRIDES = (2, 8)
# The coarse cells' filler gives means of so many voxels along each axis.
POOL = 4
N_HELD_OUT = 12
# Of smaller patches the coarsest map has two cells a side, for which oneDNN's bf16 convolution
# gives gradients that are no numbers (see the loop); so these are passed in full precision.
SMALLEST_HALF = 48


@dataclass(frozen=True)
class MaeSettings:
    """Settings of the method; the names of a plan's `settings`.

    Attributes:
        modality: CT, or MR whose values are brought to fixed numbers first.
        spacing_mm: edge of the input voxels.
        channels, size: see `MaeNetwork`.
        layout: a checkpoint or model folder whose channels and size are taken instead.
        pairs: patches a step.
        patch: voxels of a patch along (k, j, i), multiples of 16 and of the block.
        block: edge of a hidden block, in voxels.
        hidden_share: of the blocks.
    """

    modality: str = Modality.CT.value
    spacing_mm: float = 2.5
    channels: tuple[int, ...] = (16, 32, 64, 128)
    size: int = 32
    layout: str = ""
    pairs: int = 4
    patch: tuple[int, ...] = (64, 64, 64)
    block: int = 8
    hidden_share: float = 0.6
    learning_rate: float = 2e-3

    @classmethod
    def from_plan(cls, settings: Mapping[str, Any]) -> "MaeSettings":
        """Read a plan's settings.

        Raises:
            RunError: names that this method does not have, or sides that do not fit.
        """
        unknown = sorted(set(settings) - {f.name for f in fields(cls)})
        if unknown:
            raise RunError(f"The method mae has no setting named {', '.join(unknown)}.")
        values = {k: tuple(v) if isinstance(v, list) else v for k, v in settings.items()}
        made = cls(**values)  # type: ignore[arg-type]
        if made.modality not in (Modality.CT.value, Modality.MR.value):
            raise RunError(f"The method mae learns from CT or MR, not from {made.modality}.")
        if any(side % MULTIPLE_OF or side % made.block for side in made.patch):
            raise RunError(
                f"The sides of a patch are multiples of {MULTIPLE_OF} and of the block; these are "
                f"{made.patch} and {made.block}."
            )
        return made

    @property
    def intensities(self) -> str:
        """How values are brought to the network's numbers, see `model.intensities`."""
        return HU if self.modality == Modality.CT.value else PERCENTILE


@dataclass(frozen=True, eq=False)
class Masked:
    """A patch and what of it is hidden.

    Attributes:
        values: (k, j, i) HU or fixed numbers.
        hidden: (k, j, i) bool.
    """

    values: Tensor
    hidden: Tensor

    def to(self, device: torch.device) -> "Masked":
        """Give the same with its tensors on the device."""
        return Masked(self.values.to(device), self.hidden.to(device))


class MaskedSource:
    """Draws patches around places of the body; all chance comes from one generator."""

    def __init__(
        self, given: Sequence[TrainingScan], settings: MaeSettings, rng: Generator
    ) -> None:
        self.scans = [scan for scan in given if len(scan.body)]
        if not self.scans:
            raise RunError("None of the scans shows a body.", code="nothing-to-open")
        self.settings = settings
        self.rng = rng
        # as SAM's drawing: a scan twice as large is not drawn twice as often
        self.weights = torch.tensor([float(len(s.body)) for s in self.scans]).sqrt()

    def draw(self) -> Masked:
        """Draw a patch, and hide whole blocks of it."""
        s = self.settings
        scan = self.scans[int(torch.multinomial(self.weights, 1, generator=self.rng))]
        middle = scan.body[int(torch.randint(len(scan.body), (1,), generator=self.rng))]
        shape = (s.patch[0], s.patch[1], s.patch[2])
        view = random_view(shape, middle, s.spacing_mm, self.rng)
        values = cut(scan.hu, scan.origin, s.spacing_mm, view, AIR_HU)
        blocks = torch.rand([n // s.block for n in shape], generator=self.rng) < s.hidden_share
        for axis in range(3):
            blocks = blocks.repeat_interleave(s.block, axis)
        return Masked(values, blocks)


class MaeMethod:
    """Masked autoencoding."""

    name = "mae"

    def __init__(self, settings: MaeSettings) -> None:
        self._settings = settings

    @property
    def settings(self) -> MaeSettings:
        """The plan's settings, checked."""
        return self._settings

    def network(self) -> nn.Module:
        """Build the network with weights from torch's global seed."""
        return MaeNetwork(len(WINDOWS), *self._layout())

    def _layout(self) -> tuple[tuple[int, ...], int]:
        s = self.settings
        if not s.layout:
            return s.channels, s.size
        try:
            return layout_of(checkpoint.weights(Path(s.layout)))
        except ValueError as error:
            raise RunError(f"The layout cannot be read: {error}.", code="plan") from error

    def prepare(self, plan: RunPlan, folder: Path) -> Steps[Progress, None, Prepared]:
        """Bring all scans onto the network's grid; held-out patches are drawn once."""
        s, cache = self.settings, folder / "cache"
        ours = yield from scans.load(plan.data, s.spacing_mm, cache, plan.seed, s.intensities)

        def source(rng: Generator) -> MaskedSource:
            return MaskedSource(ours, s, rng)

        if not plan.validation:
            return Prepared(source)
        held = yield from scans.load(plan.validation, s.spacing_mm, cache, plan.seed, s.intensities)
        drawn = MaskedSource(held, s, Generator().manual_seed(0))
        fixed = [drawn.draw() for _ in range(N_HELD_OUT)]

        @torch.no_grad()
        def probe(network: nn.Module) -> dict[str, float]:
            _, parts = self.loss(self.outputs(network, fixed), fixed, Generator())
            return {"held_out_loss": round(parts["loss"], 5)}

        return Prepared(source, probe)

    def outputs(self, network: nn.Module, drawn: Sequence[Masked]) -> tuple[Tensor, Tensor]:
        """Let the network fill in the patches of a step."""
        x = windowed(torch.stack([one.values for one in drawn]))
        hidden = torch.stack([one.hidden for one in drawn])
        whole = min(self.settings.patch) < SMALLEST_HALF
        with torch.autocast(x.device.type, enabled=False) if whole else nullcontext():
            made: tuple[Tensor, Tensor] = network(
                x.to(memory_format=torch.channels_last_3d), hidden
            )
        return made

    def loss(
        self, outputs: tuple[Tensor, Tensor], drawn: Sequence[Masked], rng: Generator
    ) -> tuple[Tensor, dict[str, float]]:
        """Give the mean deviation over what was hidden, fine and coarse.

        Args:
            outputs: of `MaeNetwork`.
            drawn: the patches.
            rng: not used; nothing here is left to chance.
        """
        fine, coarse = outputs
        x = windowed(torch.stack([one.values for one in drawn]))
        hidden = torch.stack([one.hidden for one in drawn])[:, None].float()
        fine_loss = _over((fine.float() - x).abs(), hidden)
        away = (coarse.float() - F.avg_pool3d(x, POOL)).abs()
        coarse_loss = _over(away, F.avg_pool3d(hidden, POOL))
        loss = fine_loss + coarse_loss
        parts = {"loss": loss, "fine": fine_loss, "coarse": coarse_loss}
        return loss, {name: float(value.detach()) for name, value in parts.items()}

    def export(
        self, network: nn.Module, plan: RunPlan, told: Provenance, folder: Path
    ) -> dict[str, Any]:
        """Write the model folder: the pyramids' maps as descriptors."""
        if not isinstance(network, MaeNetwork):
            raise RunError("This is no network of the method mae.")
        s = self.settings
        promise = Promise(
            modality=Modality(s.modality),
            spacing_mm=s.spacing_mm,
            multiple_of=MULTIPLE_OF,
            windows=WINDOWS,
            strides=STRIDES,
            size=self._layout()[1],
            intensities=s.intensities,
        )
        info, least = export(Described(network), promise, plan, told, folder)
        return {"folder": str(info.folder), "least_cosine": round(least, 6), "sha256": info.sha256}


def _over(deviation: Tensor, hidden: Tensor) -> Tensor:
    """Mean over hidden voxels and channels; (b, c, k, j, i) and (b, 1, k, j, i)."""
    return (deviation * hidden).sum() / (hidden.sum() * deviation.shape[1]).clamp_min(1e-6)
