"""Grey values change as those of MR do: the order of tissues stays, and so does no signal."""

import torch

from samdesk.training.data import augment_mr
from samdesk.training.data.augment_mr import AIR


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_a_random_curve_keeps_the_order_and_no_signal() -> None:
    values = torch.linspace(AIR, 1600, 500)
    for seed in range(8):
        out = augment_mr.random_curve(values, rng(seed))
        assert (out.diff() > 0).all()
        assert out[0] == AIR
        assert 300 < float(out[(values - 800).abs().argmin()]) < 1500


def test_the_field_of_a_coil_is_smooth_and_leaves_no_signal_alone() -> None:
    flat = torch.full((16, 16, 16), 200.0)
    out = augment_mr.biased(flat, rng())
    assert float(out.std()) > 20
    assert max(float(out.diff(dim=axis).abs().max()) for axis in range(3)) < 150
    air = torch.full((8, 8, 8), AIR)
    assert torch.equal(augment_mr.biased(air, rng()), air)


def test_one_seed_gives_one_patch_and_no_value_below_no_signal() -> None:
    patch = torch.randn(32, 32, 32, generator=rng()) * 300
    for seed in range(12):
        out = augment_mr.augmented(patch.clamp_min(AIR), rng(seed))
        assert torch.equal(out, augment_mr.augmented(patch.clamp_min(AIR), rng(seed)))
        assert out.shape == patch.shape
        assert torch.isfinite(out).all()
        assert float(out.min()) >= AIR
