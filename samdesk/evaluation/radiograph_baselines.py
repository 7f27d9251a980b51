"""What needs no training: the mean shape, registration of the template, a second observer."""

from collections.abc import Generator
from typing import Any

import numpy as np

from samdesk.core.progress import Progress
from samdesk.errors import SamdeskError
from samdesk.evaluation.kept import Kept
from samdesk.evaluation.radiograph_arms import Arm, Kind
from samdesk.evaluation.radiograph_sets import Floats, Pictures, PictureSet, observer_places
from samdesk.io.picture_sets import ListedPicture
from samdesk.registration import flat


def mean_shape(chosen: PictureSet) -> Arm:
    """Put every point where it lies on average in the training pictures, in shares of the sides."""
    train = chosen.pictures["train"]
    shares = np.stack([_shares(chosen.truth(p), p) for p in train])
    middle = np.nanmean(shares, axis=0)
    places = {p.file: _from_shares(middle, p) for p in chosen.pictures["test"]}
    return Arm("mean shape", Kind.SHAPE, len(train), (places,))


def copied(chosen: PictureSet, template: ListedPicture) -> Arm:
    """Put every point where it lies in the template, in shares of the sides."""
    shares = _shares(chosen.truth(template), template)
    places = {p.file: _from_shares(shares, p) for p in chosen.pictures["test"]}
    return Arm("the template's own places", Kind.SHAPE, 1, (places,))


def observers(chosen: PictureSet) -> Arm | None:
    """Give what an observer says of the other's places; None where one person marked.

    The truth is the mean of two observers, so each is half their distance from it; here each is
    moved away from the truth to the full distance, so that the error is that between the two.
    """
    by_observer = observer_places(chosen)
    if len(by_observer) != 2:
        return None
    first, second = by_observer.values()
    places = {
        p.file: chosen.truth(p) + first[p.file] - second[p.file] for p in chosen.pictures["test"]
    }
    return Arm("one observer against the other", Kind.OBSERVER, 0, (places,))


def registered(
    chosen: PictureSet, template: ListedPicture, pictures: Pictures, kept: Kept
) -> Generator[Progress, None, tuple[Arm, Arm]]:
    """Register the template to every test picture and carry its points over.

    Args:
        chosen: set.
        template: whose marks are carried.
        pictures: opens them.
        kept: finished pictures of an earlier run.

    Returns:
        Affine, and affine + B-spline. A picture whose registration fails is in the failures and
        its points count as not answered.
    """
    labels = ("SimpleITK affine", "SimpleITK affine + B-spline")
    found: tuple[dict[str, Floats], dict[str, Floats]] = ({}, {})
    seconds: tuple[list[float], list[float]] = ([], [])
    failures: list[str] = []
    test = chosen.pictures["test"]
    for done, picture in enumerate(test):
        yield Progress(done, len(test), f"{chosen.spec.name}: registering {picture.file}")
        key = (
            f"{chosen.spec.name} registration {picture.file} template {template.file} "
            f"{flat.LONG_SIDE_PX} {flat.AFFINE_LEVELS} {flat.SPLINE_LEVELS} {chosen.points}"
        )
        value = kept.get(key)
        if value is None:
            value = yield from _registered(chosen, template, picture, pictures)
            kept.put(key, value)
        if value["failure"]:
            failures.append(f"{picture.file}: {value['failure']}")
            continue
        for n in range(2):
            found[n][picture.file] = np.array(value["places"][n])
            seconds[n].append(float(value["seconds"][n]))
    first, second = (
        Arm(
            labels[n],
            Kind.REGISTRATION,
            1,
            (found[n],),
            tuple(failures),
            float(np.mean(seconds[n])) if seconds[n] else None,
        )
        for n in range(2)
    )
    return first, second


def _registered(
    chosen: PictureSet, template: ListedPicture, target: ListedPicture, pictures: Pictures
) -> Generator[Progress, None, dict[str, Any]]:
    try:
        fixed = yield from pictures.of(template)
        moving = yield from pictures.of(target)
        both = yield from flat.register(fixed, moving)
    except SamdeskError as error:
        return {"places": [], "seconds": [], "failure": error.what}
    truth = chosen.truth(template)
    return {
        "places": [found.map_points(truth).round(3).tolist() for found in both],
        "seconds": [found.seconds for found in both],
        "failure": "",
    }


def _shares(places: Floats, picture: ListedPicture) -> Floats:
    return np.asarray((places + 0.5) / np.array([picture.width, picture.height]), np.float64)


def _from_shares(shares: Floats, picture: ListedPicture) -> Floats:
    return np.asarray(shares * np.array([picture.width, picture.height]) - 0.5, np.float64)
