"""Bones of the canonical body: single vertebrae, twelve pairs of ribs, girdles and femora."""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np

from samdesk.core.phantom.shapes import (
    Place,
    Shape,
    cut,
    ellipsoid,
    flip,
    mirrored,
    plate,
    smooth_path,
    tube,
    union,
)
from samdesk.core.phantom.trunk import cage_place, spine_y

# Middle of each vertebral body in z (mm), from the neck down.
VERTEBRAE: dict[str, float] = {
    "C6": 640.0, "C7": 621.5, "T1": 601.5, "T2": 580.0, "T3": 557.5, "T4": 534.0, "T5": 509.5,
    "T6": 484.0, "T7": 457.5, "T8": 430.0, "T9": 401.5, "T10": 372.0, "T11": 341.5, "T12": 309.5,
    "L1": 275.5, "L2": 240.0, "L3": 203.0, "L4": 166.0, "L5": 130.0, "S1": 98.0,
}  # fmt: skip
FEMORAL_HEAD: Place = (88.0, -6.0, 46.0)


@dataclass(frozen=True, eq=False)
class Bone:
    """A bone: its shape, the thickness of its dense shell in mm and how dense the shell is."""

    name: str
    shape: Shape
    shell_mm: float = 1.6
    density: float = 0.8


def vertebra_sizes(name: str) -> tuple[float, float, float]:
    """Give half width, half depth and half height of a vertebral body in mm."""
    order = list(VERTEBRAE)
    at = order.index(name)
    share = at / (len(order) - 2)
    below = VERTEBRAE[order[at + 1]] if at + 1 < len(order) else VERTEBRAE[name] - 32
    above = VERTEBRAE[order[at - 1]] if at else VERTEBRAE[name] + 18
    gap = 2.0 + 4.0 * share
    return 12 + 13 * share, 9 + 9.5 * share, (above - below) / 4 - gap / 2


def _vertebra(name: str) -> Shape:
    z = VERTEBRAE[name]
    y = spine_y(z)
    w, d, h = vertebra_sizes(name)
    back = y + d + 9
    lumbar = name.startswith("L")
    body = ellipsoid((0, y, z), (w, d, h), power=4.0)
    parts = [body]
    for side in (-1.0, 1.0):
        pedicle = tube([(side * w * 0.62, y + d * 0.7, z + 3), (side * 11, back + 4, z + 1)], 4.2)
        lamina = tube([(side * 12, back + 3, z), (side * 2, back + 12, z - 4)], 3.6)
        reach = 38.0 if lumbar else 30.0
        process = tube(
            [(side * 12, back + 2, z), (side * reach, back + (2 if lumbar else 12), z + 4)],
            [4.5, 3.4],
        )
        facet = tube([(side * 14, back + 5, z + h), (side * 14, back + 6, z - h - 4)], 4.4)
        parts += [pedicle, lamina, process, facet]
    drop = 8.0 if lumbar else 20.0
    length = 30.0 if lumbar else 24.0
    parts.append(tube([(0, back + 10, z - 2), (0, back + 8 + length, z - drop)], [3.6, 4.4]))
    return union(*parts, blend=2.0)


def rib_path(number: int, side: float, count: int = 18) -> list[Place]:
    """Give the middle line of a rib from the spine to its front end; side -1 is the right."""
    head_z = VERTEBRAE[f"T{number}"] + 8
    usual = 152.0 if number < 8 else 158.0 - 7 * (number - 7)
    front = {1: 140.0, 11: 100.0, 12: 72.0}.get(number, usual)
    drop = 24.0 + 8.5 * min(number, 8)
    places = []
    for share in np.linspace(0, 1, count):
        degrees = 14 + (front - 14) * share
        z = head_z - drop * (share**1.35)
        places.append(cage_place(degrees, float(z), 2.0))
    w, d, _ = vertebra_sizes(f"T{number}")
    head = (w + 1.0, spine_y(head_z) + d, head_z)
    curve = smooth_path([head, (w + 16.0, places[0][1] - 2, head_z + 1), *places[1:]], count * 2)
    return [(side * x, y, z) for x, y, z in curve]


def cartilage_path(number: int, side: float) -> list[Place]:
    """Give the middle line of a costal cartilage, from the rib's front end to the sternum."""
    start = rib_path(number, side)[-1]
    z = {1: 560.0, 2: 533.0, 3: 508.0, 4: 484.0, 5: 462.0, 6: 446.0, 7: 432.0}[number]
    end = sternum_place(z)
    middle = cage_place(168.0, (start[2] * 0.75 + z * 0.25) - 4, 3.0)
    bend = (side * abs(middle[0]), middle[1], middle[2])
    return smooth_path([start, bend, (side * 15, end[1], z)], 8)


def sternum_place(z: float) -> Place:
    """Give the middle of the sternum at z."""
    _, y, _ = cage_place(180.0, z, 6.0)
    return 0.0, y, z


def _sternum() -> Shape:
    high, deep = sternum_place(568)[1], sternum_place(512)[1]
    manubrium = plate(((-24, high, 568), (24, high, 568), (0, deep, 512)), 11)
    top = [sternum_place(z) for z in (530.0, 500.0, 470.0, 440.0, 415.0)]
    left = tube([(x + 7, y, z) for x, y, z in top], 6.5)
    right = tube([(x - 7, y, z) for x, y, z in top], 6.5)
    xiphoid = tube([sternum_place(418), sternum_place(398)], [5, 3])
    return union(manubrium, left, right, xiphoid, blend=4)


def _pelvis(side: float) -> list[Bone]:
    socket = (94.0, -2.0, 56.0)
    crest: list[Place] = [
        (118, -58, 132), (134, -30, 158), (134, 5, 172), (112, 42, 170), (74, 72, 146),
        (46, 82, 112),
    ]  # fmt: skip
    wing = [plate((socket, a, b), 7) for a, b in pairwise(crest)]
    rim = tube(smooth_path(crest, 16), 6.5)
    hip = cut(
        ellipsoid((92, -4, 48), (37, 37, 37)),
        lambda x, y, z: 25.5 - np.sqrt((x - 88) ** 2 + (y + 6) ** 2 + (z - 46) ** 2),
        lambda x, y, z: (x - 96) * np.float32(0.75) - (z - 52) * np.float32(0.66) - 8,
    )
    ischium = tube([(84, 22, 40), (66, 42, 8), (56, 40, -12)], [14, 13, 12])
    upper = tube([(72, -26, 48), (40, -50, 42), (12, -58, 28)], [11, 8, 10])
    lower = tube([(56, 36, -12), (32, 0, -8), (12, -50, 16)], [9, 7, 9])
    whole = union(*wing, rim, hip, ischium, upper, lower, blend=5)
    return [Bone("pelvis", flip(whole, side), 1.8), Bone("femur", flip(_femur(), side), 3.0, 1.15)]


def _femur() -> Shape:
    head = ellipsoid(FEMORAL_HEAD, (23.5, 23.5, 23.5))
    neck = tube([FEMORAL_HEAD, (124, 4, 22)], [15, 15])
    trochanter = ellipsoid((134, 12, 20), (17, 20, 24))
    shaft = tube([(124, 6, 18), (118, 2, -40), (108, -6, -300)], [18, 14, 13])
    return union(head, neck, trochanter, shaft, blend=8)


def _sacrum() -> Shape:
    segments = [(98.0, 30.0, 19.0), (80.0, 28.0, 15.0), (62.0, 22.0, 12.0), (46.0, 15.0, 9.0)]
    parts = [ellipsoid((0, spine_y(z), z), (w, d, 12), (14, 0, 0), 3.0) for z, w, d in segments]
    for side in (-1.0, 1.0):
        parts.append(
            tube([(side * 26, 62, 98), (side * 40, 76, 90), (side * 24, 84, 58)], [15, 14, 9])
        )
    crest = tube([(0, 92, 96), (0, 104, 70), (0, 98, 46)], [7, 7, 5])
    tail = tube([(0, 86, 34), (0, 72, 18)], [6, 4])
    return union(*parts, crest, tail, blend=4)


def _shoulder(side: float) -> list[Bone]:
    inferior, upper, glenoid = (78.0, 108.0, 470.0), (62.0, 86.0, 566.0), (132.0, 62.0, 576.0)
    blade = plate((inferior, upper, glenoid), 4.5)
    border = tube([inferior, glenoid], 4.5)
    spine = tube([(64, 92, 556), (104, 88, 578), (136, 66, 594)], [3.5, 4.5, 6])
    clavicle = tube(
        smooth_path([(15, -52, 570), (55, -48, 582), (95, -16, 596), (128, 22, 602)], 12), 6
    )
    return [
        Bone("scapula", flip(union(blade, border, spine, blend=3), side), 1.4),
        Bone("clavicle", flip(clavicle, side), 1.8),
    ]


@lru_cache(maxsize=1)
def bones() -> tuple[Bone, ...]:
    """Give every bone of the canonical body."""
    made = [Bone(name, _vertebra(name), 1.2, 0.6) for name in VERTEBRAE if name != "S1"]
    made.append(Bone("sacrum", _sacrum(), 1.4, 0.55))
    for side in (-1.0, 1.0):
        for number in range(1, 13):
            made.append(Bone("rib", tube(rib_path(number, side), 4.8), 1.4, 0.7))
        made += _pelvis(side) + _shoulder(side)
    made.append(Bone("sternum", _sternum(), 1.3, 0.5))
    return tuple(made)


@lru_cache(maxsize=1)
def cartilages() -> tuple[Shape, ...]:
    """Give the costal cartilages of ribs 1 to 7 on both sides."""
    return tuple(
        tube(cartilage_path(number, side), 5.2) for side in (-1.0, 1.0) for number in range(1, 8)
    )


@lru_cache(maxsize=1)
def discs() -> tuple[Shape, ...]:
    """Give the discs between the vertebral bodies, from the neck down."""
    order = list(VERTEBRAE)
    made = []
    for upper, lower in pairwise(order):
        z = (VERTEBRAE[upper] + VERTEBRAE[lower]) / 2
        w, d, _ = vertebra_sizes(lower)
        made.append(ellipsoid((0, spine_y(z), z), (w, d, 5), power=4.0))
    return tuple(made)


@lru_cache(maxsize=1)
def canal() -> Shape:
    """Give the spinal canal with the cord."""
    path: list[Place] = []
    for name, z in VERTEBRAE.items():
        path.append((0.0, spine_y(z) + vertebra_sizes(name)[1] + 9, z))
    return tube([*path, (0.0, 92.0, 66.0)], 8.0)


def femoral_head(side: float) -> Place:
    """Give the middle of a femoral head."""
    return FEMORAL_HEAD if side > 0 else mirrored(FEMORAL_HEAD)
