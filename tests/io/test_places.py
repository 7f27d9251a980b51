"""Places are told as far as they are known, and no further."""

import numpy as np
import pytest

from samdesk.core.geometry import Geometry
from samdesk.io.places import (
    orientation_of,
    place,
    turn_to_lps,
    usable_affine,
    usable_spacing,
)

ALIGNED = Geometry.aligned((4, 5, 6), (2.0, 1.0, 1.0)).affine


def codes(found: object) -> list[str]:
    return [notice.code for notice in found.notices]  # type: ignore[attr-defined]


def test_a_sound_affine_says_nothing() -> None:
    found = place((4, 5, 6), ALIGNED, None, "")
    assert codes(found) == []
    assert (found.spacing, found.orientation) == ((2.0, 1.0, 1.0), "axial")


def test_without_axes_the_spacing_holds_and_letters_are_off() -> None:
    found = place((4, 5, 6), None, (3.0, 2.0, 1.0), "the header names none")
    assert codes(found) == ["no-orientation"]
    assert found.spacing == found.geometry.spacing == (3.0, 2.0, 1.0)
    assert found.orientation == ""


def test_without_anything_there_is_no_spacing_at_all() -> None:
    found = place((4, 5, 6), None, (0.0, 1.0, 1.0), "why")
    assert codes(found) == ["no-orientation", "no-scale"]
    assert found.spacing is None


def test_leaning_axes_are_kept_and_said_with_their_angle() -> None:
    leaning = ALIGNED.copy()
    leaning[1, 0] = 2.0 * np.tan(np.radians(10.0))
    found = place((40, 50, 60), leaning, None, "")
    assert codes(found) == ["sheared-stack"]
    assert found.notices[0].number == pytest.approx(10.0, abs=0.1)
    np.testing.assert_array_equal(found.geometry.affine, leaning)


def test_one_slice_is_said() -> None:
    assert codes(place((1, 5, 6), ALIGNED, None, "")) == ["single-slice"]


@pytest.mark.parametrize(
    ("row", "column", "value"), [(2, 0, 0.0), (0, 3, np.nan), (1, 3, 1e30), (2, 0, 1e9)]
)
def test_an_affine_of_no_person_is_not_used(row: int, column: int, value: float) -> None:
    affine = ALIGNED.copy()
    affine[row, column] = value
    assert not usable_affine(affine)


def test_spacings_of_no_person_are_not_used() -> None:
    assert usable_spacing((1.0, 2.0, 3.0)) == (1.0, 2.0, 3.0)
    for bad in (None, (0.0, 1.0, 1.0), (-1.0, 1.0, 1.0), (np.nan, 1.0, 1.0), (1e9, 1.0, 1.0)):
        assert usable_spacing(bad) is None


@pytest.mark.parametrize(
    ("order", "name"),
    [([0, 1, 2], "axial"), ([1, 0, 2], "coronal"), ([2, 1, 0], "sagittal")],
)
def test_planes_are_named_by_their_normal(order: list[int], name: str) -> None:
    affine = np.eye(4)
    affine[:3, :3] = ALIGNED[:3, order]
    assert orientation_of(Geometry((2, 2, 2), affine)) == name


def test_an_oblique_plane_is_called_so() -> None:
    c, s = np.cos(0.3), np.sin(0.3)
    affine = np.eye(4)
    affine[:3, :3] = np.array([[1, 0, 0], [0, c, -s], [0, s, c]]) @ ALIGNED[:3, :3]
    assert orientation_of(Geometry((2, 2, 2), affine)) == "oblique axial"


@pytest.mark.parametrize(
    ("space", "signs"),
    [
        ("LPS", (1, 1, 1)),
        ("right-anterior-superior", (-1, -1, 1)),
        ("left-anterior-superior", (1, -1, 1)),
        ("RAI", (-1, -1, -1)),
    ],
)
def test_spaces_are_turned_by_their_letters(space: str, signs: tuple[int, int, int]) -> None:
    np.testing.assert_array_equal(turn_to_lps(space), np.diag(signs))


@pytest.mark.parametrize("space", ["", "scanner-xyz", "3D-right-handed", "LLS", "LPSX", "xyz"])
def test_a_space_without_patient_axes_is_none(space: str) -> None:
    assert turn_to_lps(space) is None
