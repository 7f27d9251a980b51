"""Signed distances of the simple bodies that anatomy is made of, in canonical mm.

Every shape says where it can be (low, high) and how far a place is from its surface, negative
inside. Distances of ellipsoids are first-order: exact on the surface, where they are used.

Source:
    Hart, Sphere tracing: a geometric method for the antialiased ray tracing of implicit surfaces,
    The Visual Computer 1996 (bounds of ellipsoids, segments, unions).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Grid = NDArray[np.float32]
Distance = Callable[[Grid, Grid, Grid], Grid]
Place = tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Shape:
    """A body: the box it lies in and its signed distance, all in canonical mm.

    Attributes:
        low, high: corners of the box.
        distance: signed distance at places, below 0 inside.
        parts: where the shape is a union, what it joins; each is then painted in its own box.
        blend: mm over which the seams of the parts are rounded.
    """

    low: Place
    high: Place
    distance: Distance
    parts: "tuple[Shape, ...]" = ()
    blend: float = 0.0


def _box(points: Sequence[Place], margin: float) -> tuple[Place, Place]:
    array = np.array(points, dtype=np.float64)
    low, high = array.min(axis=0) - margin, array.max(axis=0) + margin
    return (low[0], low[1], low[2]), (high[0], high[1], high[2])


def turn(degrees_xyz: Place) -> NDArray[np.float64]:
    """Make the rotation about x, then y, then z."""
    ax, ay, az = np.radians(degrees_xyz)
    rx = np.array([[1, 0, 0], [0, np.cos(ax), -np.sin(ax)], [0, np.sin(ax), np.cos(ax)]])
    ry = np.array([[np.cos(ay), 0, np.sin(ay)], [0, 1, 0], [-np.sin(ay), 0, np.cos(ay)]])
    rz = np.array([[np.cos(az), -np.sin(az), 0], [np.sin(az), np.cos(az), 0], [0, 0, 1]])
    matrix: NDArray[np.float64] = rz @ ry @ rx
    return matrix


def ellipsoid(
    center: Place, radii: Place, degrees: Place = (0.0, 0.0, 0.0), power: float = 2.0
) -> Shape:
    """Make an ellipsoid, or with a power above 2 a rounded box."""
    m = turn(degrees).T.astype(np.float32)
    c = np.array(center, dtype=np.float32)
    r = np.array(radii, dtype=np.float32)
    reach = float(max(radii)) if any(degrees) else 0.0
    low = tuple(float(c[a] - max(reach, radii[a])) for a in range(3))
    high = tuple(float(c[a] + max(reach, radii[a])) for a in range(3))

    def distance(x: Grid, y: Grid, z: Grid) -> Grid:
        dx, dy, dz = x - c[0], y - c[1], z - c[2]
        if any(degrees):
            u = (m[0, 0] * dx + m[0, 1] * dy + m[0, 2] * dz) / r[0]
            v = (m[1, 0] * dx + m[1, 1] * dy + m[1, 2] * dz) / r[1]
            w = (m[2, 0] * dx + m[2, 1] * dy + m[2, 2] * dz) / r[2]
        else:
            u, v, w = dx / r[0], dy / r[1], dz / r[2]
        if power == 2.0:
            k0 = np.sqrt(u * u + v * v + w * w)
            k1 = np.sqrt((u / r[0]) ** 2 + (v / r[1]) ** 2 + (w / r[2]) ** 2)
            made: Grid = k0 * (k0 - 1) / np.maximum(k1, np.float32(1e-6))
            return made
        k0 = (np.abs(u) ** power + np.abs(v) ** power + np.abs(w) ** power) ** (1 / power)
        made = (k0 - 1) * np.float32(min(radii))
        return made

    return Shape(low, high, distance)  # type: ignore[arg-type]


def tube(points: Sequence[Place], radii: float | Sequence[float]) -> Shape:
    """Make a chain of round cones through `points`; one radius for all, or one each."""
    sizes = [radii] * len(points) if isinstance(radii, int | float) else list(radii)
    ends = list(zip(points, sizes, strict=True))
    parts = [_cone(*a, *b) for a, b in pairwise(ends)]
    return parts[0] if len(parts) == 1 else union(*parts)


def _cone(start: Place, start_radius: float, end: Place, end_radius: float) -> Shape:
    a, b = (np.array(p, dtype=np.float32) for p in (start, end))
    ra, rb = np.float32(start_radius), np.float32(end_radius)
    low, high = _box([start, end], float(max(ra, rb)))
    return Shape(low, high, lambda x, y, z: segment(x, y, z, a, b, ra, rb))


def segment(x: Grid, y: Grid, z: Grid, a: Grid, b: Grid, ra: np.float32, rb: np.float32) -> Grid:
    """Give the distance to one round segment from `a` to `b` (3,) with radii `ra`, `rb`."""
    d = b - a
    dx, dy, dz = x - a[0], y - a[1], z - a[2]
    length = max(float(d @ d), 1e-6)
    t = np.clip((dx * d[0] + dy * d[1] + dz * d[2]) / np.float32(length), 0, 1)
    dx, dy, dz = dx - t * d[0], dy - t * d[1], dz - t * d[2]
    made: Grid = np.sqrt(dx * dx + dy * dy + dz * dz) - (ra + t * (rb - ra))
    return made


def smooth_path(points: Sequence[Place], count: int) -> list[Place]:
    """Put a curve through `points` and give `count` places on it."""
    from scipy.interpolate import CubicSpline

    p = np.array(points, dtype=np.float64)
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(p, axis=0), axis=1) ** 0.5)])
    curve = CubicSpline(along, p)(np.linspace(0, along[-1], count))
    return [(float(q[0]), float(q[1]), float(q[2])) for q in curve]


def plate(corners: tuple[Place, Place, Place], thickness: float) -> Shape:
    """Make a flat triangle with rounded edges, `thickness` mm from face to face."""
    a, b, c = (np.array(q, dtype=np.float32) for q in corners)
    low, high = _box(corners, thickness / 2)
    normal = np.cross(b - a, c - a)
    normal = normal / max(float(np.linalg.norm(normal)), 1e-6)
    half = np.float32(thickness / 2)

    def distance(x: Grid, y: Grid, z: Grid) -> Grid:
        flat = (x - a[0]) * normal[0] + (y - a[1]) * normal[1] + (z - a[2]) * normal[2]
        inside = np.ones(x.shape, dtype=bool)
        edge = np.full(x.shape, np.inf, dtype=np.float32)
        for p, q in ((a, b), (b, c), (c, a)):
            inward = np.cross(normal, q - p)
            inside &= (
                (x - p[0]) * inward[0] + (y - p[1]) * inward[1] + (z - p[2]) * inward[2]
            ) >= 0
            d = segment(x, y, z, p, q, np.float32(0), np.float32(0))
            edge = np.minimum(edge, d)
        return np.where(inside, np.abs(flat), edge) - half

    return Shape(low, high, distance)


def union(*shapes: Shape, blend: float = 0.0) -> Shape:
    """Join shapes; `blend` mm rounds the seams."""
    low, _ = _box([s.low for s in shapes], blend)
    _, high = _box([s.high for s in shapes], blend)

    def distance(x: Grid, y: Grid, z: Grid) -> Grid:
        best = shapes[0].distance(x, y, z)
        for shape in shapes[1:]:
            best = joined(best, shape.distance(x, y, z), blend)
        return best

    return Shape(low, high, distance, shapes, blend)


def joined(a: Grid, b: Grid, blend: float) -> Grid:
    """Give the distance to the union of two bodies with a rounded seam."""
    best = np.minimum(a, b)
    if blend:
        near = np.maximum(np.float32(blend) - np.abs(a - b), 0)
        best -= near * near * np.float32(0.25 / blend)
    return best


def cut(shape: Shape, *others: Distance) -> Shape:
    """Keep of `shape` what lies inside all `others`."""

    def distance(x: Grid, y: Grid, z: Grid) -> Grid:
        best = shape.distance(x, y, z)
        for other in others:
            best = np.maximum(best, other(x, y, z))
        return best

    return Shape(shape.low, shape.high, distance)


def grown(shape: Shape, mm: float) -> Shape:
    """Move the surface outward by `mm` (inward below 0)."""
    low, high = _box([shape.low, shape.high], max(mm, 0.0))
    parts = tuple(grown(part, mm) for part in shape.parts)
    return Shape(
        low, high, lambda x, y, z: shape.distance(x, y, z) - np.float32(mm), parts, shape.blend
    )


def flip(shape: Shape, side: float) -> Shape:
    """Give the shape for the left (1) as it is, or mirrored to the right (-1)."""
    if side > 0:
        return shape
    low = (-shape.high[0], shape.low[1], shape.low[2])
    high = (-shape.low[0], shape.high[1], shape.high[2])
    parts = tuple(flip(part, side) for part in shape.parts)
    return Shape(low, high, lambda x, y, z: shape.distance(-x, y, z), parts, shape.blend)


def mirrored(point: Place) -> Place:
    """Give the place on the other side of the midline."""
    return (-point[0], point[1], point[2])
