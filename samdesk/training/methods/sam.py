"""SAM: self-supervised anatomical embeddings (arXiv 2012.02383).

Two views of a scan, or of two made patients, show the same places. A descriptor must be more alike
to the same place's descriptor in the other view than to any other place's:

    L = -mean log exp(q.k/tau) / (exp(q.k/tau) + sum_j exp(q.n_j/tau))

for the fine cells, for the coarse cells, and for both together as matching compares them.
"""

from collections.abc import Generator as Steps
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from torch import Generator, Tensor, nn

from samdesk.core.progress import Progress
from samdesk.core.runs import RunPlan
from samdesk.core.volume import Modality
from samdesk.errors import RunError
from samdesk.model.shelf import Shelf
from samdesk.training import evaluate
from samdesk.training.base import Prepared, Provenance
from samdesk.training.cells import NEVER, cell_centers, info_nce, read
from samdesk.training.data import crossing, scans
from samdesk.training.data.crossing import Crossing
from samdesk.training.data.pairs import Pair, PairSettings, PairSource, home
from samdesk.training.data.scans import TrainingScan
from samdesk.training.export import Promise, export
from samdesk.training.networks.sam import COARSE_STRIDE, FINE_STRIDE, SamNetwork
from samdesk.training.windows import WINDOWS, windowed

# fine and coarse maps (c, k, j, i) of the first and of the second patch of a pair
Output = tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]

# Cells whose first voxel is below this are air outside the patient.
AIR_HU = -990.0
MULTIPLE_OF = 16
N_HELD_OUT_PAIRS = 12


@dataclass(frozen=True)
class SamSettings:
    """Settings of the method; the names of a plan's `settings`.

    Attributes:
        spacing_mm: edge of the input voxels; fine cells are twice, coarse ones eight times that.
        channels, size: see `SamNetwork`.
        pairs: pairs a step.
        n_negatives: random fine cells that every query is compared with.
        n_ring, ring_mm: further ones close around the positive, and between which distances.
        n_hard, n_pool: the most similar of a pool of cells, by fine plus coarse similarity.
        exclude_mm, exclude_coarse_mm: nearer cells are neither positive nor negative.
        tau, tau_coarse, tau_fused: temperatures.
        drop_share: of another scan's coarse cells, the most similar part is not used, since it
            may be the same anatomy in another patient.
        crossing_model: folder of the model that finds pairs across people (self-training).
        crossing_source: "matches" as they are, or "registration" started from them.
    """

    spacing_mm: float = 2.5
    channels: tuple[int, ...] = (16, 32, 64, 128)
    size: int = 32
    pairs: int = 2
    n_negatives: int = 4096
    n_ring: int = 32
    ring_mm: tuple[float, float] = (9.0, 26.0)
    n_hard: int = 32
    n_pool: int = 8192
    exclude_mm: float = 8.0
    exclude_coarse_mm: float = 26.0
    tau: float = 0.08
    tau_coarse: float = 0.1
    tau_fused: float = 0.06
    drop_share: float = 0.05
    learning_rate: float = 2e-3
    crossing_model: str = ""
    crossing_source: str = "matches"
    drawing: PairSettings = field(default_factory=PairSettings)

    @classmethod
    def from_plan(cls, settings: Mapping[str, object]) -> "SamSettings":
        """Read a plan's settings.

        Raises:
            RunError: names that this method does not have, all in one sentence.
        """
        own = {f.name for f in fields(cls)} - {"drawing"}
        drawing = {f.name for f in fields(PairSettings)}
        unknown = sorted(set(settings) - own - drawing)
        if unknown:
            raise RunError(f"The method sam has no setting named {', '.join(unknown)}.")
        values = {k: tuple(v) if isinstance(v, list) else v for k, v in settings.items()}
        pairs = PairSettings(**{k: v for k, v in values.items() if k in drawing})  # type: ignore[arg-type]
        rest = {k: v for k, v in values.items() if k in own}
        return cls(drawing=pairs, **rest)  # type: ignore[arg-type]


@dataclass(frozen=True, eq=False)
class Side:
    """The descriptors that the loss needs of one view.

    Attributes:
        at: (n, 3) voxel indices of the shared places.
        fine, coarse: (n, c) there.
        far_fine, far_coarse: (m, c) at the negative cells.
        near_fine, near_coarse: (n, r, c) around each place.
        excluded: (n, m) cells too near to be negative; no_ring: (n, r) ring places outside.
        map_coarse: (c, k, j, i), all coarse cells.
        spacing_mm: of a voxel.
    """

    at: Tensor
    fine: Tensor
    coarse: Tensor
    far_fine: Tensor
    far_coarse: Tensor
    near_fine: Tensor
    near_coarse: Tensor
    excluded: Tensor
    no_ring: Tensor
    map_coarse: Tensor
    spacing_mm: float


class SamMethod:
    """The network's input, its loss, and what the charts show."""

    name = "sam"

    def __init__(self, settings: SamSettings) -> None:
        self._settings = settings

    @property
    def settings(self) -> SamSettings:
        """The plan's settings, checked."""
        return self._settings

    def network(self) -> nn.Module:
        """Build the network with weights from torch's global seed."""
        s = self.settings
        return SamNetwork(len(WINDOWS), s.channels, s.size)

    def prepare(self, plan: RunPlan, folder: Path) -> Steps[Progress, None, Prepared]:
        """Bring all scans onto the network's grid; held-out pairs are drawn once."""
        mm, drawing = self.settings.spacing_mm, self.settings.drawing
        cache = folder / "cache"
        ours = yield from scans.load(plan.data, mm, cache, plan.seed)
        crossings = yield from self._crossings(ours, cache)
        ours = [scan.to(home(plan.device)) for scan in ours]
        if not plan.validation:
            return Prepared(lambda rng: PairSource(ours, mm, drawing, rng, crossings))
        held = yield from scans.load(plan.validation, mm, cache, plan.seed)
        source = PairSource(held, mm, drawing, Generator().manual_seed(0))
        fixed = [source.draw() for _ in range(N_HELD_OUT_PAIRS)]
        inputs = [windowed(torch.stack([pair.first, pair.second])) for pair in fixed]
        return Prepared(
            lambda rng: PairSource(ours, mm, drawing, rng, crossings),
            lambda network: evaluate.held_out(network, fixed, inputs),
        )

    def _crossings(
        self, scans: list[TrainingScan], cache: Path
    ) -> Steps[Progress, None, list[Crossing]]:
        """Find places that two people's scans share, where the plan wants such pairs."""
        s = self.settings
        if not s.drawing.crossing_share:
            return []
        if not s.crossing_model:
            raise RunError(
                "A share of pairs across people needs a model that finds them.",
                hint="Name a model folder in the setting crossing_model.",
            )
        folder = Path(s.crossing_model)
        info = Shelf([folder.parent]).get(folder.name)
        return (yield from crossing.find(scans, s.spacing_mm, info, cache, s.crossing_source))

    def outputs(self, network: nn.Module, drawn: Sequence[Pair]) -> list[Output]:
        """Run the network and give fine and coarse maps pair by pair."""
        return list(_by_pair(network, self.inputs(drawn)))

    def inputs(self, pairs: Sequence[Pair]) -> list[Tensor]:
        """Stack patches of one shape: each (2 * pairs, c, k, j, i), first and second in turn."""
        shapes = {pair.first.shape for pair in pairs}
        if len(shapes) == 1:
            hu = torch.stack([p for pair in pairs for p in (pair.first, pair.second)])
            return [windowed(hu)]
        return [windowed(torch.stack([pair.first, pair.second])) for pair in pairs]

    def loss(
        self, outputs: Sequence[Output], pairs: Sequence[Pair], rng: Generator
    ) -> tuple[Tensor, dict[str, float]]:
        """Give the loss to step on, and its parts.

        Args:
            outputs: for each pair the fine and the coarse maps (c, k, j, i) of both patches.
            pairs: what the views share.
            rng: the only source of chance.
        """
        total = outputs[0][0][0].new_zeros(())
        parts: dict[str, list[float]] = {}
        for n, (pair, (fine, coarse)) in enumerate(zip(pairs, outputs, strict=True)):
            other = outputs[(n + 1) % len(outputs)][1][0] if len(outputs) > 1 else None
            sides = [self._side(pair, fine[v], coarse[v], v, rng) for v in (0, 1)]
            for query, key in (sides, sides[::-1]):
                loss, told = self._direction(query, key, other)
                total = total + loss / (2 * len(pairs))
                for name, value in told.items():
                    parts.setdefault(name, []).append(value)
        return total, {name: sum(values) / len(values) for name, values in parts.items()}

    def export(
        self, network: nn.Module, plan: RunPlan, told: Provenance, folder: Path
    ) -> dict[str, Any]:
        """Write the model folder."""
        s = self.settings
        promise = Promise(
            modality=Modality.CT,
            spacing_mm=s.spacing_mm,
            multiple_of=MULTIPLE_OF,
            windows=WINDOWS,
            strides=(FINE_STRIDE, COARSE_STRIDE),
            size=s.size,
        )
        info, least = export(network, promise, plan, told, folder)
        return {"folder": str(info.folder), "least_cosine": round(least, 6), "sha256": info.sha256}

    def _side(self, pair: Pair, fine: Tensor, coarse: Tensor, v: int, rng: Generator) -> Side:
        """Read all descriptors of one view at once: each read costs a pass over the whole map."""
        s = self.settings
        at = (pair.index_first, pair.index_second)[v]
        flat = self._negative_cells((pair.first, pair.second)[v], fine, coarse, at, pair, rng)
        cells = cell_centers(flat, fine.shape[1:], FINE_STRIDE)
        ring = self._ring(at, pair, v, rng)
        n, r = ring.shape[:2]
        around = ring.reshape(-1, 3)
        fine_places = read(fine, torch.cat([at, around]), FINE_STRIDE)
        coarse_places = read(coarse, torch.cat([at, around, cells]), COARSE_STRIDE)
        rows = fine.permute(1, 2, 3, 0).reshape(-1, fine.shape[0])
        return Side(
            at=at,
            fine=fine_places[:n],
            coarse=coarse_places[:n],
            far_fine=rows.index_select(0, flat),
            far_coarse=coarse_places[n + n * r :],
            near_fine=fine_places[n:].reshape(n, r, -1),
            near_coarse=coarse_places[n : n + n * r].reshape(n, r, -1),
            excluded=torch.cdist(at, cells) * pair.spacing_mm < s.exclude_mm + pair.noise_mm,
            no_ring=~torch.isfinite(ring).all(2),
            map_coarse=coarse,
            spacing_mm=pair.spacing_mm,
        )

    def _direction(
        self, query: Side, key: Side, other: Tensor | None
    ) -> tuple[Tensor, dict[str, float]]:
        s = self.settings
        f_pos, c_pos = (query.fine * key.fine).sum(1), (query.coarse * key.coarse).sum(1)
        f_far, c_far = query.fine @ key.far_fine.T, query.coarse @ key.far_coarse.T
        f_near = torch.einsum("nc,nrc->nr", query.fine, key.near_fine)
        c_near = torch.einsum("nc,nrc->nr", query.coarse, key.near_coarse)
        never = torch.cat([key.excluded, key.no_ring], 1)
        f_neg = torch.cat([f_far, f_near], 1)
        u_neg = (f_neg + torch.cat([c_far, c_near], 1)) / 2
        loss_fine, top = info_nce(f_pos, f_neg.masked_fill(never, NEVER), s.tau)
        loss_fused, top_fused = info_nce(
            (f_pos + c_pos) / 2, u_neg.masked_fill(never, NEVER), s.tau_fused
        )
        loss_coarse = self._coarse(query.coarse, c_pos, key, other)
        loss = loss_fine + loss_coarse + loss_fused
        return loss, {
            "loss": float(loss.detach()),
            "fine": float(loss_fine.detach()),
            "coarse": float(loss_coarse.detach()),
            "fused": float(loss_fused.detach()),
            "top1": top,
            "top1_fused": top_fused,
        }

    @torch.no_grad()
    def _negative_cells(
        self, hu: Tensor, fine: Tensor, coarse: Tensor, at: Tensor, pair: Pair, rng: Generator
    ) -> Tensor:
        """Flat numbers of random body cells, and of the hardest by fine plus coarse similarity.

        The hardest are sought from the same side: what looks like this place within this view is
        what the other view's descriptor of the place is likely to be mistaken for.
        """
        s = self.settings
        shape = fine.shape[1:]
        body = hu[::FINE_STRIDE, ::FINE_STRIDE, ::FINE_STRIDE] > AIR_HU
        cells = body.reshape(-1).nonzero()[:, 0]
        if len(cells) < 64:
            cells = torch.arange(body.numel(), device=hu.device)
        draws = torch.randint(
            len(cells), (s.n_negatives + (s.n_pool if s.n_hard else 0),), generator=rng
        )
        picked = cells[draws.to(cells.device)]
        far, pool = picked[: s.n_negatives], picked[s.n_negatives :]
        if not s.n_hard:
            return far
        where = cell_centers(pool, shape, FINE_STRIDE)
        some = at[torch.randperm(len(at), generator=rng)[:32].to(at.device)]
        rows = fine.permute(1, 2, 3, 0).reshape(-1, fine.shape[0])
        fused = read(fine, some, FINE_STRIDE) @ rows[pool].T
        fused += read(coarse, some, COARSE_STRIDE) @ read(coarse, where, COARSE_STRIDE).T
        near = torch.cdist(some, where) * pair.spacing_mm < s.exclude_mm + pair.noise_mm
        hard = fused.masked_fill(near, NEVER).topk(s.n_hard, 1).indices
        return torch.cat([far, pool[hard.reshape(-1)]])

    def _ring(self, at: Tensor, pair: Pair, v: int, rng: Generator) -> Tensor:
        """Places close around each positive, and its mirror image: (n, r, 3), NaN for none."""
        s = self.settings
        direction = torch.randn(len(at), s.n_ring, 3, generator=rng)
        direction = direction / direction.norm(dim=2, keepdim=True)
        low, high = (distance + pair.noise_mm for distance in s.ring_mm)
        length = torch.rand(len(at), s.n_ring, 1, generator=rng) * (high - low) + low
        ring = at[:, None] + (direction * length / pair.spacing_mm).to(at.device)
        shape = torch.tensor(pair.first.shape, device=at.device)
        ring[~((ring >= 0) & (ring <= shape - 1)).all(2)] = torch.nan
        return torch.cat([ring, pair.mirrored[:, None]], 1) if v == 1 else ring

    def _coarse(self, query: Tensor, positive: Tensor, key: Side, other: Tensor | None) -> Tensor:
        s = self.settings
        coarse = key.map_coarse
        n = coarse[0].numel()
        cells = cell_centers(torch.arange(n, device=coarse.device), coarse.shape[1:], COARSE_STRIDE)
        near = torch.cdist(key.at, cells) * key.spacing_mm < s.exclude_coarse_mm
        negative = (query @ coarse.reshape(coarse.shape[0], -1)).masked_fill(near, NEVER)
        if other is not None:
            far = query @ other.reshape(other.shape[0], -1)
            drop = max(1, int(s.drop_share * far.shape[1]))
            limit = far.detach().topk(drop, 1).values[:, -1:]
            negative = torch.cat([negative, far.masked_fill(far >= limit, NEVER)], 1)
        return info_nce(positive, negative, s.tau_coarse)[0]


def _by_pair(network: nn.Module, inputs: Iterable[Tensor]) -> Steps[Output, None, None]:
    for x in inputs:
        fine, coarse = network(x.to(memory_format=torch.channels_last_3d))
        # unbind and not slices: the gradient of a slice is a whole map of zeros around it
        fines, coarses = fine.unbind(0), coarse.unbind(0)
        for n in range(0, len(x), 2):
            yield (fines[n], fines[n + 1]), (coarses[n], coarses[n + 1])
