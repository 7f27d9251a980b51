"""Two answers to one question, made one: where a match lies, and where the registration says."""

import numpy as np
from numpy.typing import NDArray

from samdesk.core.geometry import Points
from samdesk.registration.transform import Registration

# Further apart than this, one of the two is wrong, and their mean would be wrong too.
AGREE_MM = 10.0
# A match that comes back to within this is taken where the two do not agree.
SURE_CYCLE_MM = 3.0
RULE = f"mean within {AGREE_MM:g} mm, else the match if its cycle is below {SURE_CYCLE_MM:g} mm"


def fused(
    fixed_mm: Points,
    matched_mm: Points,
    cycle_error_mm: NDArray[np.float64],
    registration: Registration,
) -> Points:
    """Join matches and a registration of one patient's two scans, place by place.

    Args:
        fixed_mm: (n, 3) places in the fixed volume.
        matched_mm: (n, 3) their matches; not a number where there is none.
        cycle_error_mm: (n,) of the matches.
        registration: of the same two volumes, best one that started from matches.

    Returns:
        (n, 3) places in the moving volume.
    """
    mapped = registration.map_points(fixed_mm)
    apart = np.linalg.norm(matched_mm - mapped, axis=1)
    is_sure = cycle_error_mm <= SURE_CYCLE_MM
    single = np.where(is_sure[:, None], matched_mm, mapped)
    joined = np.where((apart <= AGREE_MM)[:, None], (matched_mm + mapped) / 2, single)
    out: Points = np.where(np.isfinite(joined), joined, mapped)
    return out
