"""A registration takes a whole grid where it takes its points."""

import numpy as np

from samdesk.core.geometry import Geometry
from samdesk.registration.aligned import linear_transform
from samdesk.registration.transform import Registration


def test_a_grid_is_mapped_as_its_points_are() -> None:
    affine = np.array([[1.1, 0.1, 0, 5], [0, 0.9, 0, -3], [0, 0.2, 1, 7], [0, 0, 0, 1]])
    registration = Registration("made", 0.0, 0.0, linear_transform(affine))
    grid = Geometry.aligned((3, 4, 5), (6.0, 5.0, 4.0), (-10.0, 20.0, 30.0))
    points = grid.to_mm(np.indices(grid.shape).reshape(3, -1).T.astype(np.float64))
    assert np.allclose(registration.map_grid(grid), registration.map_points(points))
