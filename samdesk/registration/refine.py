"""Two answers to one question, made one: where a match lies, and where the registration says."""

import numpy as np

from samdesk.core.geometry import Points

# Further apart than this, one of the two is wrong, and their mean would be wrong too. Of 4, 6, 8,
# 10 and 15 mm, 6 and 8 were best on warps of validation scans and follow-ups of made patients
# that no benchmark uses.
AGREE_MM = 8.0
RULE = (
    f"the mean of both where they lie within {AGREE_MM:g} mm of each other, else the registration"
)


def fused(matched_mm: Points, mapped_mm: Points) -> Points:
    """Join the matches and a registration of one patient's two scans, place by place.

    The two err in different ways, a match alone and a registration together with its neighbors,
    so their mean is better than either. Where they are far apart the registration counts: in one
    patient and one field of view a neighborhood is seldom wrong as a whole, a match sometimes is.

    Args:
        matched_mm: (n, 3) LPS mm in the moving volume; not a number where there is no match.
        mapped_mm: (n, 3) where the registration takes the same places; not a number where it
            gives none.

    Returns:
        (n, 3) LPS mm; not a number only where neither says anything.
    """
    apart = np.linalg.norm(matched_mm - mapped_mm, axis=1)
    joined = np.where((apart <= AGREE_MM)[:, None], (matched_mm + mapped_mm) / 2, mapped_mm)
    out: Points = np.where(np.isfinite(joined), joined, matched_mm)
    return out
