"""A volume that shapes are painted into, each only where it can be."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from samdesk.core.geometry import Geometry
from samdesk.core.phantom.maps import DenseMap
from samdesk.core.phantom.shapes import Grid, Place, Shape, joined, segment

Box = tuple[slice, slice, slice]
NOISE_SIDE = 128
NOISE_MM = 1.25
BOX_REACH_MM = 5.0
FAR_MM = 1e3
COARSE = 2.0
BOX_CORNERS = np.stack(np.meshgrid(*[np.linspace(0, 1, 3)] * 3), axis=-1).reshape(-1, 3)


def _with_parts(shape: Shape) -> list[Shape]:
    return [shape, *(s for part in shape.parts for s in _with_parts(part))]


def _common(a: Box, b: Box) -> Box | None:
    low = [max(p.start, q.start) for p, q in zip(a, b, strict=True)]
    high = [min(p.stop, q.stop) for p, q in zip(a, b, strict=True)]
    if any(h <= n for n, h in zip(low, high, strict=True)):
        return None
    return (slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2]))


@dataclass(eq=False)
class Canvas:
    """Grey values in HU over a grid, with the canonical place of each voxel.

    Attributes:
        geometry: an aligned grid in patient mm.
        mapping: of the patient on this date.
        hu: (k, j, i) float32.
        place: canonical x, y and z, each (k, j, i) float32.
        edge_mm: width over which the edge of a shape is spread, the partial volume.
        noise: (128, 128, 128) smooth noise of deviation 1 that repeats, for textures.
    """

    geometry: Geometry
    mapping: DenseMap
    hu: Grid
    place: tuple[Grid, Grid, Grid]
    edge_mm: float
    noise: Grid
    _boxes: dict[Shape, Box | None] = field(default_factory=dict)
    _textures: dict[float, Grid] = field(default_factory=dict)

    @classmethod
    def blank(cls, geometry: Geometry, mapping: DenseMap, seed: int) -> "Canvas":
        """Make a canvas of air."""
        axes = [
            geometry.affine[axis, 3] + geometry.affine[axis, 2 - axis] * np.arange(n)
            for axis, n in zip(range(3), geometry.shape[::-1], strict=True)
        ]
        place = mapping.on_axes(*axes)
        sk, sj, si = geometry.spacing
        edge = float(np.clip((sk * sj * si) ** (1 / 3), 0.8, 4.0))
        air = np.full(geometry.shape, -1000, np.float32)
        return cls(geometry, mapping, air, place, edge, _noise(seed))

    def locate(self, shapes: Sequence[Shape]) -> None:
        """Find the boxes of many shapes and their parts at once, quicker than one by one."""
        fresh = [s for shape in shapes for s in _with_parts(shape) if s not in self._boxes]
        self._boxes.update(dict.fromkeys(fresh))
        fresh = [s for s in fresh if self._may_touch(s)]
        if not fresh:
            return
        low, high = np.array([s.low for s in fresh]), np.array([s.high for s in fresh])
        places = low[:, None] + BOX_CORNERS * (high - low)[:, None]
        rough = self.mapping.from_canonical(places.reshape(-1, 3), steps=1)
        index = self.geometry.to_index(rough).reshape(len(fresh), -1, 3)
        reach = BOX_REACH_MM + 0.06 * (high - low).max(axis=1)
        for shape, corners, mm in zip(fresh, index, reach, strict=True):
            self._boxes[shape] = self._box(corners, float(mm))

    def _may_touch(self, shape: Shape) -> bool:
        low, high = self._extent
        room = 2 * self.edge_mm + 1
        return bool((np.array(shape.low) < high + room).all()) and bool(
            (np.array(shape.high) > low - room).all()
        )

    @cached_property
    def _extent(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Give the corners of the box in canonical mm that holds the whole grid."""
        low = np.array([float(p.min()) for p in self.place])
        return low, np.array([float(p.max()) for p in self.place])

    def box(self, shape: Shape) -> Box | None:
        """Give the part of the grid that a shape can touch, or None."""
        if shape not in self._boxes:
            self.locate([shape])
        return self._boxes[shape]

    def _box(self, index: NDArray[np.float64], reach_mm: float) -> Box | None:
        reach = reach_mm / np.array(self.geometry.spacing)
        low = np.maximum(np.floor(index.min(axis=0) - reach).astype(int), 0)
        high = np.minimum(np.ceil(index.max(axis=0) + reach).astype(int) + 1, self.geometry.shape)
        if (high <= low).any():
            return None
        return (slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2]))

    def distance(self, shape: Shape, box: Box) -> Grid:
        """Give the signed distance in a box; far from the surface only its sign is sure."""
        if not shape.parts:
            x, y, z = (p[box] for p in self.place)
            return shape.distance(x, y, z)
        best = np.full(self.hu[box].shape, FAR_MM, np.float32)
        for part in shape.parts:
            own = self.box(part)
            common = own and _common(own, box)
            if common:
                view = best[tuple(slice(c.start - b.start, c.stop - b.start)
                                  for c, b in zip(common, box, strict=True))]  # fmt: skip
                view[...] = joined(view, self.distance(part, common), shape.blend)
        return best

    def cover(self, shape: Shape, box: Box) -> Grid:
        """Give the share of each voxel of a box that the shape fills, 0 to 1."""
        return self.share(self.distance(shape, box))

    def share(self, distance: Grid) -> Grid:
        """Turn a signed distance into the filled share of a voxel."""
        made: Grid = np.clip(np.float32(0.5) - distance / np.float32(self.edge_mm), 0, 1)
        return made

    def blend(self, box: Box, share: Grid, value: NDArray[np.floating] | float) -> None:
        """Lay a value over a box by the share."""
        view = self.hu[box]
        goal = np.asarray(value, dtype=np.float32)
        view += share * (goal - view)

    def paint(
        self, shape: Shape, value: float, texture_hu: float = 0.0, within: Grid | None = None
    ) -> None:
        """Paint a shape with one value and, over it, its texture; `within` a share, where given."""
        box = self.box(shape)
        if box is None:
            return
        share = self.cover(shape, box)
        if within is not None:
            share = np.minimum(share, within[box])
        if texture_hu:
            self.blend(box, share, value + texture_hu * self.texture(box, 1.0))
        else:
            self.blend(box, share, float(value))

    def texture(self, box: Box, scale: float) -> Grid:
        """Give noise of deviation 1 that is fixed to the body; a larger scale is coarser."""
        if scale not in self._textures and scale > COARSE:
            at = np.stack([p / np.float32(NOISE_MM * scale) for p in self.place[::-1]])
            self._textures[scale] = ndimage.map_coordinates(
                self.noise, at, order=1, mode="grid-wrap"
            )
        if scale not in self._textures:
            z, y, x = (
                (p * np.float32(1 / (NOISE_MM * scale))).astype(np.int32) & (NOISE_SIDE - 1)
                for p in self.place[::-1]
            )
            self._textures[scale] = self.noise[z, y, x]
        return self._textures[scale][box]

    def tubes(
        self,
        starts: NDArray[np.float64],
        ends: NDArray[np.float64],
        radii: NDArray[np.float64],
        value: float,
        within: Grid | None = None,
    ) -> None:
        """Paint many round segments: places (n, 3), radii (n, 2) in canonical mm."""
        low, high = self._extent
        near = np.logical_and(
            (np.minimum(starts, ends) < high + 6).all(axis=1),
            (np.maximum(starts, ends) > low - 6).all(axis=1),
        )
        starts, ends, radii = starts[near], ends[near], radii[near]
        both = self.geometry.to_index(
            self.mapping.from_canonical(np.concatenate([starts, ends]), steps=1)
        )
        pairs = both.reshape(2, len(starts), 3).transpose(1, 0, 2)
        s, e, r = (np.asarray(a, dtype=np.float32) for a in (starts, ends, radii))
        for n in range(len(starts)):
            box = self._box(pairs[n], float(radii[n].max()) * 1.5 + 3.5)
            if box is None:
                continue
            x, y, z = (p[box] for p in self.place)
            thin = min(1.0, (2 * float(radii[n].mean()) / self.edge_mm) ** 2)
            share = self.share(segment(x, y, z, s[n], e[n], *np.maximum(r[n], self.edge_mm * 0.5)))
            share *= np.float32(thin)
            if within is not None:
                share *= within[box]
            view = self.hu[box]
            np.maximum(view, view + share * (np.float32(value) - view), out=view)


@lru_cache(maxsize=2)
def _noise(seed: int) -> Grid:
    raw = np.random.default_rng([seed, 6]).standard_normal((NOISE_SIDE,) * 3, dtype=np.float32)
    smooth = ndimage.gaussian_filter(raw, 1.6, mode="wrap", truncate=3)
    made: Grid = (smooth / smooth.std()).astype(np.float32)
    return made


def tree(
    rng: np.random.Generator,
    start: Place,
    heading: Place,
    length: float,
    radius: float,
    depth: int,
) -> list[tuple[Place, Place, float, float]]:
    """Grow a random tree of vessels: segments with their ends and radii."""
    made: list[tuple[Place, Place, float, float]] = []
    way = np.array(heading, dtype=np.float64)
    way /= np.linalg.norm(way)
    at = np.array(start, dtype=np.float64)
    bend = rng.normal(0, 0.18, 3)
    parts = 2
    for part in range(parts):
        way = way + bend / parts
        way /= np.linalg.norm(way)
        end = at + way * length / parts
        r0 = radius * (1 - 0.22 * part / parts)
        r1 = radius * (1 - 0.22 * (part + 1) / parts)
        made.append((tuple(at), tuple(end), r0, r1))
        at = end
    if depth == 0:
        return made
    side = np.cross(way, rng.standard_normal(3))
    side /= max(float(np.linalg.norm(side)), 1e-6)
    for sign, share in ((1.0, 0.85), (-1.0, 0.78)):
        angle = np.radians(rng.uniform(22, 45))
        branch = way * np.cos(angle) + sign * side * np.sin(angle)
        made += tree(
            rng,
            tuple(at),
            tuple(branch),
            length * float(rng.uniform(0.7, 0.92)),
            radius * share,
            depth - 1,
        )
    return made
