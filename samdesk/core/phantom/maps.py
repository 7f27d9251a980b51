"""The map between a made patient on one date and the canonical body, exact both ways.

A map is a cubic B-spline displacement on a regular grid of control nodes in patient mm. The
spline is the definition, not an approximation of something else: the renderer and the points
evaluate the same function, so a place named in canonical mm is where the picture shows it.

Source:
    Rueckert et al., Nonrigid registration using free-form deformations, IEEE TMI 1999.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from samdesk.core.geometry import Points

NEWTON_STEPS = 30
NEWTON_STEP_MM = 12.0
CHUNK = 20_000


def spline_weights(t: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the four cubic B-spline weights of fractions `t` (n,), as (n, 4)."""
    s = 1.0 - t
    return np.stack([s**3, 3 * t**3 - 6 * t**2 + 4, 3 * s**3 - 6 * s**2 + 4, t**3], axis=-1) / 6.0


def spline_slopes(t: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the derivatives of the four weights by `t`, as (n, 4)."""
    s = 1.0 - t
    return np.stack([-(s**2), 3 * t**2 - 4 * t, -3 * s**2 + 4 * s, t**2], axis=-1) / 2.0


@dataclass(frozen=True, eq=False)
class DenseMap:
    """Patient mm of one date to canonical mm and back.

    Attributes:
        low_mm: (3,) place of node 0 in patient mm, x, y, z.
        step_mm: distance of the nodes.
        shift_mm: (nz, ny, nx, 3) displacement at the nodes; beyond the nodes it stays constant.
    """

    low_mm: NDArray[np.float64]
    step_mm: float
    shift_mm: NDArray[np.float64]

    def to_canonical(self, mm: Points) -> Points:
        """Take patient mm, (n, 3) LPS, to canonical mm."""
        mm = np.asarray(mm, dtype=np.float64).reshape(-1, 3)
        parts = [self._evaluate(mm[at : at + CHUNK])[0] for at in range(0, len(mm), CHUNK)]
        return np.concatenate(parts) if parts else mm.copy()

    def from_canonical(self, canonical: Points, steps: int = NEWTON_STEPS) -> Points:
        """Take canonical mm, (n, 3), to patient mm by Newton's method, to 0.001 mm.

        One step is right to a few mm. Canonical places far outside the body, where no node maps
        to, come back approximate.
        """
        wanted = np.asarray(canonical, dtype=np.float64).reshape(-1, 3)
        tree, nodes = self._nodes
        found = nodes[tree.query(wanted)[1]] if len(wanted) else wanted.copy()
        live = np.arange(len(wanted))
        for _ in range(steps):
            if not len(live):
                break
            value, slope = self._evaluate(found[live], slopes=True)
            step = np.linalg.solve(slope, (wanted[live] - value)[..., None])[..., 0]
            length = np.linalg.norm(step, axis=1, keepdims=True)
            found[live] += step * np.minimum(1.0, NEWTON_STEP_MM / np.maximum(length, 1e-9))
            live = live[length[:, 0] > 1e-4]
        return found

    def on_axes(
        self, x: NDArray[np.float64], y: NDArray[np.float64], z: NDArray[np.float64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """Give canonical x, y, z on a whole grid, each (len(z), len(y), len(x)) float32."""
        matrices = [self._matrix(axis, c) for axis, c in ((2, z), (1, y), (0, x))]
        planes = []
        for part, base in ((0, x[None, None, :]), (1, y[None, :, None]), (2, z[:, None, None])):
            field = self.shift_mm[..., part].astype(np.float32)
            for axis, matrix in enumerate(matrices):
                field = np.moveaxis(np.tensordot(matrix, field, axes=(1, axis)), 0, axis)
            planes.append(np.ascontiguousarray(field + base.astype(np.float32)))
        return planes[0], planes[1], planes[2]

    def smallest_volume(self) -> float:
        """Give the smallest ratio of volumes at the nodes; above 0 the map does not fold."""
        g = [np.gradient(self.shift_mm, self.step_mm, axis=a) for a in (2, 1, 0)]
        jacobian = np.stack(g, axis=-1) + np.eye(3)
        return float(np.linalg.det(jacobian).min())

    def _matrix(self, axis: int, mm: NDArray[np.float64]) -> NDArray[np.float32]:
        count = self.shift_mm.shape[2 - axis]
        base, t, _ = self._cell(mm, axis)
        weights = spline_weights(t)
        matrix = np.zeros((len(mm), count), dtype=np.float32)
        rows = np.arange(len(mm))
        for k in range(4):
            matrix[rows, base + k] += weights[:, k]
        return matrix

    def _cell(
        self, mm: NDArray[np.float64], axis: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]:
        count = self.shift_mm.shape[2 - axis]
        u = (mm - self.low_mm[axis]) / self.step_mm
        inside = np.clip(u, 1.0, count - 2.0 - 1e-9)
        base = np.floor(inside).astype(np.int64)
        return base - 1, inside - base, u == inside

    def _evaluate(self, mm: Points, slopes: bool = False) -> tuple[Points, NDArray[np.float64]]:
        cells = [self._cell(mm[:, axis], axis) for axis in range(3)]
        weights = [spline_weights(t) for _, t, _ in cells]
        (bx, _, _), (by, _, _), (bz, _, _) = cells
        span = np.arange(4)
        block = self.shift_mm[
            (bz[:, None] + span)[:, :, None, None],
            (by[:, None] + span)[:, None, :, None],
            (bx[:, None] + span)[:, None, None, :],
        ]
        wx, wy, wz = weights
        value = mm + np.einsum("nzyxc,nz,ny,nx->nc", block, wz, wy, wx, optimize=True)
        if not slopes:
            return value, np.empty((0, 3, 3))
        slope = np.empty((len(mm), 3, 3))
        for axis in range(3):
            w = list(weights)
            rate = spline_slopes(cells[axis][1]) * cells[axis][2][:, None] / self.step_mm
            w[axis] = rate
            slope[:, :, axis] = np.einsum(
                "nzyxc,nz,ny,nx->nc", block, w[2], w[1], w[0], optimize=True
            )
        return value, slope + np.eye(3)

    @cached_property
    def _nodes(self) -> tuple[cKDTree, Points]:
        nz, ny, nx = self.shift_mm.shape[:3]
        x, y, z = (
            low + self.step_mm * np.arange(1, n - 1)
            for low, n in zip(self.low_mm, (nx, ny, nz), strict=True)
        )
        values = np.stack(self.on_axes(x, y, z), axis=-1).reshape(-1, 3)
        places = np.stack(np.meshgrid(z, y, x, indexing="ij")[::-1], axis=-1).reshape(-1, 3)
        return cKDTree(values), places
