"""A radiograph measures in millimeters only where it says what they rest on."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samdesk.core.radiograph import Radiograph, Scale
from samdesk.errors import GeometryError

PICTURE = np.zeros((4, 5), dtype=np.uint8)
PLACE = st.tuples(st.floats(-500, 500), st.floats(-500, 500))


def test_without_a_scale_lengths_are_pixels() -> None:
    assert Radiograph(PICTURE).length((0.0, 0.0), (3.0, 4.0)) == (5.0, "px")


def test_with_a_scale_rows_and_columns_count_their_own_millimeters() -> None:
    picture = Radiograph(PICTURE, (2.0, 0.5), Scale.DETECTOR)
    assert picture.length((0.0, 0.0), (6.0, 2.0)) == (5.0, "mm")


@given(PLACE, PLACE, st.floats(0.01, 2.0))
def test_a_length_is_the_same_both_ways_and_grows_with_the_pixel(
    start: tuple[float, float], end: tuple[float, float], size: float
) -> None:
    picture = Radiograph(PICTURE, (size, size), Scale.CALIBRATED)
    there, unit = picture.length(start, end)
    pixels, _ = Radiograph(PICTURE).length(end, start)
    assert unit == "mm"
    assert there == pytest.approx(pixels * size, rel=1e-9, abs=1e-9)


def test_millimeters_without_a_source_are_refused() -> None:
    with pytest.raises(GeometryError, match="rest on"):
        Radiograph(PICTURE, (1.0, 1.0), Scale.NONE)
    with pytest.raises(GeometryError, match="rest on"):
        Radiograph(PICTURE, None, Scale.CALIBRATED)


@pytest.mark.parametrize("size", [0.0, -1.0, np.nan, np.inf])
def test_a_pixel_without_a_size_is_refused(size: float) -> None:
    with pytest.raises(GeometryError, match="above 0"):
        Radiograph(PICTURE, (1.0, size), Scale.CALIBRATED)


@pytest.mark.parametrize("shape", [(4,), (2, 3, 4), (0, 5)])
def test_what_is_no_picture_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(GeometryError, match="picture"):
        Radiograph(np.zeros(shape, dtype=np.uint8))


def test_the_picture_is_read_only() -> None:
    with pytest.raises(ValueError, match="read-only"):
        Radiograph(PICTURE).array[0, 0] = 1
