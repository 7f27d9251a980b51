"""Two views of one or two scans: where each voxel of a view lies, and back.

A view takes a continuous voxel index u = (k, j, i) of the patch to millimetres of its scan:
    T(u) = c + M (u - m) + d(u),   m = middle of the patch, d = an elastic displacement.
Without d the inverse is exact; with it a few fixed-point steps find it to a hundredth of a mm.
Positions here are (z, y, x), the order of the arrays; the training rooms keep them to themselves.
"""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn import functional as F  # noqa: N812 - the name torch's own manual uses

FIXED_POINT_STEPS = 8


@dataclass(frozen=True, eq=False)
class View:
    """Where a patch lies in its scan.

    Attributes:
        shape: voxels of the patch along (k, j, i).
        center: (3,) mm of the middle of the patch, (z, y, x).
        matrix: (3, 3) mm for a step of one voxel along k, j, i.
        field: (3, k, j, i) elastic displacement in mm, or None.
    """

    shape: tuple[int, int, int]
    center: Tensor
    matrix: Tensor
    field: Tensor | None = None

    @property
    def middle(self) -> Tensor:
        """Index of the middle of the patch, (3,)."""
        return (torch.tensor(self.shape, dtype=torch.float32, device=self.center.device) - 1) / 2

    def displacement(self, index: Tensor) -> Tensor:
        """Elastic part at (n, 3) indices, (n, 3) mm; the border's value outside the patch."""
        if self.field is None:
            return torch.zeros_like(index)
        return sample(self.field, index, padding="border")

    def to_mm(self, index: Tensor) -> Tensor:
        """(n, 3) indices to (n, 3) mm."""
        mm: Tensor = self.center + (index - self.middle) @ self.matrix.T + self.displacement(index)
        return mm

    def to_index(self, mm: Tensor) -> Tensor:
        """(n, 3) mm to (n, 3) indices."""
        inverse = torch.linalg.inv(self.matrix)
        index: Tensor = (mm - self.center) @ inverse.T + self.middle
        if self.field is None:
            return index
        start = index
        for _ in range(FIXED_POINT_STEPS):
            index = start - self.displacement(index) @ inverse.T
        return index

    def grid_mm(self) -> Tensor:
        """Millimetres of every voxel, (k, j, i, 3)."""
        axes = [torch.arange(n, dtype=torch.float32, device=self.center.device) for n in self.shape]
        steps = [
            (axis - middle)[:, None] * self.matrix[:, row]
            for row, (axis, middle) in enumerate(zip(axes, self.middle, strict=True))
        ]
        grid: Tensor = steps[0][:, None, None] + steps[1][None, :, None] + steps[2][None, None, :]
        grid = grid + self.center
        if self.field is not None:
            grid = grid + self.field.permute(1, 2, 3, 0)
        return grid


def sample(array: Tensor, index: Tensor, padding: str = "zeros") -> Tensor:
    """Read (c, k, j, i) at (n, 3) continuous indices by trilinear interpolation, (n, c)."""
    k, j, i = array.shape[1:]
    size = torch.tensor([k, j, i], dtype=torch.float32, device=index.device)
    where = (2 * index + 1) / size - 1  # align_corners=False: voxel centres at half steps
    where = where.flip(1)[None, None, None]
    out = F.grid_sample(
        array[None], where, mode="bilinear", padding_mode=padding, align_corners=False
    )
    return out[0, :, 0, 0].T


def cut(scan: Tensor, origin: Tensor, spacing_mm: float, view: View, air: float) -> Tensor:
    """Resample a scan to a view.

    Args:
        scan: (k, j, i) HU.
        origin: (3,) mm of voxel (0, 0, 0), (z, y, x).
        spacing_mm: of the scan.
        view: which patch.
        air: value outside the scan.

    Returns:
        (k, j, i) of the view's shape, HU.
    """
    index = (view.grid_mm() - origin) / spacing_mm
    size = torch.tensor(scan.shape, dtype=torch.float32, device=scan.device)
    where = ((2 * index + 1) / size - 1).flip(3)[None]
    out = F.grid_sample(
        (scan - air)[None, None], where, mode="bilinear", padding_mode="zeros", align_corners=False
    )
    return out[0, 0] + air


def random_view(
    shape: tuple[int, int, int],
    center: Tensor,
    spacing_mm: float,
    rng: Generator,
    *,
    elastic_mm: float = 0.0,
    bump_mm: float = 0.0,
) -> View:
    """Draw a view: rotation up to 10 degrees, scale 0.8 to 1.25, anisotropy 8 %, no flips.

    Args:
        shape: voxels of the patch along (k, j, i).
        center: (3,) mm of its middle, (z, y, x).
        spacing_mm: of its voxels before scaling.
        rng: the only source of chance.
        elastic_mm: standard deviation of the displacement on a 45 mm control grid.
        bump_mm: largest shift of one inner region (radius 35 to 70 mm) against its surroundings,
            because two views of one scan otherwise never show an organ at another place relative
            to the spine (sam.md, last section).
    """

    def uniform(low: float, high: float, n: int) -> Tensor:
        return torch.rand(n, generator=rng) * (high - low) + low

    angles = torch.deg2rad(uniform(-10, 10, 3))
    scale = torch.exp(uniform(-0.223, 0.223, 1)) * (1 + uniform(-0.08, 0.08, 3))
    matrix = _rotation(angles) @ torch.diag(scale * spacing_mm)
    device = center.device
    field = None
    if elastic_mm > 0:
        control = [max(2, round(n * spacing_mm / 45) + 1) for n in shape]
        knots = torch.randn(1, 3, *control, generator=rng) * elastic_mm
        field = F.interpolate(knots, size=shape, mode="trilinear", align_corners=True)[0]
        if bump_mm > 0:
            field = field + _bump(shape, spacing_mm, bump_mm, rng)
        field = field.to(device)
    return View(shape, center, matrix.to(device), field)


def _bump(shape: tuple[int, int, int], spacing_mm: float, bump_mm: float, rng: Generator) -> Tensor:
    """One region moved as a whole, with a smooth edge that never folds: (3, k, j, i) mm."""
    radius = float(torch.rand(1, generator=rng)) * 35 + 35
    # The steepest slope of exp(-r^2/2R^2) is 0.61/R: shift < 0.6 R keeps the map one-to-one.
    length = min(bump_mm, 0.5 * radius) * float(torch.rand(1, generator=rng))
    direction = torch.randn(3, generator=rng)
    shift = direction / direction.norm() * length
    at = torch.rand(3, generator=rng)
    distances = [
        ((torch.arange(n) - at[a] * (n - 1)) * spacing_mm / radius) ** 2
        for a, n in enumerate(shape)
    ]
    square = distances[0][:, None, None] + distances[1][None, :, None] + distances[2][None, None]
    field: Tensor = shift[:, None, None, None] * torch.exp(-0.5 * square)
    return field


def _rotation(angles: Tensor) -> Tensor:
    a, b, c = (float(v) for v in angles)
    turn = torch.eye(3)
    for axis, angle in ((0, a), (1, b), (2, c)):
        p, q = [n for n in range(3) if n != axis]
        step = torch.eye(3)
        sine, cosine = torch.sin(torch.tensor(angle)), torch.cos(torch.tensor(angle))
        step[p, p] = step[q, q] = cosine
        step[p, q], step[q, p] = -sine, sine
        turn = step @ turn
    return turn
