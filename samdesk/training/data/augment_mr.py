"""Changes of grey values that another coil, sequence or field strength would make of MR.

Values are those of `model.intensities`: -1000 without signal, -800 to 800 in the body.
"""

import torch
from torch import Generator, Tensor
from torch.nn import functional as F  # noqa: N812 - the name torch's own manual uses

from samdesk.training.data.augment import cropped, thick_slices

AIR = -1000.0
# Knots of the random curve; the order of tissues is kept, since a contrast turned round is another
# sequence, and the local sets have one each.
KNOTS = (-1000.0, -800.0, -550.0, -300.0, -100.0, 100.0, 300.0, 550.0, 800.0, 1600.0)
# Logarithm of the largest factors of a coil's field, about.
BIAS = 0.25
BIAS_KNOTS = 3
MOST_NOISE = 70.0


def random_curve(values: Tensor, rng: Generator, strength: float = 0.4) -> Tensor:
    """Pass values through a random increasing curve; no signal stays no signal."""
    knots = torch.tensor(KNOTS)
    gaps = knots.diff() * torch.exp(strength * torch.randn(len(KNOTS) - 1, generator=rng))
    # the percentiles put the brightest tissue at 800 again, but of another field of view
    top = gaps[:-1].sum() * torch.exp(0.1 * torch.randn(1, generator=rng))
    gaps = gaps * (knots[-2] - knots[0]) / top
    slopes = gaps / knots.diff()
    out = knots[0] + slopes[0] * (values - knots[0])
    for at, change in zip(KNOTS[1:-1], slopes.diff().tolist(), strict=True):
        out = out + change * (values - at).clamp_min(0)
    return out


def biased(values: Tensor, rng: Generator) -> Tensor:
    """Multiply the signal by a smooth field, as a surface coil does."""
    knots = torch.randn(1, 1, *(BIAS_KNOTS,) * 3, generator=rng) * BIAS
    field = F.interpolate(knots, size=values.shape, mode="trilinear", align_corners=True)[0, 0]
    return (values - AIR) * torch.exp(field.to(values.device)) + AIR


def augmented(values: Tensor, rng: Generator) -> Tensor:
    """Draw and apply curve, coil, thick slices, blur, noise and crop to a (k, j, i) patch."""

    def chance() -> float:
        return float(torch.rand(1, generator=rng))

    if chance() < 0.8:
        values = random_curve(values, rng)
    if chance() < 0.5:
        values = biased(values, rng)
    if chance() < 0.15:
        values = thick_slices(values, 2)
    if chance() < 0.2:
        values = F.avg_pool3d(values[None, None], 3, 1, 1, count_include_pad=False)[0, 0]
    if chance() < 0.6:
        noise = torch.randn(values.shape, generator=rng) * (MOST_NOISE * chance())
        values = (values + noise.to(values.device)).clamp_min(AIR)
    if chance() < 0.3:
        values = cropped(values, rng, AIR)
    return values
