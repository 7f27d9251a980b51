"""Soft organs of the canonical body, in the order in which they are painted."""

from functools import lru_cache

import numpy as np

from samdesk.core.phantom.muscles import muscles
from samdesk.core.phantom.organ import Organ
from samdesk.core.phantom.shapes import (
    Distance,
    Grid,
    Place,
    Shape,
    cut,
    ellipsoid,
    grown,
    smooth_path,
    tube,
    turn,
    union,
)
from samdesk.core.phantom.trunk import (
    above_diaphragm,
    along,
    below_diaphragm,
    cage_distance,
    within_cage,
)
from samdesk.core.phantom.vessels import heart, heart_sac, vessels

LEFT_KIDNEY: Place = (62.0, 34.0, 284.0)
RIGHT_KIDNEY: Place = (-62.0, 34.0, 268.0)
KIDNEY_RADII: Place = (28.0, 24.0, 55.0)


MEDIASTINUM = np.array([(380, 27), (470, 21), (540, 24), (605, 21)], dtype=np.float32)


def _mediastinum(x: Grid, y: Grid, z: Grid) -> Grid:
    half = along(MEDIASTINUM, z, 1)
    front = np.maximum(-50 - y, 0) * np.float32(0.45)
    made: Grid = np.abs(x) - np.maximum(half - front, 6)
    return made


def lung(side: float) -> Shape:
    """Give one lung; side 1 is the left. Mediastinum, heart and diaphragm bound it."""
    sac = grown(heart_sac(), 2.0)

    def distance(x: Grid, y: Grid, z: Grid) -> Grid:
        best = np.maximum(cage_distance(x, y, z) + 7, above_diaphragm(x, y, z))
        best = np.maximum(best, -_mediastinum(x, y, z))
        best = np.maximum(best, -sac.distance(x, y, z))
        made: Grid = np.maximum(best, np.float32(-side) * x)
        return made

    low = (0.0, -112.0, 255.0) if side > 0 else (-146.0, -112.0, 255.0)
    high = (146.0, 108.0, 622.0) if side > 0 else (0.0, 108.0, 622.0)
    return Shape(low, high, distance)


def fissures() -> tuple[tuple[float, Distance], ...]:
    """Give the fissures: side, and the distance to the sheet (oblique both, horizontal right)."""

    def oblique(x: Grid, y: Grid, z: Grid) -> Grid:
        level = (z - 470) - np.float32(0.95) * y + np.float32(0.0008) * x * x
        made: Grid = np.abs(level) * np.float32(0.72)
        return made

    def horizontal(x: Grid, y: Grid, z: Grid) -> Grid:
        level = np.abs(z - 474 - np.float32(0.12) * (x + 70))
        behind = (z - 470) - np.float32(0.95) * y
        made: Grid = np.maximum(level, -behind)
        return made

    return ((1.0, oblique), (-1.0, oblique), (-1.0, horizontal))


def _liver() -> Shape:
    right = ellipsoid((-68, -2, 344), (76, 94, 88))
    left = ellipsoid((-2, -46, 366), (78, 46, 44), (0, -14, 0))
    both = union(right, left, blend=24)
    return cut(both, below_diaphragm, within_cage(8), _behind_right_kidney)


def _behind_right_kidney(x: Grid, y: Grid, z: Grid) -> Grid:
    kidney = np.sqrt(((x + 58) / 38) ** 2 + ((y - 42) / 38) ** 2 + ((z - 266) / 66) ** 2)
    spine = np.sqrt(((x - 4) / 34) ** 2 + ((y - 46) / 50) ** 2)
    made: Grid = np.maximum(1 - kidney, 1 - spine) * np.float32(36)
    return made


def _stomach() -> Shape:
    middle: list[Place] = [
        (62, 12, 384), (66, -14, 356), (58, -42, 318), (30, -62, 290), (-8, -62, 282),
        (-24, -48, 286),
    ]  # fmt: skip
    path = smooth_path(middle, 14)
    radii = list(np.interp(np.linspace(0, 1, 14), [0, 0.25, 0.5, 0.8, 1], [26, 33, 30, 20, 13]))
    return cut(tube(path, radii), below_diaphragm, within_cage(9))


def stomach_air() -> Shape:
    """Give the gas of the stomach, which lies in front as the patient lies on the back."""
    inner = grown(_stomach(), -4)
    return cut(inner, lambda x, y, z: (y + 44) + np.float32(0.1) * (z - 320))


def colon_path() -> tuple[Place, ...]:
    """Give the middle line of the large bowel from the caecum to the rectum."""
    points: list[Place] = [
        (-92, -22, 118), (-98, -14, 165), (-98, -2, 215), (-88, -24, 250), (-58, -66, 240),
        (0, -80, 226), (52, -72, 250), (92, -32, 292), (104, 4, 318), (110, 24, 270),
        (108, 22, 210), (100, 8, 150), (84, 2, 118), (50, -4, 92), (20, 14, 104), (4, 44, 88),
        (0, 56, 62), (0, 50, 30), (0, 58, 8),
    ]  # fmt: skip
    return tuple(smooth_path(points, 60))


@lru_cache(maxsize=2)
def colon(wall_mm: float) -> Shape:
    """Give the large bowel, `wall_mm` within its outer surface; its width swells and narrows."""
    path = list(colon_path())
    wide = [5 if i < 6 else -4 if 36 < i < 50 else 0 for i in range(len(path))]
    radii = [19 - wall_mm + 2.5 * float(np.sin(1.9 * i)) + w for i, w in enumerate(wide)]
    return tube(path, radii)


def small_bowel() -> Shape:
    """Give the room that the loops of the small bowel fill."""
    upper = ellipsoid((12, -44, 188), (94, 48, 78), power=2.8)
    lower = ellipsoid((4, -30, 100), (76, 44, 50), power=2.5)
    return union(upper, lower, blend=10)


def kidney(side: float) -> tuple[Shape, Shape, Shape]:
    """Give cortex, medulla and pelvis of a kidney; side 1 is the left."""
    c = LEFT_KIDNEY if side > 0 else RIGHT_KIDNEY
    lean = (-10.0, side * -8.0, 0.0)
    sinus = ellipsoid((c[0] - side * 26, c[1] - 6, c[2]), (13, 13, 22))
    outer = cut(
        ellipsoid(c, KIDNEY_RADII, lean),
        lambda x, y, z: -sinus.distance(x, y, z),
    )
    inner = ellipsoid(c, (KIDNEY_RADII[0] - 8, KIDNEY_RADII[1] - 8, KIDNEY_RADII[2] - 9), lean)
    medulla = cut(inner, outer.distance)
    pelvis = union(
        ellipsoid((c[0] - side * 6, c[1] - 3, c[2]), (9, 8, 26), lean),
        tube([(c[0] - side * 8, c[1] - 4, c[2]), (c[0] - side * 26, c[1] - 8, c[2] - 6)], [7, 5]),
        blend=4,
    )
    return outer, medulla, pelvis


def adrenal(side: float) -> Shape:
    """Give an adrenal gland, a small inverted Y."""
    stem: Place = (36, 18, 336) if side > 0 else (-34, 16, 330)
    legs: list[Place] = [(stem[0] + side * 9, stem[1] + 15, stem[2] - 12),
                         (stem[0] - side * 2, stem[1] + 17, stem[2] - 12)]  # fmt: skip
    return union(*(tube([stem, leg], [4.4, 3.0]) for leg in legs), blend=2)


def _abdomen() -> list[Organ]:
    spleen = ellipsoid((98, 44, 352), (26, 46, 54), (-24, 0, -24))
    gland: list[Place] = [
        (-30, -22, 266), (-24, -32, 284), (4, -36, 294), (40, -16, 312), (78, 16, 332),
    ]  # fmt: skip
    pancreas = tube(smooth_path(gland, 14), [float(r) for r in np.linspace(15, 8, 14)])
    loop: list[Place] = [
        (-26, -46, 286), (-48, -22, 274), (-48, -14, 240), (-20, -20, 222), (14, -26, 226),
    ]  # fmt: skip
    spleen = cut(spleen, below_diaphragm, within_cage(9))
    gallbladder = ellipsoid((-50, -52, 292), (15, 17, 32), (-14, 0, 0))
    bladder = ellipsoid((0, -22, 44), (38, 33, 28), power=2.3)
    pelvic = ellipsoid((0, 22, 40), (24, 16, 24))
    made = [
        Organ("small_bowel", "bowel", small_bowel(), 45, "bowel"),
        Organ("pancreas", "pancreas", pancreas, 14, "pancreas"),
        Organ("stomach", "stomach_wall", _stomach(), 4, "stomach"),
        Organ("stomach", "stomach_content", grown(_stomach(), -4), 14, "stomach"),
        Organ("stomach_air", "air", stomach_air(), 0, "stomach"),
        Organ("duodenum", "bowel", tube(smooth_path(loop, 14), 12), 22, "pancreas"),
        Organ("colon", "bowel_wall", colon(0.0), 6, "colon"),
        Organ("spleen", "spleen", spleen, 4, "spleen"),
        Organ("liver", "liver", _liver(), 5, "liver"),
        Organ("gallbladder", "bile", gallbladder, 2, "liver"),
        Organ("bladder", "urine", bladder, 2, "bladder"),
        Organ("uterus_or_prostate", "muscle", pelvic, 6, "bladder"),
    ]
    for side, name in ((1.0, "left"), (-1.0, "right")):
        cortex, medulla, pelvis = kidney(side)
        group = f"{name}_kidney"
        made += [
            Organ(group, "kidney_cortex", cortex, 4, group),
            Organ(group, "kidney_medulla", medulla, 6, group),
            Organ(group, "kidney_pelvis", pelvis, 2, group),
            Organ(f"{name}_adrenal", "adrenal", adrenal(side), 3, f"{name}_adrenal"),
        ]
    return made


TRACHEA: tuple[Place, ...] = ((0, -6, 700), (0, 4, 620), (-1, 14, 570), (-3, 22, 514))
RIGHT_BRONCHUS: tuple[Place, ...] = ((-3, 22, 514), (-22, 22, 494), (-44, 22, 478))
LEFT_BRONCHUS: tuple[Place, ...] = ((-3, 22, 514), (22, 26, 492), (52, 30, 470))


@lru_cache(maxsize=1)
def airway() -> Shape:
    """Give the inside of the trachea and the main and lobar bronchi."""
    parts = [
        tube(list(TRACHEA), [9, 9, 9, 9.5]),
        tube(list(RIGHT_BRONCHUS), [8, 7, 6]),
        tube(list(LEFT_BRONCHUS), [7.5, 6.5, 5.5]),
        tube([(-30, 22, 488), (-46, 22, 508), (-56, 18, 530)], [5, 4.5, 3.5]),
        tube([(-44, 22, 478), (-52, 26, 450), (-62, 36, 410)], [5, 4.5, 3]),
        tube([(-46, 20, 470), (-60, -10, 456)], [4, 3]),
        tube([(48, 28, 474), (60, 10, 490), (66, 2, 514)], [4.5, 4, 3]),
        tube([(52, 30, 470), (60, 36, 440), (72, 42, 400)], [5, 4.5, 3]),
    ]
    return union(*parts, blend=3)


@lru_cache(maxsize=1)
def organs() -> tuple[Organ, ...]:
    """Give every soft organ in painting order."""
    gullet: list[Place] = [
        (4, 26, 650), (6, 30, 570), (4, 38, 500), (10, 36, 430), (20, 18, 392), (42, 10, 380),
    ]  # fmt: skip
    oesophagus = tube(smooth_path(gullet, 16), 7)
    thyroid = [ellipsoid((s * 20, -8, 622), (9, 12, 22)) for s in (-1, 1)]
    return (
        *muscles(),
        Organ("oesophagus", "muscle", oesophagus, 6),
        *(Organ("thyroid", "thyroid", t, 3) for t in thyroid),
        *_abdomen(),
        *heart(),
        *vessels(),
    )


def kidney_pole(side: float, *, top: bool) -> Place:
    """Give a pole of a kidney, 4 mm beneath its surface."""
    c = LEFT_KIDNEY if side > 0 else RIGHT_KIDNEY
    axis = turn((-10.0, side * -8.0, 0.0))[:, 2] * (KIDNEY_RADII[2] - 4) * (1 if top else -1)
    return (c[0] + float(axis[0]), c[1] + float(axis[1]), c[2] + float(axis[2]))
