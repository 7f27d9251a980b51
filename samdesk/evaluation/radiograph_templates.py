"""Which training pictures become templates: a fixed rule that looks at no mark and no test picture.

The most typical pictures: those for which the training pictures are, taken together, nearest to one
of the chosen. With one template this is the medoid. Nearness is the correlation of small pictures,
so the choice is the same for every model and for the registration.
"""

from collections.abc import Generator, Sequence
from itertools import pairwise

import numpy as np

from samdesk.core.progress import Progress
from samdesk.core.radiograph import Radiograph
from samdesk.evaluation.radiograph_sets import Floats, Pictures, PictureSet
from samdesk.io.picture_sets import ListedPicture

# Cells of the small picture along each axis.
SIDE = 24


def small_picture(radiograph: Radiograph) -> Floats:
    """Give a picture of 24 x 24 ranks of brightness, flat, of mean 0 and length 1."""
    array = np.asarray(radiograph.array, np.float64)
    if radiograph.is_inverted:
        array = -array
    rows, columns = (np.linspace(0, n, SIDE + 1).round().astype(int) for n in array.shape)
    cells = np.array([
        [array[a : max(b, a + 1), c : max(d, c + 1)].mean() for c, d in _spans(columns)]
        for a, b in _spans(rows)
    ])  # fmt: skip
    ranks = cells.ravel().argsort().argsort().astype(np.float64)
    ranks -= ranks.mean()
    length = float(np.linalg.norm(ranks))
    return ranks / length


def typical(
    chosen: PictureSet, count: int, pictures: Pictures
) -> Generator[Progress, None, tuple[ListedPicture, ...]]:
    """Choose templates one by one, each so that it brings the training pictures nearest.

    Args:
        chosen: set; only training pictures with all points can be chosen.
        count: at most so many.
        pictures: opens them.

    Returns:
        The templates, the most typical first; the first k of them are the choice of k.
    """
    train, rows = chosen.pictures["train"], []
    for done, picture in enumerate(train):
        yield Progress(done, len(train), f"{chosen.spec.name}: looking for a typical template")
        rows.append(small_picture((yield from pictures.of(picture))))
    similarity = np.array(rows) @ np.array(rows).T
    allowed = [n for n, picture in enumerate(train) if picture in chosen.templates]
    return tuple(train[n] for n in medoids(similarity, allowed, count))


def medoids(similarity: Floats, allowed: Sequence[int], count: int) -> list[int]:
    """Choose rows greedily so that the sum of each column's greatest similarity grows most.

    Args:
        similarity: (n, n), larger is nearer.
        allowed: rows that may be chosen.
        count: at most so many.
    """
    out: list[int] = []
    nearest = np.full(similarity.shape[1], -np.inf)
    for _ in range(min(count, len(allowed))):
        rest = [n for n in allowed if n not in out]
        gains = [float(np.maximum(nearest, similarity[n]).sum()) for n in rest]
        best = rest[int(np.argmax(gains))]
        out.append(best)
        nearest = np.maximum(nearest, similarity[best])
    return out


def _spans(edges: Floats) -> list[tuple[int, int]]:
    return [(int(a), int(b)) for a, b in pairwise(edges)]
