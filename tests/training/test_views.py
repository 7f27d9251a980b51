"""Where the voxels of a training view lie, and back."""

import pytest
import torch

from samdesk.training.data.augment import augmented, random_curve, thick_slices
from samdesk.training.data.views import View, cut, random_view, sample

SHAPE = (32, 24, 40)


def test_a_view_with_an_elastic_part_is_inverted_to_a_hundredth_of_a_millimetre() -> None:
    rng = torch.Generator().manual_seed(3)
    center = torch.tensor([10.0, -20.0, 30.0])
    view = random_view(SHAPE, center, 2.5, rng, elastic_mm=4.0, bump_mm=10.0)
    index = torch.rand(200, 3, generator=rng) * (torch.tensor(SHAPE) - 9) + 4
    back = view.to_index(view.to_mm(index))
    # 0.01 mm is 0.004 voxels here; two descriptors that far apart are the same.
    assert float((back - index).norm(dim=1).quantile(0.95)) * 2.5 < 0.01


def test_a_patch_shows_the_value_that_lies_at_its_millimetres() -> None:
    rng = torch.Generator().manual_seed(4)
    k, j, i = (torch.arange(n, dtype=torch.float32) for n in (60, 50, 70))
    scan = 3 * k[:, None, None] - 2 * j[None, :, None] + i[None, None]
    origin = torch.tensor([5.0, 6.0, 7.0])
    view = random_view((8, 8, 8), torch.tensor([80.0, 70.0, 90.0]), 2.5, rng, elastic_mm=1.0)
    patch = cut(scan, origin, 2.5, view, -1000.0)
    at = (view.grid_mm() - origin) / 2.5
    wanted = 3 * at[..., 0] - 2 * at[..., 1] + at[..., 2]
    # a linear ramp is exact under trilinear interpolation, up to float32
    torch.testing.assert_close(patch, wanted, atol=0.02, rtol=0)


def test_outside_the_scan_is_air() -> None:
    view = View((4, 4, 4), torch.tensor([500.0, 0.0, 0.0]), torch.eye(3))
    patch = cut(torch.zeros(5, 5, 5), torch.zeros(3), 1.0, view, -1000.0)
    assert float(patch.max()) == -1000.0


def test_views_never_mirror() -> None:
    rng = torch.Generator().manual_seed(5)
    for _ in range(50):
        view = random_view(SHAPE, torch.zeros(3), 2.5, rng)
        assert float(torch.linalg.det(view.matrix)) > 0


def test_reading_between_voxels_is_linear() -> None:
    array = torch.arange(24, dtype=torch.float32).reshape(1, 2, 3, 4)
    assert float(sample(array, torch.tensor([[0.5, 1.0, 1.5]]))[0, 0]) == pytest.approx(11.5)


def test_the_random_curve_keeps_the_order_of_tissues() -> None:
    hu = torch.linspace(-1000, 1500, 400).reshape(4, 10, 10)
    for seed in range(20):
        curve = random_curve(hu, torch.Generator().manual_seed(seed)).reshape(-1)
        assert bool((curve.diff() > 0).all())


def test_thick_slices_keep_the_mean() -> None:
    hu = torch.randn(12, 5, 5, generator=torch.Generator().manual_seed(0))
    thick = thick_slices(hu, 3)
    assert thick.shape == hu.shape
    assert float(thick.std()) < float(hu.std())


def test_chance_comes_from_the_generator_only() -> None:
    hu = torch.randn(16, 16, 16, generator=torch.Generator().manual_seed(0)) * 100
    first, second = (augmented(hu, torch.Generator().manual_seed(9)) for _ in range(2))
    torch.testing.assert_close(first, second, atol=0, rtol=0)
