"""Reading descriptors between the cells of a network's output, and comparing them."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the name torch's own manual uses

# An excluded pair's similarity: exp(-8 / tau) is 0 in float32. Not -1e4: torch 2.13's vectorised
# log_softmax gives NaN gradients where a whole row is that far down.
NEVER = -8.0
CORNERS = tuple((k, j, i) for k in (0, 1) for j in (0, 1) for i in (0, 1))


def read(cells: Tensor, index: Tensor, stride: int) -> Tensor:
    """Descriptors at voxel indices, interpolated between cell centres and of unit length: (n, c).

    Cell i covers voxels stride*i ... stride*i + stride-1; its centre is stride*i + (stride-1)/2.
    Rows are gathered rather than sampled with `grid_sample`, which reads one channel at a time
    and was a third of a step.
    """
    sizes = torch.tensor(cells.shape[1:], device=cells.device)
    at = (torch.nan_to_num(index) - (stride - 1) / 2) / stride
    at = torch.minimum(at.clamp_min(0), (sizes - 1).float())
    low = torch.minimum(at.floor().long(), sizes - 2).clamp_min(0)
    part = at - low
    corners = torch.tensor(CORNERS, device=cells.device)
    where = low[:, None] + corners  # (n, 8, 3)
    weight = torch.where(corners.bool(), part[:, None], 1 - part[:, None]).prod(2)
    flat = (where[..., 0] * sizes[1] + where[..., 1]) * sizes[2] + where[..., 2]
    rows = cells.permute(1, 2, 3, 0).reshape(-1, cells.shape[0])
    mixed = F.embedding_bag(flat, rows, per_sample_weights=weight.to(rows.dtype), mode="sum")
    return F.normalize(mixed, dim=1)


def cell_centers(flat: Tensor, shape: Sequence[int], stride: int) -> Tensor:
    """Voxel indices of the centres of cells given by their flat number: (n, 3)."""
    k, rest = flat // (shape[1] * shape[2]), flat % (shape[1] * shape[2])
    cell = torch.stack([k, rest // shape[2], rest % shape[2]], 1)
    return cell.float() * stride + (stride - 1) / 2


def info_nce(positive: Tensor, negative: Tensor, tau: float) -> tuple[Tensor, float]:
    """The loss of (n,) positives among (n, m) negatives, and the share of positives on top.

    Excluded negatives are NEVER and not 0: a zero would still count in the sum.
    """
    logits = torch.cat([positive[:, None], negative], 1) / tau
    loss = -F.log_softmax(logits, 1)[:, 0].mean()
    top = (positive.detach() > negative.detach().amax(1)).float().mean()
    return loss, float(top)
