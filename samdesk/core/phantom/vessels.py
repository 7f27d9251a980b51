"""The heart and the great vessels of the canonical body."""

from functools import lru_cache

import numpy as np

from samdesk.core.phantom.organ import Organ
from samdesk.core.phantom.shapes import Place, Shape, ellipsoid, smooth_path, tube, union


@lru_cache(maxsize=1)
def heart_sac() -> Shape:
    """Give the heart with its sac."""
    return union(
        ellipsoid((26, -40, 430), (68, 46, 50), (0, 24, -30)),
        ellipsoid((-14, -20, 446), (38, 42, 44)),
        blend=12,
    )


def heart() -> list[Organ]:
    """Give the heart and its four chambers."""
    axis = (0.0, 24.0, -30.0)
    right = ellipsoid((8, -64, 432), (40, 17, 32), axis)
    left = ellipsoid((40, -34, 428), (40, 20, 22), axis)
    return [
        Organ("heart", "myocardium", heart_sac(), moves="heart"),
        Organ("right_atrium", "right_blood", ellipsoid((-28, -24, 442), (20, 24, 32)), 3, "heart"),
        Organ("right_ventricle", "right_blood", right, 3, "heart"),
        Organ("left_atrium", "left_blood", ellipsoid((4, 8, 456), (36, 17, 24)), 3, "heart"),
        Organ("left_ventricle", "left_blood", left, 3, "heart"),
    ]


@lru_cache(maxsize=1)
def aorta_path() -> tuple[Place, ...]:
    """Give the middle line of the aorta from the valve to the bifurcation."""
    points: list[Place] = [
        (2, -24, 458), (-16, -34, 482), (-20, -32, 510), (-12, -20, 536), (6, 0, 548),
        (20, 22, 540), (25, 36, 518), (25, 42, 480), (23, 42, 430), (19, 36, 385), (12, 24, 340),
        (8, 14, 310), (7, 2, 275), (6, -6, 240), (4, -9, 203), (2, -6, 166),
    ]  # fmt: skip
    return tuple(smooth_path(points, 60))


# Places on the middle line and the radius there, spread evenly along the line.
Course = tuple[list[Place], list[float]]
ARTERIES: tuple[Course, ...] = (
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
)
VENA_CAVA: tuple[Place, ...] = (
    (-20, -4, 158), (-21, -4, 203), (-23, -4, 250), (-25, 0, 300), (-25, -8, 350),
    (-24, -14, 402), (-26, -18, 425),
)  # fmt: skip
RENAL_VEINS: tuple[Course, ...] = (
    ([(44, 28, 282), (12, -14, 268), (-18, -6, 266)], [4.5]),
    ([(-46, 28, 266), (-24, 0, 262)], [4.5]),
)
PORTAL: tuple[Course, ...] = (
    ([(-2, -34, 270), (-18, -24, 296), (-36, -20, 318), (-62, -14, 334)], [6.5]),
    ([(-4, -32, 274), (30, -8, 300), (70, 24, 328), (84, 34, 338)], [4.5]),
)
UPPER_VEINS: tuple[Course, ...] = (
    ([(-26, -20, 562), (-28, -22, 520), (-28, -22, 462)], [8, 9.5, 10]),
    ([(-26, -20, 558), (2, -32, 572), (40, -22, 590), (96, -6, 600)], [6]),
    ([(-26, -20, 560), (-38, -18, 592), (-96, -6, 600)], [6]),
    ([(-34, -16, 590), (-38, -8, 640), (-40, -4, 700)], [6]),
    ([(30, -18, 586), (36, -8, 640), (38, -4, 700)], [5.5]),
)
PULMONARY: tuple[Course, ...] = (
    ([(16, -56, 452), (16, -42, 475), (16, -18, 492), (22, 2, 496)], [12]),
    ([(14, -18, 490), (-14, -4, 488), (-44, 0, 484)], [9]),
    ([(18, -8, 494), (34, 12, 498), (48, 22, 488)], [9]),
)


def _rope(course: Course, count: int = 10) -> Shape:
    points, radii = course
    sizes = np.interp(np.linspace(0, 1, count), np.linspace(0, 1, len(radii)), radii)
    return tube(smooth_path(points, count), [float(size) for size in sizes])


def _iliac(side: float) -> tuple[Shape, Shape, Shape]:
    """Give the common and outer iliac artery, the inner one, and the vein beside them."""
    course = smooth_path(
        [
            (2, -6, 168), (side * 26, 2, 136), (side * 50, 8, 104), (side * 66, -26, 64),
            (side * 78, -56, 24), (side * 82, -56, -60), (side * 80, -40, -300),
        ],
        24,
    )  # fmt: skip
    inner = tube([(side * 44, 8, 112), (side * 50, 46, 84), (side * 44, 50, 50)], [4, 3.5, 2])
    vein = [(x * 0.92 - 4, y + 12, z - 4) for x, y, z in course]
    vein[0] = (-20, -4, 160)
    return tube(course, [6.0 - 0.08 * i for i in range(24)]), inner, tube(vein, 7)


def vessels() -> list[Organ]:
    """Give the great arteries and veins."""
    aorta = list(aorta_path())
    radii = [15 - 6.5 * i / (len(aorta) - 1) for i in range(len(aorta))]
    limbs = [_iliac(side) for side in (-1.0, 1.0)]
    arteries = [_rope(course) for course in ARTERIES] + [s for limb in limbs for s in limb[:2]]
    veins = [_rope(course) for course in RENAL_VEINS] + [limb[2] for limb in limbs]
    made = [Organ("aorta", "left_blood", tube(aorta, radii), 2, "aorta")]
    made.append(Organ("vena_cava", "venous_blood", _rope((list(VENA_CAVA), [11]), 20), 2))
    made += [Organ("vein", "venous_blood", shape, 2) for shape in veins]
    made += [Organ("artery", "left_blood", shape) for shape in arteries]
    made += [Organ("portal_vein", "portal_blood", _rope(course), 2) for course in PORTAL]
    made += [Organ("vein", "right_blood", _rope(course), 2) for course in UPPER_VEINS]
    made += [Organ("pulmonary_artery", "right_blood", _rope(course), 2) for course in PULMONARY]
    return made
