"""`samdesk match` where the template is a radiograph: the same table, in pixels."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from samdesk.core.match import Match
from samdesk.core.models import ModelInfo
from samdesk.core.point import TemplatePoint
from samdesk.core.progress import Progress
from samdesk.core.radiograph import Radiograph
from samdesk.core.reading import Opened
from samdesk.errors import ModelError, NoRoom, ReadError

if TYPE_CHECKING:
    from samdesk.model.flat import FlatEmbedding
    from samdesk.model.session import Session

Open = Callable[[str], Generator[Progress, None, Opened]]
Refused = tuple[str, ReadError | NoRoom]


@dataclass(frozen=True, eq=False)
class Answers:
    """What came of one target: its matches in the order of the points, or why there are none."""

    target: str
    matches: list[Match]
    refused: ReadError | NoRoom | None = None


def check_model(info: ModelInfo, *, is_radiograph: bool) -> None:
    """Refuse a model of the other kind than the template.

    Raises:
        ModelError: not-comparable.
    """
    if (info.dimensions == 2) is is_radiograph:
        return
    kinds = ("volumes", "radiograph") if is_radiograph else ("radiographs", "volume")
    raise ModelError(
        f"The model {info.id} knows {kinds[0]} and the template is a {kinds[1]}.",
        code="not-comparable",
        hint="Leave --model away, or name a model that fits; `model list` shows them.",
    )


def steps(
    template: Radiograph,
    points: Sequence[TemplatePoint],
    targets: Sequence[str],
    session: "Session",
    opened: Open,
) -> Generator[Progress, None, list[Answers]]:
    """Find the template's points in each target.

    Args:
        template: the radiograph with the points.
        points: (x, y, 0) in its pixels.
        targets: as they were typed.
        session: of a model for radiographs.
        opened: opens what was typed.
    """
    from samdesk.model.flat import embed_picture, unknown

    model = str(session.info.id)
    first = yield from embed_picture(template, session)
    answers: list[Answers] = []
    for spec in targets:
        try:
            image = (yield from opened(spec)).image
            if not isinstance(image, Radiograph):
                raise ReadError(
                    f"{spec} is a volume and the template is a radiograph.",
                    code="not-comparable",
                    hint="Name radiographs as targets.",
                )
            second = yield from embed_picture(image, session)
            matches = yield from _matches(first, second, template, points, session.info)
            answers.append(Answers(spec, matches))
        except (ReadError, NoRoom) as error:
            answers.append(Answers(spec, [unknown(error.what, model)] * len(points), error))
    return answers


def _matches(
    first: "FlatEmbedding",
    second: "FlatEmbedding",
    template: Radiograph,
    points: Sequence[TemplatePoint],
    info: ModelInfo,
) -> Generator[Progress, None, list[Match]]:
    from samdesk.model.flat import FlatMatcher, unknown

    places = np.array([point.at_mm[:2] for point in points], np.float64).reshape(-1, 2)
    rows, columns = template.array.shape
    inside = np.asarray(((places >= -0.5) & (places <= (columns - 0.5, rows - 0.5))).all(axis=1))
    places[~inside] = np.nan
    found = yield from FlatMatcher(info).match_points([(first, places)], second)
    outside = unknown("This point lies outside the template.", str(info.id))
    return [match if ok else outside for match, ok in zip(found, inside.tolist(), strict=True)]
