"""Matching in radiographs: from a picture to its embedding, and a place of one in another.

Two steps: `embed_picture` passes a radiograph through the network once, and `FlatMatcher` finds the
places of one or several templates in a target. Everything inside is in pixels of the network's
input; places that come in and go out are (x, y) in the pixels of the radiographs themselves.
"""

import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samdesk.core.match import Alternative, Match, Verdict
from samdesk.core.models import ModelInfo
from samdesk.core.progress import Progress
from samdesk.core.radiograph import Radiograph
from samdesk.errors import ModelError
from samdesk.model import flat_peak, flat_prior
from samdesk.model.flat_calibration import FlatCalibration, FlatSigns
from samdesk.model.flat_input import Array, Frame, Places, network_input
from samdesk.model.session import Session

# Every so many cells of the template a place is matched for the prior.
LATTICE_STEP = 4
# A place is sought around where its neighbors expect it. So much similarity at most is taken away,
# half of it this many pixels away; and the answer is moved by a part of the way to where they
# expect it. Measured on 40 pairs of JSRT's split val: mean 12.0 mm without, 10.3 mm with them.
PRIOR_PX = 24.0
PRIOR_WEIGHT = 0.5
NEIGHBORS_SHARE = 0.25
# Another peak is one at least so far away, as a part of the longer side: 15 mm of a chest film.
APART_SHARE = 0.04
N_ALTERNATIVES = 3
# From so many templates on, the median of their answers counts.
FEWEST_FOR_MEDIAN = 3


@dataclass(frozen=True, eq=False)
class FlatEmbedding:
    """The descriptors of a radiograph.

    Attributes:
        model: id of the model.
        frame: how the picture lies in the network's input.
        shape: cells (j, i) of the fine map.
        stride: input pixels a cell.
        rows: (n, c) fine and coarse halves side by side, each cell of unit length, in flat order.
        inside: (n,) whether the cell's centre lies on the picture and not on the padding.
        pixel_mm: (row, column) of the picture, None without a scale.
        seconds: that it took.
    """

    model: str
    frame: Frame
    shape: tuple[int, int]
    stride: int
    rows: Array
    inside: NDArray[np.bool_]
    pixel_mm: tuple[float, float] | None
    seconds: float

    def centers(self) -> Places:
        """Input pixels (x, y) of the cells' centres, (n, 2)."""
        j, i = np.divmod(np.arange(len(self.rows)), self.shape[1])
        return _centers(i, j, self.stride)

    def descriptors(self, at: Places) -> Array:
        """Read descriptors at input pixels (n, 2), between the cells: (n, c) of unit length."""
        flat, share = flat_peak.corners(at, self.shape, self.stride)
        half = self.rows.shape[1] // 2
        out = np.einsum("nmc,nm->nc", self.rows[flat], share)
        for part in (out[:, :half], out[:, half:]):
            part /= np.maximum(np.linalg.norm(part, axis=1, keepdims=True), 1e-6)
        return np.asarray(out * np.sqrt(0.5), np.float32)


@dataclass(frozen=True, eq=False)
class Located:
    """What one search gave, in the pixels of the target.

    Attributes:
        at_px: (n, 2) places (x, y).
        signs: what can be seen of each match.
        others: for each, further places and their similarity.
    """

    at_px: Places
    signs: tuple[FlatSigns, ...]
    others: tuple[tuple[tuple[tuple[float, float], float], ...], ...]


def embed_picture(
    radiograph: Radiograph, session: Session
) -> Generator[Progress, None, FlatEmbedding]:
    """Make the embedding of a radiograph.

    Raises:
        ModelError: not-comparable, where the model knows volumes; model-incompatible, where it
            answers with values that are no numbers.
    """
    info = session.info
    if info.dimensions != 2:
        raise ModelError(
            f"The model {info.id} knows volumes; this is a radiograph.", code="not-comparable"
        )
    begun = time.perf_counter()
    yield Progress(0, 2, "resampling the radiograph")
    x, frame = network_input(radiograph, info)
    yield Progress(1, 2, "computing the embedding")
    outputs = session.run(x)
    fine, coarse = outputs[info.fine_name][0], outputs[info.coarse_name][0]
    if not (np.isfinite(fine).all() and np.isfinite(coarse).all()):
        raise ModelError(
            f'The model "{info.id}" answers with values that are no numbers.',
            code="model-incompatible",
            hint="Install the model again.",
        )
    return embedding_of(
        fine,
        coarse,
        frame,
        (info.fine_stride, info.coarse_stride),
        model=str(info.id),
        pixel_mm=radiograph.pixel_mm,
        seconds=time.perf_counter() - begun,
    )


def embedding_of(
    fine: Array,
    coarse: Array,
    frame: Frame,
    strides: tuple[int, int],
    *,
    model: str = "",
    pixel_mm: tuple[float, float] | None = None,
    seconds: float = 0.0,
) -> FlatEmbedding:
    """Lay the coarse map over the fine one.

    Args:
        fine: the network's fine map (c, j, i) of unit length.
        coarse: its coarse map (c, j, i).
        frame: how the picture lies in its input.
        strides: input pixels a fine and a coarse cell.
        model: id of the model.
        pixel_mm: of the picture.
        seconds: that it took.
    """
    shape = (int(fine.shape[1]), int(fine.shape[2]))
    j, i = np.divmod(np.arange(shape[0] * shape[1]), shape[1])
    centers = _centers(i, j, strides[0])
    flat, share = flat_peak.corners(centers, coarse.shape[1:], strides[1])
    table = coarse.reshape(len(coarse), -1).T
    up = sum(table[flat[:, n]] * share[:, n, None] for n in range(4))
    up /= np.maximum(np.linalg.norm(up, axis=1, keepdims=True), 1e-6)
    rows = np.concatenate([fine.reshape(len(fine), -1).T, up], axis=1) * np.float32(np.sqrt(0.5))
    inside = np.asarray((centers <= np.array(frame.size[::-1]) - 0.5).all(axis=1), np.bool_)
    whole = np.ascontiguousarray(rows, np.float32)
    return FlatEmbedding(model, frame, shape, strides[0], whole, inside, pixel_mm, seconds)


class FlatMatcher:
    """Finds places of template radiographs in a target.

    Args:
        info: the model, whose calibration turns the signs of a match into a probability.
    """

    def __init__(self, info: ModelInfo) -> None:
        self.info = info
        self._calibration = FlatCalibration.of(info.calibration)

    def match_points(
        self, templates: Sequence[tuple[FlatEmbedding, Places]], target: FlatEmbedding
    ) -> Generator[Progress, None, list[Match]]:
        """Find places in the target.

        Args:
            templates: embedding and the places in it, (n, 2) px (x, y); the same n places in each
                of them. A place that a template does not have is NaN there.
            target: where they are sought.

        Returns:
            One match a place. `at_mm` holds (x, y, 0) in the target's pixels, as the points of a
            radiograph do; `cycle_error_mm` is in mm where the template says how large its pixels
            are, else not a number. Of three templates and more the median of their answers counts.
        """
        begun = time.perf_counter()
        answers: list[Located] = []
        for n, (template, at_px) in enumerate(templates):
            yield Progress(n, len(templates), "matching")
            answers.append(self.locate(template, at_px, target))
        at_px, best = combined(answers)
        seconds = (time.perf_counter() - begun) / max(1, len(at_px))
        return [
            self._match(templates, answers[best[n]], n, at_px[n], target, seconds)
            for n in range(len(at_px))
        ]

    def locate(self, template: FlatEmbedding, at_px: Places, target: FlatEmbedding) -> Located:
        """Find places of one template in the target, whatever the verdict would be."""
        at = template.frame.to_input(at_px)
        queries = template.descriptors(np.nan_to_num(at))
        prior = prior_of(template, target)
        alike = queries @ target.rows.T
        alike[:, ~target.inside] = -1.0
        centers = target.centers()
        score = alike.copy()
        expected = np.full(at.shape, np.nan)
        if prior is not None:
            expected, _ = prior.expected(np.nan_to_num(at))
            distance = np.linalg.norm(centers[None] - expected[:, None], axis=2)
            score -= (PRIOR_WEIGHT * _penalty(distance / PRIOR_PX)).astype(np.float32)
        peak = flat_peak.refined(score, target.shape, target.stride)
        found = _drawn(peak, expected)
        back = _cycle(template, target, found)
        signs, others = [], []
        for n, place in enumerate(found):
            far = np.linalg.norm(centers - place, axis=1) > APART_SHARE * max(target.frame.size)
            here = float(alike[n][~far].max(initial=-1.0))
            peaks = flat_peak.others(score[n], alike[n], centers, far, N_ALTERNATIVES)
            signs.append(
                FlatSigns(
                    similarity=here,
                    margin=here - (peaks[0][1] if peaks else -1.0),
                    cycle_px=float(np.linalg.norm(back[n] - at[n])),
                    residual_px=float(np.linalg.norm(peak[n] - expected[n])),
                    inliers=prior.inlier_share if prior else 0.0,
                )
            )
            others.append(tuple((_of_picture(target, at), alike) for at, alike in peaks))
        out = target.frame.to_picture(found)
        out[~np.isfinite(at_px).all(axis=1)] = np.nan
        return Located(out, tuple(signs), tuple(others))

    def _match(
        self,
        templates: Sequence[tuple[FlatEmbedding, Places]],
        answer: Located,
        n: int,
        at_px: NDArray[np.float64],
        target: FlatEmbedding,
        seconds: float,
    ) -> Match:
        signs = answer.signs[n]
        p = self._calibration.probability(signs)
        verdict = self._calibration.verdict(p)
        if not np.isfinite(at_px).all():
            return unknown("No template has this place.", str(self.info.id))
        has_place = verdict in (Verdict.FOUND, Verdict.UNCERTAIN)
        template = templates[0][0]
        mm = template.pixel_mm
        cycle = (
            signs.cycle_px / template.frame.scale * (mm[0] * mm[1]) ** 0.5 if mm else float("nan")
        )
        return Match(
            verdict=verdict,
            at_mm=(float(at_px[0]), float(at_px[1]), 0.0) if has_place else None,
            p_present=p,
            similarity=signs.similarity,
            margin=signs.margin,
            cycle_error_mm=cycle,
            alternatives=tuple(Alternative((x, y, 0.0), s) for (x, y), s in answer.others[n]),
            reason=REASONS.get(verdict, ""),
            model=str(self.info.id),
            seconds=seconds,
        )


REASONS = {
    Verdict.ABSENT: "Nothing in this radiograph looks enough like the place.",
    Verdict.UNCERTAIN: "The place was found, but its signs are weak.",
}


def unknown(reason: str, model: str) -> Match:
    """Give the answer where nothing can be asked."""
    nan = float("nan")
    return Match(Verdict.UNKNOWN, None, nan, nan, nan, nan, reason=reason, model=model)


def combined(answers: Sequence[Located]) -> tuple[Places, list[int]]:
    """Join the answers of several templates: the median of three and more, else the best one.

    Returns:
        (n, 2) places, and for each the template whose signs speak for it: the nearest to it.
    """
    places = np.stack([answer.at_px for answer in answers])
    n = places.shape[1]
    alike = np.array([[signs.similarity for signs in answer.signs] for answer in answers])
    alike[~np.isfinite(places).all(axis=2)] = -2.0
    every = np.arange(n)
    out = places[alike.argmax(axis=0), every].copy()
    for point in every:
        known = places[np.isfinite(places[:, point]).all(axis=1), point]
        if len(known) >= FEWEST_FOR_MEDIAN:
            out[point] = np.median(known, axis=0)
    distance = np.linalg.norm(places - out[None], axis=2)
    best = np.where(np.isfinite(distance), distance, np.inf).argmin(axis=0)
    return out, [int(b) for b in best]


def prior_of(template: FlatEmbedding, target: FlatEmbedding) -> flat_prior.FlatPrior | None:
    """Match a lattice of the template in the target and back, and fit what agrees."""
    j, i = np.divmod(np.arange(len(template.rows)), template.shape[1])
    middle = LATTICE_STEP // 2
    lattice = np.flatnonzero(
        (j % LATTICE_STEP == middle) & (i % LATTICE_STEP == middle) & template.inside
    )
    there = _best(template.rows[lattice], target)
    back = _best(target.rows[there], template)
    from_px, to_px = template.centers()[lattice], target.centers()[there]
    cycle = np.linalg.norm(template.centers()[back] - from_px, axis=1)
    kept = cycle <= flat_prior.CYCLE_PX
    return flat_prior.fit(from_px[kept], to_px[kept], len(lattice))


def _centers(i: NDArray[np.intp], j: NDArray[np.intp], stride: int) -> Places:
    return np.asarray(np.stack([i, j], axis=1) * float(stride) + (stride - 1) / 2, np.float64)


def _best(queries: Array, target: FlatEmbedding) -> NDArray[np.intp]:
    """Give the most similar cell of each query among every second one, as on a chessboard."""
    j, i = np.divmod(np.arange(len(target.rows)), target.shape[1])
    cells = np.flatnonzero(target.inside & ((j + i) % 2 == 0))
    return np.asarray(cells[(queries @ target.rows[cells].T).argmax(axis=1)], np.intp)


def _drawn(peak: Places, expected: Places) -> Places:
    """Move answers a little to where their neighbors expect them, unless that is elsewhere."""
    pull = np.nan_to_num(expected - peak)
    close = np.linalg.norm(pull, axis=1, keepdims=True) < PRIOR_PX
    return np.asarray(peak + NEIGHBORS_SHARE * np.where(close, pull, 0.0), np.float64)


def _of_picture(target: FlatEmbedding, at: NDArray[np.float64]) -> tuple[float, float]:
    x, y = target.frame.to_picture(at[None])[0]
    return float(x), float(y)


def _cycle(template: FlatEmbedding, target: FlatEmbedding, found: Places) -> Places:
    """Match found places (input pixels) back in the template, with no prior."""
    alike = target.descriptors(found) @ template.rows.T
    alike[:, ~template.inside] = -1.0
    return flat_peak.refined(alike, template.shape, template.stride)


def _penalty(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Grow as the square near 0 and level off, so that a good peak far away may still win."""
    square = distance**2
    return np.asarray(square / (1.0 + square))
