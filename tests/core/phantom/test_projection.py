"""A radiograph of a made patient is its shadow."""

import numpy as np
import pytest

from samdesk.core.geometry import Geometry
from samdesk.core.phantom.projection import WATER_PER_MM, on_radiograph, radiograph
from samdesk.core.phantom.render import PhantomScan
from samdesk.core.volume import Volume
from samdesk.errors import GeometryError


def test_water_lets_through_what_the_law_of_absorption_says() -> None:
    array = np.full((2, 5, 3), -1000, np.int16)
    array[0] = 0
    picture = radiograph(Volume(array, Geometry.aligned((2, 5, 3), (4, 10, 2)))).array
    assert picture[1] == pytest.approx(np.exp(-WATER_PER_MM * 50), rel=1e-5)
    assert picture[0] == pytest.approx(1.0)


def test_the_head_is_at_the_top_and_pixels_have_the_size_of_voxels(scan: PhantomScan) -> None:
    made = radiograph(scan.volume)
    assert made.pixel_mm == pytest.approx((4.0, 3.0))
    points = np.array([scan.points["T1"], scan.points["L5"]])
    (_, top), (_, bottom) = on_radiograph(scan.volume, points)
    assert top < bottom


def test_lungs_let_more_through_than_the_spine(scan: PhantomScan) -> None:
    made = np.asarray(radiograph(scan.volume).array)
    points = np.array([scan.points["right_lung_apex"], scan.points["T3"], scan.points["L4"]])
    values = [made[round(y), round(x)] for x, y in on_radiograph(scan.volume, points)]
    assert values[0] > 2 * values[1]
    assert values[0] > 2 * values[2]


def test_the_patients_left_is_at_the_right_of_the_picture(scan: PhantomScan) -> None:
    points = np.array([scan.points["left_femoral_head"], scan.points["right_femoral_head"]])
    (left, _), (right, _) = on_radiograph(scan.volume, points)
    assert left > right


def test_an_oblique_grid_has_no_radiograph() -> None:
    affine = np.eye(4)
    affine[:3, :3] = [[0.1, 0, 1], [0, 1, 0], [1, 0, 0]]
    with pytest.raises(GeometryError):
        radiograph(Volume(np.zeros((2, 2, 2), np.int16), Geometry((2, 2, 2), affine)))
