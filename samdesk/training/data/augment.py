"""Changes of grey values that another scanner, kernel, dose or contrast phase would make."""

import torch
from torch import Generator, Tensor
from torch.nn import functional as F  # noqa: N812 - the name torch's own manual uses

# Knots of the random curve; between air and dense bone the order of tissues is kept.
KNOTS_HU = (-1000.0, -900.0, -500.0, -150.0, -60.0, 20.0, 80.0, 160.0, 300.0, 600.0, 1200.0, 3000.0)


def _draw(rng: Generator) -> float:
    return float(torch.rand(1, generator=rng))


def random_curve(hu: Tensor, rng: Generator, strength: float = 1.0) -> Tensor:
    """Pass HU through a random increasing curve, as a contrast phase or a tube voltage would."""
    knots = torch.tensor(KNOTS_HU)
    gaps = knots.diff() * torch.exp(0.35 * strength * torch.randn(len(KNOTS_HU) - 1, generator=rng))
    moved = torch.cat([knots[:1], knots[0] + gaps.cumsum(0)])
    # Keep water where it is, give or take, and let the ends go where the gaps took them.
    moved = moved - moved[5] + knots[5] + 15 * strength * torch.randn(1, generator=rng)
    moved[0] = min(-1000.0, float(moved[1]) - 10.0)
    slopes = moved.diff() / knots.diff()
    out = moved[0] + slopes[0] * (hu - knots[0])
    for at, change in zip(knots[1:-1].tolist(), slopes.diff().tolist(), strict=True):
        out = out + change * (hu - at).clamp_min(0)
    return out


def thick_slices(hu: Tensor, factor: int) -> Tensor:
    """Average `factor` slices along k and interpolate back: what a 5 mm series of it would show."""
    k = hu.shape[0] // factor * factor
    if k < 2 * factor:
        return hu
    thick = hu[:k].reshape(k // factor, factor, *hu.shape[1:]).mean(1)
    size = (k, *hu.shape[1:])
    body = F.interpolate(thick[None, None], size=size, mode="trilinear", align_corners=False)[0, 0]
    return torch.cat([body, hu[k:]])


def cropped(hu: Tensor, rng: Generator, air: float) -> Tensor:
    """Cut the field of view at one or two faces; outside is air."""
    hu = hu.clone()
    for _ in range(1 + int(_draw(rng) < 0.3)):
        axis = int(torch.multinomial(torch.tensor([0.6, 0.2, 0.2]), 1, generator=rng))
        n = int(hu.shape[axis] * (0.05 + 0.3 * _draw(rng)))
        if n:
            start = 0 if _draw(rng) < 0.5 else hu.shape[axis] - n
            hu.narrow(axis, start, n).fill_(air)
    return hu


def _noise(hu: Tensor, rng: Generator) -> Tensor:
    """Draw as many numbers as a patch has voxels where the patch is; on a GPU from a seed."""
    if hu.device.type == "cpu":
        return torch.randn(hu.shape, generator=rng)
    seed = int(torch.randint(2**62, (1,), generator=rng))
    return torch.randn(hu.shape, generator=Generator(hu.device).manual_seed(seed), device=hu.device)


def augmented(hu: Tensor, rng: Generator, air: float = -1000.0) -> Tensor:
    """Draw and apply curve, blur, thick slices, noise and crop to a (k, j, i) patch in HU."""
    if _draw(rng) < 0.8:
        hu = random_curve(hu, rng)
    if _draw(rng) < 0.25:
        hu = thick_slices(hu, 2 if _draw(rng) < 0.7 else 3)
    if _draw(rng) < 0.2:
        hu = F.avg_pool3d(hu[None, None], 3, 1, 1, count_include_pad=False)[0, 0]
    if _draw(rng) < 0.6:
        noise = _noise(hu, rng) * (40 * _draw(rng))
        if _draw(rng) < 0.5:
            noise = F.avg_pool3d(noise[None, None], 3, 1, 1)[0, 0] * 3
        hu = hu + noise
    if _draw(rng) < 0.3:
        hu = cropped(hu, rng, air)
    return hu
