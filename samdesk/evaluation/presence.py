"""Examples of matches whose truth is known, from which a model's probabilities are fitted.

Held-out for the network where that can be: made patients that no training saw and the scans of
split val; scans of split train are taken as warped copies only. Split test is never touched.
"""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from samdesk.core.progress import Progress
from samdesk.errors import ModelError
from samdesk.evaluation.base import Case
from samdesk.evaluation.contenders import Embeddings
from samdesk.evaluation.made import across_case, follow_up_case, with_cropped_target
from samdesk.evaluation.phantoms import absent_case
from samdesk.evaluation.scans import real_scans
from samdesk.evaluation.warps import make_case
from samdesk.io.base import finish
from samdesk.model import calibration
from samdesk.model.calibration import Calibration
from samdesk.model.matcher import Matcher

# Neither the seeds of training nor those of the benchmarks.
SEEDS = (80_001, 80_003, 80_005, 80_007)
SPACING = (3.0, 2.5, 2.5)
RIGHT_MM = 10.0
WARP_SEED = 515
N_WARP_POINTS = 30


@dataclass(frozen=True, eq=False)
class Examples:
    """Signs of matches, and whether they were right.

    Attributes:
        features: (n, f) of `Signs.features()`.
        is_right: (n,) the place was in the target and the match within 10 mm.
        is_present: (n,) the place was in the target.
    """

    features: NDArray[np.float64]
    is_right: NDArray[np.bool_]
    is_present: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Fitted:
    """A calibration with how well it fits.

    Attributes:
        calibration: fitted to all examples.
        n: examples.
        presence_auc: of held-out thirds, present against absent.
        right_auc: of held-out thirds, right against wrong.
        ece: expected calibration error of held-out thirds.
    """

    calibration: Calibration
    n: int
    presence_auc: float
    right_auc: float
    ece: float


def collect(
    embeddings: Embeddings, data: Path | None, seeds: tuple[int, ...] = SEEDS
) -> Generator[Progress, None, Examples]:
    """Match places whose truth is known, present and absent, and keep the signs.

    Args:
        embeddings: of the model that is calibrated.
        data: folder of real scans, or None for made patients only.
        seeds: of made patients; the next seed is the other patient of a pair.
    """
    features: list[NDArray[np.float64]] = []
    is_right: list[bool] = []
    is_present: list[bool] = []
    for done, case in enumerate(_cases(data, seeds)):
        yield Progress(done, 0, f"examples from {case.name}")
        for part, present in ((case, True), (absent_case(case), False)):
            if not len(part.places):
                continue
            answers = yield from _answers(embeddings, part)
            for (signs, at_mm), truth in zip(answers, part.truth, strict=True):
                if signs is None:
                    continue
                features.append(signs)
                is_present.append(present)
                is_right.append(present and float(np.linalg.norm(at_mm - truth)) <= RIGHT_MM)
    return Examples(np.array(features), np.array(is_right), np.array(is_present))


def fit(examples: Examples, folds: int = 3, seed: int = 3) -> Fitted:
    """Fit the calibration, and judge it on examples that the fit did not see.

    Raises:
        ModelError: too few examples of one kind.
    """
    order = np.random.default_rng(seed).permutation(len(examples.is_right))
    held = np.empty(len(order))
    try:
        for part in np.array_split(order, folds):
            rest = np.setdiff1d(order, part)
            fitted = calibration.fit(examples.features[rest], examples.is_right[rest])
            held[part] = fitted.probabilities(examples.features[part])
        whole = calibration.fit(examples.features, examples.is_right)
    except ValueError as error:
        raise ModelError(f"The model cannot be calibrated: {error}.") from error
    return Fitted(
        whole,
        len(order),
        calibration.area_under_curve(held, examples.is_present),
        calibration.area_under_curve(held, examples.is_right),
        calibration.expected_error(held, examples.is_right),
    )


def _cases(data: Path | None, seeds: tuple[int, ...]) -> Iterator[Case]:
    for seed in seeds:
        for case in (follow_up_case(seed, SPACING), across_case(seed, SPACING)):
            yield case
            yield with_cropped_target(case, seed)
    if data is None:
        return
    for n, scan in enumerate(real_scans(data, "train", "val")):
        if scan.is_whole:
            yield make_case(scan.name, finish(scan.open()), WARP_SEED + n, N_WARP_POINTS)


def _answers(
    embeddings: Embeddings, case: Case
) -> Generator[Progress, None, list[tuple[NDArray[np.float64] | None, NDArray[np.float64]]]]:
    """Give the signs and the place of each match; a place that is not shown counts as nowhere."""
    a, _ = yield from embeddings.of(case.template)
    b, _ = yield from embeddings.of(case.target)
    answers = yield from Matcher(embeddings.info).answers(
        a, b, case.places, vote=True, same_patient=case.same_patient,
        volumes=(case.template, case.target),
    )  # fmt: skip
    out = []
    for answer in answers:
        place = answer.match.at_mm or (np.inf,) * 3
        signs = None if answer.signs is None else answer.signs.features()
        out.append((signs, np.array(place)))
    return out
