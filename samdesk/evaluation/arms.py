"""Ways of finding a place, side by side on the same cases, with what each said kept on disk.

An arm whose answers do not depend on the weights is kept under a key without them, so that new
weights ask only the arms that use them again. An arm that crashes is an answer too: its reason is
kept and all its places count as not found.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samdesk.core.match import Verdict
from samdesk.core.progress import Progress
from samdesk.errors import SamdeskError, Stopped
from samdesk.evaluation.base import Answers, Case, Contender
from samdesk.evaluation.figures import errors_mm
from samdesk.evaluation.kept import Kept


@dataclass(frozen=True, eq=False)
class Asked:
    """A case that is made only when an arm must be asked.

    Attributes:
        name: of the case.
        version: everything that its places and volumes depend on.
        make: gives the case.
    """

    name: str
    version: str
    make: Callable[[], Case]


@dataclass(frozen=True, eq=False)
class Arm:
    """A contender with what its answers depend on.

    Attributes:
        contender: who answers.
        key: the model's sha256 or the registration's recipe.
    """

    contender: Contender
    key: str

    @property
    def label(self) -> str:
        """Name in the tables."""
        return self.contender.label


@dataclass(frozen=True, eq=False)
class Said:
    """What an arm said of a case, without volumes.

    Attributes:
        case, label: of whom.
        names: (n) of the places; as many as errors, "" where a place has none.
        errors: (n,) mm, infinite where no answer was given.
        best: (n,) mm of the likeliest place whatever the verdict; as `errors` where not told.
        answers: (n, 3) LPS mm, not a number where none was given.
        truth: (n, 3) LPS mm.
        found: (n,) whether it was called found.
        p_present: (n,) probability; not a number where the arm gives none.
        verdicts, reasons: (n) words of cli.md and sentences; "" where the arm gives none.
        seconds: from cold.
        failure: why there is no answer at all; else empty.
    """

    case: str
    label: str
    names: tuple[str, ...]
    errors: NDArray[np.float64]
    best: NDArray[np.float64]
    answers: NDArray[np.float64]
    truth: NDArray[np.float64]
    found: NDArray[np.bool_]
    p_present: NDArray[np.float64]
    verdicts: tuple[str, ...]
    reasons: tuple[str, ...]
    seconds: float
    failure: str


def ask(
    asked: Sequence[Asked], arms: Sequence[Arm], kept: Kept
) -> Generator[Progress, None, list[Said]]:
    """Ask every arm about every case, or take what it said before.

    Args:
        asked: the cases; one is made only if something is missing.
        arms: who answers.
        kept: where answers lie.
    """
    said: list[Said] = []
    total = len(asked) * len(arms)
    for case_number, one in enumerate(asked):
        case: Case | None = None
        for arm_number, arm in enumerate(arms):
            done = case_number * len(arms) + arm_number
            key = f"{one.name} | {arm.label} | {arm.key} | {one.version}"
            value = kept.get(key)
            if value is None:
                yield Progress(done, total, f"{one.name}: {arm.label}")
                case = one.make() if case is None else case
                value = yield from _asked(case, arm, done, total)
                kept.put(key, value)
            said.append(_said(one.name, arm.label, value))
    return said


def digest(*parts: Any) -> str:
    """Give a short text that changes with any of some arrays, texts and numbers."""
    hashed = sha256()
    for part in parts:
        array = np.asarray(part)
        text = repr(array.shape) if array.dtype != object else ""
        hashed.update(text.encode())
        hashed.update(array.tobytes() if array.dtype.kind in "iufb" else repr(part).encode())
    return hashed.hexdigest()[:16]


def _asked(case: Case, arm: Arm, done: int, total: int) -> Generator[Progress, None, Any]:
    """Let an arm answer; whatever goes wrong in it is its answer."""
    started = perf_counter()
    steps = arm.contender.answer(case)
    try:
        while True:
            try:
                progress = next(steps)
            except StopIteration as end:
                return _value(case, end.value)
            yield Progress(done, total, f"{case.name}: {arm.label}, {progress.doing}")
    except Stopped:
        raise
    except Exception as error:  # noqa: BLE001 - a crashed arm is reported, not left out
        reason = error.what if isinstance(error, SamdeskError) else f"It crashed: {error!r}."
        nothing = np.full((len(case.places), 3), np.nan)
        return _value(case, Answers(nothing, perf_counter() - started, failure=reason))


def _value(case: Case, answers: Answers) -> dict[str, Any]:
    errors = errors_mm(answers.places, case.truth)
    best = errors if answers.best is None else errors_mm(answers.best, case.truth)
    n = len(errors)
    names = [*case.names, *[""] * (n - len(case.names))]
    found = [match.verdict is Verdict.FOUND for match in answers.matches]
    return {
        "names": names,
        "errors": errors.tolist(),
        "best": best.tolist(),
        "answers": np.asarray(answers.places, dtype=np.float64).tolist(),
        "truth": np.asarray(case.truth, dtype=np.float64).tolist(),
        "found": found or np.isfinite(errors).tolist(),
        "p": [match.p_present for match in answers.matches] or [float("nan")] * n,
        "verdicts": [match.verdict.value for match in answers.matches] or [""] * n,
        "reasons": [match.reason for match in answers.matches] or [""] * n,
        "seconds": answers.seconds,
        "failure": answers.failure,
    }


def _said(case: str, label: str, value: Mapping[str, Any]) -> Said:
    return Said(
        case,
        label,
        tuple(value["names"]),
        np.array(value["errors"], dtype=np.float64),
        np.array(value["best"], dtype=np.float64),
        np.array(value["answers"], dtype=np.float64).reshape(-1, 3),
        np.array(value["truth"], dtype=np.float64).reshape(-1, 3),
        np.array(value["found"], dtype=bool),
        np.array(value["p"], dtype=np.float64),
        tuple(value["verdicts"]),
        tuple(value["reasons"]),
        float(value["seconds"]),
        str(value["failure"]),
    )
