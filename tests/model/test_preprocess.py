"""However a scan is stored, the network sees the patient's axes in its own spacing."""

import numpy as np
import pytest

from samdesk.core.geometry import Geometry
from samdesk.core.volume import Volume
from samdesk.model.preprocess import channels, network_grid, to_network_grid
from tests.model import made


def test_the_grid_covers_the_scan_and_keeps_its_first_voxel() -> None:
    scan = Geometry.aligned((40, 100, 90), (5.0, 0.8, 0.8), (-30.0, -40.0, 100.0))
    grid = network_grid(scan, 2.5, 16)
    # 195 mm, 79.2 mm and 71.2 mm between the outer centers: 79, 32 and 29 voxels, padded to 16.
    assert grid.shape == (80, 32, 32)
    assert np.allclose(grid.to_mm(np.zeros((1, 3))), [[-30, -40, 100]])
    assert np.allclose(grid.spacing, 2.5)


def test_air_is_put_beyond_the_far_ends() -> None:
    scan = Volume(np.full((20, 20, 20), 50, np.int16), Geometry.aligned((20, 20, 20), (2.5,) * 3))
    hu, grid = to_network_grid(scan, 2.5, 16)
    assert grid.shape == (32, 32, 32)
    assert np.allclose(hu[:20, :20, :20], 50)
    assert (hu[20:] == -1000).all()


@pytest.mark.parametrize("spacing", [(2.5, 2.5, 2.5), (1.0, 0.8, 0.9), (5.0, 0.7, 0.7)])
def test_a_ramp_stays_where_it_is(spacing: tuple[float, float, float]) -> None:
    shape = tuple(int(100 / s) for s in spacing)
    geometry = Geometry.aligned(shape, spacing, (-20.0, 10.0, 300.0))  # type: ignore[arg-type]
    index = np.indices(shape).reshape(3, -1).T.astype(float)
    ramp = geometry.to_mm(index) @ [1.0, 2.0, -0.5]
    volume = Volume(ramp.reshape(shape).astype(np.float32), geometry)

    values, grid = to_network_grid(volume, 2.5)

    at = np.indices(grid.shape).reshape(3, -1).T.astype(float)
    expected = (grid.to_mm(at) @ [1.0, 2.0, -0.5]).reshape(grid.shape)
    # Blurring a ramp leaves it as it is but for the rim of three voxels; 0.02 is of rounding.
    middle = (slice(4, -4),) * 3
    assert np.abs(values[middle] - expected[middle]).max() < 0.02


def test_a_scan_stored_from_the_other_side_gives_the_same_values() -> None:
    one = made.scan((40, 36, 32), 2.2)
    flipped = one.geometry.affine.copy()
    flipped[:3, 3] = one.geometry.to_mm(np.array([[39.0, 0.0, 31.0]]))[0]
    flipped[:3, 0] *= -1
    flipped[:3, 2] *= -1
    array = np.ascontiguousarray(one.array[::-1, :, ::-1])
    other = Volume(array, Geometry(one.geometry.shape, flipped))
    first, grid = to_network_grid(one, 2.5, 16)
    second, again = to_network_grid(other, 2.5, 16)
    assert np.allclose(grid.affine, again.affine)
    assert np.abs(first - second).max() < 0.1


def test_an_oblique_scan_is_brought_to_the_patients_axes() -> None:
    c, s = np.cos(0.3), np.sin(0.3)
    axes = np.array([[0.0, s, c], [0.0, c, -s], [1.0, 0.0, 0.0]])
    straight, grid = to_network_grid(made.scan((72, 72, 72)), 2.5)
    oblique, other = to_network_grid(made.scan((72, 72, 72), axes=axes), 2.5)
    points = made.places(200, reach=0.5)

    def at(values: np.ndarray, where: Geometry) -> np.ndarray:
        k, j, i = np.rint(where.to_index(points)).astype(int).T
        return values[k, j, i]

    # Nearest voxels are up to 2 mm from the point: the patterns agree, not each value.
    assert np.corrcoef(at(straight, grid), at(oblique, other))[0, 1] > 0.95


def test_channels_are_windows_of_the_values() -> None:
    hu = np.array([[[-2000.0, 0.0, 2000.0]]], np.float32)
    out = channels(hu, ((-1000.0, 1000.0, 0.0, 500.0), (-160.0, 340.0, 60.0, 125.0)))
    assert out.shape == (2, 1, 1, 3)
    assert np.allclose(out[0], [-2, 0, 2])
    assert np.allclose(out[1], [-1.76, -0.48, 2.24])
