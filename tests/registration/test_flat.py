"""Two radiographs that differ by a known map are brought together."""

import numpy as np
import pytest
from scipy import ndimage

from samdesk.core.radiograph import Radiograph
from samdesk.errors import SamdeskError
from samdesk.io.base import finish
from samdesk.registration import flat

SIDE = 120


def texture(seed: int = 0) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    body = np.exp(-(((x / 40) ** 2 + (y / 48) ** 2) ** 2))
    return np.asarray(body * (2 + ndimage.gaussian_filter(rng.normal(size=(SIDE, SIDE)), 5) * 8))


def test_an_affine_change_is_found() -> None:
    fixed = texture()
    matrix = np.array([[1.05, 0.08], [-0.05, 0.96]])  # (row, column) of fixed from moving
    center = np.array([SIDE / 2, SIDE / 2])
    offset = center - matrix @ center + [3.0, -4.0]
    moving = ndimage.affine_transform(fixed, matrix, offset, order=1)
    affine, bent = finish(flat.register(Radiograph(fixed), Radiograph(moving)))
    places = np.array([[45.0, 50.0], [60.0, 80.0], [75.0, 40.0]])
    truth = np.linalg.solve(matrix, (places[:, ::-1] - offset).T).T[:, ::-1]
    assert np.linalg.norm(affine.map_points(places) - truth, axis=1).max() < 1.5
    assert np.linalg.norm(bent.map_points(places) - truth, axis=1).max() < 2.5
    assert bent.seconds >= affine.seconds


def test_pictures_of_other_resolution_and_inverted_grey_are_one_picture() -> None:
    fixed = texture(1)
    large = ndimage.zoom(fixed, 3, order=1, grid_mode=True, mode="nearest")
    moving = Radiograph(-large, is_inverted=True)
    affine, _ = finish(flat.register(Radiograph(fixed), moving))
    places = np.array([[40.0, 60.0], [80.0, 70.0]])
    off = affine.map_points(places) - ((places + 0.5) * 3 - 0.5)
    assert np.linalg.norm(off, axis=1).max() < 3.0  # of pixels a third as large


def test_a_picture_too_small_to_register_is_refused() -> None:
    with pytest.raises(SamdeskError, match="8 x 20 pixels"):
        finish(flat.register(Radiograph(np.ones((20, 8))), Radiograph(texture())))


def test_an_affine_that_runs_away_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flat, "LEAST_AREA", 1.5)
    with pytest.raises(SamdeskError, match="ran away"):
        finish(flat.register(Radiograph(texture()), Radiograph(texture())))
