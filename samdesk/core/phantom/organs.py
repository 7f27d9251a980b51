"""Soft organs of the canonical body, in the order in which they are painted."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from samdesk.core.phantom.shapes import (
    Distance,
    Grid,
    Place,
    Shape,
    cut,
    ellipsoid,
    flip,
    grown,
    mirrored,
    smooth_path,
    tube,
    union,
)
from samdesk.core.phantom.trunk import (
    above_diaphragm,
    along,
    below_diaphragm,
    cage_distance,
    spine_y,
    within_cage,
)

LEFT_KIDNEY: Place = (62.0, 34.0, 284.0)
RIGHT_KIDNEY: Place = (-62.0, 34.0, 268.0)
KIDNEY_RADII: Place = (28.0, 24.0, 55.0)


@dataclass(frozen=True, eq=False)
class Organ:
    """A painted body.

    Attributes:
        name: of the organ.
        tissue: key of the patient's grey values.
        shape: where.
        texture: how much the tissue's texture varies, in HU.
        moves: group that moves together against the skeleton; empty where it does not.
    """

    name: str
    tissue: str
    shape: Shape
    texture: float = 4.0
    moves: str = ""


MEDIASTINUM = np.array([(380, 30), (470, 27), (560, 30), (605, 24)], dtype=np.float32)


def _mediastinum(x: Grid, y: Grid, z: Grid) -> Grid:
    half = along(MEDIASTINUM, z, 1)
    front = np.maximum(-50 - y, 0) * np.float32(0.45)
    return np.abs(x) - np.maximum(half - front, 6)


def lung(side: float) -> Shape:
    """Give one lung; side 1 is the left. Mediastinum, heart and diaphragm bound it."""
    heart = grown(heart_sac(), 2.0)

    def distance(x: Grid, y: Grid, z: Grid) -> Grid:
        best = np.maximum(cage_distance(x, y, z) + 7, above_diaphragm(x, y, z))
        best = np.maximum(best, -_mediastinum(x, y, z))
        best = np.maximum(best, -heart.distance(x, y, z))
        return np.maximum(best, -side * x)

    low = (0.0, -105.0, 255.0) if side > 0 else (-140.0, -105.0, 255.0)
    high = (140.0, 105.0, 622.0) if side > 0 else (0.0, 105.0, 622.0)
    return Shape(low, high, distance)


def fissures() -> tuple[tuple[float, Distance], ...]:
    """Give the fissures: side, and the distance to the sheet (oblique both, horizontal right)."""

    def oblique(x: Grid, y: Grid, z: Grid) -> Grid:
        return np.abs((z - 470) - np.float32(0.95) * (y - 0) + np.float32(0.0008) * x * x) * 0.72

    def horizontal(x: Grid, y: Grid, z: Grid) -> Grid:
        level = np.abs(z - 474 - np.float32(0.12) * (x + 70))
        behind = (z - 470) - np.float32(0.95) * y
        return np.maximum(level, -behind)

    return ((1.0, oblique), (-1.0, oblique), (-1.0, horizontal))


@lru_cache(maxsize=1)
def heart_sac() -> Shape:
    """Give the heart with its sac."""
    return union(
        ellipsoid((26, -40, 430), (68, 46, 50), (0, 24, -30)),
        ellipsoid((-14, -20, 446), (38, 42, 44)),
        blend=12,
    )


def _heart() -> list[Organ]:
    axis = (0.0, 24.0, -30.0)
    return [
        Organ("heart", "myocardium", heart_sac(), moves="heart"),
        Organ("right_atrium", "right_blood", ellipsoid((-28, -24, 442), (20, 24, 32)), 3, "heart"),
        Organ("right_ventricle", "right_blood",
              ellipsoid((8, -64, 432), (40, 17, 32), axis), 3, "heart"),
        Organ("left_atrium", "left_blood", ellipsoid((4, 8, 456), (36, 17, 24)), 3, "heart"),
        Organ("left_ventricle", "left_blood",
              ellipsoid((40, -34, 428), (40, 20, 22), axis), 3, "heart"),
    ]  # fmt: skip


@lru_cache(maxsize=1)
def aorta_path() -> tuple[Place, ...]:
    """Give the middle line of the aorta from the valve to the bifurcation."""
    points: list[Place] = [
        (2, -24, 458), (-16, -34, 482), (-20, -32, 510), (-12, -20, 536), (6, 0, 548), (20, 22, 540),
        (25, 36, 518), (25, 42, 480), (23, 42, 430), (19, 36, 385), (12, 24, 340), (8, 14, 310),
        (7, 2, 275), (6, -6, 240), (4, -9, 203), (2, -6, 166),
    ]  # fmt: skip
    return tuple(smooth_path(points, 60))


def _vessels() -> list[Organ]:
    aorta = list(aorta_path())
    radii = [15 - 6.5 * i / (len(aorta) - 1) for i in range(len(aorta))]
    arteries: list[tuple[list[Place], list[float]]] = [
        ([(-8, -14, 545), (-20, -16, 580), (-28, -10, 615), (-30, -6, 700)], [6, 5.5, 4, 4]),
        ([(4, -2, 548), (16, -2, 590), (24, -2, 620), (28, -4, 700)], [4.5, 4, 3.5, 3.5]),
        ([(16, 10, 545), (28, 12, 585), (52, 6, 606), (100, 8, 604)], [5, 4.5, 4.5, 4]),
        ([(-22, -12, 592), (-52, 4, 608), (-100, 8, 604)], [5, 4.5, 4]),
        ([(7, 2, 286), (5, -22, 292)], [5, 4]),
        ([(5, -22, 292), (-30, -30, 312)], [3.5, 3]),
        ([(5, -22, 292), (45, -4, 312), (82, 30, 338)], [3.5, 3, 3]),
        ([(7, -2, 270), (6, -28, 250), (2, -38, 190), (-20, -36, 150)], [4.5, 4.5, 3.5, 2]),
        ([(7, -2, 262), (30, 12, 274), (50, 30, 284)], [3.5, 3.2, 3]),
        ([(6, -2, 256), (-25, 18, 262), (-50, 30, 268)], [3.5, 3.2, 3]),
    ]
    veins: list[tuple[list[Place], list[float]]] = [
        (smooth_path([(-20, -4, 158), (-21, -4, 203), (-23, -4, 250), (-25, 0, 300), (-25, -8, 350),
                      (-24, -14, 402), (-26, -18, 425)], 20), [11.0] * 20),
        ([(44, 28, 282), (12, -14, 268), (-18, -6, 266)], [4.5, 4.5, 4.5]),
        ([(-46, 28, 266), (-24, 0, 262)], [4.5, 4.5]),
    ]  # fmt: skip
    for side in (-1.0, 1.0):
        iliac = smooth_path(
            [(2, -6, 168), (side * 26, 2, 136), (side * 50, 8, 104), (side * 66, -26, 64),
             (side * 78, -56, 24), (side * 82, -56, -60), (side * 80, -40, -300)], 24)  # fmt: skip
        arteries.append((iliac, [6.0 - 0.08 * i for i in range(24)]))
        arteries.append(([(side * 44, 8, 112), (side * 50, 46, 84), (side * 44, 50, 50)], [4, 3.5, 2]))
        vein = [(x * 0.92 - 4, y + 12, z - 4) for x, y, z in iliac]
        vein[0] = (-20, -4, 160)
        veins.append((vein, [7.0] * 24))
    portal = [(-2, -34, 270), (-18, -24, 296), (-36, -20, 318), (-62, -14, 334)]
    splenic = [(-4, -32, 274), (30, -8, 300), (70, 24, 328), (84, 34, 338)]
    made = [Organ("aorta", "left_blood", tube(aorta, radii), 2, "aorta")]
    made += [Organ("vena_cava" if i == 0 else "vein", "venous_blood", tube(p, r), 2)
             for i, (p, r) in enumerate(veins)]  # fmt: skip
    made += [Organ("artery", "left_blood", tube(smooth_path(p, 10), list(np.interp(
        np.linspace(0, 1, 10), np.linspace(0, 1, len(r)), r)))) for p, r in arteries]
    made += [Organ("portal_vein", "portal_blood", tube(smooth_path(portal, 10), 6.5), 2),
             Organ("portal_vein", "portal_blood", tube(smooth_path(splenic, 12), 4.5), 2)]  # fmt: skip
    made += [
        Organ("upper_vena_cava", "right_blood",
              tube([(-26, -20, 562), (-28, -22, 520), (-28, -22, 462)], [8, 9.5, 10]), 2),
        Organ("vein", "right_blood",
              tube(smooth_path([(-26, -20, 558), (2, -32, 572), (40, -22, 590), (96, -6, 600)], 12), 6)),
        Organ("vein", "right_blood", tube([(-26, -20, 560), (-38, -18, 592), (-96, -6, 600)], 6)),
        Organ("vein", "right_blood", tube([(-34, -16, 590), (-38, -8, 640), (-40, -4, 700)], 6)),
        Organ("vein", "right_blood", tube([(30, -18, 586), (36, -8, 640), (38, -4, 700)], 5.5)),
        Organ("pulmonary_trunk", "right_blood",
              tube(smooth_path([(16, -56, 452), (16, -42, 475), (16, -18, 492), (22, 2, 496)], 10), 12), 2),
        Organ("right_pulmonary_artery", "right_blood",
              tube(smooth_path([(14, -18, 490), (-14, -4, 488), (-44, 0, 484)], 10), 9), 2),
        Organ("left_pulmonary_artery", "right_blood",
              tube(smooth_path([(18, -8, 494), (34, 12, 498), (48, 22, 488)], 10), 9), 2),
    ]  # fmt: skip
    return made


def _liver() -> Shape:
    right = ellipsoid((-68, -2, 344), (76, 94, 88))
    left = ellipsoid((-2, -46, 366), (78, 46, 44), (0, -14, 0))
    both = union(right, left, blend=24)
    return cut(both, below_diaphragm, within_cage(8), _behind_right_kidney)


def _behind_right_kidney(x: Grid, y: Grid, z: Grid) -> Grid:
    kidney = np.sqrt(((x + 58) / 38) ** 2 + ((y - 42) / 38) ** 2 + ((z - 266) / 66) ** 2)
    spine = np.sqrt(((x - 4) / 34) ** 2 + ((y - 46) / 50) ** 2)
    return np.maximum(1 - kidney, 1 - spine) * 36


def _stomach() -> Shape:
    path = smooth_path(
        [(62, 12, 384), (66, -14, 356), (58, -42, 318), (30, -62, 290), (-8, -62, 282), (-24, -48, 286)],
        14,
    )  # fmt: skip
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
        (0, -80, 226), (52, -72, 250), (92, -32, 292), (104, 4, 318), (110, 24, 270), (108, 22, 210),
        (100, 8, 150), (84, 2, 118), (50, -4, 92), (20, 14, 104), (4, 44, 88), (0, 56, 62), (0, 50, 30),
        (0, 58, 8),
    ]  # fmt: skip
    return tuple(smooth_path(points, 60))


def _colon() -> tuple[Shape, Shape]:
    path = list(colon_path())
    wobble = [19 + 2.5 * np.sin(1.9 * i) + (5 if i < 6 else 0) - (4 if 36 < i < 50 else 0)
              for i in range(len(path))]  # fmt: skip
    return tube(path, wobble), tube(path, [w - 3 for w in wobble])


def small_bowel() -> Shape:
    """Give the room that the loops of the small bowel fill."""
    upper = ellipsoid((12, -44, 188), (94, 48, 78), power=2.8)
    lower = ellipsoid((4, -30, 100), (76, 44, 50), power=2.5)
    return union(upper, lower, blend=10)


def kidney(side: float) -> tuple[Shape, Shape, Shape]:
    """Give cortex, medulla and pelvis of a kidney; side 1 is the left."""
    c = LEFT_KIDNEY if side > 0 else RIGHT_KIDNEY
    lean = (-10.0, side * -8.0, 0.0)
    hilum = (c[0] - side * 26, c[1] - 6, c[2])
    outer = cut(
        ellipsoid(c, KIDNEY_RADII, lean),
        lambda x, y, z: 13 - np.sqrt((x - hilum[0]) ** 2 + (y - hilum[1]) ** 2 + ((z - c[2]) / 1.7) ** 2),
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
    return union(*(tube([stem, leg], [3.6, 2.6]) for leg in legs), blend=2)


def _abdomen() -> list[Organ]:
    spleen = cut(ellipsoid((98, 44, 352), (26, 46, 54), (-24, 0, -24)), below_diaphragm, within_cage(9))
    pancreas = tube(
        smooth_path([(-30, -22, 266), (-24, -32, 284), (4, -36, 294), (40, -16, 312), (78, 16, 332)], 14),
        list(np.linspace(15, 8, 14)),
    )
    colon, _ = _colon()
    made = [
        Organ("small_bowel", "bowel", small_bowel(), 45, "bowel"),
        Organ("pancreas", "pancreas", pancreas, 14, "pancreas"),
        Organ("stomach", "stomach_wall", _stomach(), 4, "stomach"),
        Organ("stomach", "stomach_content", grown(_stomach(), -4), 14, "stomach"),
        Organ("stomach_air", "air", stomach_air(), 0, "stomach"),
        Organ("duodenum", "bowel", tube(smooth_path(
            [(-26, -46, 286), (-48, -22, 274), (-48, -14, 240), (-20, -20, 222), (14, -26, 226)], 14), 12),
              22, "pancreas"),
        Organ("colon", "bowel_wall", colon, 6, "colon"),
        Organ("spleen", "spleen", spleen, 4, "spleen"),
        Organ("liver", "liver", _liver(), 5, "liver"),
        Organ("gallbladder", "bile", ellipsoid((-50, -52, 292), (15, 17, 32), (-14, 0, 0)), 2, "liver"),
        Organ("bladder", "urine", ellipsoid((0, -22, 44), (38, 33, 28), power=2.3), 2, "bladder"),
        Organ("uterus_or_prostate", "muscle", ellipsoid((0, 22, 40), (24, 16, 24)), 6, "bladder"),
    ]  # fmt: skip
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


def _muscles() -> list[Organ]:
    made = []
    for side in (-1.0, 1.0):
        parts = [
            tube(smooth_path([(24, 30, 300), (34, 26, 240), (44, 22, 180), (58, 12, 120), (76, -22, 60),
                              (96, -10, 10)], 14), list(np.interp(
                                  np.linspace(0, 1, 14), [0, 0.5, 1], [8, 20, 14]))),
            tube([(32, spine_y(z) + 44, z) for z in (60, 110, 166, 240, 310, 400, 500, 600, 690)],
                 [14, 24, 25, 24, 21, 18, 17, 17, 15]),
            tube([(70, spine_y(z) + 26, z) for z in (166, 203, 240, 275)], [16, 19, 19, 12]),
            tube([(90, 62, 110), (100, 58, 60), (112, 40, 0)], [34, 38, 30]),
            tube([(30, -64, 120), (30, -84, 200), (34, -88, 300), (44, -90, 380)], [8, 9, 9, 8]),
            tube([(70, -84, 490), (92, -66, 530), (126, -24, 570)], [13, 16, 18]),
            tube([(116, 66, 500), (112, 74, 545), (130, 52, 590)], [16, 20, 22]),
            tube([(42, 92, 600), (90, 70, 605), (120, 50, 606)], [18, 17, 14]),
            tube([(48, -2, 690), (44, -20, 640), (22, -48, 580)], [9, 9, 8]),
            tube([(92, 10, 0), (96, 10, -300)], [66, 62]),
        ]  # fmt: skip
        made += [Organ("muscle", "muscle", flip(part, side), 7) for part in parts]
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
    oesophagus = tube(smooth_path([(4, 26, 650), (6, 30, 570), (4, 38, 500), (10, 36, 430),
                                   (20, 18, 392), (42, 10, 380)], 16), 7)  # fmt: skip
    thyroid = [ellipsoid((s * 20, -8, 622), (9, 12, 22)) for s in (-1, 1)]
    return (
        *_muscles(),
        Organ("oesophagus", "muscle", oesophagus, 6),
        *(Organ("thyroid", "thyroid", t, 3) for t in thyroid),
        *_abdomen(),
        *_heart(),
        *_vessels(),
    )


def kidney_pole(side: float, top: bool) -> Place:
    """Give a pole of a kidney, 4 mm beneath its surface."""
    c = LEFT_KIDNEY if side > 0 else RIGHT_KIDNEY
    from samdesk.core.phantom.shapes import turn

    axis = turn((-10.0, side * -8.0, 0.0))[:, 2] * (KIDNEY_RADII[2] - 4) * (1 if top else -1)
    return (c[0] + float(axis[0]), c[1] + float(axis[1]), c[2] + float(axis[2]))


__all__ = ["Organ", "organs", "airway", "lung", "fissures", "mirrored"]
