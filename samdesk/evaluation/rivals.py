"""The arms of `samdesk evaluate landmarks`: embeddings, registrations, and both joined."""

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from time import perf_counter

import numpy as np

from samdesk.core.progress import Progress
from samdesk.evaluation.arms import Arm, Said
from samdesk.evaluation.base import Answers, Case
from samdesk.evaluation.contenders import Embeddings, samdesk_contenders
from samdesk.evaluation.figures import errors_mm
from samdesk.model import lattice
from samdesk.model.matcher import Matcher
from samdesk.registration import affine, aligned, deformable, demons
from samdesk.registration.transform import Registration

# Voxels of the images that all registrations compare: where the truth is exact, and across people,
# where errors are several times that and the coarser images take half the time.
FINE_MM, COARSE_MM = 5.0, 6.0
AGREE_MM = 10.0


class Baseline:
    """A registration by grey values as a contender.

    Args:
        label: in the tables.
        way: registers a case.
    """

    def __init__(
        self, label: str, way: Callable[[Case], Generator[Progress, None, Registration]]
    ) -> None:
        self.label = label
        self._way = way

    def answer(self, case: Case) -> Generator[Progress, None, Answers]:
        """Register the two volumes and map the case's places."""
        found = yield from self._way(case)
        return Answers(found.map_points(case.places), found.seconds)


class SamSpline:
    """A B-spline that starts from the matches of a lattice: SAM first, grey values then.

    Args:
        embeddings: of the model.
        spacing_mm: of the images whose grey values are compared.
    """

    label = "SAM-started B-spline"

    def __init__(self, embeddings: Embeddings, spacing_mm: float) -> None:
        self._embeddings = embeddings
        self._spacing_mm = spacing_mm

    def answer(self, case: Case) -> Generator[Progress, None, Answers]:
        """Match the lattice, align, and map the case's places; all of it counts in the seconds."""
        a, seconds_a = yield from self._embeddings.of(case.template)
        b, seconds_b = yield from self._embeddings.of(case.target)
        started = perf_counter()
        matches = yield from lattice.matched_lattice(Matcher(self._embeddings.info), a, b)
        found = yield from aligned.align(
            case.template, case.target, matches, spacing_mm=self._spacing_mm
        )
        places = found.registration.map_points(case.places)
        return Answers(places, seconds_a + seconds_b + perf_counter() - started)


class _Shared:
    """The affine of the case at work, which B-spline and demons start from."""

    def __init__(self, spacing_mm: float) -> None:
        self.spacing_mm = spacing_mm
        self._case: Case | None = None
        self._found: Registration | None = None

    def affine(self, case: Case) -> Generator[Progress, None, Registration]:
        if self._found is None or self._case is not case:
            self._found = yield from affine.register(case.template, case.target, self.spacing_mm)
            self._case = case
        return self._found

    def spline(self, case: Case) -> Generator[Progress, None, Registration]:
        start = yield from self.affine(case)
        return (
            yield from deformable.register(
                case.template, case.target, start=start, spacing_mm=self.spacing_mm
            )
        )

    def demons(self, case: Case) -> Generator[Progress, None, Registration]:
        start = yield from self.affine(case)
        return (yield from demons.register(case.template, case.target, start, self.spacing_mm))


def sam_arms(embeddings: Embeddings) -> tuple[Arm, ...]:
    """Give the three depths of the search, plainest first; the last is the one that counts."""
    return tuple(Arm(one, _model_key(embeddings)) for one in samdesk_contenders(embeddings))


def spline_arm(embeddings: Embeddings, spacing_mm: float) -> Arm:
    """Give the B-spline that starts from matches."""
    key = f"{_model_key(embeddings)} | {_recipe(spacing_mm)}"
    return Arm(SamSpline(embeddings, spacing_mm), key)


def baseline_arms(spacing_mm: float) -> tuple[Arm, ...]:
    """Give affine, B-spline and demons, started from the middles of the two bodies."""
    shared = _Shared(spacing_mm)
    ways = (
        Baseline("SimpleITK affine", shared.affine),
        Baseline("affine + B-spline", shared.spline),
        Baseline("affine + demons", shared.demons),
    )
    return tuple(Arm(way, _recipe(spacing_mm)) for way in ways)


def helped_arm(spacing_mm: float) -> Arm:
    """Give the affine that is told the true offset of the case's places."""

    def told(case: Case) -> Generator[Progress, None, Registration]:
        offset = (case.truth - case.places).mean(axis=0)
        return (
            yield from affine.register(case.template, case.target, spacing_mm, offset_mm=offset)
        )

    return Arm(Baseline("affine, TOLD the true offset", told), _recipe(spacing_mm))


def fused(matched: Sequence[Said], registered: Sequence[Said], label: str) -> Iterator[Said]:
    """Join what the matches and the registration said, by a rule that knows no truth.

    Args:
        matched: of the embeddings.
        registered: of the SAM-started B-spline, on the same cases.
        label: of the joined answers.

    Yields:
        Where both lie within 10 mm of each other their mean; else the match where it was called
        found, else the registration, else whichever there is.
    """
    by_case = {said.case: said for said in registered}
    for ours in matched:
        if ours.case in by_case:
            yield _joined(ours, by_case[ours.case], label)


def _joined(ours: Said, theirs: Said, label: str) -> Said:
    apart = np.linalg.norm(ours.answers - theirs.answers, axis=1)
    takes_match = ours.found | ~np.isfinite(theirs.answers).all(axis=1)
    single = np.where(takes_match[:, None], ours.answers, theirs.answers)
    mean = (ours.answers + theirs.answers) / 2
    answers = np.where((apart <= AGREE_MM)[:, None], mean, single)
    errors = errors_mm(answers, ours.truth)
    return replace(
        ours, label=label, errors=errors, best=errors, answers=answers,
        seconds=ours.seconds + theirs.seconds, failure="",
    )  # fmt: skip


def _model_key(embeddings: Embeddings) -> str:
    return f"sam {embeddings.info.sha256}"


def _recipe(spacing_mm: float) -> str:
    """Tell what a registration's answers depend on besides the case."""
    return (
        f"{spacing_mm:g} mm, {affine.BINS} bins, {deformable.GRID_MM:g} mm, {deformable.LEVELS}, "
        f"{deformable.NEAR_LEVELS}, {demons.LEVELS}"
    )
