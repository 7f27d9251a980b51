"""Let every contender answer the same cases, and lay their errors side by side."""

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from samdesk.core.match import Match, Verdict
from samdesk.core.progress import Progress
from samdesk.evaluation.base import Case, Contender, Miss, Row
from samdesk.evaluation.figures import errors_mm, summarize

WORST = 10


@dataclass
class Tally:
    """What one contender did over the cases.

    Attributes:
        label: of the contender.
        errors: (n,) mm of each case.
        seconds: of each case.
        matches: of each case, with the error beside; only of contenders that give them.
        failures: a sentence for each case that failed.
    """

    label: str
    errors: list[NDArray[np.float64]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    matches: list[tuple[Match, float]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def all_errors(self) -> NDArray[np.float64]:
        """(n,) mm of all cases."""
        return np.concatenate(self.errors) if self.errors else np.empty(0)

    def row(self) -> Row:
        """Give the line of the table."""
        seconds = float(np.mean(self.seconds)) if self.seconds else None
        return Row(self.label, summarize(self.all_errors), seconds, tuple(self.failures))


@dataclass
class Contest:
    """All tallies, the errors by the name of the place, and the worst answers of the last samdesk.

    Attributes:
        tallies: in the order of the contenders.
        misses: worst first, at most ten.
        by_name: errors of the judged contender by the name of the place.
        by_case: errors of the judged contender by case.
    """

    tallies: list[Tally]
    misses: list[Miss] = field(default_factory=list)
    by_name: dict[str, list[float]] = field(default_factory=dict)
    by_case: dict[str, NDArray[np.float64]] = field(default_factory=dict)

    def rows(self) -> tuple[Row, ...]:
        """Give the table."""
        return tuple(tally.row() for tally in self.tallies)

    def tally(self, contender: Contender) -> Tally:
        """Give what one contender did."""
        return next(tally for tally in self.tallies if tally.label == contender.label)


def hold(
    cases: Iterable[Case],
    contenders: Sequence[Contender],
    judged: Contender,
    n_cases: int = 0,
) -> Generator[Progress, None, Contest]:
    """Ask every contender about every case.

    Args:
        cases: made one by one, so that only one is in memory.
        contenders: who answers.
        judged: whose worst answers are kept for pictures.
        n_cases: how many cases there will be, for the progress.
    """
    contest = Contest([Tally(contender.label) for contender in contenders])
    for done, case in enumerate(cases):
        for contender, tally in zip(contenders, contest.tallies, strict=True):
            yield Progress(done, n_cases, f"{case.name}: {contender.label}")
            answers = yield from contender.answer(case)
            errors = errors_mm(answers.places, case.truth)
            tally.errors.append(errors)
            tally.seconds.append(answers.seconds)
            tally.matches += list(zip(answers.matches, errors.tolist(), strict=False))
            if answers.failure:
                tally.failures.append(f"{case.name}: {answers.failure}")
            if contender is judged:
                _remember(contest, case, answers.places, errors)
    return contest


def found_share(matches: Sequence[tuple[Match, float]]) -> float:
    """Give the part of the matches that are called found."""
    found = [match.verdict is Verdict.FOUND for match, _ in matches]
    return float(np.mean(found)) if found else float("nan")


def gross_share_of_found(matches: Sequence[tuple[Match, float]], far_mm: float = 20.0) -> float:
    """Give the part of the matches called found that are more than 20 mm wrong."""
    far = [error > far_mm for match, error in matches if match.verdict is Verdict.FOUND]
    return float(np.mean(far)) if far else 0.0


def _remember(
    contest: Contest, case: Case, places: NDArray[np.float64], errors: NDArray[np.float64]
) -> None:
    contest.by_case[case.name] = errors
    for name, error in zip(case.names, errors, strict=False):
        contest.by_name.setdefault(name, []).append(float(error))
    for n in np.argsort(-errors, kind="stable")[:WORST]:
        name = case.names[n] if len(case.names) > n else f"place {n + 1}"
        contest.misses.append(
            Miss(
                case.name, name, float(errors[n]), case.template, case.target,
                case.places[n], case.truth[n], places[n],
            )
        )  # fmt: skip
    contest.misses = sorted(contest.misses, key=lambda miss: -miss.error_mm)[:WORST]
