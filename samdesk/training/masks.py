"""What a segmentation is trained by and judged by: cross entropy, soft and hard Dice."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name torch's own manual uses

from samdesk.training.windows import windowed

MULTIPLE_OF = 16
AIR_HU = -1000.0
SMOOTH = 1.0


def loss_of(scores: Tensor, classes: Tensor) -> Tensor:
    """Cross entropy plus one minus soft Dice of the classes that the batch shows.

    Args:
        scores: (b, classes, k, j, i).
        classes: (b, k, j, i) numbers of the classes; 0 is what belongs to none.
    """
    entropy = F.cross_entropy(scores, classes)
    shares = scores.softmax(1)[:, 1:].flatten(2).transpose(0, 1).flatten(1)
    truth = F.one_hot(classes, scores.shape[1])[..., 1:].flatten(0, 3).T.to(shares.dtype)
    both = (shares * truth).sum(1)
    size = shares.sum(1) + truth.sum(1)
    shown = truth.sum(1) > 0
    if not bool(shown.any()):
        return entropy
    overlap = (2 * both + SMOOTH) / (size + SMOOTH)
    return entropy + 1 - overlap[shown].mean()


@torch.no_grad()
def predicted(network: nn.Module, hu: Tensor, device: torch.device) -> Tensor:
    """Give the class of every voxel of a whole scan, (k, j, i) uint8, with a padded pass."""
    k, j, i = hu.shape
    more = [-n % MULTIPLE_OF for n in (i, j, k)]
    padded = F.pad(hu, (0, more[0], 0, more[1], 0, more[2]), value=AIR_HU)
    x = windowed(padded[None].to(device)).to(memory_format=torch.channels_last_3d)
    made: Tensor = network(x)[0].argmax(0)[:k, :j, :i].to(torch.uint8).cpu()
    return made


def dice(found: Tensor, truth: Tensor, n_classes: int) -> list[float | None]:
    """Overlap 2|A and B| / (|A| + |B|) of each class; None where the truth does not have it.

    So the mean of a scan is over the same classes, whichever network answered.
    """
    out: list[float | None] = []
    for number in range(1, n_classes + 1):
        a, b = found == number, truth == number
        size = int(a.sum()) + int(b.sum())
        out.append(round(2 * int((a & b).sum()) / size, 5) if bool(b.any()) else None)
    return out
