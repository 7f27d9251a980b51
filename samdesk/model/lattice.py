"""A lattice of places spread evenly over the body, matched in the other scan for registration."""

from collections.abc import Generator

import numpy as np

from samdesk.core.correspondence import Correspondences
from samdesk.core.geometry import Points
from samdesk.core.progress import Progress
from samdesk.model.embedding import Embedding
from samdesk.model.matcher import Matcher

# sam.md 5.4: 24 to 32 mm.
STEP_MM = 26.0
# The rim of the marked body is air or table.
RIM_MM = 8.0
AT_ONCE = 16


def body_lattice(embedding: Embedding, step_mm: float = STEP_MM) -> Points:
    """Lay a cubic lattice over the body of a scan.

    Args:
        embedding: of the scan.
        step_mm: distance of the places.

    Returns:
        (n, 3) LPS mm, inside the body and at least 8 mm from its rim where it is thick enough.
    """
    from scipy import ndimage

    cells, body = embedding.fine_cells, embedding.body
    spacing = np.array(cells.spacing)
    inner = ndimage.binary_erosion(body, iterations=max(1, round(RIM_MM / spacing[0])))
    body = inner if inner.any() else body
    length = (np.array(body.shape) - 1) * spacing
    sides = [
        (np.arange(int(total // step_mm) + 1) * step_mm + (total % step_mm) / 2) / space
        for total, space in zip(length, spacing, strict=True)
    ]
    index = np.array(np.meshgrid(*sides, indexing="ij")).reshape(3, -1).T
    k, j, i = np.rint(index).astype(int).T
    return cells.to_mm(index[body[k, j, i]])


def matched_lattice(
    matcher: Matcher, fixed: Embedding, moving: Embedding, step_mm: float = STEP_MM
) -> Generator[Progress, None, Correspondences]:
    """Match a lattice of the fixed scan's body in the moving scan and back.

    Args:
        matcher: with the model that made both embeddings.
        fixed: whose body is covered.
        moving: in which its places are looked for.
        step_mm: distance of the places.

    Raises:
        ModelError: the embeddings are of another model.
    """
    yield from matcher.prior_steps(fixed, moving)
    points = body_lattice(fixed, step_mm)
    to_mm = np.full(points.shape, np.nan)
    alike, cycle = np.full(len(points), -1.0), np.full(len(points), np.inf)
    for start in range(0, len(points), AT_ONCE):
        yield Progress(start, len(points), "matching the lattice")
        block = slice(start, start + AT_ONCE)
        to_mm[block], alike[block], cycle[block] = matcher.correspondences(
            fixed, moving, points[block]
        )
    return Correspondences(points, to_mm, alike, cycle)
