"""Who is compared on radiographs: what each contender said, and how wrong it was."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from samdesk.evaluation.radiograph_sets import Floats, PictureSet


class Kind(Enum):
    """The kinds of contenders, as the report calls them."""

    SHAPE = "places without looking"
    REGISTRATION = "registration of the template"
    SAM = "SAM"
    SUPERVISED = "supervised"
    OBSERVER = "second observer"


@dataclass(frozen=True, eq=False)
class Arm:
    """One contender on one set.

    Attributes:
        label: for the tables.
        kind: of the contender.
        n_marked: pictures whose marks it was given.
        repeats: for each repetition (seed, draw of templates, observer) its answers by test
            picture, (p, 2) pixels; a picture without an answer is not in it.
        failures: a sentence for each repetition or picture that failed.
        seconds: a picture, where it was measured.
    """

    label: str
    kind: Kind
    n_marked: int
    repeats: tuple[Mapping[str, Floats], ...]
    failures: tuple[str, ...] = ()
    seconds: float | None = None


def errors(arm: Arm, chosen: PictureSet, group: Sequence[int]) -> Floats:
    """Give the radial errors of a contender.

    Args:
        arm: the contender.
        chosen: set with the true places.
        group: which points.

    Returns:
        (repeats, pictures, points) mm; infinite where there was no answer, NaN where the true
        place is not known. A repetition that failed as a whole is in `arm.failures` and not here.
    """
    rows = list(group)
    out = np.full((len(arm.repeats), len(chosen.pictures["test"]), len(rows)), np.inf)
    for column, picture in enumerate(chosen.pictures["test"]):
        truth = chosen.truth(picture)[rows]
        for repeat, places in enumerate(arm.repeats):
            answer = places.get(picture.file)
            if answer is not None:
                distance = np.linalg.norm(answer[rows] - truth, axis=1)
                distance *= picture.spacing_mm or np.nan
                out[repeat, column] = np.where(np.isfinite(distance), distance, np.inf)
        out[:, column, ~np.isfinite(truth).all(axis=1)] = np.nan
    return out
