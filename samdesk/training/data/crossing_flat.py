"""Places that two radiographs of different people share, found by the network while it learns.

Two views of one radiograph never show how people differ. Once the network finds most places again,
its own matches between two pictures become positives: those that come back, agree on an affine map
and with their neighbors, smoothed by the map of the neighbors (self-training, as for volumes).
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Generator, Tensor, nn

from samdesk.model.flat import FlatEmbedding, embedding_of, prior_of
from samdesk.model.flat_input import DARKEST, WINDOWS, Frame
from samdesk.training.data.picture_views import SharedPlaces
from samdesk.training.data.pictures import TrainingPicture
from samdesk.training.networks.flat import COARSE_STRIDE, FINE_STRIDE, MULTIPLE_OF

# Below this share of agreeing places two pictures show too different things to learn from.
LEAST_SHARE = 0.15
# A place needs so much weight of neighbors, and lies so close to where they expect it (pixels).
LEAST_WEIGHT = 2.0
ODD_PX = 14.0
FEWEST_PLACES = 60
# Pairs that are kept; the oldest leaves when a new one comes.
POOL = 300


class Crossing:
    """Keeps pairs of pictures with shared places, and finds new ones with the network as it is.

    Args:
        pictures: that are learned from; those projected from volumes are few and each is of
            another angle, so that they share nothing that is sure.
        rng: the only source of chance.
    """

    def __init__(self, pictures: Sequence[TrainingPicture], rng: Generator) -> None:
        self._pictures = [p for p in pictures if not p.is_projected]
        self._rng = rng
        self._pool: list[SharedPlaces] = []

    def seek(self, network: nn.Module) -> SharedPlaces | None:
        """Take two pictures at random and keep what they share, if it is enough."""
        if len(self._pictures) < 2:
            return None
        chosen = torch.randperm(len(self._pictures), generator=self._rng)[:2].tolist()
        first, second = (self._pictures[n] for n in chosen)
        found = shared(network, first, second)
        if found is None:
            return None
        one = SharedPlaces(first, second, *found)
        self._pool = [*self._pool[-(POOL - 1) :], one]
        return one

    def draw(self) -> SharedPlaces | None:
        """Draw one of the pairs that were found; None as long as there is none."""
        if not self._pool:
            return None
        return self._pool[int(torch.randint(len(self._pool), (1,), generator=self._rng))]


def shared(
    network: nn.Module, first: TrainingPicture, second: TrainingPicture
) -> tuple[Tensor, Tensor] | None:
    """Find the places that two pictures share: (n, 2) and (n, 2) pixels; None where too few."""
    was_training = network.training
    network.eval()
    one, other = (embedded(network, picture) for picture in (first, second))
    network.train(was_training)
    prior = prior_of(one, other)
    if prior is None or prior.inlier_share < LEAST_SHARE:
        return None
    smooth, weight = prior.expected(prior.from_px)
    odd = np.linalg.norm(smooth - prior.to_px, axis=1)
    kept = (weight >= LEAST_WEIGHT) & (odd <= ODD_PX)
    if kept.sum() < FEWEST_PLACES:
        return None
    # Half way between the match and its neighbors: the match is sharp, the neighbors are sure.
    to_px = (smooth + prior.to_px)[kept] / 2
    return torch.from_numpy(prior.from_px[kept]).float(), torch.from_numpy(to_px).float()


@torch.no_grad()
def embedded(network: nn.Module, picture: TrainingPicture) -> FlatEmbedding:
    """Embed a picture as matching does, with the network as it is."""
    rows, columns = picture.values.shape
    frame = Frame((rows, columns), 1.0, (rows, columns))
    padded = [-(-n // MULTIPLE_OF) * MULTIPLE_OF for n in (rows, columns)]
    x = torch.full((1, 1, *padded), DARKEST)
    x[0, 0, :rows, :columns] = picture.values
    low, high, center, divisor = WINDOWS[0]
    device = next(network.parameters()).device
    x = ((x.clamp(low, high) - center) / divisor).to(device)
    fine, coarse = network(x.to(memory_format=torch.channels_last))
    maps = [m[0].float().cpu().contiguous().numpy() for m in (fine, coarse)]
    return embedding_of(maps[0], maps[1], frame, (FINE_STRIDE, COARSE_STRIDE))
