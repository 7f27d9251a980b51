"""What was said of many cases as tables, boxes and pictures."""

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from samdesk.evaluation.arms import Asked, Said
from samdesk.evaluation.base import Boxes, Miss, Picture, Table
from samdesk.evaluation.figures import interval, summarize
from samdesk.evaluation.kept import Kept
from samdesk.evaluation.pictures import picture
from samdesk.evaluation.tables import number

Array = NDArray[np.float64]
HEAD = (
    "", "places", "answered", "median mm [95 %]", "mean ± sd mm", "p95 mm", "max mm", "<= 10 mm",
    "<= 15 mm [95 %]", "s a case", "cases failed",
)  # fmt: skip
READ_ME = (
    "A place without an answer counts as infinitely wrong in every column but the mean, which is "
    "of the answered. Intervals: bootstrap of whole cases, 95 %; where only two cases are there "
    "they say little."
)
WORST = 6


def labels_of(said: Iterable[Said]) -> tuple[str, ...]:
    """Give the labels in the order in which they first appear."""
    return tuple(dict.fromkeys(one.label for one in said))


def chosen(said: Iterable[Said], keep: Callable[[str, str], bool]) -> list[Said]:
    """Keep some places of what was said; a case of which none is left goes.

    Args:
        said: of any arms.
        keep: tells it from the case's name and the place's.
    """
    left = []
    for one in said:
        mask = np.array([keep(one.case, name) for name in one.names], dtype=bool)
        if mask.any():
            left.append(
                replace(
                    one,
                    names=_kept(one.names, mask),
                    verdicts=_kept(one.verdicts, mask),
                    reasons=_kept(one.reasons, mask),
                    p_present=one.p_present[mask],
                    errors=one.errors[mask],
                    best=one.best[mask],
                    answers=one.answers[mask],
                    truth=one.truth[mask],
                    found=one.found[mask],
                )
            )
    return left


def errors_of(said: Iterable[Said], label: str) -> Array:
    """Join the errors of one arm, (n,) mm."""
    parts = [one.errors for one in said if one.label == label]
    return np.concatenate(parts) if parts else np.empty(0)


def as_best(said: Iterable[Said], label: str, renamed: str) -> list[Said]:
    """Give an arm's likeliest places, whatever it said of them, under another label."""
    return [replace(one, label=renamed, errors=one.best) for one in said if one.label == label]


def side_by_side(title: str, said: Sequence[Said], note: str = "") -> Table:
    """Lay all arms beside each other, a row each."""
    rows = tuple(
        _row(label, [one for one in said if one.label == label]) for label in labels_of(said)
    )
    failures = [f"{s.label}, {s.case}: {s.failure}" for s in said if s.failure]
    return Table(title, HEAD, rows, " ".join([READ_ME, note, *failures]).strip())


def share_within(errors: Array, limit_mm: float) -> float:
    """Give the part of the errors, in percent, that is at most so large."""
    return 100 * float(np.mean(errors <= limit_mm)) if len(errors) else float("nan")


def median_of(errors: Array) -> float:
    """Give the median, infinite where too few were answered."""
    return summarize(errors).median_mm


def by_place(title: str, said: Sequence[Said], note: str = "") -> Table:
    """Give a row for each named place: mean, sd and largest error of every arm."""
    labels = labels_of(said)
    errors: dict[str, dict[str, list[float]]] = {}
    for one in said:
        for name, error in zip(one.names, one.errors.tolist(), strict=True):
            if name:
                errors.setdefault(name, {}).setdefault(one.label, []).append(error)
    rows = tuple(
        (
            name.replace("_", " "),
            str(max(map(len, arms.values()))),
            *(_spread(arms.get(la, [])) for la in labels),
        )
        for name, arms in sorted(errors.items())
    )
    head = ("", "n", *(f"{label}: mean ± sd (max) mm" for label in labels))
    return Table(title, head, rows, note)


def by_case(title: str, said: Sequence[Said], note: str = "") -> Table:
    """Give a row for each case: the median error of every arm."""
    labels = labels_of(said)
    cases: dict[str, dict[str, Array]] = {}
    for one in said:
        cases.setdefault(one.case, {})[one.label] = one.errors
    rows = tuple(
        (
            case,
            str(max(map(len, arms.values()))),
            *(number(median_of(arms[la])) if la in arms else "-" for la in labels),
        )
        for case, arms in cases.items()
    )
    return Table(title, ("", "places", *(f"{label}: median mm" for label in labels)), rows, note)


def boxes_of(title: str, said: Sequence[Said]) -> Boxes:
    """Give a box of errors for each arm."""
    series: Mapping[str, tuple[float, ...]] = {
        label: tuple(errors_of(said, label).tolist()) for label in labels_of(said)
    }
    return Boxes(title, "mm", series)


def worst_pictures(
    said: Sequence[Said], asked: Sequence[Asked], label: str, kept: Kept, n: int = WORST
) -> tuple[Picture, ...]:
    """Draw the worst answers of one arm; those of one case are drawn from one opening of it.

    Args:
        said: of any arms.
        asked: the cases that it was said of.
        label: of the arm.
        kept: where finished pictures lie.
        n: how many.
    """
    ranked = sorted(
        ((float(error), one, at) for one in said if one.label == label
         for at, error in enumerate(one.errors)),
        key=lambda item: -item[0],
    )[:n]  # fmt: skip
    cases = {one.name: one for one in asked}
    return tuple(
        _drawn(error, one, at, cases[one.case], kept) for error, one, at in ranked
        if one.case in cases
    )  # fmt: skip


def _drawn(error: float, said: Said, at: int, asked: Asked, kept: Kept) -> Picture:
    name = said.names[at] or f"place {at + 1}"
    caption = f"{said.case}, {name.replace('_', ' ')}: {number(error)} mm"
    key = f"picture | {said.label} | {asked.name} | {asked.version} | {at} | {said.answers[at]}"
    stored = kept.get(key)
    if stored is None:
        case = asked.make()
        spot = int(np.linalg.norm(case.truth - said.truth[at], axis=1).argmin())
        miss = Miss(
            case.name, name, error, case.template, case.target, case.places[spot],
            case.truth[spot], said.answers[at],
        )  # fmt: skip
        stored = {"png": base64.b64encode(picture(miss)).decode("ascii")}
        kept.put(key, stored)
    return Picture(caption, base64.b64decode(stored["png"]))


def _kept(words: Sequence[str], mask: NDArray[np.bool_]) -> tuple[str, ...]:
    return tuple(word for word, is_kept in zip(words, mask, strict=True) if is_kept)


def _row(label: str, said: Sequence[Said]) -> tuple[str, ...]:
    errors = np.concatenate([one.errors for one in said])
    groups = np.concatenate([np.full(len(one.errors), n) for n, one in enumerate(said)])
    figures = summarize(errors)
    answered = errors[np.isfinite(errors)]
    n_failed = sum(bool(one.failure) for one in said)
    return (
        label,
        str(figures.n),
        str(figures.n_answered),
        f"{number(figures.median_mm)} {_range(errors, groups, median_of)}",
        f"{number(figures.mean_mm)} ± {number(float(answered.std()))}" if len(answered) else "-",
        number(figures.p95_mm),
        number(float(errors.max())),
        f"{share_within(errors, 10.0):.1f} %",
        f"{share_within(errors, 15.0):.1f} % "
        + _range(errors, groups, partial(share_within, limit_mm=15.0), 0),
        number(float(np.mean([one.seconds for one in said]))),
        f"{n_failed} of {len(said)}",
    )


def _range(errors: Array, groups: Array, figure: Callable[[Array], float], digits: int = 1) -> str:
    low, high = interval(errors, figure, groups=groups, draws=1000)
    return "" if low != low else f"[{number(low, digits)}, {number(high, digits)}]"


def _spread(errors: Sequence[float]) -> str:
    known = np.array([error for error in errors if np.isfinite(error)])
    if not len(known):
        return "none" if len(errors) else "-"
    missing = f", {len(errors) - len(known)} none" if len(known) < len(errors) else ""
    return f"{known.mean():.1f} ± {known.std():.1f} ({known.max():.1f}{missing})"
