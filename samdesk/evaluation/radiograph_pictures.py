"""Pictures of the worst answers: the template with its place, the target with truth and answer."""

from collections.abc import Generator

import numpy as np
from numpy.typing import NDArray

from samdesk.core.progress import Progress
from samdesk.core.radiograph import Radiograph
from samdesk.evaluation.base import Picture
from samdesk.evaluation.pictures import ANSWER_COLOR, GAP, TRUE_COLOR, png
from samdesk.evaluation.radiograph_arms import Arm, errors
from samdesk.evaluation.radiograph_sets import Floats, Pictures, PictureSet
from samdesk.io.picture_sets import ListedPicture

WORST = 4
HEIGHT_PX = 420
RADIUS_PX, ARM_PX = 4, 9


def worst(
    chosen: PictureSet,
    arm: Arm,
    template: ListedPicture,
    pictures: Pictures,
    group: tuple[int, ...],
) -> Generator[Progress, None, tuple[Picture, ...]]:
    """Draw the worst answers of an arm, at most one of each target.

    Args:
        chosen: set.
        arm: whose first repetition is looked at.
        template: whose picture stands beside.
        pictures: opens them.
        group: which points.

    Returns:
        The pictures, worst first: left the template (green: the place), right the target (green:
        the true place, red: the answer).
    """
    mm = np.nan_to_num(errors(arm, chosen, group)[0], nan=-1.0, posinf=-1.0)
    out: list[Picture] = []
    for column in np.argsort(-mm.max(axis=1))[:WORST]:
        target = chosen.pictures["test"][int(column)]
        point = group[int(mm[column].argmax())]
        if target.file not in arm.repeats[0]:
            continue
        ours = yield from pictures.of(template)
        theirs = yield from pictures.of(target)
        left = panel(ours, ((chosen.truth(template)[point], TRUE_COLOR),))
        marks = (
            (chosen.truth(target)[point], TRUE_COLOR),
            (arm.repeats[0][target.file][point], ANSWER_COLOR),
        )
        gap = np.full((HEIGHT_PX, GAP, 3), 255, np.uint8)
        drawn = np.concatenate([left, gap, panel(theirs, marks)], axis=1)
        caption = f"{target.file}, {chosen.points[point]}: {mm[column].max():.1f} mm ({arm.label})"
        out.append(Picture(caption, png(drawn)))
    return tuple(out)


def panel(
    picture: Radiograph, marks: tuple[tuple[Floats, tuple[int, int, int]], ...]
) -> NDArray[np.uint8]:
    """Draw a radiograph at a fixed height with a cross at each mark, (h, w, 3)."""
    array = np.asarray(picture.array, np.float32)
    low, high = (float(v) for v in np.percentile(array, (1, 99)))
    grey = np.clip((array - low) / max(high - low, 1e-6), 0, 1)
    share = HEIGHT_PX / array.shape[0]
    width = max(1, round(array.shape[1] * share))
    rows = np.clip(((np.arange(HEIGHT_PX) + 0.5) / share).astype(int), 0, array.shape[0] - 1)
    columns = np.clip(((np.arange(width) + 0.5) / share).astype(int), 0, array.shape[1] - 1)
    shown = (grey[np.ix_(rows, columns)] * 255).astype(np.uint8)
    pixels = np.repeat(shown[..., None], 3, axis=2)
    for place, color in marks:
        if np.isfinite(place).all():
            x, y = (round(float(v)) for v in (place + 0.5) * share - 0.5)
            _cross(pixels, x, y, color)
    return pixels


def _cross(pixels: NDArray[np.uint8], x: int, y: int, color: tuple[int, int, int]) -> None:
    """Draw a cross that is open in the middle, so that the place itself stays visible."""
    for step in range(RADIUS_PX, ARM_PX + 1):
        for dx, dy in ((step, 0), (-step, 0), (0, step), (0, -step)):
            for wide in (0, 1):
                j, i = y + dy + (wide if dx else 0), x + dx + (wide if dy else 0)
                if 0 <= j < pixels.shape[0] and 0 <= i < pixels.shape[1]:
                    pixels[j, i] = color
