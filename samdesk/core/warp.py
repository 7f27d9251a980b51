"""Where the places of one scan lie in another, as an affine and what is left of it on a grid.

A registration can be asked for single places; a picture of the other scan needs a quarter of a
million of them while someone scrolls. So it is asked once on a coarse grid, and lines between the
nodes do the rest.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samdesk.core.geometry import Geometry, Points
from samdesk.core.plane import Plane
from samdesk.core.progress import Progress
from samdesk.core.volume import Volume
from samdesk.errors import GeometryError

# Splines of a registration have their own nodes 20 mm apart or more; between nodes of a fourth of
# that a straight line is within a tenth of a millimeter.
NODE_MM = 5.0
MOST_NODES = 150_000
AT_ONCE = 10_000
# The way back is walked until a step is shorter than this, or so many times.
NEAR_MM = 0.01
MOST_ROUNDS = 30


@dataclass(frozen=True, eq=False)
class Warp:
    """A map from the fixed scan to the moving one, quick for many places at once.

    Attributes:
        affine: 4 x 4, LPS mm of fixed to LPS mm of moving.
        nodes: grid in the fixed scan.
        shift_mm: (3, k, j, i) float32, mm (x, y, z) to add at each node after the affine; beyond
            the grid the outermost nodes count.

    Raises:
        GeometryError: the shifts do not fit the grid, or the affine has no inverse.
    """

    affine: NDArray[np.float64]
    nodes: Geometry
    shift_mm: NDArray[np.float32]

    def __post_init__(self) -> None:
        if self.shift_mm.shape != (3, *self.nodes.shape):
            raise GeometryError(
                f"A grid of {self.nodes.shape} nodes cannot hold {self.shift_mm.shape} shifts."
            )
        Geometry((1, 1, 1), self.affine)  # says what is wrong with the affine
        for name in ("affine", "shift_mm"):
            view = np.asarray(getattr(self, name)).view()
            view.flags.writeable = False
            object.__setattr__(self, name, view)

    def to_moving(self, mm: Points) -> Points:
        """Take (n, 3) mm of the fixed scan to (n, 3) mm of the moving one."""
        mm = np.asarray(mm, dtype=np.float64)
        moved: Points = mm @ self.affine[:3, :3].T + self.affine[:3, 3]
        if not self.shift_mm.any():
            return moved
        from scipy import ndimage

        index = self.nodes.to_index(mm).T
        for axis in range(3):
            moved[:, axis] += ndimage.map_coordinates(
                self.shift_mm[axis], index, order=1, mode="nearest", output=np.float64
            )
        return moved

    def to_fixed(self, mm: Points) -> Points:
        """Take (n, 3) mm of the moving scan back to (n, 3) mm of the fixed one.

        Each round moves by what is missing, through the affine turned round; that ends at the place
        where the shifts change slower than the places do, as in a map that folds nowhere.
        """
        mm = np.asarray(mm, dtype=np.float64)
        back = np.linalg.inv(self.affine)
        found: Points = mm @ back[:3, :3].T + back[:3, 3]
        for _ in range(MOST_ROUNDS):
            step = (mm - self.to_moving(found)) @ back[:3, :3].T
            found = found + step
            if len(step) == 0 or np.abs(step).max() < NEAR_MM:
                break
        return found


def sampled(
    map_points: Callable[[Points], Points], affine: NDArray[np.float64], onto: Geometry
) -> Generator[Progress, None, Warp]:
    """Ask a registration on a grid over the fixed scan.

    Args:
        map_points: takes (n, 3) mm of fixed to (n, 3) mm of moving.
        affine: 4 x 4, the part of it that holds beyond the scan.
        onto: the grid of the fixed scan.
    """
    nodes = node_grid(onto)
    index = np.indices(nodes.shape).reshape(3, -1).T.astype(np.float64)
    shift = np.empty((len(index), 3), np.float32)
    for start in range(0, len(index), AT_ONCE):
        yield Progress(start, len(index), "preparing the fused picture")
        at = nodes.to_mm(index[start : start + AT_ONCE])
        straight = at @ affine[:3, :3].T + affine[:3, 3]
        shift[start : start + AT_ONCE] = map_points(at) - straight
    return Warp(affine, nodes, np.ascontiguousarray(shift.T).reshape(3, *nodes.shape))


def node_grid(geometry: Geometry) -> Geometry:
    """Lay a coarse grid over a scan along the patient's axes, its outermost nodes on the edges.

    No node lies beyond, where a spline of the registration may end.
    """
    corners = geometry.corners_mm
    low, length = corners.min(axis=0), np.ptp(corners, axis=0)
    step = max(NODE_MM, float(np.prod(length + NODE_MM) / MOST_NODES) ** (1 / 3))
    cells = np.maximum(1, np.ceil(length / step - 1e-6)).astype(int)
    x, y, z = (float(part) for part in np.where(length > 0, length / cells, step))
    i, j, k = (int(n) + 1 for n in cells)
    return Geometry.aligned((k, j, i), (z, y, x), low)


def warped(volume: Volume, plane: Plane, warp: Warp) -> NDArray[np.float32]:
    """Give the values of the moving scan on a plane of the fixed one.

    Args:
        volume: the moving scan.
        plane: in the fixed scan.
        warp: from fixed to moving.

    Returns:
        (rows, columns) float32; not a number where the moving scan does not reach.
    """
    from scipy import ndimage

    rows, columns = plane.size
    pixels = np.indices((rows, columns)).reshape(2, -1).T.astype(np.float64)
    index = volume.geometry.to_index(warp.to_moving(plane.to_mm(pixels)))
    values = ndimage.map_coordinates(
        volume.array, index.T, order=1, mode="nearest", output=np.float32
    )
    last = np.array(volume.geometry.shape) - 0.5
    values[((index < -0.5) | (index > last)).any(axis=1)] = np.nan
    out: NDArray[np.float32] = values.reshape(rows, columns)
    return out
