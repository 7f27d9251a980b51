"""The smooth field through displacements at scattered places."""

import numpy as np
import pytest

from samdesk.core.geometry import Geometry, Points
from samdesk.errors import RegistrationError
from samdesk.registration import field

GRID = Geometry.aligned((50, 60, 70), (6.0, 5.0, 5.0), (-170.0, -140.0, -900.0))


def drawn(n: int = 400) -> Points:
    corners = GRID.corners_mm
    return np.random.default_rng(0).uniform(corners.min(axis=0), corners.max(axis=0), (n, 3))


def bent(places: Points) -> Points:
    x, y, z = places.T
    shift: Points = np.stack([6 * np.sin(z / 60), 4 * np.cos(x / 50), 5 * np.sin(y / 70)], axis=1)
    return shift


def mapped(spline: object, places: Points) -> Points:
    rows = [spline.TransformPoint(place.tolist()) for place in places]  # type: ignore[attr-defined]
    return np.array(rows)


def test_a_smooth_displacement_is_followed_everywhere_in_the_volume() -> None:
    places = drawn()
    spline, least = field.fit_field(
        field.lattice_over(GRID, 40.0), places, bent(places), np.ones(len(places))
    )
    off = mapped(spline, places) - places - bent(places)
    assert np.linalg.norm(off, axis=1).mean() < 1.0
    assert 0.5 < least < 1.0
    corners = GRID.corners_mm  # the outermost voxels are moved too
    assert np.abs(mapped(spline, corners) - corners).max() > 1.0


def test_places_that_are_not_sure_count_for_little() -> None:
    places = drawn()
    shift = np.zeros((400, 3))
    shift[::4] = [12.0, 0.0, 0.0]
    weights = np.where(np.arange(400) % 4 == 0, 1e-3, 1.0)
    spline, _ = field.fit_field(field.lattice_over(GRID, 40.0), places, shift, weights)
    assert np.abs(mapped(spline, places) - places).mean() < 0.5


def test_a_field_that_would_fold_is_made_smoother_until_it_does_not() -> None:
    places = drawn()
    shift = np.zeros((400, 3))
    shift[:, 0] = np.where(places[:, 0] > 0, -45.0, 45.0)
    rough, least = field.fit_field(
        field.lattice_over(GRID, 30.0), places, shift, np.ones(400), smoothing=1e-3
    )
    assert least > field.LEAST_JACOBIAN
    assert mapped(rough, np.array([[-60.0, 0.0, -750.0]]))[0, 0] > -60.0


def test_a_field_that_folds_however_smooth_it_is_made_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(field, "LEAST_JACOBIAN", 2.0)
    places = drawn(60)
    with pytest.raises(RegistrationError, match="fold"):
        field.fit_field(field.lattice_over(GRID, 80.0), places, bent(places), np.ones(60))


def test_the_jacobian_of_a_stretch_is_its_determinant() -> None:
    lattice = field.lattice_over(GRID, 40.0)
    spline = field.spline_of(lattice, np.zeros((int(np.prod(lattice.counts)), 3)))
    assert field.least_jacobian(spline, lattice) == pytest.approx(1.0)


def test_a_finer_lattice_lies_over_the_same_box() -> None:
    coarse = field.lattice_over(GRID, 80.0)
    fine = coarse.refined(2)
    assert np.allclose(fine.cell_mm * fine.cells, coarse.cell_mm * coarse.cells)
    assert fine.coarsened(2).cells == coarse.cells
