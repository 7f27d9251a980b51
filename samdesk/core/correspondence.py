"""Places of one volume with the places of another that they were matched to."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samdesk.core.geometry import Points
from samdesk.errors import GeometryError


@dataclass(frozen=True, eq=False)
class Correspondences:
    """Matched pairs of places, and how sure each is; the start of a registration.

    Attributes:
        fixed_mm: (n, 3) LPS mm in the fixed volume.
        moving_mm: (n, 3) LPS mm in the moving one; not a number where nothing was found.
        similarity: (n,) cosine at the match.
        cycle_error_mm: (n,) distance between a place and where its match matches back; infinite
            where nothing was found.

    Raises:
        GeometryError: the arrays do not belong together.
    """

    fixed_mm: Points
    moving_mm: Points
    similarity: NDArray[np.float64]
    cycle_error_mm: NDArray[np.float64]

    def __post_init__(self) -> None:
        n = len(self.fixed_mm)
        shapes = [np.shape(self.fixed_mm), np.shape(self.moving_mm)]
        counts = [np.shape(self.similarity), np.shape(self.cycle_error_mm)]
        if shapes != [(n, 3)] * 2 or counts != [(n,)] * 2:
            raise GeometryError(
                f"Matched places need as many numbers each; these have {shapes} and {counts}."
            )

    def __len__(self) -> int:
        return len(self.fixed_mm)
