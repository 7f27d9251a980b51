"""How exactly a network finds places again in views of held-out scans."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from samdesk.training.cells import cell_centers, read
from samdesk.training.data.pairs import Pair
from samdesk.training.networks.sam import COARSE_STRIDE, FINE_STRIDE

N_PLACES = 64


@torch.no_grad()
def held_out(
    network: nn.Module, pairs: Sequence[Pair], inputs: Sequence[Tensor]
) -> dict[str, float]:
    """Match places of each pair's first patch in its second, without refinement.

    Args:
        network: in evaluation mode.
        pairs: always the same ones, so that the figures of a run can be compared.
        inputs: for each pair the network's input (2, c, k, j, i), first and second patch.

    Returns:
        median error and 95th percentile in mm, share within 10 mm, mean |cosine| of random
        cells (collapse: above 0.5) and effective rank of the fine vectors.
    """
    errors, fines = [], []
    device = next(network.parameters()).device
    for pair, x in zip(pairs, inputs, strict=True):
        fine, coarse = (cells.float().cpu() for cells in network(x.to(device)))
        errors.append(_errors(pair, fine, coarse))
        rows = fine[1].flatten(1).T
        fines.append(rows[:: max(1, len(rows) // 2000)])
    mm = torch.cat(errors)
    vectors = torch.cat(fines)
    half = len(vectors) // 2
    cosines = (vectors[:half] * vectors[half : 2 * half]).sum(1)
    return {
        "median_mm": round(float(mm.median()), 3),
        "p95_mm": round(float(mm.quantile(0.95)), 2),
        "within_10mm_share": round(float((mm <= 10).float().mean()), 4),
        "mean_cosine": round(float(cosines.abs().mean()), 4),
        "effective_rank": round(effective_rank(vectors), 2),
    }


def _errors(pair: Pair, fine: Tensor, coarse: Tensor) -> Tensor:
    at = pair.index_first[:N_PLACES]
    shape = fine.shape[2:]
    centers = cell_centers(torch.arange(fine[0, 0].numel(), device=fine.device), shape, FINE_STRIDE)
    up = read(coarse[1], centers, COARSE_STRIDE)
    similarity = read(fine[0], at, FINE_STRIDE) @ fine[1].flatten(1)
    similarity += read(coarse[0], at, COARSE_STRIDE) @ up.T
    found = centers[similarity.argmax(1)]
    mm: Tensor = (found - pair.index_second[:N_PLACES]).norm(dim=1) * pair.spacing_mm
    return mm


def effective_rank(vectors: Tensor) -> float:
    """Exponential of the entropy of the normalised singular values (Roy and Vetterli, 2007)."""
    values = torch.linalg.svdvals(vectors - vectors.mean(0))
    share = values / values.sum()
    return float(torch.exp(-(share * torch.log(share + 1e-12)).sum()))
