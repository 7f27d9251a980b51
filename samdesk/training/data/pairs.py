"""Draw pairs of patches and the places they share."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from samdesk.errors import RunError
from samdesk.training.data.augment import augmented
from samdesk.training.data.crossing import Crossing
from samdesk.training.data.scans import TrainingScan
from samdesk.training.data.views import View, cut, random_view

AIR_HU = -1000.0
# One volume of voxels in three shapes (k, j, i): long ones tell vertebrae apart, wide ones hold
# a place and its mirror image, so that left and right are each other's negatives.
SHAPES = ((96, 64, 64), (64, 64, 96), (64, 48, 128))
# Outside this margin (voxels) a descriptor has seen mostly padding.
EDGE = 2.0
# Places drawn in a scan, of which a pair of patches shares some hundreds.
N_DRAWN = 40_000
LEAST_SHARED = 1000
# Between the lattice points of two people's scans, places are reached by the local affine.
OFFSET_MM = 7.0
# How far the same place in two people's scans is from where the crossing says, about.
CROSSING_NOISE_MM = 7.0


@dataclass(frozen=True, eq=False)
class Pair:
    """Two patches and n places that both show.

    Attributes:
        first, second: (k, j, i) HU.
        index_first, index_second: (n, 3) voxel indices of the same places.
        mirrored: (n, 3) index in `second` of each place's mirror image; NaN where it is outside,
            or closer to the place itself than 30 mm.
        spacing_mm: of a voxel of the patches, about.
        noise_mm: how far off the places may be; so much more is kept out of the negatives.
    """

    first: Tensor
    second: Tensor
    index_first: Tensor
    index_second: Tensor
    mirrored: Tensor
    spacing_mm: float
    noise_mm: float = 0.0

    def to(self, device: torch.device) -> "Pair":
        """Give the pair with its tensors on the device."""
        return Pair(
            self.first.to(device),
            self.second.to(device),
            self.index_first.to(device),
            self.index_second.to(device),
            self.mirrored.to(device),
            self.spacing_mm,
            self.noise_mm,
        )


@dataclass(frozen=True)
class PairSettings:
    """How pairs are drawn.

    Attributes:
        n_places: wanted in a pair.
        phantom_share: pairs from made patients.
        cross_share: of those, pairs of two different patients.
        crossing_share: of the pairs of real scans, pairs of two people that a model found.
        shapes: voxels of the patches along (k, j, i), multiples of 16.
        elastic_mm, bump_mm: see `random_view`.
    """

    n_places: int = 192
    phantom_share: float = 0.4
    cross_share: float = 0.6
    crossing_share: float = 0.0
    shapes: tuple[tuple[int, int, int], ...] = SHAPES
    elastic_mm: float = 5.0
    bump_mm: float = 18.0


def home(asked: str) -> torch.device:
    """Say where scans lie during a run: beside the network, for copying would starve a GPU."""
    is_there = asked in ("auto", "cuda") and torch.cuda.is_available()
    return torch.device("cuda" if is_there else "cpu")


class PairSource:
    """Draws pairs from scans; all chance comes from one generator."""

    def __init__(
        self,
        scans: list[TrainingScan],
        spacing_mm: float,
        settings: PairSettings,
        rng: Generator,
        crossings: Sequence[Crossing] = (),
    ) -> None:
        self.spacing_mm = spacing_mm
        self.scans = scans
        self.crossings = crossings
        self.device = scans[0].hu.device if scans else torch.device("cpu")
        self.settings = settings
        self.rng = rng
        self.real = [s for s in scans if s.shared is None]
        self.made = [s for s in scans if s.shared is not None]
        # A scan twice as large has more to learn from, but not twice as often.
        sizes = torch.tensor([float(len(s.body)) for s in self.real]) if self.real else None
        self.weights = None if sizes is None else sizes.sqrt()
        self.crossing_weights = torch.tensor([float(len(c.at_first)) for c in crossings]).sqrt()

    def draw(self) -> Pair:
        """Draw until a pair shares enough places."""
        while True:
            pair = self._attempt()
            if pair is not None:
                return pair

    def _chance(self) -> float:
        return float(torch.rand(1, generator=self.rng))

    def _int(self, n: int) -> int:
        return int(torch.randint(n, (1,), generator=self.rng))

    def _attempt(self) -> Pair | None:
        shapes = self.settings.shapes
        shape = shapes[self._int(len(shapes))]
        if self.made and (not self.real or self._chance() < self.settings.phantom_share):
            a = self.made[self._int(len(self.made))]
            cross = self._chance() < self.settings.cross_share
            others = [s for s in self.made if (s.patient != a.patient) == cross]
            b = others[self._int(len(others))] if others else a
            return self._made_pair(a, b, shape)
        if self.weights is None:
            raise RunError("There are neither scans nor made patients to draw pairs from.")
        if self.crossings and self._chance() < self.settings.crossing_share:
            return self._crossed_pair(shape)
        a = self.real[int(torch.multinomial(self.weights, 1, generator=self.rng))]
        if len(a.body) < LEAST_SHARED:
            return None
        picked = torch.randint(len(a.body), (N_DRAWN,), generator=self.rng)
        within = torch.rand(N_DRAWN, 3, generator=self.rng) - 0.5
        places = a.body[picked.to(self.device)] + within.to(self.device) * self.spacing_mm
        return self._pair(a, a, places, places, shape)

    def _made_pair(
        self, a: TrainingScan, b: TrainingScan, shape: tuple[int, int, int]
    ) -> Pair | None:
        if a.shared is None or b.shared is None:
            return None
        both = (a.shared[:, 0].isfinite() & b.shared[:, 0].isfinite()).nonzero()[:, 0]
        if len(both) < LEAST_SHARED:
            return None
        return self._pair(a, b, a.shared[both], b.shared[both], shape)

    def _crossed_pair(self, shape: tuple[int, int, int]) -> Pair | None:
        """Draw views of two people."""
        number = int(torch.multinomial(self.crossing_weights, 1, generator=self.rng))
        crossing = self.crossings[number]
        if self._chance() < 0.5:
            crossing = crossing.swapped()
        n = torch.randint(len(crossing.at_first), (N_DRAWN // 2,), generator=self.rng)
        offset = (torch.rand(len(n), 3, generator=self.rng) - 0.5) * 2 * OFFSET_MM
        at_a = (crossing.at_first[n] + offset).to(self.device)
        turned = (crossing.linear[n] @ offset[:, :, None])[:, :, 0]
        at_b = (crossing.at_second[n] + turned).to(self.device)
        a, b = self.scans[crossing.first], self.scans[crossing.second]
        return self._pair(a, b, at_a, at_b, shape, noise_mm=CROSSING_NOISE_MM)

    def _pair(
        self,
        a: TrainingScan,
        b: TrainingScan,
        at_a: Tensor,
        at_b: Tensor,
        shape: tuple[int, int, int],
        *,
        noise_mm: float = 0.0,
    ) -> Pair | None:
        n = self._int(len(at_a))
        size = torch.tensor(shape)
        jitter = (torch.rand(2, 3, generator=self.rng) - 0.5) * (size * self.spacing_mm * 0.35)
        jitter, half = jitter.to(self.device), (size * self.spacing_mm * 0.5).to(self.device)
        first = random_view(
            shape, _inside(a, at_a[n] + jitter[0], half, self.spacing_mm), self.spacing_mm, self.rng
        )
        second = random_view(
            shape,
            _inside(b, at_b[n] + jitter[1], half, self.spacing_mm),
            self.spacing_mm,
            self.rng,
            elastic_mm=self.settings.elastic_mm,
            bump_mm=self.settings.bump_mm if self._chance() < 0.5 else 0.0,
        )
        u, v = first.to_index(at_a), _near(second, at_b)
        keep = (_within(u, shape) & _within(v, shape)).nonzero()[:, 0]
        if len(keep) < self.settings.n_places // 3:
            return None
        order = torch.randperm(len(keep), generator=self.rng)[: self.settings.n_places]
        keep = keep[order.to(self.device)]
        exact = second.to_index(at_b[keep])
        middle = b.body[:, 2].median()
        image_mm = at_b[keep].clone()
        image_mm[:, 2] = 2 * middle - image_mm[:, 2]
        mirrored = second.to_index(image_mm)
        far = (image_mm - at_b[keep]).norm(dim=1) > 30
        mirrored[~(far & _within(mirrored, shape))] = torch.nan
        return Pair(
            self._patch(a, first),
            self._patch(b, second),
            u[keep],
            exact,
            mirrored,
            self.spacing_mm,
            noise_mm,
        )

    def _patch(self, scan: TrainingScan, view: View) -> Tensor:
        hu = cut(scan.hu, scan.origin, self.spacing_mm, view, AIR_HU)
        return augmented(hu, self.rng)


def _inside(scan: TrainingScan, center: Tensor, half: Tensor, spacing_mm: float) -> Tensor:
    """Move a patch's center so that it does not show more air beyond the scan than it must."""
    low = scan.origin + half * 0.7
    shape = torch.tensor(scan.hu.shape, device=scan.origin.device)
    high = scan.origin + shape * spacing_mm - half * 0.7
    middle = (low + high) / 2
    low, high = torch.minimum(low, middle), torch.maximum(high, middle)
    return torch.minimum(torch.maximum(center, low), high)


def _near(view: View, mm: Tensor) -> Tensor:
    """Indices without the elastic part: good enough to sort out what lies far outside."""
    return View(view.shape, view.center, view.matrix).to_index(mm)


def _within(index: Tensor, shape: tuple[int, int, int]) -> Tensor:
    high = torch.tensor(shape, device=index.device) - 1 - EDGE
    return ((index >= EDGE) & (index <= high)).all(1)
