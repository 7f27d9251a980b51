"""Patches of labelled scans, turned and scaled, with their masks."""

from collections.abc import Sequence

import torch
from torch import Generator, Tensor
from torch.nn import functional as F  # noqa: N812 - the name torch's own manual uses

from samdesk.training.data.labelled import Labelled
from samdesk.training.data.views import random_view

AIR_HU = -1000.0
# Patches whose middle is near a voxel of a class; the others are drawn anywhere in the body.
MARKED_SHARE = 0.7
# Changes of grey values, in HU or in the fixed numbers of other scans.
GAIN, SHIFT_HU, NOISE_HU = 0.1, 40.0, 30.0


class PatchSource:
    """Draws patches; all chance comes from one generator.

    Args:
        scans: drawn from with the same chance each.
        shape: voxels of a patch along (k, j, i), multiples of 16.
        spacing_mm: of the scans.
        rng: the generator.
    """

    def __init__(
        self,
        scans: Sequence[Labelled],
        shape: tuple[int, int, int],
        spacing_mm: float,
        rng: Generator,
    ) -> None:
        self.scans = scans
        self.shape = shape
        self.spacing_mm = spacing_mm
        self.rng = rng

    def draw(self) -> tuple[Tensor, Tensor]:
        """Draw a patch: values (k, j, i) in HU or fixed numbers, and classes (k, j, i) uint8."""
        one = self.scans[self._int(len(self.scans))]
        view = random_view(self.shape, self._middle(one), self.spacing_mm, self.rng)
        index = (view.grid_mm() - one.scan.origin) / self.spacing_mm
        size = torch.tensor(one.scan.hu.shape, dtype=torch.float32)
        where = ((2 * index + 1) / size - 1).flip(3)[None]
        values = F.grid_sample(
            (one.scan.hu - AIR_HU)[None, None], where, mode="bilinear", align_corners=False
        )[0, 0]
        classes = F.grid_sample(
            one.classes[None, None].float(), where, mode="nearest", align_corners=False
        )[0, 0]
        return self._changed(values + AIR_HU), classes.to(torch.uint8)

    def _int(self, n: int) -> int:
        return int(torch.randint(n, (1,), generator=self.rng))

    def _middle(self, one: Labelled) -> Tensor:
        """Choose the middle of a patch, kept so far inside that it shows little beyond the scan."""
        marked = float(torch.rand(1, generator=self.rng)) < MARKED_SHARE and len(one.marked) > 0
        jitter = (torch.rand(3, generator=self.rng) - 0.5) * torch.tensor(self.shape) * 0.5
        if marked:
            at = one.marked[self._int(len(one.marked))].float() + jitter
        else:
            at = torch.rand(3, generator=self.rng) * torch.tensor(one.scan.hu.shape)
        half = torch.tensor(self.shape) * 0.4
        top = torch.tensor(one.scan.hu.shape) - 1
        low, high = torch.minimum(half, top / 2), torch.maximum(top - half, top / 2)
        inside = torch.minimum(torch.maximum(at, low), high)
        middle: Tensor = one.scan.origin + inside * self.spacing_mm
        return middle

    def _changed(self, values: Tensor) -> Tensor:
        """Change gain, level and noise of what is not air."""
        gain, shift, noise = torch.randn(3, generator=self.rng).tolist()
        body = (values - AIR_HU) / 1000
        changed = values + body.clamp(0, 1) * (gain * GAIN * 1000 * (body - 1) + shift * SHIFT_HU)
        grain = torch.randn(values.shape, generator=self.rng) * (abs(noise) * NOISE_HU)
        out: Tensor = changed + grain
        return out
