"""What reading tells: a report of headers, slices as they arrive, and what was opened."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samdesk.core.geometry import Geometry
from samdesk.core.progress import Progress
from samdesk.core.radiograph import Radiograph
from samdesk.core.reading_notes import Notice, Refusal
from samdesk.core.study import Series
from samdesk.core.volume import Volume

__all__ = ["Arrived", "Notice", "Opened", "Refusal", "ScanReport"]


@dataclass(frozen=True)
class ScanReport:
    """What a header scan of some paths met.

    Attributes:
        series: what can be opened, numbered from 1.
        refusals: every file that is not shown, and why.
        notices: what concerns no single series (several patients, links skipped).
        seconds: time taken.
    """

    series: tuple[Series, ...]
    refusals: tuple[Refusal, ...] = ()
    notices: tuple[Notice, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True, eq=False)
class Arrived(Progress):
    """A Progress that brings slices.

    Attributes:
        first, last: the slices k that are there now and were not before (inclusive).
        array: the whole array (k, j, i), which goes on filling; None where none arrived.
        geometry: its grid, final from the first Arrived on.
    """

    first: int = 0
    last: int = -1
    array: NDArray[np.float32] | NDArray[np.int16] | None = None
    geometry: Geometry | None = None


@dataclass(frozen=True, eq=False)
class Opened:
    """A series that was read: a volume or a radiograph, and what is to be known of it.

    Attributes:
        image: the pixels with their place.
        notices: all of them, those of the headers included.
        window: (center, width) that the file asks for; None where it asks for none.
    """

    image: Volume | Radiograph
    notices: tuple[Notice, ...] = ()
    window: tuple[float, float] | None = None
