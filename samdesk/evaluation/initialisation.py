"""What SAM's weights are worth as the start of another network (sam.md 5.5).

The same segmentation network learns organ masks from few labelled scans: from nothing, from MAE and
from SAM. All arms of a seed have the same labelled scans, patches and order; what is compared is a
difference per seed, and the verdict may be that there is no gain, or that nobody can tell.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from samdesk.core.progress import Progress
from samdesk.core.volume import Modality
from samdesk.errors import UsageError
from samdesk.evaluation.base import Boxes, Curves, Section, Table
from samdesk.evaluation.evaluations import Request, needed_data, refuse_all
from samdesk.evaluation.few_labels import ARMS, Arm, run_arms
from samdesk.evaluation.organ_sets import (
    HIPPOCAMPUS,
    MAE,
    REAL_MASKED,
    SAM,
    SCRATCH,
    OrganSet,
    hippocampus,
    make_missing,
    misfits,
    trunk,
)
from samdesk.evaluation.paired import LEAST_GAIN, LEVEL, Paired, compare

N_SEEDS, QUICK_SEEDS = 5, 2
# The first is asked about; the last tells whether MAE does as much.
CONTRASTS = ((SAM, SCRATCH), (MAE, SCRATCH), (SAM, MAE))
MADE_FOLDER = "made"


@dataclass(frozen=True)
class Initialisation:
    """`samdesk evaluate initialisation`."""

    name: str = "initialisation"
    title: str = "Organ masks from few labelled scans: from nothing, from MAE, from SAM"

    def check(self, request: Request) -> None:
        """Look for every scan, mask and weight that the run needs, and whether masks fit.

        Raises:
            UsageError: another method than SAM, or too few seeds for a paired statement.
            ReadError: names all scans that are missing or whose masks do not fit.
            ModelError: there are no CT weights to start from.
        """
        if request.method != "sam":
            raise UsageError(
                f"There are no weights of the method {request.method} to start from.",
                hint="This version judges --method sam.",
            )
        if 0 < request.seeds < N_SEEDS and not request.is_quick:
            raise UsageError(
                f"{request.seeds} seeds are too few for a paired statement.",
                hint=f"Ask for {N_SEEDS} or more, or for a look with --quick.",
            )
        request.info(Modality.CT)
        if request.is_made_only:
            return
        data = needed_data(request, f"{HIPPOCAMPUS}/manifest.csv", "ct/manifest.csv")
        sets = self._sets(request)
        problems = []
        for organs in sets:
            masked = [
                *organs.pool,
                *organs.curve,
                *(one for group in organs.test.values() for one in group),
            ]
            there = [one for one in masked if one.image.is_relative_to(data)]
            problems += misfits(there, organs.classes)
        found = {one.image.name.split(".")[0] for one in sets[-1].test["real CT"]}
        problems += [f"ct holds no {name}." for name in REAL_MASKED if name not in found]
        refuse_all(problems, "See the manifests beside the scans.")

    def run(self, request: Request) -> Generator[Progress, None, list[Section]]:
        """Train all arms on both sets and compare them."""
        seeds = request.seeds or (QUICK_SEEDS if request.is_quick else N_SEEDS)
        sections = []
        for organs in self._sets(request):
            begun = perf_counter()
            made = [*organs.pool, *(one for group in organs.test.values() for one in group)]
            yield from make_missing(made)
            arms = yield from run_arms(request, organs, seeds)
            sections.append(section(organs, arms, seeds, perf_counter() - begun))
        return sections

    def _sets(self, request: Request) -> list[OrganSet]:
        made = (request.out / MADE_FOLDER).absolute()
        data = None if request.data is None else request.data.absolute()
        sets = [] if data is None else [hippocampus(request, data)]
        return [*sets, trunk(request, data, made)]


def section(organs: OrganSet, arms: Mapping[str, Arm], seeds: int, seconds: float) -> Section:
    """Say what came out on one set of scans."""
    whole = {label: arm for label, arm in arms.items() if arm.runs}
    tables = [_learning(arms)] if any(arm.learned for arm in arms.values()) else []
    boxes: list[Boxes] = []
    curves: list[Curves] = []
    notes = list(organs.about)
    values: dict[str, float] = {}
    first = 0
    for group, scans in organs.test.items():
        part = slice(first, first + len(scans))
        first += len(scans)
        tables += [
            _levels(group, organs, whole, seeds, part),
            _differences(group, organs, whole, seeds, part, values, notes),
            _classes(group, organs, whole, seeds, part),
        ]
        boxes += _boxes(group, organs, whole, seeds, part)
        curves.append(_by_size(group, organs, whole, seeds, part))
    curves += _courses(organs, whole, seeds)
    notes += [f"{arm.label} failed: {arm.failure}" for arm in arms.values() if arm.failure]
    return Section(
        name=organs.name,
        title=organs.title,
        values=values,
        notes=tuple(notes),
        seconds=seconds,
        tables=tuple(tables),
        boxes=tuple(boxes),
        curves=tuple(curves),
    )


def _learning(arms: Mapping[str, Arm]) -> Table:
    known = [(label, arm.learned) for label, arm in arms.items() if arm.learned]
    names = list(dict.fromkeys(name for _, facts in known for name in facts))
    rows = tuple(
        (label, *(f"{facts[n]:.4g}" if n in facts else "" for n in names)) for label, facts in known
    )
    return Table("Learning without labels, in this run", ("arm", *names), rows)


def _levels(
    group: str, organs: OrganSet, arms: Mapping[str, Arm], seeds: int, part: slice
) -> Table:
    """Mean Dice of each arm and number of labelled scans, with its spread over the seeds."""
    rows = []
    for size in organs.sizes:
        cells = []
        for label in ARMS:
            if label in arms:
                mean = arms[label].dice(size, seeds, part).mean(axis=1)
                spread = float(mean.std(ddof=1)) if seeds > 1 else 0.0
                cells.append(f"{mean.mean():.3f} +- {spread:.3f}")
            else:
                cells.append("failed")
        rows.append((str(size), *cells))
    n = part.stop - part.start
    return Table(
        f"{group}: Dice, mean of {n} scans, +- deviation over {seeds} seeds",
        ("labelled scans", *ARMS),
        tuple(rows),
        note="A seed draws labelled scans, patches and the new head, the same for each arm.",
    )


def _differences(
    group: str,
    organs: OrganSet,
    arms: Mapping[str, Arm],
    seeds: int,
    part: slice,
    values: dict[str, float],
    notes: list[str],
) -> Table:
    """Paired differences with intervals; the line "all" is the one that the verdict rests on."""
    rows = []
    for a, b in CONTRASTS:
        if a not in arms or b not in arms:
            continue
        each = [(arms[a].dice(n, seeds, part), arms[b].dice(n, seeds, part)) for n in organs.sizes]
        whole = compare(
            np.mean([x for x, _ in each], axis=0), np.mean([y for _, y in each], axis=0)
        )
        for size, (x, y) in zip(organs.sizes, each, strict=True):
            rows.append((f"{a} less {b}", str(size), *_cells(compare(x, y))))
        rows.append((f"{a} less {b}", "all", *_cells(whole)))
        word = f"{group} {a.lower()} less {b}".replace(" ", "_").replace("-", "_")
        values[f"{word}_dice"] = round(whole.difference, 4)
        notes.append(_sentence(group, a, b, whole))
    return Table(
        f"{group}: paired differences of Dice",
        (
            "difference", "labelled scans", "mean", "95 % interval (t, seeds)",
            "95 % interval (bootstrap, seeds and scans)", "Wilcoxon p", "seeds won", "verdict",
        ),
        tuple(rows),
        note=f"Gain: both intervals above 0. No gain: both end below {LEAST_GAIN:g}. Else "
        f"undecided. With {seeds} seeds the smallest p of Wilcoxon's test is {2 / 2**seeds:.3f}; "
        "lines of single sizes are not corrected for their number.",
    )  # fmt: skip


def _cells(paired: Paired) -> tuple[str, ...]:
    return (
        f"{paired.difference:+.3f}",
        f"{paired.low:+.3f} to {paired.high:+.3f}",
        f"{paired.drawn_low:+.3f} to {paired.drawn_high:+.3f}",
        f"{paired.p:.3f}",
        f"{paired.n_won} of {paired.n}",
        paired.verdict,
    )


def _sentence(group: str, a: str, b: str, whole: Paired) -> str:
    return (
        f"{group}, over all numbers of labelled scans, {a} against {b}: {whole.verdict} "
        f"({whole.difference:+.3f} Dice, {100 * LEVEL:.0f} % interval {whole.low:+.3f} to "
        f"{whole.high:+.3f}, Wilcoxon p {whole.p:.3f}, {whole.n} seeds)."
    )


def _classes(
    group: str, organs: OrganSet, arms: Mapping[str, Arm], seeds: int, part: slice
) -> Table:
    rows = []
    for number, name in enumerate(organs.classes):
        for size in (organs.sizes[0], organs.sizes[-1]):
            cells = [
                f"{arms[label].by_class(size, seeds, part, number):.3f}" if label in arms else ""
                for label in ARMS
            ]
            rows.append((name, str(size), *cells))
    return Table(f"{group}: Dice by organ", ("organ", "labelled scans", *ARMS), tuple(rows))


def _boxes(
    group: str, organs: OrganSet, arms: Mapping[str, Arm], seeds: int, part: slice
) -> list[Boxes]:
    """A box a number of labelled scans and arm: Dice of each test scan, mean over the seeds."""
    series = {
        f"{size} labelled, {label}": tuple(
            float(v) for v in arms[label].dice(size, seeds, part).mean(axis=0)
        )
        for size in organs.sizes
        for label in ARMS
        if label in arms
    }
    return [Boxes(f"{group}: Dice of each test scan", "Dice", series)] if series else []


def _by_size(
    group: str, organs: OrganSet, arms: Mapping[str, Arm], seeds: int, part: slice
) -> Curves:
    series = {
        label: tuple(
            (float(size), float(arms[label].dice(size, seeds, part).mean()))
            for size in organs.sizes
        )
        for label in ARMS
        if label in arms
    }
    return Curves(f"{group}: Dice by labelled scans", "labelled scans", "Dice", series)


def _courses(organs: OrganSet, arms: Mapping[str, Arm], seeds: int) -> list[Curves]:
    """How training went, mean over the seeds, at the smallest and at the largest number."""
    out = []
    for kind, words in (("loss", "loss"), ("validation", "Dice on scans that do not judge")):
        for size in dict.fromkeys((organs.sizes[0], organs.sizes[-1])):
            series: dict[str, tuple[tuple[float, float], ...]] = {}
            for label in ARMS:
                lines = (
                    [arms[label].runs[size, seed][kind] for seed in range(seeds)]
                    if label in arms
                    else []
                )
                if lines and lines[0]:
                    series[label] = _mean_line(lines)
            if series:
                out.append(Curves(f"{size} labelled: {words} by step", "step", words, series))
    return out


def _mean_line(lines: list[list[list[Any]]]) -> tuple[tuple[float, float], ...]:
    points = np.mean(np.array(lines, np.float64), axis=0)
    return tuple((float(x), float(y)) for x, y in points)
