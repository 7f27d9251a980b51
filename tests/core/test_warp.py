"""A map between two scans on a coarse grid: there, back, and as a picture."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from samdesk.core.geometry import Geometry, Points
from samdesk.core.plane import Frame, View
from samdesk.core.reslice import reslice
from samdesk.core.volume import Modality, Unit, Volume
from samdesk.core.warp import Warp, node_grid, sampled, warped
from samdesk.errors import GeometryError

GRID = Geometry.aligned((30, 40, 50), (3.0, 2.0, 2.0), (-50.0, -40.0, 100.0))
AFFINE = np.array(
    [[1.1, 0.05, 0.0, 4.0], [-0.04, 0.95, 0.0, -7.0], [0.0, 0.02, 1.02, 12.0], [0, 0, 0, 1.0]]
)


def bend(mm: Points) -> Points:
    """An affine and a wave of 6 mm whose length is 150 mm."""
    straight = mm @ AFFINE[:3, :3].T + AFFINE[:3, 3]
    return straight + 6.0 * np.sin(mm[:, [1, 2, 0]] * 2 * np.pi / 150.0)


def finish(steps: object) -> Warp:
    while True:
        try:
            next(steps)  # type: ignore[call-overload]
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def warp() -> Warp:
    return finish(sampled(bend, AFFINE, GRID))


@pytest.fixture(scope="module")
def places() -> Points:
    index = np.random.default_rng(5).uniform(0, np.array(GRID.shape) - 1, (200, 3))
    return GRID.to_mm(index)


def test_the_grid_says_what_the_registration_says(warp: Warp, places: Points) -> None:
    assert np.linalg.norm(warp.to_moving(places) - bend(places), axis=1).max() < 0.1


def test_the_way_back_leads_to_where_one_came_from(warp: Warp, places: Points) -> None:
    assert np.linalg.norm(warp.to_fixed(warp.to_moving(places)) - places, axis=1).max() < 0.05


def test_beyond_the_scan_the_affine_holds_with_the_shift_of_the_edge(warp: Warp) -> None:
    far = np.array([[400.0, 0.0, 150.0]])
    straight = far @ AFFINE[:3, :3].T + AFFINE[:3, 3]
    assert np.linalg.norm(warp.to_moving(far) - straight) <= 6.0 * np.sqrt(3) + 1e-3


def test_no_place_gives_no_place(warp: Warp) -> None:
    assert warp.to_moving(np.empty((0, 3))).shape == (0, 3)
    assert warp.to_fixed(np.empty((0, 3))).shape == (0, 3)


def test_an_affine_alone_is_exact(places: Points) -> None:
    nodes = node_grid(GRID)
    warp = Warp(AFFINE, nodes, np.zeros((3, *nodes.shape), np.float32))
    assert_allclose(warp.to_moving(places), places @ AFFINE[:3, :3].T + AFFINE[:3, 3])
    assert_allclose(warp.to_fixed(warp.to_moving(places)), places, atol=1e-6)


def test_the_nodes_cover_the_scan_and_stay_few_over_a_whole_body() -> None:
    body = Geometry.aligned((900, 512, 512), (2.0, 0.9, 0.9))
    for geometry in (GRID, body):
        nodes = node_grid(geometry)
        assert_allclose(nodes.corners_mm, geometry.corners_mm)
        assert np.prod(nodes.shape) < 200_000


def test_a_single_slice_has_nodes_too() -> None:
    flat = node_grid(Geometry.aligned((1, 20, 20), (3.0, 2.0, 2.0)))
    assert flat.shape[0] == 2
    assert flat.outside_mm(np.array([[10.0, 10.0, 0.0]]))[0] == 0


def test_the_moving_scan_is_drawn_where_the_fixed_one_has_the_same_tissue(warp: Warp) -> None:
    def tissue(mm: Points) -> Points:
        return 300.0 * np.sin(mm[:, 0] / 15) + 200.0 * np.cos(mm[:, 1] / 12) + 2.0 * mm[:, 2]

    fixed_grid = GRID
    moving_grid = Geometry.aligned((60, 60, 70), (2.5, 2.5, 2.5), (-90.0, -75.0, 90.0))

    def drawn(geometry: Geometry, take: object) -> Volume:
        index = np.indices(geometry.shape).reshape(3, -1).T.astype(float)
        values = tissue(take(geometry.to_mm(index)))  # type: ignore[operator]
        array = values.astype(np.float32).reshape(geometry.shape)
        return Volume(array, geometry, Modality.CT, Unit.HU)

    moving = drawn(moving_grid, lambda mm: mm)
    fixed = drawn(fixed_grid, bend)
    for view in View:
        plane = Frame.of(fixed_grid).plane(view, tuple(fixed_grid.center_mm))
        ours, theirs = reslice(fixed, plane), warped(moving, plane, warp)
        seen = np.isfinite(theirs)
        assert seen.mean() > 0.8
        # Linear between voxels of 2.5 mm; without the warp the difference is in the hundreds.
        assert np.median(np.abs(ours - theirs)[seen]) < 8.0


def test_where_the_moving_scan_does_not_reach_there_is_no_value() -> None:
    moving = Volume(
        np.zeros((10, 10, 10), np.int16), Geometry.aligned((10, 10, 10), (2.0, 2.0, 2.0))
    )
    fixed = Geometry.aligned((10, 20, 10), (2.0, 2.0, 2.0), (0.0, -20.0, 0.0))
    nodes = node_grid(fixed)
    still = Warp(np.eye(4), nodes, np.zeros((3, *nodes.shape), np.float32))
    plane = Frame.of(fixed).plane(View.AXIAL, (9.0, 0.0, 9.0))
    values = warped(moving, plane, still)
    assert np.isnan(values[:10]).all()
    assert (values[10:] == 0).all()


def test_what_does_not_belong_together_is_refused() -> None:
    with pytest.raises(GeometryError, match="nodes cannot hold"):
        Warp(np.eye(4), GRID, np.zeros((3, 2, 2, 2), np.float32))
    with pytest.raises(GeometryError, match="one plane"):
        Warp(np.diag([1.0, 1.0, 0.0, 1.0]), GRID, np.zeros((3, *GRID.shape), np.float32))
