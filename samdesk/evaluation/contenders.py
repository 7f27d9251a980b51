"""Who is compared: samdesk in three depths, and the two registrations, all on the same cases."""

from collections.abc import Generator
from dataclasses import dataclass
from enum import Enum
from time import perf_counter

import numpy as np

from samdesk.core.geometry import Points
from samdesk.core.match import Match
from samdesk.core.models import ModelInfo
from samdesk.core.progress import Progress
from samdesk.core.volume import Volume
from samdesk.errors import SamdeskError
from samdesk.evaluation.base import Answers, Case
from samdesk.model import search
from samdesk.model.embedder import embed
from samdesk.model.embedding import Embedding
from samdesk.model.scaled import matcher_for
from samdesk.model.session import Session
from samdesk.model.similarity import keys_of
from samdesk.registration import affine, deformable
from samdesk.registration.transform import Registration

# Embeddings of the cases at work; each is a few megabytes and holds its volume alive.
HELD = 6
NOWHERE = (float("nan"),) * 3


class Depth(Enum):
    """How much of the search is switched on."""

    PLAIN = "samdesk, one pass"
    PRIOR = "samdesk + prior"
    VOTE = "samdesk + prior + vote"


class Embeddings:
    """Embeds volumes with one model and remembers the last few, with the seconds each took.

    Args:
        info: of the model.
        session: that runs it.
        held: how many are remembered.
    """

    def __init__(self, info: ModelInfo, session: Session, held: int = HELD) -> None:
        self.info = info
        self.session = session
        self._n_held = held
        self._held: list[tuple[Volume, Embedding, float]] = []

    def of(self, volume: Volume) -> Generator[Progress, None, tuple[Embedding, float]]:
        """Give the embedding of a volume and the seconds from its voxels to it."""
        for known, embedding, seconds in self._held:
            if known is volume:
                return embedding, seconds
        started = perf_counter()
        embedding = yield from embed(volume, self.session)
        seconds = perf_counter() - started
        self._held = [*self._held, (volume, embedding, seconds)][-self._n_held :]
        return embedding, seconds


class Samdesk:
    """The program's own way, without cached embeddings and without cached priors.

    Args:
        embeddings: shared by the depths, so that a case is embedded once; each depth still counts
            the seconds.
        depth: what is switched on.
    """

    def __init__(self, embeddings: Embeddings, depth: Depth) -> None:
        self.embeddings = embeddings
        self.depth = depth
        self.label = depth.value

    def answer(self, case: Case) -> Generator[Progress, None, Answers]:
        """Embed both volumes and match the case's places."""
        a, seconds_a = yield from self.embeddings.of(case.template)
        b, seconds_b = yield from self.embeddings.of(case.target)
        started = perf_counter()
        matches: list[Match] = []
        best: Points | None = None
        if self.depth is Depth.PLAIN:
            found = search.everywhere(keys_of(b), a.descriptors(case.places))
            places = found.at_mm
        else:
            answers = yield from matcher_for(self.embeddings.info).answers(
                a,
                b,
                case.places,
                vote=self.depth is Depth.VOTE,
                same_patient=case.same_patient,
                volumes=(case.template, case.target) if self.depth is Depth.VOTE else None,
            )
            matches = [answer.match for answer in answers]
            places = np.array([m.at_mm or NOWHERE for m in matches]).reshape(-1, 3)
            likeliest = [NOWHERE if a.at_mm is None else tuple(a.at_mm) for a in answers]
            best = np.array(likeliest, dtype=np.float64).reshape(-1, 3)
        seconds = seconds_a + seconds_b + perf_counter() - started
        return Answers(places, seconds, tuple(matches), best=best)


@dataclass
class _LastAffine:
    """The affine of the case at work, so that the B-spline need not find it again."""

    template: Volume
    target: Volume
    registration: Registration


class Registrations:
    """Affine and affine + B-spline of a case; the second starts from the first's result."""

    def __init__(self) -> None:
        self._last: _LastAffine | None = None

    def affine(self, case: Case) -> Generator[Progress, None, Registration]:
        """Register by the affine, or give the one just found."""
        last = self._last
        if last is not None and last.template is case.template and last.target is case.target:
            return last.registration
        found = yield from affine.register(case.template, case.target)
        self._last = _LastAffine(case.template, case.target, found)
        return found

    def deformable(self, case: Case) -> Generator[Progress, None, Registration]:
        """Register by the affine and the B-spline."""
        start = yield from self.affine(case)
        return (yield from deformable.register(case.template, case.target, start=start))


class Registered:
    """A registration as a contender.

    Args:
        registrations: shared by the two.
        is_deformable: whether the B-spline follows the affine.
    """

    def __init__(self, registrations: Registrations, is_deformable: bool) -> None:
        self._registrations = registrations
        self._is_deformable = is_deformable
        self.label = "SimpleITK affine + B-spline" if is_deformable else "SimpleITK affine"

    def answer(self, case: Case) -> Generator[Progress, None, Answers]:
        """Register the two volumes and map the case's places; a failure is told, not raised."""
        started = perf_counter()
        way = self._registrations.deformable if self._is_deformable else self._registrations.affine
        try:
            found = yield from way(case)
        except SamdeskError as error:
            nothing = np.full((len(case.places), 3), np.nan)
            return Answers(nothing, perf_counter() - started, failure=error.what)
        return Answers(found.map_points(case.places), found.seconds)


def samdesk_contenders(embeddings: Embeddings) -> tuple[Samdesk, ...]:
    """Give the three depths, plainest first."""
    return tuple(Samdesk(embeddings, depth) for depth in Depth)


def baseline_contenders() -> tuple[Registered, ...]:
    """Give the two registrations."""
    shared = Registrations()
    return Registered(shared, is_deformable=False), Registered(shared, is_deformable=True)
