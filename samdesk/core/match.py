"""Where a template point was found in another series, or that it was not."""

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from samdesk.core.geometry import Geometry, Position


class Verdict(Enum):
    """What the program says of a match."""

    FOUND = "found"
    UNCERTAIN = "uncertain"
    ABSENT = "absent"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Alternative:
    """Another place that looks alike, at least 15 mm from every better one."""

    at_mm: Position
    similarity: float


@dataclass(frozen=True)
class Match:
    """The answer to one question.

    Attributes:
        verdict: found, uncertain, absent (not in this scan) or unknown (cannot say).
        at_mm: (x, y, z) LPS mm for found and uncertain, else None.
        p_present: calibrated probability that the place is in the scan and within 10 mm.
        similarity: cosine at the match, -1 to 1.
        margin: similarity less that of the best other peak at least 15 mm away.
        cycle_error_mm: mm between the point and where its match matches back.
        alternatives: further places, best first.
        reason: why the verdict is unknown, absent or uncertain, as a sentence; may be empty.
        nearest_mm: for absent, the place in the scan nearest to where it would lie; else None.
        model: id of the model that answered.
        seconds: time taken.
    """

    verdict: Verdict
    at_mm: Position | None
    p_present: float
    similarity: float
    margin: float
    cycle_error_mm: float
    alternatives: tuple[Alternative, ...] = ()
    reason: str = ""
    nearest_mm: Position | None = None
    model: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, eq=False)
class SimilarityMap:
    """Similarity of one descriptor to every place of a volume.

    Attributes:
        array: (k, j, i) float32, -1 to 1, on the cells of the embedding.
        geometry: grid of the cells.
    """

    array: NDArray[np.float32]
    geometry: Geometry
