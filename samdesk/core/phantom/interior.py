"""Layers and contents that are drawn over whole regions: walls, bowel, vessel trees."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from samdesk.core.phantom import organs, trunk, vessels
from samdesk.core.phantom.canvas import Canvas, tree
from samdesk.core.phantom.shapes import Grid, Place, Shape, grown


def wall(x: Grid, y: Grid, z: Grid, skin: Grid, coarse: Grid) -> Grid:
    """Give the distance into the muscles of the wall, under the fat."""
    back = np.clip((y - 20) / 80, 0, 1)
    depth = 15 + 4 * coarse - 5 * back
    depth = depth + np.where(z < 60, 6, 0)
    # Over the ribs the muscle is thin, but for the back and the shoulders.
    chest = np.clip((z - 270) / 40, 0, 1) * np.clip((560 - z) / 30, 0, 1)
    chest = chest * np.clip((40 - y) / 30, 0, 1)
    over = trunk.cage_distance(x, y, z) - 13 - 3 * coarse - 40 * (1 - chest)
    made: Grid = np.maximum(skin + depth, over).astype(np.float32)
    return made


def sheets(coarse: Grid, y: Grid, skin: Grid) -> Grid:
    """Give the share of muscle against the thin sheets of fat between muscles, 0 to 1."""
    sheet = np.clip((np.abs(coarse) - 0.05) / 0.12, 0, 1)
    made: Grid = np.where((skin < -22) | (y > 30), sheet, np.float32(1))
    return made


def room(x: Grid, y: Grid, z: Grid, skin: Grid) -> Grid:
    """Give the distance into the hollow of chest and belly, filled with fat before the organs."""
    cage = trunk.cage_distance(x, y, z) + 6
    belly = np.maximum(skin + np.where(y > 30, 40, 27).astype(np.float32), np.abs(x) - 122)
    level = np.clip((z - 250) / 50, 0, 1)
    mixed = belly * (1 - level) + cage * level
    made: Grid = np.maximum(np.maximum(mixed, 8 - z), z - 618).astype(np.float32)
    return made


def diaphragm(x: Grid, y: Grid, z: Grid) -> Grid:
    """Give the distance into the sheet of the diaphragm."""
    sheet = np.abs(trunk.above_diaphragm(x, y, z) - 1.5) - 1.5
    made: Grid = np.maximum(np.maximum(sheet, trunk.cage_distance(x, y, z) + 5), 250 - z)
    return made


def mediastinum(canvas: Canvas, values: dict[str, float]) -> None:
    """Paint the fat around the heart."""
    canvas.paint(grown(vessels.heart_sac(), 5), values["fat"], 8)


@lru_cache(maxsize=8)
def _lung_tree(seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    rng = np.random.default_rng([seed, 8])
    stems: list[tuple[Place, Place, float]] = []
    for side in (-1.0, 1.0):
        hilum = (side * 46.0, 14.0, 482.0)
        ways: list[Place] = [
            (side * 0.5, -0.1, 1.0), (side * 0.9, -0.7, 0.5), (side * 0.9, 0.6, 0.6),
            (side * 1.0, 0.0, 0.0), (side * 0.8, -0.8, -0.2), (side * 0.6, 0.8, -0.4),
            (side * 0.7, 0.1, -0.9), (side * 0.5, 0.55, -1.0), (side * 0.3, -0.5, 0.9),
            (side * 1.0, 0.4, 0.1), (side * 0.9, -0.4, 0.15), (side * 0.8, 0.7, 0.1),
        ]  # fmt: skip
        stems += [(hilum, way, 5.2) for way in ways]
    parts = []
    for start, way, radius in stems:
        bent = tuple(np.array(way) + rng.normal(0, 0.12, 3))
        parts += tree(rng, start, bent, 46.0, radius, 5)
    starts = np.array([p[0] for p in parts])
    ends = np.array([p[1] for p in parts])
    return starts, ends, np.array([(p[2], p[3]) for p in parts])


def lung_strands(canvas: Canvas, box: tuple[slice, slice, slice]) -> Grid:
    """Give how much the finest vessels fill each voxel: threads that wind through the lungs.

    Where two smooth noises are both near 0 there is a line; lines of two scales are drawn.
    """
    x, y, z = (p[box] for p in canvas.place)
    total = np.zeros(x.shape, np.float32)
    for step, thick, shift in ((5.0, 0.17, 11.0), (3.2, 0.14, 53.0)):
        fields = [_noise_at(canvas, (x, y, z), step, shift * (n + 1)) for n in range(2)]
        far = np.sqrt(fields[0] ** 2 + fields[1] ** 2)
        total = np.maximum(total, np.clip(1.2 - far / np.float32(thick), 0, 1))
    return total


def _noise_at(canvas: Canvas, place: tuple[Grid, Grid, Grid], step_mm: float, shift: float) -> Grid:
    at = np.stack([p / np.float32(step_mm) + np.float32(shift) for p in place[::-1]])
    made: Grid = ndimage.map_coordinates(canvas.noise, at, order=1, mode="grid-wrap")
    return made


def lung_vessels(canvas: Canvas, seed: int, value: float, lungs: Grid) -> None:
    """Paint the vessels of the lungs, a tree of the patient's own."""
    starts, ends, radii = _lung_tree(seed)
    inside = trunk.cage_distance(*(c.astype(np.float32) for c in starts.T)) < -2
    canvas.tubes(starts[inside], ends[inside], radii[inside], value, lungs)


@lru_cache(maxsize=8)
def _liver_tree(seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    rng = np.random.default_rng([seed, 9])
    stems: list[tuple[Place, Place, float, float]] = [
        ((-62, -14, 334), (-1.0, 0.1, 0.5), 5.0, 34), ((-62, -14, 334), (-0.8, 0.5, -0.5), 4.6, 34),
        ((-56, -16, 334), (0.6, -1.0, 0.5), 4.4, 34), ((-26, -8, 396), (-1.0, 0.3, -0.5), 5.0, 38),
        ((-26, -10, 396), (-0.7, -0.7, -0.6), 4.6, 36),
        ((-24, -14, 398), (0.4, -1.0, -0.4), 4.4, 34),
    ]  # fmt: skip
    parts = []
    for start, way, radius, length in stems:
        parts += tree(rng, start, way, length, radius, 4)
    return (
        np.array([p[0] for p in parts]),
        np.array([p[1] for p in parts]),
        np.array([(p[2], p[3]) for p in parts]),
    )


def liver_vessels(canvas: Canvas, seed: int, liver: Shape, value: float) -> None:
    """Paint portal and hepatic veins inside the liver."""
    box = canvas.box(liver)
    if box is None:
        return
    within = np.zeros(canvas.geometry.shape, np.float32)
    within[box] = canvas.cover(grown(liver, -3), box)
    starts, ends, radii = _liver_tree(seed)
    canvas.tubes(starts, ends, radii, value, within)


def small_bowel(canvas: Canvas, shape: Shape, values: dict[str, float], seed: int) -> None:
    """Paint loops of small bowel with fat between them and some gas; they differ by date."""
    box = canvas.box(shape)
    if box is None:
        return
    share = canvas.cover(shape, box)
    x, y, z = (p[box] for p in canvas.place)
    rng = np.random.default_rng([seed, 10])
    first, second = (_loops(canvas, (x, y, z), rng, 6.5) for _ in range(2))
    far = np.sqrt(first * first + second * second)
    gut = np.clip(0.5 + (1.3 - far) * 5, 0, 1)
    core = np.clip(0.5 + (1.0 - far) * 5, 0, 1)
    filled = values["bowel"] + (float(rng.uniform(120, 240)) if rng.random() < 0.25 else 0.0)
    value = values["fat"] + 6 * canvas.texture(box, 1.0)
    value += gut * (values["bowel_wall"] - value)
    value += core * (filled - value)
    gas = np.clip(0.5 + (0.45 - far) * 5, 0, 1) * (y < -55)
    value += gas * (values["air"] - value)
    canvas.blend(box, share, value.astype(np.float32))


def _loops(
    canvas: Canvas, place: tuple[Grid, Grid, Grid], rng: np.random.Generator, size_mm: float
) -> Grid:
    """Give smooth noise of the date's own over places; where two are near 0, tubes wind."""
    at = np.stack([p / np.float32(size_mm) + np.float32(rng.uniform(0, 128)) for p in place[::-1]])
    made: Grid = ndimage.map_coordinates(canvas.noise, at, order=1, mode="grid-wrap")
    return made


def colon(canvas: Canvas, values: dict[str, float], seed: int) -> None:
    """Fill the large bowel with stool below and gas above, by the date's own measure."""
    lumen = organs.colon(3.0)
    box = canvas.box(lumen)
    if box is None:
        return
    share = canvas.cover(lumen, box)
    x, y, z = (p[box] for p in canvas.place)
    speckle = canvas.texture(box, 1.2)
    stool = values["stool"] - 70 * np.maximum(speckle - 0.4, 0) ** 1.5
    canvas.blend(box, share, stool.astype(np.float32))
    rng = np.random.default_rng([seed, 11])
    at = np.stack([np.full_like(z, rng.uniform(0, 64)), x / 60 + rng.uniform(0, 64), z / 60])
    level = -18 + 26 * ndimage.map_coordinates(canvas.noise, at, order=1, mode="grid-wrap")
    level = level + np.where(z > 215, -52, 12).astype(np.float32)
    canvas.blend(box, share * canvas.share(y - level), values["air"])
