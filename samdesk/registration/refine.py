"""Two answers to one question, made one: where a match lies, and where the registration says."""

import numpy as np
from numpy.typing import NDArray

from samdesk.core.geometry import Points

# Further apart than this, one of the two is wrong, and their mean would be wrong too.
AGREE_MM = 10.0
# A match as sure as this is taken where the two do not agree.
SURE = 0.9
RULE = (
    f"the mean of both within {AGREE_MM:g} mm of each other, else the match where its probability "
    f"is {SURE:g} or more, else the registration"
)


def fused(matched_mm: Points, mapped_mm: Points, p_present: NDArray[np.float64]) -> Points:
    """Join the matches and a registration of one patient's two scans, place by place.

    The two err in different ways, a match alone and a registration together with its neighbors,
    so their mean is better than either; where they are far apart one of them is wrong.

    Args:
        matched_mm: (n, 3) LPS mm in the moving volume; not a number where there is no match.
        mapped_mm: (n, 3) where the registration takes the same places; not a number where it
            gives none.
        p_present: (n,) probability of each match.

    Returns:
        (n, 3) LPS mm; not a number only where neither says anything.
    """
    apart = np.linalg.norm(matched_mm - mapped_mm, axis=1)
    single = np.where((p_present >= SURE)[:, None], matched_mm, mapped_mm)
    joined = np.where((apart <= AGREE_MM)[:, None], (matched_mm + mapped_mm) / 2, single)
    joined = np.where(np.isfinite(joined), joined, mapped_mm)
    out: Points = np.where(np.isfinite(joined), joined, matched_mm)
    return out
