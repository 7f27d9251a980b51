"""Planes and frames: where the pixels of a view lie in the patient."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from samdesk.core.geometry import Geometry
from samdesk.core.plane import Frame, Plane, View
from samdesk.errors import GeometryError


def turned(degrees: float, axis: int) -> np.ndarray:
    """Rotation about a patient axis, 3 x 3."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    a, b = [n for n in range(3) if n != axis]
    turn = np.eye(3)
    turn[a, a], turn[a, b], turn[b, a], turn[b, b] = c, -s, s, c
    return turn


def oblique(degrees: float = 25.0, axis: int = 2, shape=(20, 30, 40)) -> Geometry:
    aligned = Geometry.aligned(shape, (2.0, 1.5, 1.0), (-10.0, 5.0, 100.0))
    affine = np.array(aligned.affine)
    affine[:3, :3] = turned(degrees, axis) @ affine[:3, :3]
    return Geometry(shape, affine)


def tilted(degrees: float = 20.0) -> Geometry:
    """A stack whose slices lean, as a tilted gantry leaves it: moved along the table only."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    affine = np.eye(4)
    affine[:3, 0] = (0, 0, 5.0)
    affine[:3, 1] = (0, c, s)
    affine[:3, 2] = (1.0, 0, 0)
    return Geometry((10, 30, 40), affine)


def test_views_are_drawn_as_radiologists_look_at_them() -> None:
    frame = Frame.of(Geometry.aligned((20, 30, 40), (2.0, 1.5, 1.0)))
    at = (10.0, 10.0, 10.0)
    # (left, right, top, bottom)
    assert frame.plane(View.AXIAL, at).edge_letters == ("R", "L", "A", "P")
    assert frame.plane(View.CORONAL, at).edge_letters == ("R", "L", "H", "F")
    assert frame.plane(View.SAGITTAL, at).edge_letters == ("A", "P", "H", "F")


def test_one_looks_away_to_the_head_the_back_and_the_right() -> None:
    frame = Frame.of(Geometry.aligned((20, 30, 40), (2.0, 1.5, 1.0)))
    normals = [frame.plane(view, (0, 0, 0)).normal for view in View]
    assert_allclose(normals, [(0, 0, 1), (0, 1, 0), (-1, 0, 0)], atol=1e-12)


def test_a_view_is_as_large_as_the_scan_and_its_pixels_are_voxels() -> None:
    frame = Frame.of(Geometry.aligned((20, 30, 40), (2.0, 1.5, 1.0)))
    plane = frame.plane(View.SAGITTAL, (7.3, 0, 0))
    assert plane.size == (20, 30)
    assert plane.pixel_mm == (2.0, 1.5)
    # The slice nearest to x = 7.3 lies at 7; the head (k = 19) is on top.
    assert_allclose(plane.origin_mm, (7, 0, 38))


def test_slices_count_from_the_head_the_front_and_the_right() -> None:
    frame = Frame.of(Geometry.aligned((20, 30, 40), (2.0, 1.5, 1.0)))
    assert frame.number(View.AXIAL, (0, 0, 38)) == 0
    assert frame.number(View.CORONAL, (0, 0, 0)) == 0
    assert frame.number(View.SAGITTAL, (39, 0, 0)) == 39
    assert [frame.count(view) for view in View] == [20, 30, 40]
    assert [frame.step_mm(view) for view in View] == [2.0, 1.5, 1.0]


def test_stepping_stops_at_the_last_slice_and_leaves_the_place_within_it() -> None:
    frame = Frame.of(Geometry.aligned((20, 30, 40), (2.0, 1.5, 1.0)))
    assert frame.moved(View.AXIAL, (3.3, 4.4, 20), 99) == pytest.approx((3.3, 4.4, 0))
    assert frame.moved(View.AXIAL, (3.3, 4.4, 20), -5) == pytest.approx((3.3, 4.4, 38))


@pytest.mark.parametrize("flip", [(1, 1, 1), (-1, 1, 1), (1, -1, 1), (-1, -1, -1)])
def test_the_order_in_the_file_changes_no_view(flip: tuple[int, int, int]) -> None:
    straight = Geometry.aligned((20, 30, 40), (2.0, 1.5, 1.0))
    affine = np.array(straight.affine)
    for axis, sign in enumerate(flip):
        if sign < 0:
            affine[:3, 3] += affine[:3, axis] * (straight.shape[axis] - 1)
            affine[:3, axis] *= -1
    flipped = Geometry(straight.shape, affine)
    for view in View:
        expected = Frame.of(straight).plane(view, (9.2, 9.2, 9.2))
        plane = Frame.of(flipped).plane(view, (9.2, 9.2, 9.2))
        assert_allclose(plane.origin_mm, expected.origin_mm, atol=1e-9)
        assert plane.edge_letters == expected.edge_letters


def test_an_oblique_scan_is_drawn_along_its_own_axes_with_two_letters() -> None:
    geometry = oblique(25)
    plane = Frame.of(geometry).plane(View.AXIAL, tuple(geometry.center_mm))
    assert_allclose(plane.right, turned(25, 2) @ (1, 0, 0), atol=1e-6)
    assert_allclose(plane.down, turned(25, 2) @ (0, 1, 0), atol=1e-6)
    assert plane.edge_letters == ("RA", "LP", "AL", "PR")


def test_tilted_slices_are_kept_and_their_normal_is_the_third_axis() -> None:
    geometry = tilted(20)
    frame = Frame.of(geometry)
    plane = frame.plane(View.AXIAL, tuple(geometry.center_mm))
    assert_allclose(plane.down, (0, np.cos(np.radians(20)), np.sin(np.radians(20))), atol=1e-9)
    # Slices 5 mm apart along the table lie 5 cos 20 = 4.70 mm apart.
    assert frame.step_mm(View.AXIAL) == pytest.approx(4.698, abs=1e-3)
    # Each stored slice is one of the frame's: its first voxel lies in that plane.
    for k in range(10):
        at = geometry.to_mm(np.array([[k, 0.0, 0.0]]))
        plane = frame.plane(View.AXIAL, tuple(at[0]))
        assert_allclose(plane.distance_mm(at), 0, atol=1e-6)


def test_four_decimals_in_a_header_do_not_make_a_scan_a_tilted_one() -> None:
    geometry = oblique(25)
    affine = np.array(geometry.affine)
    affine[:3, :3] = np.round(affine[:3, :3], 4)
    frame = Frame.of(Geometry(geometry.shape, affine))
    assert_allclose(frame.axes @ frame.axes.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(frame.axes) == pytest.approx(1)


def test_the_patients_axes_can_be_looked_along_instead() -> None:
    geometry = oblique(25)
    frame = Frame.of_patient(geometry)
    plane = frame.plane(View.CORONAL, tuple(geometry.center_mm))
    assert plane.edge_letters == ("R", "L", "H", "F")
    assert plane.pixel_mm == (1.0, 1.0)
    pixels = plane.to_pixel(geometry.corners_mm)
    assert pixels.min() > -1.01
    assert (pixels.max(axis=0) < np.array(plane.size) + 0.01).all()


@settings(max_examples=60, deadline=None)
@given(
    degrees=st.floats(-40, 40),
    axis=st.integers(0, 2),
    row=st.floats(-50, 600),
    column=st.floats(-50, 600),
    view=st.sampled_from(View),
)
def test_pixels_and_millimeters_go_round(
    degrees: float, axis: int, row: float, column: float, view: View
) -> None:
    geometry = oblique(degrees, axis)
    plane = Frame.of(geometry).plane(view, tuple(geometry.center_mm))
    pixels = np.array([[row, column]])
    mm = plane.to_mm(pixels)
    assert_allclose(plane.to_pixel(mm), pixels, atol=1e-6)
    assert_allclose(plane.distance_mm(mm), 0, atol=1e-6)


@pytest.mark.parametrize(
    "wrong",
    [
        {"right": (2.0, 0.0, 0.0)},
        {"down": (1.0, 0.0, 0.0)},
        {"size": (0, 4)},
        {"pixel_mm": (0.0, 1.0)},
    ],
)
def test_a_plane_that_is_none_is_refused(wrong: dict) -> None:
    right = {
        "origin_mm": (0.0, 0.0, 0.0),
        "right": (1.0, 0.0, 0.0),
        "down": (0.0, 1.0, 0.0),
        "pixel_mm": (1.0, 1.0),
        "size": (4, 4),
    }
    with pytest.raises(GeometryError):
        Plane(**{**right, **wrong})
