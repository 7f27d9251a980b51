"""Lesions of a made patient: where they lie and how they change from date to date."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from samdesk.core.geometry import Position

Spread = tuple[float, float, float]


@dataclass(frozen=True)
class LesionCourse:
    """A lesion over the dates.

    Attributes:
        kind: what it is, in one word.
        tissue: key of the grey values.
        at: canonical mm.
        diameters_mm: one for each date; 0 where it is not there.
    """

    kind: str
    tissue: str
    at: Position
    diameters_mm: tuple[float, ...]


# Kind, tissue, canonical place, how far it may lie from there, smallest and largest first size.
SITES: tuple[tuple[str, str, Position, Spread, tuple[float, float]], ...] = (
    ("right_lung_nodule", "lesion", (-88, 0, 520), (16, 26, 22), (7, 20)),
    ("left_lung_nodule", "lesion", (86, 12, 500), (14, 26, 30), (7, 20)),
    ("right_lower_lung_nodule", "lesion", (-78, 56, 420), (18, 10, 22), (6, 16)),
    ("liver_lesion", "dark_lesion", (-82, -12, 350), (22, 26, 26), (12, 34)),
    ("left_liver_lesion", "dark_lesion", (-10, -54, 368), (18, 8, 10), (10, 20)),
    ("mediastinal_node", "lesion", (-17, 12, 524), (3, 4, 8), (9, 18)),
    ("paraaortic_node", "lesion", (22, -4, 226), (3, 4, 18), (8, 17)),
    ("bone_lesion", "lytic", (0, 24, 240), (7, 5, 4), (9, 16)),
    ("iliac_bone_lesion", "lytic", (-66, 68, 122), (4, 4, 6), (9, 14)),
    ("left_kidney_lesion", "dark_lesion", (74, 36, 302), (5, 5, 12), (9, 22)),
    ("right_adrenal_lesion", "lesion", (-34, 20, 328), (2, 2, 3), (9, 18)),
    ("spleen_lesion", "dark_lesion", (98, 46, 356), (8, 14, 16), (9, 18)),
)  # fmt: skip
COURSES = ("grows", "shrinks", "steady", "vanishes", "appears")


def _diameters(
    rng: np.random.Generator, course: str, first: float, count: int
) -> tuple[float, ...]:
    rate = {"grows": 1.3, "shrinks": 0.75, "vanishes": 0.6, "appears": 1.3}.get(course, 1.02)
    sizes = first * rate ** np.arange(count) * np.exp(rng.normal(0, 0.03, count))
    if course == "vanishes" and count > 1:
        sizes[int(rng.integers(1, count)) :] = 0
    if course == "appears" and count > 1:
        sizes[: int(rng.integers(1, count))] = 0
    sizes[(sizes > 0) & (sizes < 4)] = 4
    return tuple(float(s) for s in np.minimum(sizes, 45))


def draw(rng: np.random.Generator, count: int) -> Mapping[str, LesionCourse]:
    """Draw 4 to 8 lesions for `count` dates; one grows and one vanishes."""
    picked = rng.permutation(len(SITES))[: int(rng.integers(4, 9))]
    made = {}
    for order, at in enumerate(picked):
        kind, tissue, center, spread, (low, high) = SITES[at]
        own = np.random.default_rng([int(rng.integers(2**31)), int(at)])
        course = ("grows", "vanishes")[order] if order < 2 else str(own.choice(COURSES))
        place = np.array(center) + own.uniform(-1, 1, 3) * np.array(spread)
        sizes = _diameters(own, course, float(own.uniform(low, high)), count)
        where: Position = (float(place[0]), float(place[1]), float(place[2]))
        made[kind] = LesionCourse(kind, tissue, where, sizes)
    return made
