"""A smooth dense field through displacements at scattered places, as a cubic B-spline.

The spline has the least of: squares at the places, weighted by how sure each is, and the bending of
the control points; a small pull to zero decides where no place is near. Where the field would fold,
it is made smoother until it does not.

Source:
    Rueckert et al., IEEE TMI 18(8), 1999 (the spline, its bending); Tustison and Amini, IEEE TMI
    25(6), 2006 (fitting it to scattered displacements).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samdesk.core.geometry import Geometry, Points
from samdesk.errors import RegistrationError
from samdesk.registration.images import toolkit

Array = NDArray[np.float64]

DEGREE = 3
SMOOTHING = 0.1
PULL = 0.003
# Tissue may shrink to this part of its volume; above zero is the promise, this keeps a distance.
LEAST_JACOBIAN = 0.15
STIFFER = 3.0
MOST_TRIES = 9
PROBE_MM = 12.0
MARGIN_MM = 8.0


@dataclass(frozen=True, eq=False)
class Lattice:
    """The control points of a spline over a box along the patient's axes.

    Attributes:
        origin_mm: (3,) x, y, z of the box's first corner.
        cell_mm: (3,) distance of control points.
        cells: (x, y, z) cells of the box; there are three more control points along each axis.
    """

    origin_mm: Array
    cell_mm: Array
    cells: tuple[int, int, int]

    @property
    def counts(self) -> tuple[int, int, int]:
        """Control points along (x, y, z)."""
        x, y, z = self.cells
        return x + DEGREE, y + DEGREE, z + DEGREE

    def refined(self, times: int) -> "Lattice":
        """Give the lattice over the same box whose control points lie `times` as close."""
        x, y, z = (n * times for n in self.cells)
        return Lattice(self.origin_mm, self.cell_mm / times, (x, y, z))

    def coarsened(self, times: int) -> "Lattice":
        """Undo `refined`."""
        x, y, z = (n // times for n in self.cells)
        return Lattice(self.origin_mm, self.cell_mm * times, (x, y, z))


def lattice_over(geometry: Geometry, grid_mm: float, margin_mm: float = MARGIN_MM) -> Lattice:
    """Lay a lattice over a volume.

    Args:
        geometry: of the volume.
        grid_mm: about the distance of control points.
        margin_mm: how far the box reaches beyond the voxels: outside of it a spline moves nothing.
    """
    corners = geometry.corners_mm
    reach = margin_mm + max(geometry.spacing) / 2
    low = corners.min(axis=0) - reach
    length = corners.max(axis=0) + reach - low
    x, y, z = (max(1, round(float(part) / grid_mm)) for part in length)
    return Lattice(low, length / (x, y, z), (x, y, z))


def fit_field(
    lattice: Lattice, at_mm: Points, shift_mm: Points, weights: Array, smoothing: float = SMOOTHING
) -> tuple[Any, float]:
    """Fit a spline that folds nowhere.

    Args:
        lattice: of the control points.
        at_mm: (n, 3) places in the box.
        shift_mm: (n, 3) displacement of each.
        weights: (n,) how sure each is.
        smoothing: least weight of the bending.

    Returns:
        A SimpleITK B-spline transform and its least Jacobian determinant.

    Raises:
        RegistrationError: it still folds however smooth it is made.
    """
    basis = _basis(lattice, at_mm)
    weights = weights / max(float(weights.mean()), 1e-9)
    # Places count by the share of the box they stand for, so that more of them bend no more.
    per_place = np.prod(lattice.counts) / max(1, len(at_mm))
    left = (basis.T.multiply(weights * per_place)) @ basis
    right = (basis.T.multiply(weights * per_place)) @ shift_mm
    bending = _bending(lattice)
    least = float("nan")
    for _ in range(MOST_TRIES):
        control = _solved(left, smoothing * bending, right)
        spline = spline_of(lattice, control)
        least = least_jacobian(spline, lattice)
        if least > LEAST_JACOBIAN:
            return spline, least
        smoothing *= STIFFER
    raise RegistrationError(
        f"The matches do not fit one body: tissue would fold (Jacobian {least:.2f}).",
        code="too-little-in-common",
    )


def spline_of(lattice: Lattice, control: Array) -> Any:
    """Make the SimpleITK transform of control points.

    Args:
        lattice: where they lie.
        control: (nz * ny * nx, 3) mm, x running fastest.
    """
    sitk = toolkit()

    spline = sitk.BSplineTransform(3, DEGREE)
    spline.SetTransformDomainOrigin(lattice.origin_mm.tolist())
    spline.SetTransformDomainPhysicalDimensions((lattice.cell_mm * lattice.cells).tolist())
    spline.SetTransformDomainDirection(np.eye(3).ravel().tolist())
    spline.SetTransformDomainMeshSize(lattice.cells)
    spline.SetParameters(np.ascontiguousarray(control.T).ravel().tolist())
    return spline


def least_jacobian(transform: Any, lattice: Lattice, step_mm: float = PROBE_MM) -> float:
    """Give the smallest Jacobian determinant of a transform on a grid over the lattice's box."""
    sitk = toolkit()

    length = lattice.cell_mm * lattice.cells
    size = [max(3, int(part // step_mm) + 1) for part in length]
    spacing = length / np.array(size)
    field = sitk.TransformToDisplacementField(
        transform, sitk.sitkVectorFloat64, size, (lattice.origin_mm + spacing / 2).tolist(),
        spacing.tolist(), np.eye(3).ravel().tolist(),
    )  # fmt: skip
    shift = sitk.GetArrayViewFromImage(field)  # (z, y, x, 3), mm along x, y, z
    slopes = np.gradient(shift, *spacing[::-1], axis=(0, 1, 2))
    jacobian = np.stack(slopes[::-1], axis=-1) + np.eye(3)
    return float(np.linalg.det(jacobian).min())


def _basis(lattice: Lattice, at_mm: Points) -> Any:
    """Give how much each control point moves each place, a sparse (n, m) matrix."""
    from scipy import sparse

    index = (at_mm - lattice.origin_mm) / lattice.cell_mm
    first = np.clip(np.floor(index).astype(int), 0, np.array(lattice.cells) - 1)
    part = np.clip(index - first, 0.0, 1.0)
    cubic = np.stack(
        [
            (1 - part) ** 3 / 6,
            (3 * part**3 - 6 * part**2 + 4) / 6,
            (-3 * part**3 + 3 * part**2 + 3 * part + 1) / 6,
            part**3 / 6,
        ],
        axis=2,
    )  # (n, axis, 4)
    x, y, _ = lattice.counts
    values = np.einsum("na,nb,nc->ncba", cubic[:, 0], cubic[:, 1], cubic[:, 2])
    steps = np.arange(DEGREE + 1)
    column = (
        (first[:, 2, None, None, None] + steps[:, None, None]) * y
        + first[:, 1, None, None, None]
        + steps[:, None]
    ) * x + first[:, 0, None, None, None] + steps  # fmt: skip
    rows = np.repeat(np.arange(len(at_mm)), (DEGREE + 1) ** 3)
    shape = len(at_mm), int(np.prod(lattice.counts))
    return sparse.csr_matrix((values.ravel(), (rows, column.ravel())), shape)


def _bending(lattice: Lattice) -> Any:
    """Give the quadratic form of the second differences of the control points, and a small pull."""
    from scipy import sparse

    x, y, z = lattice.counts
    ones = [sparse.identity(n) for n in (z, y, x)]
    second = [
        sparse.diags([1.0, -2.0, 1.0], [0, 1, 2], shape=(max(0, n - 2), n)) for n in (z, y, x)
    ]
    first = [sparse.diags([-1.0, 1.0], [0, 1], shape=(n - 1, n)) for n in (z, y, x)]
    total = PULL * sparse.identity(x * y * z)
    for axis in range(3):
        parts = [second[n] if n == axis else ones[n] for n in range(3)]
        along = sparse.kron(sparse.kron(parts[0], parts[1]), parts[2])
        total = total + along.T @ along
        mixed = [ones[n] if n == axis else first[n] for n in range(3)]
        across = sparse.kron(sparse.kron(mixed[0], mixed[1]), mixed[2])
        total = total + 2.0 * across.T @ across
    return total.tocsc()


def _solved(left: Any, bending: Any, right: Array) -> Array:
    from scipy.sparse.linalg import cg

    matrix = (left + bending).tocsr()
    inverse = 1.0 / matrix.diagonal()
    from scipy.sparse import diags

    columns = [cg(matrix, part, rtol=1e-5, maxiter=400, M=diags(inverse))[0] for part in right.T]
    return np.stack(columns, axis=1)
