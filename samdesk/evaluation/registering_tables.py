"""What the ways of registering said, as tables: errors, failures, organs, seconds."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from samdesk.evaluation.arms import Arm, Asked, Said
from samdesk.evaluation.base import Table
from samdesk.evaluation.figures import summarize
from samdesk.evaluation.kept import Kept
from samdesk.evaluation.landmark_tables import errors_of, labels_of, share_within
from samdesk.evaluation.registering_arms import dice_key
from samdesk.evaluation.tables import number

Array = NDArray[np.float64]
# Mean Dice of each organ by the label of the way.
Organs = Mapping[str, Mapping[str, float]]

FAILED_MM = 20.0
HEAD = (
    "", "places", "mean mm", "median mm", "p95 mm", "<= 10 mm", "places > 20 mm", "cases failed",
    "crashed", "Dice", "CPU s a case",
)  # fmt: skip
READ_ME = (
    "A case failed where its mean error is above 20 mm, or where the way crashed or gave up; a "
    "place without an answer is in places > 20 mm and in every column but the mean."
)


def side_by_side(title: str, said: Sequence[Said], organs: Organs, note: str = "") -> Table:
    """Lay all ways beside each other, a row each.

    Args:
        title: over the table.
        said: of all ways.
        organs: of `organs_of`.
        note: below it.
    """
    rows = tuple(_row(label, said, organs.get(label, {})) for label in labels_of(said))
    crashes = [f"{one.label}, {one.case}: {one.failure}" for one in said if one.failure]
    return Table(title, HEAD, rows, " ".join([READ_ME, note, *crashes]).strip())


def organ_table(title: str, organs: Organs) -> Table:
    """Give a row for each organ, a column for each way."""
    names = sorted({name for organ in organs.values() for name in organ})
    rows = tuple(
        (name.replace("_", " "), *(_dice(organs[label].get(name)) for label in organs))
        for name in names
    )
    return Table(title, ("", *organs), rows)


def organs_of(
    asked: Sequence[Asked], arms: Sequence[Arm], kept: Kept
) -> dict[str, dict[str, float]]:
    """Collect the kept overlaps: mean Dice of each organ by way; ways without any are left out."""
    out: dict[str, dict[str, float]] = {}
    for arm in arms:
        found: dict[str, list[float]] = {}
        for one in asked:
            stored = kept.get(dice_key(one.name, arm.label, arm.key, one.version)) or {}
            for organ, value in stored.items():
                found.setdefault(organ, []).append(float(value))
        if found:
            out[arm.label] = {organ: float(np.mean(values)) for organ, values in found.items()}
    return out


def both_answered(said: Sequence[Said], label: str, rival: str) -> tuple[Array, Array]:
    """Give the errors of two ways at the places for which both gave an answer."""
    ours = {one.case: one.errors for one in said if one.label == label}
    theirs = {one.case: one.errors for one in said if one.label == rival}
    pairs = [(ours[case], theirs[case]) for case in ours if case in theirs]
    if not pairs:
        return np.empty(0), np.empty(0)
    a, b = (np.concatenate(part) for part in zip(*pairs, strict=True))
    known = np.isfinite(a) & np.isfinite(b)
    return a[known], b[known]


def failed_cases(said: Sequence[Said], label: str) -> int:
    """Count the cases whose mean error is above 20 mm, or that crashed."""
    return sum(_is_failed(one) for one in said if one.label == label)


def mean_mm(said: Sequence[Said], label: str) -> float:
    """Give the mean error of the answered places."""
    return summarize(errors_of(said, label)).mean_mm


def mean_seconds(said: Sequence[Said], label: str) -> float:
    """Give the mean seconds of the cases that did not crash."""
    seconds = [one.seconds for one in said if one.label == label and not one.failure]
    return float(np.mean(seconds)) if seconds else float("nan")


def _is_failed(one: Said) -> bool:
    return bool(one.failure) or not float(np.mean(one.errors)) <= FAILED_MM


def _row(label: str, said: Sequence[Said], organs: Mapping[str, float]) -> tuple[str, ...]:
    cases = [one for one in said if one.label == label]
    errors = errors_of(said, label)
    figures = summarize(errors)
    return (
        label,
        str(figures.n),
        number(figures.mean_mm, 2),
        number(figures.median_mm, 2),
        number(figures.p95_mm),
        f"{share_within(errors, 10.0):.1f} %",
        str(int((~(errors <= FAILED_MM)).sum())),
        f"{failed_cases(said, label)} of {len(cases)}",
        str(sum(bool(one.failure) for one in cases)),
        _dice(float(np.mean([*organs.values()])) if organs else None),
        number(mean_seconds(said, label)),
    )


def _dice(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
