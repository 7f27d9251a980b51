"""Centers of cells and what lies between them."""

import numpy as np

from samdesk.core.geometry import Geometry
from samdesk.model.cells import cells_of, corners, interpolated


def test_a_cell_lies_in_the_middle_of_its_voxels() -> None:
    grid = Geometry.aligned((32, 48, 64), (2.5, 2.5, 2.5), (10.0, 20.0, 30.0))

    fine, coarse = cells_of(grid, 2), cells_of(grid, 8)

    # Cell 0 of stride 2 covers voxels 0 and 1: 1.25 mm from the first voxel; of stride 8, 8.75 mm.
    assert np.allclose(fine.to_mm(np.zeros((1, 3))), [[11.25, 21.25, 31.25]])
    assert np.allclose(coarse.to_mm(np.zeros((1, 3))), [[18.75, 28.75, 38.75]])
    assert fine.shape == (16, 24, 32)
    assert coarse.spacing == (20.0, 20.0, 20.0)


def test_shares_of_the_eight_cells_sum_to_one_also_outside() -> None:
    index = np.array([[0.5, 1.0, 1.75], [-3.0, 0.0, 9.0], [1.0, 1.0, 2.0]])
    flat, share = corners(index, (2, 2, 3))
    assert np.allclose(share.sum(axis=1), 1.0)
    assert flat.min() >= 0
    assert flat.max() < 12
    # Half way in k, on row 1, three quarters between columns 1 and 2.
    assert np.isclose(share[0][flat[0] == 5].sum(), 0.5 * 0.75)


def test_a_grid_of_one_cell_has_one_answer() -> None:
    flat, share = corners(np.array([[0.4, -2.0, 7.0]]), (1, 1, 1))
    assert (flat == 0).all()
    assert np.isclose(share.sum(), 1.0)


def test_descriptors_between_cells_have_length_one() -> None:
    generator = np.random.default_rng(2)
    vectors = generator.integers(-127, 128, (8, 4, 4, 4)).astype(np.int8)
    cells = Geometry.aligned((4, 4, 4), (5.0, 5.0, 5.0))
    out = interpolated(vectors, cells, generator.uniform(0, 15, (20, 3)))
    assert np.allclose(np.linalg.norm(out, axis=1), 1.0, atol=1e-5)


def test_places_without_any_vector_stay_zero() -> None:
    cells = Geometry.aligned((2, 2, 2), (5.0, 5.0, 5.0))
    assert not interpolated(np.zeros((4, 2, 2, 2), np.int8), cells, np.zeros((1, 3))).any()
