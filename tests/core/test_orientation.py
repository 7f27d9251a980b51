"""Letters of directions and places in the patient."""

import numpy as np
import pytest

from samdesk.core.orientation import letters, nearest_axes, opposite, position_words


@pytest.mark.parametrize(
    ("direction", "name"),
    [
        ((1, 0, 0), "L"), ((-1, 0, 0), "R"), ((0, 1, 0), "P"), ((0, -1, 0), "A"),
        ((0, 0, 5), "H"), ((0, 0, -0.2), "F"),
    ],
)  # fmt: skip
def test_a_direction_along_an_axis_has_one_letter(
    direction: tuple[float, float, float], name: str
) -> None:
    assert letters(direction) == name


def test_an_oblique_direction_names_its_stronger_axis_first() -> None:
    assert letters((0.8, 0.6, 0)) == "LP"
    assert letters((-0.3, 0.1, 0.95)) == "HR"


def test_a_lean_below_ten_degrees_is_not_named() -> None:
    # 8 degrees of gantry tilt: sin = 0.139.
    assert letters((0, np.cos(np.radians(8)), np.sin(np.radians(8)))) == "P"
    assert letters((0, np.cos(np.radians(12)), np.sin(np.radians(12)))) == "PH"


@pytest.mark.parametrize("direction", [(0, 0, 0), (np.nan, 0, 1)])
def test_a_direction_that_is_none_has_no_letter(direction: tuple[float, float, float]) -> None:
    assert letters(direction) == ""


def test_the_opposite_of_a_direction_turns_each_letter() -> None:
    assert opposite("LPF") == "RAH"


def test_a_place_is_written_with_letters_for_signs() -> None:
    assert position_words((-30.0, -12.04, 20.0)) == "R 30.0  A 12.0  H 20.0"
    assert position_words((30.0, 12.0, -20.0)) == "L 30.0  P 12.0  F 20.0"


def test_what_rounds_to_zero_has_no_minus() -> None:
    assert position_words((-0.04, 0.0, 0.04)) == "L 0.0  P 0.0  H 0.0"


def test_array_axes_are_found_in_a_volume_stored_from_the_side() -> None:
    # k runs along x, j along -z, i along y: a sagittal acquisition.
    columns = np.array([[2.0, 0, 0], [0, 0, 1], [0, -1, 0]])
    assert nearest_axes(columns) == (0, 2, 1)
