"""Muscles of the canonical body, one list for both sides."""

import numpy as np

from samdesk.core.phantom.organ import Organ
from samdesk.core.phantom.shapes import Place, Shape, flip, smooth_path, tube
from samdesk.core.phantom.trunk import spine_y


def muscles() -> list[Organ]:
    """Give the muscles that stand out of the wall: psoas, back, buttock, shoulder, thigh."""
    made = []
    for side in (-1.0, 1.0):
        made += [Organ("muscle", "muscle", flip(part, side), 7) for part in _left()]
    return made


def _left() -> list[Shape]:
    levels = (60, 110, 166, 240, 310, 400, 500, 600, 690)
    psoas: list[Place] = [
        (24, 30, 300), (34, 26, 240), (44, 22, 180), (58, 12, 120), (76, -22, 60), (96, -10, 10),
    ]  # fmt: skip
    thickness = np.interp(np.linspace(0, 1, 14), [0, 0.5, 1], [8, 20, 14])
    return [
        tube(smooth_path(psoas, 14), [float(t) for t in thickness]),
        tube([(32, spine_y(z) + 44, z) for z in levels], [14, 24, 25, 24, 21, 18, 17, 17, 15]),
        tube([(70, spine_y(z) + 26, z) for z in (166, 203, 240, 275)], [16, 19, 19, 12]),
        tube([(90, 62, 110), (100, 58, 60), (112, 40, 0)], [34, 38, 30]),
        tube([(30, -64, 120), (30, -84, 200), (34, -88, 300), (44, -90, 380)], [8, 9, 9, 8]),
        tube([(70, -84, 490), (92, -66, 530), (126, -24, 570)], [13, 16, 18]),
        tube([(116, 66, 500), (112, 74, 545), (130, 52, 590)], [16, 20, 22]),
        tube([(42, 92, 600), (90, 70, 605), (120, 50, 606)], [18, 17, 14]),
        tube([(48, -2, 690), (44, -20, 640), (22, -48, 580)], [9, 9, 8]),
        tube([(92, 10, 0), (96, 10, -300)], [66, 62]),
    ]
