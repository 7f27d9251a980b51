"""Two views of one radiograph, changed in shape and grey, with the places that both show."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn import functional as F  # noqa: N812 - the name torch's own manual uses

from samdesk.model.flat_input import BRIGHTEST, DARKEST
from samdesk.training.data.pictures import TrainingPicture

# Knots of the random curve of grey, and of the slow change of brightness over a view.
CURVE_KNOTS = 7
SHADE_KNOTS = 4
# Places tried in the second view, of which the first shows a part.
N_DRAWN = 4000
# Places that two views of different pictures must share.
FEWEST_ACROSS = 30


@dataclass(frozen=True)
class FlatSettings:
    """How views are drawn.

    Attributes:
        view_px: side of the square views.
        n_places: wanted in a pair.
        turn_deg, scale, stretch, shear: the largest changes of shape; `scale` and `stretch` as
            factors.
        elastic_px, knot_px: displacements of a control grid in the second view (standard
            deviation), and its mesh.
        cross_share: pairs of two pictures, once the network has found places that they share. 330
            steps with 0.4 left the figures of JSRT and of cephalograms where they were (split val),
            and a step took a quarter longer: none unless asked for.
    """

    view_px: int = 384
    n_places: int = 192
    turn_deg: float = 14.0
    scale: float = 1.3
    stretch: float = 1.15
    shear: float = 0.1
    elastic_px: float = 9.0
    knot_px: float = 80.0
    cross_share: float = 0.0


@dataclass(frozen=True, eq=False)
class FlatPair:
    """Two views and n places that both show.

    Attributes:
        first, second: (j, i) grey values, -1000 to 1000.
        at_first, at_second: (n, 2) pixels (x, y) of the same places.
    """

    first: Tensor
    second: Tensor
    at_first: Tensor
    at_second: Tensor

    def to(self, device: torch.device) -> "FlatPair":
        """Give the pair with its tensors on the device."""
        return FlatPair(
            self.first.to(device),
            self.second.to(device),
            self.at_first.to(device),
            self.at_second.to(device),
        )


@dataclass(frozen=True, eq=False)
class SharedPlaces:
    """Two pictures and the places that they share.

    Attributes:
        first, second: the pictures.
        at_first, at_second: (n, 2) pixels (x, y) of the same places.
    """

    first: TrainingPicture
    second: TrainingPicture
    at_first: Tensor
    at_second: Tensor


@dataclass(frozen=True, eq=False)
class FlatView:
    """A map from a view's pixels to a picture's: p = matrix (u - middle) + center + bend(u).

    Attributes:
        side: pixels of the square view.
        center: (2,) pixel (x, y) of the picture in the middle.
        matrix: (2, 2).
        bend: (2, j, i) displacement in the picture's pixels at each of the view's, or None.
    """

    side: int
    center: Tensor
    matrix: Tensor
    bend: Tensor | None = None

    def to_picture(self, at: Tensor) -> Tensor:
        """Take places (n, 2) of the view to the picture."""
        out = (at - (self.side - 1) / 2) @ self.matrix.T + self.center
        if self.bend is None:
            return out
        grid = (2 * at / (self.side - 1) - 1)[None, None]
        bent = F.grid_sample(self.bend[None], grid, align_corners=True, padding_mode="border")
        return out + bent[0, :, 0].T

    def to_view(self, at: Tensor) -> Tensor:
        """Take places (n, 2) of the picture to the view, whose map must not bend."""
        back = torch.linalg.inv(self.matrix)
        out: Tensor = (at - self.center) @ back.T + (self.side - 1) / 2
        return out

    def cut(self, values: Tensor, *, repeat: bool) -> Tensor:
        """Sample (j, i) values; beyond the picture they are dark, or its edge goes on."""
        axis = torch.arange(self.side, dtype=torch.float32)
        y, x = torch.meshgrid(axis, axis, indexing="ij")
        at = self.to_picture_grid(torch.stack([x, y], -1))
        sizes = torch.tensor([values.shape[1], values.shape[0]], dtype=torch.float32)
        grid = 2 * at / (sizes - 1) - 1
        mode = "border" if repeat else "zeros"
        shifted = (values - DARKEST)[None, None]
        out = F.grid_sample(shifted, grid[None], align_corners=True, padding_mode=mode)
        return out[0, 0] + DARKEST

    def to_picture_grid(self, at: Tensor) -> Tensor:
        """Take the view's own pixels (j, i, 2) to the picture."""
        out = (at - (self.side - 1) / 2) @ self.matrix.T + self.center
        return out if self.bend is None else out + self.bend.permute(1, 2, 0)


class FlatSource:
    """Draws pairs of views from pictures; all chance comes from one generator."""

    def __init__(
        self,
        pictures: Sequence[TrainingPicture],
        settings: FlatSettings,
        rng: Generator,
        known: Callable[[], SharedPlaces | None] = lambda: None,
    ) -> None:
        self.pictures = pictures
        self.settings = settings
        self.rng = rng
        self.known = known

    def draw(self) -> FlatPair:
        """Draw until a pair shares enough places."""
        while True:
            shared = self.known() if self._uniform(0, 1) < self.settings.cross_share else None
            if shared is not None:
                pair = self._across(shared)
                if pair is not None:
                    return pair
            picture = self.pictures[
                int(torch.randint(len(self.pictures), (1,), generator=self.rng))
            ]
            pair = self._attempt(picture)
            if pair is not None:
                return pair

    def _attempt(self, picture: TrainingPicture) -> FlatPair | None:
        s = self.settings
        center = picture.places[int(torch.randint(len(picture.places), (1,), generator=self.rng))]
        first = self._view(picture, center, bends=False)
        second = self._view(picture, center, bends=True)
        within = torch.rand(N_DRAWN, 2, generator=self.rng) * (s.view_px - 1)
        at = second.to_picture(within)
        u = first.to_view(at)
        inside = ((u >= 0) & (u <= s.view_px - 1)).all(1) & _shows(picture, at)
        keep = inside.nonzero()[:, 0][: s.n_places]
        if len(keep) < s.n_places // 3:
            return None
        return FlatPair(
            self._grey(first, picture), self._grey(second, picture), u[keep], within[keep]
        )

    def _across(self, shared: SharedPlaces) -> FlatPair | None:
        """Show two pictures around a place that they share."""
        s = self.settings
        one, other = shared.first, shared.second
        n = int(torch.randint(len(shared.at_first), (1,), generator=self.rng))
        first = self._view(one, shared.at_first[n], bends=False)
        second = self._view(other, shared.at_second[n], bends=False)
        u, v = first.to_view(shared.at_first), second.to_view(shared.at_second)
        inside = ((u >= 0) & (u <= s.view_px - 1) & (v >= 0) & (v <= s.view_px - 1)).all(1)
        keep = inside.nonzero()[:, 0]
        keep = keep[torch.randperm(len(keep), generator=self.rng)[: s.n_places]]
        if len(keep) < FEWEST_ACROSS:
            return None
        return FlatPair(self._grey(first, one), self._grey(second, other), u[keep], v[keep])

    def _uniform(self, low: float, high: float) -> float:
        return low + (high - low) * float(torch.rand(1, generator=self.rng))

    def _view(self, picture: TrainingPicture, center: Tensor, *, bends: bool) -> FlatView:
        s = self.settings
        turn = math.radians(self._uniform(-s.turn_deg, s.turn_deg))
        zoom = math.exp(self._uniform(-1, 1) * math.log(s.scale))
        stretch = math.exp(self._uniform(-1, 1) * math.log(s.stretch))
        shear = self._uniform(-s.shear, s.shear)
        cos, sin = math.cos(turn), math.sin(turn)
        spin = torch.tensor([[cos, -sin], [sin, cos]])
        shape = torch.tensor([[zoom * stretch, shear], [0.0, zoom / stretch]])
        # near the picture's middle, so that a view shows little beyond it
        rows, columns = picture.values.shape
        middle = torch.tensor([(columns - 1) / 2, (rows - 1) / 2])
        pull = self._uniform(0.3, 1.0)
        bend = self._bend() if bends else None
        return FlatView(s.view_px, center + pull * (middle - center), spin @ shape, bend)

    def _bend(self) -> Tensor:
        s = self.settings
        n = max(4, round(s.view_px / s.knot_px) + 1)
        strength = s.elastic_px * self._uniform(0.0, 1.6)
        knots = torch.randn(1, 2, n, n, generator=self.rng) * strength
        return F.interpolate(knots, size=(s.view_px,) * 2, mode="bicubic", align_corners=True)[0]

    def _grey(self, view: FlatView, picture: TrainingPicture) -> Tensor:
        repeat = self._uniform(0, 1) < 0.3
        return changed(view.cut(picture.values, repeat=repeat), self.rng)


def _shows(picture: TrainingPicture, at: Tensor) -> Tensor:
    """Tell which places lie in the picture, (n,) bool."""
    rows, columns = picture.values.shape
    high = torch.tensor([columns - 1, rows - 1])
    return ((at >= 0) & (at <= high)).all(1)


def changed(values: Tensor, rng: Generator) -> Tensor:
    """Change the grey values as another machine, exposure or processing would.

    Args:
        values: (j, i), -1000 to 1000.
        rng: the only source of chance.
    """

    def uniform(low: float, high: float) -> float:
        return low + (high - low) * float(torch.rand(1, generator=rng))

    x = (values - DARKEST) / (BRIGHTEST - DARKEST)
    x = _curve(x.clamp(0, 1), rng) ** math.exp(uniform(-0.6, 0.6))
    if uniform(0, 1) < 0.6:
        knots = torch.randn(1, 1, SHADE_KNOTS, SHADE_KNOTS, generator=rng) * uniform(0, 0.18)
        x = x + F.interpolate(knots, size=x.shape, mode="bicubic", align_corners=True)[0, 0]
    if uniform(0, 1) < 0.6:
        soft = blurred(x, uniform(0.6, 3.0))
        # softer, or sharper as edge enhancement makes it
        x = soft + (x - soft) * uniform(0.2, 2.2)
    low, high = uniform(0.0, 0.2), uniform(0.75, 1.05)
    x = low + (high - low) * x
    if uniform(0, 1) < 0.5:
        x = x + torch.randn(x.shape, generator=rng) * uniform(0, 0.03)
    if uniform(0, 1) < 0.35:
        _cover(x, rng)
    return x.clamp(0, 1) * (BRIGHTEST - DARKEST) + DARKEST


def _curve(x: Tensor, rng: Generator) -> Tensor:
    """Send grey through a random rising curve: straight pieces of different slopes."""
    steps = torch.rand(CURVE_KNOTS - 1, generator=rng) ** 1.5 + 0.15
    ends = torch.cat([torch.zeros(1), steps.cumsum(0)])
    ends = ends / ends[-1]
    index = x * (CURVE_KNOTS - 1)
    low = index.floor().long().clamp_max(CURVE_KNOTS - 2)
    return ends[low] + (ends[low + 1] - ends[low]) * (index - low)


def blurred(x: Tensor, sigma: float) -> Tensor:
    """Blur (j, i) by a Gaussian, first along one axis, then along the other."""
    reach = max(1, math.ceil(2.5 * sigma))
    axis = torch.arange(-reach, reach + 1, dtype=torch.float32)
    kernel = torch.exp(-(axis**2) / (2 * sigma**2))
    kernel = kernel / kernel.sum()
    y = F.pad(x[None, None], (reach,) * 4, mode="replicate")
    y = F.conv2d(y, kernel.view(1, 1, -1, 1))
    return F.conv2d(y, kernel.view(1, 1, 1, -1))[0, 0]


def _cover(x: Tensor, rng: Generator) -> None:
    """Lay a few boxes of one grey over the view, as letters, shields and edges of films do."""
    side = x.shape[0]
    for _ in range(1 + int(torch.randint(3, (1,), generator=rng))):
        size = 12 + torch.randint(side // 8, (2,), generator=rng)
        corner = (torch.rand(2, generator=rng) * (side - size)).long()
        grey = float(torch.rand(1, generator=rng))
        (a, b), (h, w) = corner.tolist(), size.tolist()
        x[a : a + h, b : b + w] = grey
