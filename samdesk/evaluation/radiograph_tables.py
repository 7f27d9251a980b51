"""The section of one set of radiographs: tables, verdicts, promises, plots."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from samdesk.evaluation.base import Bar, Boxes, Curves, Picture, Section, Table
from samdesk.evaluation.radiograph_arms import Arm, Kind, errors
from samdesk.evaluation.radiograph_figures import (
    Estimate,
    duel,
    estimate,
    mean,
    median,
    percentile,
    share_within,
)
from samdesk.evaluation.radiograph_sets import Floats, PictureSet
from samdesk.evaluation.radiograph_supervised import Trained
from samdesk.evaluation.tables import number

# Success detection rates are given within these distances, in mm.
WITHIN_MM: Mapping[str, tuple[float, ...]] = {
    "jsrt": (5.0, 10.0, 15.0),
    "ceph": (2.0, 2.5, 3.0, 4.0),
    "hand": (2.0, 4.0, 10.0),
}
CLAIM_N, BAR_N = 50, 10
CLAIM = (
    "The paper's claim (its abstract, other data, 2-D X-ray sets of its own): with one labelled "
    "template SAM surpasses supervised detectors trained on 50 labelled images."
)


@dataclass(frozen=True, eq=False)
class Outcome:
    """All that was measured on one set.

    Attributes:
        chosen: the set.
        arms: contenders in the order of the tables.
        judged: label of the one-template arm that the claim is judged by; empty without one.
        trained: the supervised runs.
        pictures: of the worst answers.
        notes: what was left out and why.
        seconds: that it took.
    """

    chosen: PictureSet
    arms: tuple[Arm, ...]
    judged: str
    trained: tuple[Trained, ...]
    pictures: tuple[Picture, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0


def section(outcome: Outcome, draws: int) -> Section:
    """Lay out one set.

    Args:
        outcome: what was measured.
        draws: bootstrap samples of each interval.
    """
    chosen = outcome.chosen
    tables: list[Table] = []
    notes = [*_about(chosen), *outcome.notes]
    boxes: list[Boxes] = []
    for title, group in chosen.groups.items():
        by_arm = {arm.label: errors(arm, chosen, group) for arm in outcome.arms if arm.repeats}
        tables.append(_contenders(outcome, title, by_arm, draws))
        for label in _one_template(outcome):
            table, said = _duels(outcome, label, title, by_arm, draws)
            tables.append(table)
            notes += said
        if outcome.judged not in by_arm:
            notes.append(f"{title}: the claim cannot be judged, there is no answer of SAM.")
        tables.append(_by_point(outcome, title, group, by_arm))
        boxes.append(_boxes(title, by_arm))
    notes += [f"Failed: {text}" for arm in outcome.arms for text in arm.failures]
    return Section(
        name=chosen.spec.name,
        title=chosen.spec.title,
        bars=_bars(outcome),
        notes=tuple(notes),
        tables=tuple(tables),
        boxes=tuple(boxes),
        curves=_curves(outcome),
        pictures=outcome.pictures,
        seconds=outcome.seconds,
    )


def _about(chosen: PictureSet) -> list[str]:
    counts = ", ".join(f"{len(p)} {split}" for split, p in chosen.pictures.items())
    out = [
        f"Pictures: {counts}. Templates and training from train, the checkpoint of a supervised "
        "run from val (with its marks, which SAM does not get), figures on test."
    ]
    if chosen.incomplete:
        lacking = ", ".join(f"{file} ({count})" for file, count in chosen.incomplete.items())
        out.append(f"Points are missing on {lacking}: these are no templates and count no error.")
    return out


def _contenders(outcome: Outcome, title: str, by_arm: Mapping[str, Floats], draws: int) -> Table:
    within = WITHIN_MM.get(outcome.chosen.spec.name, (2.0, 4.0))
    head = ("", "marked", "points", "answered", "median mm [95 %]", "mean mm [95 %]", "p95 mm")
    rows = []
    for arm in outcome.arms:
        values = by_arm.get(arm.label)
        if values is None:
            dashes = ("-",) * (len(within) + 6)
            rows.append((arm.label, str(arm.n_marked), *dashes[1:], "failed"))
            continue
        known = values[~np.isnan(values)]
        rows.append((
            arm.label,
            str(arm.n_marked),
            str(known.size),
            str(int(np.isfinite(known).sum())),
            _interval(estimate(values, median, draws)),
            _interval(estimate(values, mean, draws)),
            number(percentile(values, 0.95)),
            *(f"{100 * share_within(values, mm):.1f} %" for mm in within),
            number(arm.seconds, 2),
        ))  # fmt: skip
    return Table(
        f"{title}: radial error",
        (*head, *(f"<= {mm:g} mm" for mm in within), "s a picture"),
        tuple(rows),
        "marked: pictures whose marks the contender was given. Intervals: bootstrap over pictures "
        "and, where there are several, over seeds or draws. The mean is over answered points.",
    )


def _one_template(outcome: Outcome) -> list[str]:
    """Name the contenders with one typical template that answered, the judged one first."""
    labels = [
        arm.label
        for arm in outcome.arms
        if arm.kind is Kind.SAM and arm.n_marked == 1 and len(arm.repeats) == 1
    ]
    return sorted(labels, key=lambda label: label != outcome.judged)


def _duels(
    outcome: Outcome, label: str, title: str, by_arm: Mapping[str, Floats], draws: int
) -> tuple[Table, list[str]]:
    """Compare one template with the supervised networks, size by size."""
    ours = by_arm[label]
    rows, notes = [], []
    for arm in outcome.arms:
        theirs = by_arm.get(arm.label)
        if arm.kind is not Kind.SUPERVISED or theirs is None:
            continue
        by_median = duel(ours, theirs, median, draws)
        by_mean = duel(ours, theirs, mean, draws)
        rows.append((
            str(arm.n_marked),
            _interval(by_median.difference),
            by_median.verdict,
            _interval(by_mean.difference),
            by_mean.verdict,
        ))  # fmt: skip
        if arm.n_marked == CLAIM_N:
            judged = " (the claim is judged by it)" if label == outcome.judged else ""
            notes.append(
                f"{title}: {label}{judged}: better than supervision by {CLAIM_N} is "
                f"{by_median.verdict} by the median and {by_mean.verdict} by the mean."
            )
    table = Table(
        f"{title}: {label} against supervised networks",
        (
            "trained on",
            "median: difference mm [95 %]",
            "better?",
            "mean: difference mm [95 %]",
            "better?",
        ),
        tuple(rows),
        "Below 0 the template is better. Paired over pictures, drawn over seeds. " + CLAIM,
    )
    return table, notes


def _by_point(
    outcome: Outcome, title: str, group: Sequence[int], by_arm: Mapping[str, Floats]
) -> Table:
    shown = [arm.label for arm in outcome.arms if arm.label in by_arm and _is_shown(arm, outcome)]
    rows = tuple(
        (
            outcome.chosen.points[point],
            *(number(median(by_arm[label][:, :, column]), 2) for label in shown),
        )
        for column, point in enumerate(group)
    )
    return Table(f"{title}: median error of each point, mm", ("", *shown), rows)


def _is_shown(arm: Arm, outcome: Outcome) -> bool:
    """Keep the table of points narrow: the best of each kind and the judged one."""
    largest = max((a.n_marked for a in outcome.arms if a.kind is Kind.SUPERVISED), default=0)
    return (
        arm.label == outcome.judged
        or arm.kind is Kind.OBSERVER
        or (arm.kind is Kind.SAM and arm.n_marked == 5)
        or (arm.kind is Kind.SUPERVISED and arm.n_marked in (BAR_N, CLAIM_N, largest))
        or (arm.kind is Kind.REGISTRATION and "B-spline" in arm.label)
    )


def _boxes(title: str, by_arm: Mapping[str, Floats]) -> Boxes:
    series = {
        label: tuple(float(v) for v in values[~np.isnan(values)])
        for label, values in by_arm.items()
    }
    return Boxes(f"{title}: radial error", "mm", series)


def _curves(outcome: Outcome) -> tuple[Curves, ...]:
    chosen = outcome.chosen
    first = min((run.seed for run in outcome.trained), default=0)
    learning = {
        f"{run.n} pictures": run.curve for run in outcome.trained if run.seed == first and run.curve
    }
    loss = {
        f"{run.n} pictures": run.losses
        for run in outcome.trained
        if run.seed == first and run.losses
    }
    out = []
    if learning:
        x = "steps"
        out.append(Curves(
            f"Training of the supervised networks, seed {first}", x, "validation error px", learning
        ))  # fmt: skip
        out.append(Curves("The same, loss on the training pictures", x, "cross entropy", loss))
    for title, group in chosen.groups.items():
        supervised = tuple(
            (float(arm.n_marked), median(errors(arm, chosen, group)))
            for arm in outcome.arms
            if arm.kind is Kind.SUPERVISED and arm.repeats
        )
        if len(supervised) < 2:
            continue
        series = {"supervised": supervised}
        last = supervised[-1][0]
        for arm in outcome.arms:
            if arm.kind is Kind.SAM and arm.repeats and "random" not in arm.label:
                level = median(errors(arm, chosen, group))
                series[arm.label] = ((1.0, level), (last, level))
        out.append(
            Curves(f"{title}: error by marked pictures", "marked pictures", "median mm", series)
        )
    return tuple(out)


def _bars(outcome: Outcome) -> tuple[Bar, ...]:
    """Put the issue's promises beside the numbers: by set, first group."""
    chosen = outcome.chosen
    title, group = next(iter(chosen.groups.items()))
    by_arm = {a.label: errors(a, chosen, group) for a in outcome.arms if a.repeats}
    ours = by_arm.get(outcome.judged)
    measured = None if ours is None else median(ours)
    bars = []
    for n in (BAR_N, CLAIM_N):
        theirs = next(
            (
                a
                for a in outcome.arms
                if a.kind is Kind.SUPERVISED and a.n_marked == n and a.repeats
            ),
            None,
        )
        if theirs is not None:
            limit = median(by_arm[theirs.label])
            text = f"{title}: one template's median below that of supervision by {n}"
            bars.append(Bar(text, measured, limit, unit="mm"))
    if chosen.spec.name == "ceph":
        bars.append(Bar("one template, mean", None if ours is None else mean(ours), 4.0, unit="mm"))
        five = [
            mean(by_arm[a.label])
            for a in outcome.arms
            if a.kind is Kind.SAM
            and a.n_marked == 5
            and a.label in by_arm
            and _goes_with(a, outcome)
        ]
        bars.append(Bar("five templates, mean", five[0] if five else None, 3.0, unit="mm"))
    return tuple(bars)


def _goes_with(arm: Arm, outcome: Outcome) -> bool:
    """Tell whether an arm is of the model that is judged."""
    return arm.label.partition(",")[0] == outcome.judged.partition(",")[0]


def _interval(found: Estimate) -> str:
    ends = f" [{number(found.low, 2)}, {number(found.high, 2)}]"
    return number(found.value, 2) + (ends if found.low == found.low else "")
