"""Where the places of one scan are in another, and how sure that is.

The order of sam.md 4: a prior that all matches of the pair have in common, the search with it,
back again for the cycle error, the neighborhood's vote, and for two scans of one patient a last
comparison of grey values. What cannot be answered is said in a sentence and never guessed.
"""

import time
from collections import OrderedDict
from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samdesk.core.geometry import Points, Position
from samdesk.core.match import Alternative, Match, SimilarityMap, Verdict
from samdesk.core.models import ModelInfo
from samdesk.core.progress import Progress
from samdesk.core.volume import Volume
from samdesk.errors import ModelError
from samdesk.model import peak, refine, search, similarity, vote
from samdesk.model import prior as priors
from samdesk.model.calibration import Calibration, Signs
from samdesk.model.embedding import Embedding
from samdesk.model.prior import Prior
from samdesk.model.similarity import Array, Keys, KeyShelf

SCALE_MM = 50.0
SAME_PATIENT_SCALE_MM = 20.0
# Beyond the field of view by more than this is absent, whatever the similarity says.
OUTSIDE_MM = 15.0
# A way back that ends farther off than this is never called found, however sure the rest is: on the
# made hospital CD it was the one place outside the field of view that was (20 mm off, p 0.78).
FOUND_CYCLE_MM = 15.0
# A point on the rim of the last voxel is inside.
RIM_MM = 0.5
# So far from any body cell a point lies in the air of the room.
AIR_MM = 12.0
ALTERNATIVES = 5
# Of ordinary matches about this share of the neighborhood comes back; a quick answer, which does
# not ask it, takes this for granted so that its probability does not jump when the vote is in.
UNASKED_VOTES = 0.75
# The probabilities were fitted on pairs that pass the checks; a pair that fails one is no surer.
MOST_DOUBTED = 0.5
PRIORS_HELD = 32


@dataclass(frozen=True, eq=False)
class Answer:
    """A match with the signs that its probability was made of.

    Attributes:
        match: for the user.
        signs: for calibration; None where nothing was compared.
        at_mm: (3,) the place that was found, whatever the verdict; None where nothing was compared.
    """

    match: Match
    signs: Signs | None
    at_mm: Points | None = None


@dataclass(frozen=True, eq=False)
class _Pair:
    """Two scans as the steps of one answer see them."""

    a: Keys
    b: Keys
    prior: Prior | None
    scale_mm: float
    volumes: tuple[Volume, Volume] | None

    @property
    def usable(self) -> Prior | None:
        """The prior where it may lead the search."""
        return self.prior if self.prior is not None and self.prior.is_usable else None

    @property
    def doubt(self) -> str:
        """Why no match of this pair can be called found, or nothing."""
        if self.prior is None:
            return "The scans have too little in common to compare them."
        return self.prior.reason


class Matcher:
    """Answers questions with the embeddings of one model.

    Args:
        info: of the model; its calibration makes the probabilities.
        keys: where key matrices are held; a new one where none is given.
    """

    def __init__(self, info: ModelInfo, keys: KeyShelf | None = None) -> None:
        self.info = info
        self.calibration = Calibration.of(info.calibration)
        self._keys = keys or KeyShelf()
        self._priors: OrderedDict[tuple[str, str], Prior | None] = OrderedDict()

    def match_points(
        self,
        a: Embedding,
        b: Embedding,
        points_mm: Points,
        *,
        vote: bool = True,
        same_patient: bool = False,
        volumes: tuple[Volume, Volume] | None = None,
    ) -> Generator[Progress, None, list[Match]]:
        """Match places of A in B.

        Args:
            a: embedding of the template scan.
            b: embedding of the target.
            points_mm: (n, 3) LPS mm in A.
            vote: ask the neighborhood too; slower, and better where matches are hard.
            same_patient: both scans show one patient, which makes the search tighter.
            volumes: A and B, for the comparison of grey values where both show one patient.

        Returns:
            One match for each point, in their order.

        Raises:
            ModelError: the embeddings are of another model.
        """
        answers = yield from self.answers(
            a, b, points_mm, vote=vote, same_patient=same_patient, volumes=volumes
        )
        return [answer.match for answer in answers]

    def answers(
        self,
        a: Embedding,
        b: Embedding,
        points_mm: Points,
        *,
        vote: bool = True,
        same_patient: bool = False,
        volumes: tuple[Volume, Volume] | None = None,
    ) -> Generator[Progress, None, list[Answer]]:
        """Do what `match_points` does, and keep the signs; calibration is fitted to them."""
        points = np.atleast_2d(np.asarray(points_mm, dtype=np.float64))
        prior = yield from self.prior_steps(a, b)
        pair = _Pair(
            self._keys.get(a),
            self._keys.get(b),
            prior,
            SAME_PATIENT_SCALE_MM if same_patient else SCALE_MM,
            volumes if same_patient else None,
        )
        out: list[Answer] = []
        for point in points:
            yield Progress(len(out), len(points), "matching")
            out.append(self._answer(pair, point, with_vote=vote))
        return out

    def prior(self, a: Embedding, b: Embedding) -> Prior | None:
        """Give what all matches of a pair have in common, worked out once."""
        steps = self.prior_steps(a, b)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                result: Prior | None = end.value
                return result

    def prior_steps(self, a: Embedding, b: Embedding) -> Generator[Progress, None, Prior | None]:
        """Do what `prior` does, a step at a time."""
        for embedding in (a, b):
            if embedding.model != self.info.id:
                raise ModelError(
                    f'This embedding was made by the model "{embedding.model}", '
                    f'not by "{self.info.id}".',
                    code="model-incompatible",
                )
        name = (a.key, b.key)
        if name not in self._priors:
            yield Progress(0, 3, "comparing the scans")
            self._keys.get(a)
            yield Progress(1, 3, "comparing the scans")
            self._keys.get(b)
            yield Progress(2, 3, "comparing the scans")
            self._priors[name] = priors.fit(self._keys.get(a), self._keys.get(b))
            while len(self._priors) > PRIORS_HELD:
                self._priors.popitem(last=False)
        self._priors.move_to_end(name)
        return self._priors[name]

    def similarity_map(self, a: Embedding, b: Embedding, at_mm: Position) -> SimilarityMap:
        """Compare one place of A with every cell of B; -1 outside the body."""
        keys = self._keys.get(b)
        query = a.descriptors(np.array([at_mm], dtype=np.float64))
        array = similarity.dense(keys, (keys.rows @ query.T)[:, 0])
        return SimilarityMap(array, keys.cells)

    def correspondences(
        self, a: Embedding, b: Embedding, points_mm: Points
    ) -> tuple[Points, Array, NDArray[np.float64]]:
        """Match many places at once, for registration; no verdicts.

        Returns:
            (n, 3) places in B, not a number where there is none, (n,) similarity and (n,) cycle
            error in mm.
        """
        keys_a, keys_b = self._keys.get(a), self._keys.get(b)
        prior = self.prior(a, b)
        if prior is None or not prior.is_usable:
            to_mm, cycle, alike = priors.both_ways(keys_a, keys_b, points_mm)
            return to_mm, alike, cycle
        to_mm = np.full((len(points_mm), 3), np.nan)
        alike = np.full(len(points_mm), -1.0, np.float32)
        cycle = np.full(len(points_mm), np.inf)
        expected = prior.forward(points_mm)
        for n, point in enumerate(points_mm):
            query = a.descriptors(point[None])
            there = search.near(keys_b, query, expected[n][None], SCALE_MM)
            if np.isfinite(there.at_mm).all():
                to_mm[n], alike[n] = there.at_mm[0], there.similarity[0]
                cycle[n] = _cycle_mm(keys_a, keys_b, point, there.at_mm[0], prior, SCALE_MM)
        return to_mm, alike, cycle

    def _answer(self, pair: _Pair, point: Points, *, with_vote: bool) -> Answer:
        started = time.perf_counter()
        reason = _cannot_ask(pair.a, point)
        if reason:
            return Answer(unknown(reason, self.info.id), None)
        query = pair.a.embedding.descriptors(point[None])
        values = (pair.b.rows @ query.T)[:, 0]
        if not len(values):
            return Answer(unknown("The second scan shows no body.", self.info.id), None)
        tops = similarity.peaks(pair.b, values, ALTERNATIVES + 1)
        at_mm, cycle_mm, votes = self._place(pair, point, query, values, tops, with_vote=with_vote)
        signs = _signs(pair, point, query, values, tops, at_mm, cycle_mm, votes)
        p_present = self.calibration.probability(signs)
        if pair.doubt:
            p_present = min(p_present, MOST_DOUBTED)
        verdict, reason = self._verdict(pair, signs, p_present)
        is_placed = verdict in (Verdict.FOUND, Verdict.UNCERTAIN)
        match = Match(
            verdict=verdict,
            at_mm=_position(at_mm) if is_placed else None,
            p_present=p_present,
            similarity=signs.similarity,
            margin=signs.margin,
            cycle_error_mm=cycle_mm,
            alternatives=_alternatives(pair.b, values, tops, at_mm),
            reason=reason,
            nearest_mm=_nearest(pair, point, at_mm) if verdict is Verdict.ABSENT else None,
            model=self.info.id,
            seconds=time.perf_counter() - started,
        )
        return Answer(match, signs, at_mm)

    def _place(
        self,
        pair: _Pair,
        point: Points,
        query: Array,
        values: Array,
        tops: NDArray[np.int32],
        *,
        with_vote: bool,
    ) -> tuple[Points, float, float]:
        """Find the place: direct match, vote, grey values; with cycle error and share of votes."""
        prior = pair.usable
        if prior is None:
            found = peak.refined(pair.b, query, tops[:1])[0][0]
            back = search.everywhere(pair.a, pair.b.embedding.descriptors(found[None]))
            return found, float(np.linalg.norm(back.at_mm[0] - point)), 0.5
        expected = prior.forward(point[None])
        there = search.near(pair.b, query, expected, pair.scale_mm)
        if not np.isfinite(there.at_mm).all():
            return expected[0], float("inf"), 0.0
        direct = there.at_mm[0]
        cycle_mm = _cycle_mm(pair.a, pair.b, point, direct, prior, pair.scale_mm)
        linear, place, votes = prior.affine[:3, :3], direct, UNASKED_VOTES
        if with_vote:
            cast = vote.cast(pair.a, pair.b, point, prior, pair.scale_mm)
            place, votes = vote.joined(direct, cast), cast.share
            linear = cast.linear if cast.n_votes >= vote.FEWEST_VOTES else linear
        if pair.volumes is not None:
            place, _ = refine.refined(pair.volumes, point, place, linear)
        return place, cycle_mm, votes

    def _verdict(self, pair: _Pair, signs: Signs, p_present: float) -> tuple[Verdict, str]:
        """Turn the signs into a word and, unless it is found, a sentence."""
        if pair.doubt:
            is_lost = pair.usable is None and p_present < self.calibration.absent_below
            return (Verdict.ABSENT if is_lost else Verdict.UNCERTAIN), pair.doubt
        if signs.outside_mm > OUTSIDE_MM:
            return Verdict.ABSENT, (
                f"This place would lie {signs.outside_mm:.0f} mm beyond the second scan."
            )
        if p_present >= self.calibration.found_above and signs.cycle_mm <= FOUND_CYCLE_MM:
            return Verdict.FOUND, ""
        if p_present < self.calibration.absent_below and signs.outside_mm > 0:
            return Verdict.ABSENT, "This place would lie at the edge of the second scan or beyond."
        return Verdict.UNCERTAIN, _weakness(signs)


def unknown(reason: str, model: str = "") -> Match:
    """Give the match that says that there is no answer, and why."""
    return Match(Verdict.UNKNOWN, None, 0.0, 0.0, 0.0, 0.0, reason=reason, model=model)


def _cannot_ask(keys: Keys, point: Points) -> str:
    """Say why a place of the template cannot be asked about, or nothing."""
    outside = float(keys.embedding.scan.outside_mm(point[None])[0])
    if outside > RIM_MM:
        return (
            f"This point is {outside:.0f} mm outside the first scan, so there is nothing to match."
        )
    spacing = np.array(keys.cells.spacing)
    index = np.rint(keys.cells.to_index(point[None])[0])
    reach = np.ceil(AIR_MM / spacing)
    shape = np.array(keys.row_of.shape)
    low = np.clip(index - reach, 0, shape - 1).astype(int)
    high = np.clip(index + reach, 0, shape - 1).astype(int) + 1
    around = keys.embedding.body[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
    if not around.any():
        return "This point lies in the air beside the body, so there is nothing to match."
    return ""


def _cycle_mm(
    a: Keys, b: Keys, point: Points, at_mm: Points, prior: Prior, scale_mm: float
) -> float:
    """Match a match back by the same search, and give the distance to where it began."""
    back = search.near(
        a, b.embedding.descriptors(at_mm[None]), prior.backward(at_mm[None]), scale_mm
    )
    error = float(np.linalg.norm(back.at_mm[0] - point))
    return error if np.isfinite(error) else float("inf")


def _signs(
    pair: _Pair,
    point: Points,
    query: Array,
    values: Array,
    tops: NDArray[np.int32],
    at_mm: Points,
    cycle_mm: float,
    votes: float,
) -> Signs:
    free = peak.refined(pair.b, query, tops[:1])[0]
    back = search.everywhere(pair.a, pair.b.embedding.descriptors(free), is_thin=True)
    alike = float((pair.b.embedding.descriptors(at_mm[None]) @ query[0])[0])
    apart = np.linalg.norm(pair.b.places(tops) - at_mm, axis=1) >= similarity.APART_MM
    second = float(values[tops[apart][0]]) if apart.any() else -1.0
    prior, scan = pair.usable, pair.b.embedding.scan
    expected = at_mm if prior is None else prior.forward(point[None])[0]
    return Signs(
        cycle_mm=cycle_mm,
        free_cycle_mm=float(np.linalg.norm(back.at_mm[0] - point)),
        jump_mm=float(np.linalg.norm(free[0] - at_mm)),
        similarity=alike,
        margin=alike - second,
        votes=votes,
        residual_mm=float(np.linalg.norm(expected - at_mm)),
        outside_mm=float(scan.outside_mm(expected[None])[0]),
        border_mm=_border_mm(pair.b.embedding, at_mm),
        inliers=0.0 if prior is None else prior.inlier_share,
    )


def _border_mm(embedding: Embedding, at_mm: Points) -> float:
    """Distance from a place to the nearest face of the scan, in mm; 0 outside."""
    scan = embedding.scan
    index = scan.to_index(at_mm[None])[0]
    inside = np.minimum(index + 0.5, np.array(scan.shape) - 0.5 - index) * np.array(scan.spacing)
    return float(max(0.0, inside.min()))


def _alternatives(
    keys: Keys, values: Array, tops: NDArray[np.int32], at_mm: Points
) -> tuple[Alternative, ...]:
    places = keys.places(tops)
    apart = np.linalg.norm(places - at_mm, axis=1) >= similarity.APART_MM
    return tuple(
        Alternative(_position(place), float(values[row]))
        for place, row in zip(places[apart], tops[apart], strict=True)
    )[:ALTERNATIVES]


def _nearest(pair: _Pair, point: Points, at_mm: Points) -> Position:
    """Give the place of the second scan nearest to where the point would lie."""
    scan = pair.b.embedding.scan
    where = at_mm if pair.usable is None else pair.usable.forward(point[None])[0]
    index = np.clip(scan.to_index(where[None]), 0, np.array(scan.shape) - 1)
    return _position(scan.to_mm(index)[0])


def _weakness(signs: Signs) -> str:
    """Say what is weak about a match that is not called found."""
    if signs.cycle_mm > 10:
        return f"Matched back, the place comes out {min(signs.cycle_mm, 999):.0f} mm away."
    if signs.residual_mm > 25:
        return f"The place lies {signs.residual_mm:.0f} mm from where the body's shape expects it."
    if signs.margin < 0.02:
        return "Another place looks as much alike."
    return "The place resembles the template point too little to be sure."


def _position(at_mm: Points) -> Position:
    x, y, z = (float(n) for n in at_mm)
    return x, y, z
