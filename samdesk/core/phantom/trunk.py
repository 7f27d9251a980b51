"""The hollow trunk of the canonical body: skin, rib cage, diaphragm and the line of the spine.

Canonical mm are LPS: x to the patient's left with 0 in the midline, y to the back, z to the head.
z is 20 at the symphysis, 130 at L5, 600 at T1. Numbers are those of an adult of 170 cm, rounded.
"""

from functools import lru_cache

import numpy as np

from samdesk.core.phantom.shapes import Distance, Grid, Shape, tube, union

# z: half width, half depth, y of the middle (mm)
SKIN = np.array(
    [
        (-20, 178, 102, 6), (0, 178, 104, 6), (60, 182, 110, 6), (120, 176, 110, 2),
        (200, 160, 108, 0), (260, 156, 109, 0), (330, 163, 117, 0), (430, 168, 122, 2),
        (520, 170, 116, 8), (580, 164, 98, 16), (605, 142, 86, 20), (630, 94, 76, 20),
        (655, 70, 68, 18), (720, 66, 66, 18),
    ],
    dtype=np.float32,
)  # fmt: skip
CAGE = np.array(
    [
        (240, 132, 92, 0), (280, 136, 95, 0), (330, 140, 100, -1), (380, 143, 104, -2),
        (430, 142, 104, -4), (480, 136, 98, -2), (530, 120, 85, 6), (570, 96, 66, 13),
        (595, 70, 48, 20), (612, 44, 30, 24), (622, 24, 18, 26),
    ],
    dtype=np.float32,
)  # fmt: skip
SPINE_Y = np.array(
    [
        (20, 84), (40, 88), (60, 82), (80, 72), (100, 58), (130, 38), (166, 27), (203, 23),
        (240, 25), (275, 32), (310, 41), (341, 49), (370, 55), (430, 62), (485, 60), (535, 52),
        (580, 42), (620, 32), (650, 26), (700, 22),
    ],
    dtype=np.float32,
)  # fmt: skip
RIGHT_DOME = (-72.0, -8.0, 418.0)
LEFT_DOME = (72.0, -8.0, 404.0)
DOME_DEPTH_MM = 118.0


FINE = 4  # rows of a fine table in a mm
FINE_LOW = -330
FINE_HIGH = 760


@lru_cache(maxsize=32)
def _fine(table: bytes, columns: int, column: int) -> Grid:
    rows = np.frombuffer(table, dtype=np.float32).reshape(-1, columns)
    z = np.arange(FINE_LOW * FINE, FINE_HIGH * FINE) / FINE
    return np.interp(z, rows[:, 0], rows[:, column]).astype(np.float32)


def along(table: Grid, z: Grid, column: int) -> Grid:
    """Read a column of a table at z, linear between its rows, to an eighth of a mm."""
    fine = _fine(table.tobytes(), table.shape[1], column)
    at = (z * FINE - (FINE_LOW * FINE - 0.5)).astype(np.int32)
    made: Grid = np.take(fine, at, mode="clip")
    return made


def spine_y(z: float) -> float:
    """Give y of the middle of the vertebral bodies at z."""
    return float(along(SPINE_Y, np.array([z], dtype=np.float32), 1)[0])


def _ring(table: Grid, power: float) -> Distance:
    def distance(x: Grid, y: Grid, z: Grid) -> Grid:
        a, b, middle = (along(table, z, column) for column in (1, 2, 3))
        dy = y - middle
        level = ((np.abs(x) / a) ** power + (np.abs(dy) / b) ** power) ** (1 / power)
        far = np.sqrt(x * x + dy * dy)
        return np.where(level > 0.05, far - far / np.maximum(level, 0.05), -b)

    return distance


cage_distance = _ring(CAGE, 2.3)
_torso = _ring(SKIN, 2.5)
_legs = union(
    tube([(86, 4, 40), (90, 2, -300)], 86), tube([(-86, 4, 40), (-90, 2, -300)], 86), blend=6
)


def _skin(x: Grid, y: Grid, z: Grid) -> Grid:
    torso = np.maximum(_torso(x, y, z), 4 - z)
    if z.ndim != 3:
        return np.minimum(torso, _legs.distance(x, y, z))
    low = z.min(axis=(1, 2)) < 140
    if low.any():
        torso[low] = np.minimum(torso[low], _legs.distance(x[low], y[low], z[low]))
    return torso


BODY = Shape((-184, -125, -300), (184, 130, 720), _skin)


def diaphragm_z(x: Grid, y: Grid, z: Grid) -> Grid:
    """Give z of the diaphragm over (x, y); the lungs' bases lie on it."""
    a, b, middle = 139.0, 102.0, -2.0
    level = (np.abs(x) / a) ** 2 + (np.abs(y - middle) / b) ** 2
    side = 1 / (1 + np.exp(x / np.float32(14)))
    top = LEFT_DOME[2] + (RIGHT_DOME[2] - LEFT_DOME[2]) * side
    sag = np.exp(-((x / np.float32(30)) ** 2)) * 14
    back = np.clip((y - middle) / b, 0, 1)
    made: Grid = (top - sag - DOME_DEPTH_MM * np.minimum(level, 1.3) ** 2.3 - 14 * back**2).astype(
        np.float32
    )
    return made


def above_diaphragm(x: Grid, y: Grid, z: Grid) -> Grid:
    """Give a distance that is below 0 above the diaphragm."""
    return (diaphragm_z(x, y, z) - z) * np.float32(0.7)


def below_diaphragm(x: Grid, y: Grid, z: Grid) -> Grid:
    """Give a distance that is below 0 beneath the diaphragm, which is 4 mm thick."""
    return -above_diaphragm(x, y, z) + 3


def within_cage(inset_mm: float) -> Distance:
    """Give the distance to the inside of the rib cage, `inset_mm` within it."""
    return lambda x, y, z: cage_distance(x, y, z) + np.float32(inset_mm)


def cage_place(degrees: float, z: float, outset_mm: float = 0.0) -> tuple[float, float, float]:
    """Give a place on the cage at z; 0 degrees is the back, 90 the left side, 180 the front."""
    a, b, middle = (float(along(CAGE, np.array([z], np.float32), c)[0]) for c in (1, 2, 3))
    s, c = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    power = 2.3
    level = (abs(s / a) ** power + abs(c / b) ** power) ** (1 / power)
    far = 1 / level + outset_mm
    return float(far * s), float(middle + far * c), z
