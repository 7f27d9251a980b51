"""Matching in scans that show less than a body: every length of the search shrinks with the voxels.

The search's lengths (how far a match may lie from the prior, what comes back, how far apart two
peaks are) are those of a body seen in voxels of 2.5 mm. A model of MR may see a hippocampus in
voxels of 1 mm; there 25 mm is the whole scan. So both scans are laid out as if their voxels were
2.5 mm, and the answers are brought back to true millimetres.
"""

import re
from collections import OrderedDict
from collections.abc import Generator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from samdesk.core.geometry import Geometry, Points, Position
from samdesk.core.match import Match
from samdesk.core.models import ModelInfo
from samdesk.core.progress import Progress
from samdesk.core.volume import Volume
from samdesk.model.embedding import Embedding
from samdesk.model.intensities import PERCENTILE
from samdesk.model.matcher import Answer, Matcher
from samdesk.model.prior import Prior
from samdesk.model.similarity import Array, KeyShelf

# The voxels that the search's lengths are meant for.
REFERENCE_MM = 2.5
MARK = " laid out"
HELD = 8


def matcher_for(info: ModelInfo, keys: KeyShelf | None = None) -> Matcher:
    """Give the matcher of a model: lengths of CT are a body's, those of MR follow its voxels."""
    is_body = info.intensities != PERCENTILE or info.spacing_mm == REFERENCE_MM
    return Matcher(info, keys) if is_body else ScaledMatcher(info, keys)


class ScaledMatcher(Matcher):
    """Answers questions in true millimetres, and searches in those of the reference's voxels.

    Args:
        info: of the model.
        keys: where key matrices are held; a new one where none is given.
    """

    def __init__(self, info: ModelInfo, keys: KeyShelf | None = None) -> None:
        super().__init__(info, keys)
        self._ratio = REFERENCE_MM / info.spacing_mm
        self._laid_out: OrderedDict[str, Embedding] = OrderedDict()

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
        """Do what `Matcher.answers` does.

        `volumes` is not used: the comparison of grey values is one of HU.
        """
        points = np.atleast_2d(np.asarray(points_mm, dtype=np.float64)) * self._ratio
        answers = yield from super().answers(
            self._seen(a), self._seen(b), points, vote=vote, same_patient=same_patient
        )
        return [self._told(answer) for answer in answers]

    def prior_steps(self, a: Embedding, b: Embedding) -> Generator[Progress, None, Prior | None]:
        """Work out the prior, which maps laid-out places and stays inside."""
        return (yield from super().prior_steps(self._seen(a), self._seen(b)))

    def correspondences(
        self, a: Embedding, b: Embedding, points_mm: Points
    ) -> tuple[Points, Array, NDArray[np.float64]]:
        """Do what `Matcher.correspondences` does, in true millimetres."""
        to_mm, alike, cycle = super().correspondences(
            self._seen(a), self._seen(b), points_mm * self._ratio
        )
        return to_mm / self._ratio, alike, cycle / self._ratio

    def _seen(self, embedding: Embedding) -> Embedding:
        """Lay an embedding out, once; one that is laid out already stays as it is."""
        if embedding.key.endswith(MARK):
            return embedding
        known = self._laid_out.get(embedding.key)
        if known is None:
            known = laid_out(embedding, self._ratio)
            self._laid_out[embedding.key] = known
            while len(self._laid_out) > HELD:
                self._laid_out.popitem(last=False)
        return known

    def _told(self, answer: Answer) -> Answer:
        """Bring an answer back to true millimetres; its signs stay as calibration knows them."""
        at_mm = None if answer.at_mm is None else answer.at_mm / self._ratio
        return Answer(self._true(answer.match), answer.signs, at_mm)

    def _true(self, match: Match) -> Match:
        def place(at_mm: Position | None) -> Position | None:
            return None if at_mm is None else _divided(at_mm, self._ratio)

        return replace(
            match,
            at_mm=place(match.at_mm),
            nearest_mm=place(match.nearest_mm),
            cycle_error_mm=match.cycle_error_mm / self._ratio,
            alternatives=tuple(
                replace(one, at_mm=_divided(one.at_mm, self._ratio)) for one in match.alternatives
            ),
            reason=true_sentence(match.reason, self._ratio),
        )


def laid_out(embedding: Embedding, ratio: float) -> Embedding:
    """Give an embedding with all its millimetres times `ratio`, under a key of its own."""
    return replace(
        embedding,
        key=embedding.key + MARK,
        scan=_times(embedding.scan, ratio),
        fine_cells=_times(embedding.fine_cells, ratio),
        coarse_cells=_times(embedding.coarse_cells, ratio),
        twin_mm=embedding.twin_mm * ratio,
    )


def true_sentence(reason: str, ratio: float) -> str:
    """Give a reason with the millimetres it names divided by `ratio`."""
    return re.sub(r"(\d+) mm", lambda found: f"{int(found[1]) / ratio:.0f} mm", reason)


def _times(geometry: Geometry, ratio: float) -> Geometry:
    affine = geometry.affine.copy()
    affine[:3] *= ratio
    return Geometry(geometry.shape, affine)


def _divided(at_mm: Position, ratio: float) -> Position:
    x, y, z = at_mm
    return x / ratio, y / ratio, z / ratio
