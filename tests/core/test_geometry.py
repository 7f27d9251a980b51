"""Places and voxels: what goes to millimeters comes back, on any grid."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from samdesk.core.geometry import Geometry
from samdesk.errors import GeometryError

SIZES = st.integers(min_value=1, max_value=600)
SPACINGS = st.floats(min_value=0.05, max_value=20.0)
ANGLES = st.floats(min_value=-np.pi, max_value=np.pi)
PLACES = st.floats(min_value=-2000.0, max_value=2000.0)


def turned(x: float, y: float, z: float) -> NDArray[np.float64]:
    """Make a rotation about the three axes, one after the other."""
    (cx, sx), (cy, sy), (cz, sz) = ((np.cos(a), np.sin(a)) for a in (x, y, z))
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return about_x @ about_y @ about_z


@st.composite
def grids(draw: st.DrawFn) -> Geometry:
    """Draw a grid that is oblique, perhaps left-handed, perhaps sheared as a tilted CT."""
    axes = turned(draw(ANGLES), draw(ANGLES), draw(ANGLES))
    if draw(st.booleans()):
        axes[:, 0] *= -1.0
    lean = draw(st.floats(min_value=-0.6, max_value=0.6))
    axes[:, 0] += lean * axes[:, 1]
    affine = np.eye(4)
    affine[:3, :3] = axes * [draw(SPACINGS), draw(SPACINGS), draw(SPACINGS)]
    affine[:3, 3] = [draw(PLACES), draw(PLACES), draw(PLACES)]
    return Geometry((draw(SIZES), draw(SIZES), draw(SIZES)), affine)


@given(grids(), st.lists(st.tuples(PLACES, PLACES, PLACES), min_size=1, max_size=5))
def test_millimeters_come_back_from_indices(
    grid: Geometry, places: list[tuple[float, float, float]]
) -> None:
    mm = np.array(places)
    np.testing.assert_allclose(grid.to_mm(grid.to_index(mm)), mm, atol=1e-6, rtol=0)


@given(grids(), st.lists(st.tuples(SIZES, SIZES, SIZES), min_size=1, max_size=5))
def test_indices_come_back_from_millimeters(
    grid: Geometry, indices: list[tuple[int, int, int]]
) -> None:
    index = np.array(indices, dtype=np.float64)
    back = grid.to_index(grid.to_mm(index))
    # An error of 1e-6 mm, in steps of the grid.
    np.testing.assert_allclose(back, index, atol=1e-6 / min(grid.spacing), rtol=0)


@given(grids())
def test_the_middle_lies_between_the_corners(grid: Geometry) -> None:
    np.testing.assert_allclose(grid.corners_mm.mean(axis=0), grid.center_mm, atol=1e-6)
    assert (grid.outside_mm(grid.corners_mm) == 0).all()


def test_an_aligned_grid_follows_the_patient() -> None:
    grid = Geometry.aligned((3, 4, 5), (2.0, 1.0, 0.5), (10.0, 20.0, 30.0))
    np.testing.assert_allclose(grid.to_mm(np.array([[2.0, 3.0, 4.0]])), [[12.0, 23.0, 34.0]])
    assert grid.spacing == (2.0, 1.0, 0.5)
    assert not grid.is_left_handed


def test_a_mirrored_grid_is_left_handed() -> None:
    affine = Geometry.aligned((2, 2, 2), (1.0, 1.0, 1.0)).affine.copy()
    affine[0, 2] *= -1
    assert Geometry((2, 2, 2), affine).is_left_handed


def test_outside_counts_from_the_edge_of_the_last_voxel() -> None:
    grid = Geometry.aligned((2, 2, 2), (1.0, 1.0, 2.0))
    at = np.array([[3.0, 0.0, 0.0], [3.5, 0.0, 0.0], [-2.0, 0.0, -1.5]])
    # Voxels reach 1 mm beyond their centers in x, half a mm in z.
    np.testing.assert_allclose(grid.outside_mm(at), [0.0, 0.5, np.hypot(1.0, 1.0)])


def test_an_affine_cannot_be_changed_afterwards() -> None:
    grid = Geometry.aligned((1, 1, 1), (1.0, 1.0, 1.0))
    with pytest.raises(ValueError, match="read-only"):
        grid.affine[0, 0] = 5.0


@pytest.mark.parametrize("shape", [(0, 1, 1), (1, 1), (-1, 2, 2)])
def test_a_grid_without_voxels_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(GeometryError, match="three sizes"):
        Geometry(shape, np.eye(4))  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_affine_that_is_not_finite_is_refused(value: float) -> None:
    affine = np.eye(4)
    affine[1, 3] = value
    with pytest.raises(GeometryError, match="finite"):
        Geometry((2, 2, 2), affine)


def test_an_affine_of_another_size_is_refused() -> None:
    with pytest.raises(GeometryError, match="4 x 4"):
        Geometry((2, 2, 2), np.eye(3))


def test_axes_in_one_plane_are_refused() -> None:
    affine = np.eye(4)
    affine[2, 2] = 0.0
    with pytest.raises(GeometryError, match="one plane"):
        Geometry((2, 2, 2), affine)


@pytest.mark.parametrize("points", [np.zeros(3), np.zeros((2, 2)), np.zeros((1, 3, 1))])
def test_places_of_another_shape_are_refused(points: NDArray[np.float64]) -> None:
    grid = Geometry.aligned((1, 1, 1), (1.0, 1.0, 1.0))
    with pytest.raises(GeometryError, match="shape"):
        grid.to_mm(points)
    with pytest.raises(GeometryError, match="shape"):
        grid.to_index(points)
