"""Where the voxels of a volume lie in the patient.

Millimetres are DICOM patient coordinates: x grows to the patient's left, y to the back and
z to the head (LPS). An index is (k, j, i) = (slice, row, column), the order of the array.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samdesk.errors import GeometryError

Points = NDArray[np.float64]
Position = tuple[float, float, float]

# Below this volume of a voxel (mm^3) the three axes lie in one plane for every practical purpose.
FLAT_MM3 = 1e-9


@dataclass(frozen=True, eq=False)
class Geometry:
    """The grid of a volume: its size in voxels and its place in the patient.

    Axes may be oblique, left-handed or sheared (a tilted gantry); all of it is in the affine.

    Attributes:
        shape: voxels along (k, j, i).
        affine: 4 x 4, takes (k, j, i, 1) at a voxel's centre to (x, y, z, 1) in mm, LPS.

    Raises:
        GeometryError: a size below one, or an affine that is not finite or has no inverse.
    """

    shape: tuple[int, int, int]
    affine: NDArray[np.float64]

    def __post_init__(self) -> None:
        affine = np.array(self.affine, dtype=np.float64)
        sizes: tuple[int, ...] = self.shape
        if len(sizes) != 3 or min(sizes) < 1:
            raise GeometryError(f"A grid needs three sizes of at least 1; these are {self.shape}.")
        if affine.shape != (4, 4) or not np.isfinite(affine).all():
            raise GeometryError("The affine of a grid must be 4 x 4 finite numbers.")
        if abs(np.linalg.det(affine[:3, :3])) < FLAT_MM3:
            raise GeometryError("The axes of the grid lie in one plane, so places have no numbers.")
        affine.flags.writeable = False
        object.__setattr__(self, "shape", tuple(int(n) for n in self.shape))
        object.__setattr__(self, "affine", affine)

    @classmethod
    def aligned(
        cls,
        shape: tuple[int, int, int],
        spacing: tuple[float, float, float],
        origin_mm: ArrayLike = (0.0, 0.0, 0.0),
    ) -> "Geometry":
        """Make a grid along the patient's axes: k to the head, j to the back, i to the left.

        Args:
            shape: voxels along (k, j, i).
            spacing: mm along (k, j, i).
            origin_mm: (x, y, z) of the centre of voxel (0, 0, 0).
        """
        affine = np.zeros((4, 4))
        affine[2, 0], affine[1, 1], affine[0, 2] = spacing
        affine[:3, 3] = np.asarray(origin_mm, dtype=np.float64)
        affine[3, 3] = 1.0
        return cls(shape, affine)

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Distance between voxel centres along (k, j, i), in mm."""
        sk, sj, si = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(sk), float(sj), float(si)

    @property
    def is_left_handed(self) -> bool:
        """Whether (i, j, k) turn against the patient's axes, as a mirrored array does."""
        return bool(np.linalg.det(self.affine[:3, 2::-1]) < 0)

    @property
    def center_mm(self) -> Points:
        """Middle of the grid, (3,) in mm."""
        middle = (np.array(self.shape, dtype=np.float64) - 1) / 2
        center: Points = self.to_mm(middle[None])[0]
        return center

    @property
    def corners_mm(self) -> Points:
        """Centres of the eight corner voxels, (8, 3) in mm."""
        ends = [(0.0, n - 1.0) for n in self.shape]
        return self.to_mm(np.array(np.meshgrid(*ends, indexing="ij")).reshape(3, 8).T)

    def to_mm(self, index: Points) -> Points:
        """Take voxel indices to patient millimetres.

        Args:
            index: (n, 3) array of (k, j, i); fractions lie between voxel centres.

        Returns:
            (n, 3) array of (x, y, z) in mm, LPS.

        Raises:
            GeometryError: `index` has another shape.

        Source:
            DICOM PS3.3 C.7.6.2.1.1, equation C.7.6.2.1-1, with the columns put in array order.
        """
        index = _rows_of_three(index)
        mm: Points = index @ self.affine[:3, :3].T + self.affine[:3, 3]
        return mm

    def to_index(self, mm: Points) -> Points:
        """Take patient millimetres to voxel indices, the inverse of `to_mm`.

        Args:
            mm: (n, 3) array of (x, y, z) in mm, LPS.

        Returns:
            (n, 3) array of (k, j, i), with fractions, also outside the grid.

        Raises:
            GeometryError: `mm` has another shape.
        """
        mm = _rows_of_three(mm)
        solved = np.linalg.solve(self.affine[:3, :3], (mm - self.affine[:3, 3]).T)
        return np.asarray(solved.T, dtype=np.float64)

    def outside_mm(self, mm: Points) -> NDArray[np.float64]:
        """Give how far each point lies outside the grid, (n,) in mm; 0 inside.

        A voxel reaches half a spacing beyond its centre.
        """
        index = self.to_index(mm)
        low, high = -0.5, np.array(self.shape) - 0.5
        beyond = np.maximum(np.maximum(low - index, index - high), 0.0)
        lengths = np.linalg.norm(beyond @ self.affine[:3, :3].T, axis=1)
        return np.asarray(lengths, dtype=np.float64)


def _rows_of_three(points: Points) -> Points:
    points = np.asarray(points, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 3:
        raise GeometryError(f"Places must have shape (n, 3); these have {points.shape}.")
    return points
