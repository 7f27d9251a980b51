"""Values of volumes on planes: copies where voxels are met, exact ramps everywhere else."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from samdesk.core.geometry import Geometry
from samdesk.core.plane import Frame, Plane, View
from samdesk.core.reslice import AIR_HU, LINEAR, NEAREST, empty_value, reslice, values_at
from samdesk.core.volume import Modality, Unit, Volume

SLOPE = np.array([1.5, -2.0, 0.75])


def ramp(geometry: Geometry) -> Volume:
    """A volume whose value is a linear function of mm, so that every reslice is known."""
    index = np.indices(geometry.shape).reshape(3, -1).T.astype(float)
    values = geometry.to_mm(index) @ SLOPE + 7
    return Volume(values.reshape(geometry.shape).astype(np.float32), geometry)


def affine_of(degrees: float, shear: float, is_left_handed: bool) -> np.ndarray:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    affine = np.eye(4)
    affine[:3, 0] = (shear * 2, shear, 2.0)
    affine[:3, 1] = np.array((-s, c, 0)) * 1.5
    affine[:3, 2] = np.array((c, s, 0)) * (-1 if is_left_handed else 1)
    affine[:3, 3] = (-20, 30, 50)
    return affine


def numbered(shape=(4, 5, 6)) -> Volume:
    array = np.arange(np.prod(shape), dtype=np.int16).reshape(shape)
    return Volume(array, Geometry.aligned(shape, (3.0, 2.0, 1.0)))


def test_an_axial_slice_is_a_copy_in_the_volumes_own_type() -> None:
    volume = numbered()
    plane = Frame.of(volume.geometry).plane(View.AXIAL, (0, 0, 6))
    values = reslice(volume, plane)
    assert values.dtype == np.int16
    assert_array_equal(values, volume.array[2])


def test_coronal_and_sagittal_slices_have_the_head_on_top() -> None:
    volume = numbered()
    frame = Frame.of(volume.geometry)
    assert_array_equal(reslice(volume, frame.plane(View.CORONAL, (0, 4, 0))), volume.array[::-1, 2])
    sagittal = reslice(volume, frame.plane(View.SAGITTAL, (3, 0, 0)))
    assert_array_equal(sagittal, volume.array[::-1, :, 3])


def test_the_bright_side_of_the_patient_stays_on_its_side_in_a_left_handed_file() -> None:
    # The array is mirrored: its columns run to the patient's right; the patient's right is bright.
    array = np.zeros((3, 4, 6), np.int16)
    array[:, :, 4:] = 100
    affine = np.diag([0.0, 1.0, 0.0, 1.0])
    affine[2, 0], affine[0, 2] = 1.0, -1.0
    volume = Volume(array, Geometry(array.shape, affine))
    picture = reslice(volume, Frame.of(volume.geometry).plane(View.AXIAL, (0, 0, 1)))
    assert (picture[:, :2] == 100).all()
    assert (picture[:, 2:] == 0).all()


@settings(max_examples=40, deadline=None)
@given(
    degrees=st.floats(-40, 40),
    shear=st.floats(-0.3, 0.3),
    is_left_handed=st.booleans(),
    view=st.sampled_from(View),
    is_own_frame=st.booleans(),
)
def test_a_linear_ramp_is_exact_on_every_plane(
    degrees: float, shear: float, is_left_handed: bool, view: View, is_own_frame: bool
) -> None:
    volume = ramp(Geometry((12, 14, 16), affine_of(degrees, shear, is_left_handed)))
    make = Frame.of if is_own_frame else Frame.of_patient
    plane = make(volume.geometry).plane(view, tuple(volume.geometry.center_mm))
    values = reslice(volume, plane)
    rows, columns = np.indices(plane.size)
    pixels = np.stack((rows.ravel(), columns.ravel()), axis=1).astype(float)
    mm = plane.to_mm(pixels)
    index = volume.geometry.to_index(mm)
    # Between the outermost centers; beyond them the last voxel is carried on by half a spacing.
    inner = ((index >= 0) & (index <= np.array(volume.array.shape) - 1)).all(axis=1)
    assert inner.any()
    assert_allclose(values.ravel()[inner], (mm @ SLOPE + 7)[inner], atol=2e-3)
    outside = volume.geometry.outside_mm(mm) > 1e-6
    assert (values.ravel()[outside] == AIR_HU).all()


def test_a_plane_between_two_slices_is_their_mean_or_the_nearer_one() -> None:
    volume = numbered()
    plane = Frame.of(volume.geometry).plane(View.AXIAL, (0, 0, 3))
    between = Plane((0, 0, 4.5), plane.right, plane.down, plane.pixel_mm, plane.size)
    assert_allclose(reslice(volume, between), (volume.array[1] + volume.array[2]) / 2)
    nearer = Plane((0, 0, 4.2), plane.right, plane.down, plane.pixel_mm, plane.size)
    assert_array_equal(reslice(volume, nearer, order=NEAREST), volume.array[1])


@pytest.mark.parametrize("z", [-3.0, 12.0])
def test_a_slice_beyond_the_scan_is_empty(z: float) -> None:
    volume = numbered()
    plane = Plane((0.0, 0.0, z), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (2.0, 1.0), (5, 6))
    assert (reslice(volume, plane) == AIR_HU).all()


def test_a_plane_larger_than_the_scan_is_empty_around_it() -> None:
    volume = numbered()
    plane = Plane((-2.0, -4.0, 0.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (2.0, 1.0), (9, 10))
    values = reslice(volume, plane)
    assert_array_equal(values[2:7, 2:8], volume.array[0])
    values = np.array(values)
    values[2:7, 2:8] = AIR_HU
    assert (values == AIR_HU).all()


def test_a_plane_beside_the_scan_is_empty() -> None:
    volume = numbered()
    plane = Plane((50.0, 0.0, 0.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (2.0, 1.0), (5, 6))
    assert (reslice(volume, plane) == AIR_HU).all()


def test_outside_a_scan_without_hounsfield_units_is_zero() -> None:
    volume = Volume(
        np.ones((2, 3, 4), np.float32),
        Geometry.aligned((2, 3, 4), (1, 1, 1)),
        Modality.MR,
        Unit.NONE,
    )
    assert empty_value(volume) == 0.0


def test_a_plane_that_meets_voxels_at_its_ends_only_is_no_copy() -> None:
    # Six pixels 0.6 mm apart begin and end on voxel centers, and meet none between.
    volume = numbered((4, 5, 6))
    plane = Plane((0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (2.0, 0.6), (5, 6))
    assert_allclose(reslice(volume, plane)[0], np.arange(6) * 0.6, atol=1e-5)


def test_a_value_is_that_of_the_voxel_and_none_outside() -> None:
    volume = numbered()
    values = values_at(volume, np.array([(3.2, 4.1, 6.4), (-0.4, 0, 0), (-0.6, 0, 0)]))
    assert values[0] == volume.array[2, 2, 3]
    assert values[1] == volume.array[0, 0, 0]
    assert np.isnan(values[2])


def test_a_value_between_voxels_is_exact_on_a_ramp() -> None:
    volume = ramp(Geometry((12, 14, 16), affine_of(20, 0.1, False)))
    at = volume.geometry.to_mm(np.array([[3.25, 4.5, 7.75]]))
    assert_allclose(values_at(volume, at, order=LINEAR), at @ SLOPE + 7, atol=1e-3)
