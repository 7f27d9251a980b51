"""The picture of a match shows the patient's right on the left, and rings at the places."""

import io

import numpy as np
from PIL import Image

from samdesk.core.geometry import Geometry
from samdesk.core.volume import Volume
from samdesk.io.exporters.pictures import COLORS, Mark, Side, Sign, match_picture


def made() -> Volume:
    array = np.full((40, 60, 60), 40, np.int16)
    array[:, :, 40:] = 240  # the patient's left is bright
    return Volume(array, Geometry.aligned((40, 60, 60), (4, 4, 4), (-118, -118, 0)))


def drawn(*marks: Mark, at: tuple[float, float, float] = (0.0, 0.0, 80.0)) -> np.ndarray:
    side = Side(made(), at, marks, "baseline")
    return np.asarray(Image.open(io.BytesIO(match_picture(side, side))))


def reddish(picture: np.ndarray, sign: Sign) -> np.ndarray:
    return np.argwhere((np.abs(picture.astype(int) - COLORS[sign]) < 12).all(axis=2))


def test_both_scans_stand_beside_each_other() -> None:
    picture = drawn()
    assert picture.shape == (22 + 280 + 4 + 240, 804, 3)
    assert np.array_equal(picture[:, :400], picture[:, 404:])


def test_the_patients_left_is_on_the_right() -> None:
    picture = drawn()
    axial = picture[22:302, :400, 0].astype(int)
    assert axial[140, 300] > axial[140, 120] + 50


def test_a_ring_lies_around_its_place() -> None:
    at = (30.0, -20.0, 80.0)
    found = reddish(drawn(Mark(at, Sign.FOUND))[22:302, :400], Sign.FOUND)
    row, column = found.mean(axis=0)
    assert abs(column - (199.5 + 30)) < 1.5
    assert abs(row - (139.5 - 20)) < 1.5


def test_a_mark_in_another_slice_is_dashed() -> None:
    near = len(reddish(drawn(Mark((0, 0, 80), Sign.FOUND))[22:302, :400], Sign.FOUND))
    far = len(reddish(drawn(Mark((0, 0, 110), Sign.FOUND))[22:302, :400], Sign.FOUND))
    assert 0 < far < 0.8 * near


def test_a_mark_off_the_picture_does_no_harm() -> None:
    assert len(reddish(drawn(Mark((500.0, 0.0, 80.0), Sign.FOUND)), Sign.FOUND)) == 0
