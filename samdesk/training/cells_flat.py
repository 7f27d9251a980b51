"""Reading descriptors between the cells of a two-dimensional map."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the name torch's own manual uses

CORNERS = ((0, 0), (0, 1), (1, 0), (1, 1))


def read(cells: Tensor, at: Tensor, stride: int) -> Tensor:
    """Descriptors between cell centres, of unit length: (n, c).

    Args:
        cells: (c, j, i).
        at: (n, 2) pixels (x, y); NaN is read as 0.
        stride: pixels a cell; cell n's centre is at stride * n + (stride - 1) / 2.
    """
    sizes = torch.tensor(cells.shape[1:], device=cells.device)
    index = (torch.nan_to_num(at.flip(1)) - (stride - 1) / 2) / stride
    index = torch.minimum(index.clamp_min(0), (sizes - 1).float())
    low = torch.minimum(index.floor().long(), sizes - 2).clamp_min(0)
    part = (index - low)[:, None]
    corners = torch.tensor(CORNERS, device=cells.device)
    where = torch.minimum(low[:, None] + corners, sizes - 1)
    weight = torch.where(corners.bool(), part, 1 - part).prod(2)
    flat = where[..., 0] * sizes[1] + where[..., 1]
    rows = cells.permute(1, 2, 0).reshape(-1, cells.shape[0])
    mixed = F.embedding_bag(flat, rows, per_sample_weights=weight.to(rows.dtype), mode="sum")
    return F.normalize(mixed, dim=1)


def cell_centers(shape: Sequence[int], stride: int) -> Tensor:
    """Pixels (x, y) of the centres of all cells (j, i), in the order of the flat map: (n, 2)."""
    j, i = torch.meshgrid(*(torch.arange(n) for n in shape[-2:]), indexing="ij")
    return torch.stack([i.reshape(-1), j.reshape(-1)], 1).float() * stride + (stride - 1) / 2
