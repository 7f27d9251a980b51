"""The ways of registering that are compared: grey values alone, and started from SAM matches.

Seconds are those of the processor on one thread, from the opened volumes to the transform; what
two ways share (the affine, the embeddings, the matches) is worked out once and counted for both.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from time import process_time
from typing import Any, TypeVar

import numpy as np

from samdesk.core.correspondence import Correspondences
from samdesk.core.match import Match
from samdesk.core.models import ModelInfo
from samdesk.core.progress import Progress
from samdesk.evaluation.arms import Arm, Said
from samdesk.evaluation.base import Answers, Case
from samdesk.evaluation.figures import errors_mm
from samdesk.evaluation.kept import Kept
from samdesk.evaluation.overlap import LabeledCase, dice_of
from samdesk.model import lattice
from samdesk.model.embedder import embed
from samdesk.model.embedding import Embedding
from samdesk.model.matcher import Answer, Matcher
from samdesk.model.session import Session
from samdesk.registration import affine, aligned, deformable, demons, refine
from samdesk.registration.transform import Registration

Result = TypeVar("Result")
Steps = Generator[Progress, None, Result]

# Coarser than in use (4 mm), so that a run ends within the hour on one core.
SPACING_MM = 6.0
RECIPE = (
    f"{SPACING_MM:g} mm, {affine.BINS} bins, {deformable.GRID_MM:g} mm, {deformable.LEVELS}, "
    f"{demons.LEVELS}, tissue scale {deformable.TISSUE}"
)
SAM_RECIPE = (
    f"{RECIPE}, {deformable.NEAR_LEVELS}, {aligned.GREY_SHARE:g} of grey values, "
    f"lattice {lattice.STEP_MM:g} mm"
)

AFFINE, SPLINE, DEMONS = "affine", "affine + B-spline", "affine + demons"
TOLD = "affine + B-spline, TOLD the true offset"
SAM_AFFINE, SAM_COARSE = "SAM affine", "SAM coarse field"
SAM_SPLINE, SAM_DEMONS = "SAM + B-spline", "SAM + demons"
MATCH, FUSED = "SAM match alone", "match and SAM + B-spline fused"


class Work:
    """What the ways share on the case at work, each part with its seconds.

    Args:
        info: of the model.
        session: that runs it.
    """

    def __init__(self, info: ModelInfo, session: Session) -> None:
        self.info = info
        self._session = session
        self._case: Case | None = None
        self._known: dict[str, tuple[Any, float]] = {}
        self._matcher = Matcher(info)

    def part(
        self, case: Case, name: str, steps: Callable[[], Steps[Result]]
    ) -> Steps[tuple[Result, float]]:
        """Work a part out, or give it where it is known, with its seconds."""
        if case is not self._case:
            self._case, self._known, self._matcher = case, {}, Matcher(self.info)
        if name not in self._known:
            started = process_time()
            result = yield from steps()
            self._known[name] = result, process_time() - started
        result, seconds = self._known[name]
        return result, seconds

    def affine(self, case: Case) -> Steps[tuple[Registration, float]]:
        """Register by the affine, with several starts along the axis."""
        return (
            yield from self.part(
                case, AFFINE, lambda: affine.register(case.template, case.target, SPACING_MM)
            )
        )

    def spline(self, case: Case) -> Steps[tuple[Registration, float]]:
        """Register by the affine and the B-spline."""
        start, before = yield from self.affine(case)
        found, seconds = yield from self.part(
            case,
            SPLINE,
            lambda: deformable.register(
                case.template, case.target, start=start, spacing_mm=SPACING_MM
            ),
        )
        return found, before + seconds

    def demons(self, case: Case) -> Steps[tuple[Registration, float]]:
        """Register by the affine and demons."""
        start, before = yield from self.affine(case)
        found, seconds = yield from self.part(
            case, DEMONS, lambda: demons.register(case.template, case.target, start, SPACING_MM)
        )
        return found, before + seconds

    def told(self, case: Case) -> Steps[tuple[Registration, float]]:
        """Register by affine and B-spline from the mean true offset of the judged places."""
        offset = (case.truth - case.places).mean(axis=0)

        def steps() -> Steps[Registration]:
            start = yield from affine.register(
                case.template, case.target, SPACING_MM, offset_mm=offset
            )
            return (
                yield from deformable.register(
                    case.template, case.target, start=start, spacing_mm=SPACING_MM
                )
            )

        return (yield from self.part(case, TOLD, steps))

    def embeddings(self, case: Case) -> Steps[tuple[tuple[Embedding, Embedding], float]]:
        """Embed both volumes."""

        def steps() -> Steps[tuple[Embedding, Embedding]]:
            one = yield from embed(case.template, self._session)
            return one, (yield from embed(case.target, self._session))

        return (yield from self.part(case, "embeddings", steps))

    def matches(self, case: Case) -> Steps[tuple[Correspondences, float]]:
        """Match the lattice of the template's body."""
        (one, other), before = yield from self.embeddings(case)
        found, seconds = yield from self.part(
            case, "matches", lambda: lattice.matched_lattice(self._matcher, one, other)
        )
        return found, before + seconds

    def sam_affine(self, case: Case) -> Steps[tuple[Registration, float]]:
        """Fit the affine to the matches."""
        matches, before = yield from self.matches(case)
        found, seconds = yield from self.part(
            case,
            SAM_AFFINE,
            lambda: aligned.align(case.template, case.target, matches, is_deformable=False),
        )
        return found.registration, before + seconds

    def sam_coarse(self, case: Case) -> Steps[tuple[Registration, float]]:
        """Fit affine and field to the matches, without any grey value."""
        matches, before = yield from self.matches(case)

        def steps() -> Steps[Registration]:
            yield Progress(0, 1, "fitting the matches")
            return aligned.from_matches(case.template.geometry, matches).registration

        found, seconds = yield from self.part(case, SAM_COARSE, steps)
        return found, before + seconds

    def sam_spline(self, case: Case) -> Steps[tuple[Registration, float]]:
        """Align from the matches."""
        matches, before = yield from self.matches(case)
        found, seconds = yield from self.part(
            case,
            SAM_SPLINE,
            lambda: aligned.align(case.template, case.target, matches, spacing_mm=SPACING_MM),
        )
        return found.registration, before + seconds

    def sam_demons(self, case: Case) -> Steps[tuple[Registration, float]]:
        """Let demons start from the field of the matches."""
        start, before = yield from self.sam_coarse(case)
        still = replace(start, seconds=0.0)
        found, seconds = yield from self.part(
            case, SAM_DEMONS, lambda: demons.register(case.template, case.target, still, SPACING_MM)
        )
        return found, before + seconds

    def answers(self, case: Case) -> Steps[tuple[list[Answer], float]]:
        """Match the judged places themselves, as the program does for one patient or two."""
        (one, other), before = yield from self.embeddings(case)
        found, seconds = yield from self.part(
            case,
            MATCH,
            lambda: self._matcher.answers(
                one,
                other,
                case.places,
                same_patient=case.same_patient,
                volumes=(case.template, case.target),
            ),
        )
        return found, before + seconds


class Way:
    """A registration as a contender.

    Args:
        label: in the tables.
        way: registers a case, with its seconds.
        kept: where the overlap of organs is kept.
        key: what the answers depend on.
    """

    def __init__(
        self,
        label: str,
        way: Callable[[Case], Steps[tuple[Registration, float]]],
        kept: Kept,
        key: str,
    ) -> None:
        self.label = label
        self._way = way
        self._kept = kept
        self._key = key

    def answer(self, case: Case) -> Generator[Progress, None, Answers]:
        """Register the two volumes, map the case's places, and lay organs on organs."""
        found, seconds = yield from self._way(case)
        if isinstance(case, LabeledCase):
            yield Progress(1, 1, "organs on organs")
            key = dice_key(case.name, self.label, self._key, case.version)
            self._kept.put(key, dict(dice_of(case, found)))
        return Answers(found.map_points(case.places), seconds)


class Places:
    """The matches themselves as a contender.

    Args:
        work: shared by all.
    """

    label = MATCH

    def __init__(self, work: Work) -> None:
        self._work = work

    def answer(self, case: Case) -> Generator[Progress, None, Answers]:
        """Match the case's places; where the program gives none, the likeliest counts as best."""
        said, seconds = yield from self._work.answers(case)
        matches: list[Match] = [answer.match for answer in said]
        return Answers(
            np.array([m.at_mm or (np.nan,) * 3 for m in matches]).reshape(-1, 3),
            seconds,
            tuple(matches),
        )


def fused_of(said: Sequence[Said]) -> list[Said]:
    """Fuse what the matches and the SAM-started B-spline said, case by case.

    Args:
        said: of all ways.

    Returns:
        One for each case that both answered; its seconds are those of both, the embeddings and
        all.
    """
    mapped = {one.case: one for one in said if one.label == SAM_SPLINE}
    out = []
    for ours in said:
        if ours.label != MATCH or ours.case not in mapped:
            continue
        theirs = mapped[ours.case]
        answers = refine.fused(ours.answers, theirs.answers)
        errors = errors_mm(answers, ours.truth)
        out.append(
            replace(
                ours,
                label=FUSED,
                answers=answers,
                errors=errors,
                best=errors,
                seconds=ours.seconds + theirs.seconds,
                failure="",
            )
        )
    return out


def dice_key(case: str, label: str, key: str, version: str) -> str:
    """Name the kept overlap of one way on one case."""
    return f"organs | {case} | {label} | {key} | {version}"


def grey_arms(work: Work, kept: Kept, *, with_told: bool = False) -> tuple[Arm, ...]:
    """Give the ways that know no model; their answers outlive new weights."""
    ways = [(AFFINE, work.affine), (SPLINE, work.spline), (DEMONS, work.demons)]
    ways += [(TOLD, work.told)] if with_told else []
    return tuple(Arm(Way(label, way, kept, RECIPE), RECIPE) for label, way in ways)


def sam_arms(work: Work, kept: Kept, *, with_places: bool = False) -> tuple[Arm, ...]:
    """Give the ways that start from matches, and the matches themselves."""
    key = f"sam {work.info.sha256} | {SAM_RECIPE}"
    ways = [
        (SAM_AFFINE, work.sam_affine),
        (SAM_COARSE, work.sam_coarse),
        (SAM_SPLINE, work.sam_spline),
        (SAM_DEMONS, work.sam_demons),
    ]
    arms = [Arm(Way(label, way, kept, key), key) for label, way in ways]
    if with_places:
        arms.append(Arm(Places(work), f"sam {work.info.sha256}"))
    return tuple(arms)
