"""SAM on radiographs: the same idea in two dimensions (sam.md 5.3), from one labelled template.

A plan for it is one of the method "sam" with `settings["dimensions"] = 2`; its data are paths of
radiographs (PNG, JPEG, TIFF, DICOM), and `drr:PATH` for projections of a CT volume:

    {"method": "sam", "settings": {"dimensions": 2}, "data": ["a.png", ...], "minutes": 18}

`samdesk train --method sam --data FOLDER_OF_PICTURES --out RUN --minutes 10` writes that plan by
itself; `"start"` names a model folder or a checkpoint to go on from. The run ends with the model
folder RUN/export/NAME, which `samdesk match --model` and `model.flat` take.

All negatives are cells of the other view of the same picture. Cells of other pictures are no
negatives here: radiographs of one kind all show the same part of the body, so that a cell of
another picture is as likely to be the same place in another patient.
"""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Generator as Steps
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from torch import Generator, Tensor, nn

from samdesk.core.progress import Progress
from samdesk.core.runs import RunPlan
from samdesk.core.volume import Modality
from samdesk.errors import RunError
from samdesk.model.flat_input import WINDOWS
from samdesk.training.base import Prepared, Provenance
from samdesk.training.cells import NEVER, info_nce
from samdesk.training.cells_flat import cell_centers, read
from samdesk.training.data import pictures
from samdesk.training.data.crossing_flat import Crossing
from samdesk.training.data.picture_views import FlatPair, FlatSettings, FlatSource
from samdesk.training.data.pictures import TrainingPicture
from samdesk.training.evaluate import effective_rank
from samdesk.training.export import Promise, export
from samdesk.training.networks.flat import COARSE_STRIDE, FINE_STRIDE, MULTIPLE_OF, FlatNetwork

# fine and coarse maps (c, j, i) of the first and of the second view of a pair
Output = tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]

# As the loop names it; a run that goes on needs no time to learn before it compares pictures.
CHECKPOINT = "checkpoint.safetensors"
N_HELD_OUT_PAIRS = 24
N_PLACES = 64


@dataclass(frozen=True)
class SamFlatSettings:
    """Settings of the method; the names of a plan's `settings`.

    Attributes:
        long_side_px: radiographs are brought to this size.
        channels, size: see `FlatNetwork`.
        pairs: pairs a step.
        exclude_px, exclude_coarse_px: nearer cells are neither positive nor negative.
        tau, tau_coarse, tau_fused: temperatures.
        cross_after, cross_every: after so many steps, and then every so many, two pictures are
            compared for places that they share.
        drawing: how views are drawn; its names stand beside these in a plan.
    """

    long_side_px: int = 512
    channels: tuple[int, ...] = (32, 64, 128, 160)
    size: int = 64
    pairs: int = 4
    exclude_px: float = 8.0
    exclude_coarse_px: float = 40.0
    tau: float = 0.07
    tau_coarse: float = 0.1
    tau_fused: float = 0.06
    cross_after: int = 150
    cross_every: int = 2
    learning_rate: float = 2e-3
    drawing: FlatSettings = field(default_factory=FlatSettings)

    @classmethod
    def from_plan(cls, settings: Mapping[str, object]) -> "SamFlatSettings":
        """Read a plan's settings.

        Raises:
            RunError: names that this method does not have, all in one sentence.
        """
        own = {f.name for f in fields(cls)} - {"drawing"}
        drawing = {f.name for f in fields(FlatSettings)}
        unknown = sorted(set(settings) - own - drawing)
        if unknown:
            raise RunError(f"The method sam has no setting named {', '.join(unknown)} in 2-D.")
        values = {k: tuple(v) if isinstance(v, list) else v for k, v in settings.items()}
        views = FlatSettings(**{k: v for k, v in values.items() if k in drawing})  # type: ignore[arg-type]
        return cls(drawing=views, **{k: v for k, v in values.items() if k in own})  # type: ignore[arg-type]


class SamFlatMethod:
    """The data, the network's input, its loss, and what the charts show."""

    name = "sam"

    def __init__(self, settings: SamFlatSettings) -> None:
        self._settings = settings
        self._crossing: Crossing | None = None
        self._steps = 0

    @property
    def settings(self) -> SamFlatSettings:
        """The plan's settings, checked."""
        return self._settings

    def network(self) -> nn.Module:
        """Build the network with weights from torch's global seed."""
        return FlatNetwork(self.settings.channels, self.settings.size)

    def prepare(self, plan: RunPlan, folder: Path) -> Steps[Progress, None, Prepared]:
        """Read all pictures; held-out pairs are drawn once."""
        s, cache = self.settings, folder / "cache"
        if plan.start or (folder / CHECKPOINT).exists():
            self._steps = s.cross_after
        ours = yield from pictures.load(plan.data, s.long_side_px, cache, plan.seed)
        if not plan.validation:
            return Prepared(self._source(ours))
        held = yield from pictures.load(plan.validation, s.long_side_px, cache, plan.seed)
        source = FlatSource(held, s.drawing, Generator().manual_seed(0))
        fixed = [source.draw() for _ in range(N_HELD_OUT_PAIRS)]
        return Prepared(self._source(ours), lambda network: held_out(network, fixed))

    def _source(self, ours: list[TrainingPicture]) -> Callable[[Generator], FlatSource]:
        """Make the drawing of pairs, which learns of shared places as the network finds them."""

        def made(rng: Generator) -> FlatSource:
            own = Generator().manual_seed(rng.initial_seed())
            self._crossing = Crossing(ours, own)
            return FlatSource(ours, self.settings.drawing, rng, self._crossing.draw)

        return made

    def outputs(self, network: nn.Module, drawn: Sequence[FlatPair]) -> list[Output]:
        """Run the network on all views at once and give the maps pair by pair."""
        s = self.settings
        self._steps += 1
        is_due = self._steps > s.cross_after and self._steps % s.cross_every == 0
        if self._crossing and s.drawing.cross_share > 0 and is_due:
            self._crossing.seek(network)
        x = channels([view for pair in drawn for view in (pair.first, pair.second)])
        fine, coarse = network(x.to(memory_format=torch.channels_last))
        fines, coarses = fine.unbind(0), coarse.unbind(0)
        return [
            ((fines[n], fines[n + 1]), (coarses[n], coarses[n + 1])) for n in range(0, len(x), 2)
        ]

    def loss(
        self, outputs: Sequence[Output], drawn: Sequence[FlatPair], rng: Generator
    ) -> tuple[Tensor, dict[str, float]]:
        """Give the loss to step on, and its parts; `rng` is not needed, all cells are negatives."""
        total = outputs[0][0][0].new_zeros(())
        parts: dict[str, list[float]] = {}
        for pair, (fine, coarse) in zip(drawn, outputs, strict=True):
            at = pair.at_first, pair.at_second
            for query, key in ((0, 1), (1, 0)):
                maps = fine[query], coarse[query], fine[key], coarse[key]
                loss, told = self._direction(*maps, at[query], at[key])
                total = total + loss / (2 * len(drawn))
                for name, value in told.items():
                    parts.setdefault(name, []).append(value)
        return total, {name: sum(values) / len(values) for name, values in parts.items()}

    def export(
        self, network: nn.Module, plan: RunPlan, told: Provenance, folder: Path
    ) -> dict[str, Any]:
        """Write the model folder."""
        s = self.settings
        promise = Promise(
            modality=Modality.DX,
            spacing_mm=1.0,
            multiple_of=MULTIPLE_OF,
            windows=WINDOWS,
            strides=(FINE_STRIDE, COARSE_STRIDE),
            size=s.size,
            intensities="percentile",
            dimensions=2,
            long_side_px=s.long_side_px,
        )
        info, least = export(network, promise, plan, told, folder)
        return {"folder": str(info.folder), "least_cosine": round(least, 6), "sha256": info.sha256}

    def _direction(
        self,
        fine: Tensor,
        coarse: Tensor,
        key_fine: Tensor,
        key_coarse: Tensor,
        at: Tensor,
        key_at: Tensor,
    ) -> tuple[Tensor, dict[str, float]]:
        s = self.settings
        centers = cell_centers(key_fine.shape, FINE_STRIDE).to(at.device)
        q_fine, q_coarse = read(fine, at, FINE_STRIDE), read(coarse, at, COARSE_STRIDE)
        f_pos = (q_fine * read(key_fine, key_at, FINE_STRIDE)).sum(1)
        c_pos = (q_coarse * read(key_coarse, key_at, COARSE_STRIDE)).sum(1)
        near = torch.cdist(key_at, centers) < s.exclude_px
        f_neg = q_fine @ key_fine.flatten(1)
        c_neg = q_coarse @ read(key_coarse, centers, COARSE_STRIDE).T
        loss_fine, top = info_nce(f_pos, f_neg.masked_fill(near, NEVER), s.tau)
        loss_fused, top_fused = info_nce(
            (f_pos + c_pos) / 2, ((f_neg + c_neg) / 2).masked_fill(near, NEVER), s.tau_fused
        )
        cells = cell_centers(key_coarse.shape, COARSE_STRIDE).to(at.device)
        beside = torch.cdist(key_at, cells) < s.exclude_coarse_px
        far = (q_coarse @ key_coarse.flatten(1)).masked_fill(beside, NEVER)
        loss_coarse, _ = info_nce(c_pos, far, s.tau_coarse)
        loss = loss_fine + loss_coarse + loss_fused
        return loss, {
            "loss": float(loss.detach()),
            "fine": float(loss_fine.detach()),
            "coarse": float(loss_coarse.detach()),
            "fused": float(loss_fused.detach()),
            "top1": top,
            "top1_fused": top_fused,
        }


def channels(views: Sequence[Tensor]) -> Tensor:
    """Stack (j, i) grey values to the network's input (b, 1, j, i)."""
    x = torch.stack(list(views))
    return torch.stack([(x.clamp(a, b) - c) / d for a, b, c, d in WINDOWS], 1)


@torch.no_grad()
def held_out(network: nn.Module, pairs: Sequence[FlatPair]) -> dict[str, float]:
    """Match places of each pair's first view in its second, without refinement.

    Args:
        network: in evaluation mode.
        pairs: always the same ones, so that the figures of a run can be compared.

    Returns:
        median error and 95th percentile in input pixels, share within 10 of them, mean |cosine| of
        random cells (collapse: above 0.5) and effective rank of the fine vectors.
    """
    errors, vectors = [], []
    for pair in pairs:
        fine, coarse = network(channels([pair.first, pair.second]))
        at = pair.at_first[:N_PLACES]
        centers = cell_centers(fine.shape, FINE_STRIDE)
        alike = read(fine[0], at, FINE_STRIDE) @ fine[1].flatten(1)
        alike += read(coarse[0], at, COARSE_STRIDE) @ read(coarse[1], centers, COARSE_STRIDE).T
        found = centers[alike.argmax(1)]
        errors.append((found - pair.at_second[:N_PLACES]).norm(dim=1))
        vectors.append(fine[1].flatten(1).T[::9])
    px, rows = torch.cat(errors), torch.cat(vectors)
    half = len(rows) // 2
    cosines = (rows[:half] * rows[half : 2 * half]).sum(1)
    return {
        "median_px": round(float(px.median()), 3),
        "p95_px": round(float(px.quantile(0.95)), 2),
        "within_10px_share": round(float((px <= 10).float().mean()), 4),
        "mean_cosine": round(float(cosines.abs().mean()), 4),
        "effective_rank": round(effective_rank(rows), 2),
    }
