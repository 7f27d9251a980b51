"""Named anatomical points of the canonical body, in mm; the patient's map carries them over."""

import numpy as np

from samdesk.core.geometry import Position
from samdesk.core.phantom import organs, trunk
from samdesk.core.phantom.shapes import Grid
from samdesk.core.phantom.skeleton import VERTEBRAE, femoral_head, sternum_place
from samdesk.core.phantom.trunk import spine_y


def _both(name: str, left: Position, right: Position | None = None) -> dict[str, Position]:
    other = (-left[0], left[1], left[2]) if right is None else right
    return {f"left_{name}": left, f"right_{name}": other}


def _dome(x: float, y: float) -> Position:
    place = (np.array([v], dtype=np.float32) for v in (x, y, 400.0))
    grids: list[Grid] = list(place)
    return (x, y, float(trunk.diaphragm_z(*grids)[0]))


def _named() -> dict[str, Position]:
    points: dict[str, Position] = {
        "carina": (-3, 22, 511),
        "trachea_at_notch": (0, 10, 585),
        "aortic_valve": (2, -24, 458),
        "aortic_arch_top": (6, 0, 556),
        "aortic_arch": (6, 0, 548),
        "descending_aorta_t8": (23, 42, 430),
        "aortic_bifurcation": (2, -6, 166),
        "celiac_origin": (6, -8, 288),
        "superior_mesenteric_origin": (7, -8, 267),
        "pulmonary_trunk": (16, -32, 484),
        "heart_apex": (66, -62, 412),
        "superior_vena_cava_mouth": (-28, -22, 462),
        "vena_cava_at_diaphragm": (-24, -14, 402),
        "portal_vein_fork": (-62, -14, 334),
        "gallbladder_neck": (-50, -46, 314),
        "liver_dome": (-70, -8, _dome(-70, -8)[2] - 10),
        "liver_tip": (-84, 6, 268),
        "pancreas_head": (-26, -28, 276),
        "pancreas_tail": (76, 14, 331),
        "spleen_hilum": (82, 36, 350),
        "stomach_fundus": (62, 18, 374),
        "bladder_dome": (0, -22, 66),
        "bladder": (0, -22, 44),
        "sternal_notch": sternum_place(566),
        "xiphoid": sternum_place(402),
        "symphysis": (0, -58, 28),
        "sacral_promontory": (0, 34, 107),
    }
    for name, z in VERTEBRAE.items():
        if name[0] in "TL" or name in ("C7", "S1"):
            points[name] = (0.0, spine_y(z), z)
    for pole, top in (("upper", True), ("lower", False)):
        sides = (organs.kidney_pole(1, top=top), organs.kidney_pole(-1, top=top))
        points |= _both(f"kidney_{pole}_pole", *sides)
    points |= _both("renal_hilum", (50, 28, 284), (-50, 28, 268))
    points |= _both("adrenal", (37, 24, 332), (-33, 22, 326))
    points |= _both("femoral_head", femoral_head(1))
    points |= _both("iliac_crest", (134, 5, 172))
    points |= _both("anterior_iliac_spine", (118, -58, 132))
    points |= _both("lung_apex", (38, 24, 596))
    points |= _both("costophrenic_angle", (102, 60, 318))
    points |= _both("diaphragm_dome", _dome(66, -8), _dome(-70, -8))
    points |= _both("main_bronchus", (26, 26.5, 489), (-24, 22, 492))
    points |= _both("ischial_tuberosity", (56, 40, -12))
    points |= _both("clavicle_head", (17, -52, 570))
    points |= _both("psoas", (34, 26, 240))
    points |= _both("common_iliac_fork", (50, 8, 104))
    return {name: (float(p[0]), float(p[1]), float(p[2])) for name, p in points.items()}


NAMED: dict[str, Position] = _named()
