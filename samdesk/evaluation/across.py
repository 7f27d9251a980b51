"""Places that the scans of two people have in common, as cases; and the quick figure of them.

`across_error` is what an ablation asks: no registration, no report, numbers only. It never
touches split test.
"""

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from samdesk.core.models import ModelInfo
from samdesk.core.progress import Progress
from samdesk.core.volume import Volume
from samdesk.evaluation.base import Case
from samdesk.evaluation.contenders import Depth, Embeddings, Samdesk
from samdesk.evaluation.figures import errors_mm, summarize
from samdesk.evaluation.marked import RULED, Place, places_of
from samdesk.evaluation.scans import RealScan, real_scans
from samdesk.io.base import finish
from samdesk.model.session import Session

# "validation" holds scans whose voxels were trained on; their landmarks never were.
SPLITS = {"validation": ("train", "val"), "test": ("test", "val")}
NEAR_MM, FAR_MM = 15.0, 50.0


@dataclass(frozen=True, eq=False)
class MarkedScan:
    """An opened scan with everything known in it."""

    scan: RealScan
    volume: Volume
    places: dict[str, Place]


def marked_scans(data: Path, *splits: str) -> Generator[Progress, None, list[MarkedScan]]:
    """Open the scans of some splits in which any place is known.

    Raises:
        ReadError: a scan or its masks cannot be read.
    """
    found = []
    scans = [scan for scan in real_scans(data, *splits) if scan.is_whole]
    for done, scan in enumerate(scans):
        yield Progress(done, len(scans), f"known places of {scan.name}")
        volume = yield from scan.open()
        places = yield from places_of(scan, volume)
        if places:
            found.append(MarkedScan(scan, volume, places))
    return found


def pairs_of(
    scans: Sequence[MarkedScan], *, is_directed: bool = True
) -> list[tuple[MarkedScan, MarkedScan]]:
    """Pair scans of different people that have a known place in common.

    Args:
        scans: all of them stay open.
        is_directed: both ways; else one way, which alternates.
    """
    pairs = []
    for n, a in enumerate(scans):
        for m, b in enumerate(scans):
            is_pair = a.scan.patient != b.scan.patient and bool(a.places.keys() & b.places.keys())
            is_wanted = is_directed or (n < m) == ((n + m) % 2 == 0)
            if is_pair and is_wanted and n != m:
                pairs.append((a, b))
    return pairs


def case_of(a: MarkedScan, b: MarkedScan) -> Case:
    """Make the case of one pair: all places that both know, by name."""
    names = tuple(sorted(a.places.keys() & b.places.keys()))
    return Case(
        f"{a.scan.name} to {b.scan.name}",
        a.volume,
        b.volume,
        np.array([a.places[name].at_mm for name in names]),
        np.array([b.places[name].at_mm for name in names]),
        names,
    )


def is_ruled(a: MarkedScan, b: MarkedScan, name: str) -> bool:
    """Tell whether a place is uncertain by 5 to 8 mm in one of two scans."""
    return RULED in (a.places[name].kind, b.places[name].kind)


def across_error(
    info: ModelInfo, session: Session, data: Path, split: str = "validation"
) -> dict[str, float]:
    """Give the error across patients in a few numbers; about a minute on one core.

    Every two people's scans of splits train and val that share a known place, one way (the way
    alternates), by the full search (prior and vote). Places found by rule (lung apices, dome of
    the liver: 5 to 8 mm uncertain) are reported apart.

    Args:
        info: of the model.
        session: that runs it.
        data: folder with ct/manifest.csv.
        split: "validation" (train and val) for choices; "test" (test and val) only for the final
            figure, never for a choice.

    Returns:
        For "marked" and "ruled" places: `_n`, `_median_mm`, `_p95_mm`, `_mean_capped_mm` (each
        error counts at most 50 mm and a missing answer 50 mm: smoother than the median, so the
        number to compare ablations by), `_within_10_share`, `_within_15_share`, `_answered_share`.
    """
    scans = finish(marked_scans(data, *SPLITS[split]))
    judge = Samdesk(Embeddings(info, session, held=len(scans)), Depth.VOTE)
    errors: dict[str, list[float]] = {"marked": [], "ruled": []}
    for a, b in pairs_of(scans, is_directed=False):
        case = case_of(a, b)
        answers = finish(judge.answer(case))
        measured = errors_mm(answers.places, case.truth)
        for name, error in zip(case.names, measured.tolist(), strict=True):
            errors["ruled" if is_ruled(a, b, name) else "marked"].append(error)
    return {
        f"{kind}_{name}": value
        for kind, values in errors.items()
        for name, value in across_figures(np.array(values)).items()
    }


def across_figures(errors: NDArray[np.float64]) -> dict[str, float]:
    """Reduce errors, infinite where there was no answer, to the figures of `across_error`."""
    figures = summarize(errors)
    if not figures.n:
        return {"n": 0.0}
    return {
        "n": float(figures.n),
        "median_mm": figures.median_mm,
        "p95_mm": figures.p95_mm,
        "mean_capped_mm": float(np.minimum(errors, FAR_MM).mean()),
        "within_10_share": figures.near_share,
        "within_15_share": float((errors <= NEAR_MM).mean()),
        "answered_share": figures.n_answered / figures.n,
    }


def cases_of(pairs: Iterable[tuple[MarkedScan, MarkedScan]]) -> Iterator[Case]:
    """Make the cases of pairs one by one."""
    for a, b in pairs:
        yield case_of(a, b)
