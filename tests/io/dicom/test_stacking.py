"""Slices onto one grid: spacing, gaps, tilt, shear, uneven steps, never a guess."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samdesk.core.geometry import Geometry
from samdesk.io.dicom.stacking import Floats, Layout, Lean, directions, lay_out

AXES = directions((1.0, 0.0, 0.0, 0.0, 1.0, 0.0))


def stack(z: list[float], x: list[float] | None = None, y: list[float] | None = None) -> Layout:
    assert AXES is not None
    zeros = [0.0] * len(z)
    return lay_out(np.array([x or zeros, y or zeros, z]).T, AXES, (1.5, 2.0), 5.0)


def test_even_slices_lie_on_a_grid_of_their_step() -> None:
    layout = stack([6.0, 0.0, 4.0, 2.0])
    assert layout.order == (1, 3, 2, 0)
    assert layout.count == 4
    assert layout.step_mm == pytest.approx(2.0)
    assert layout.is_even
    assert layout.lean is Lean.NONE
    assert np.allclose(layout.affine[:3, :3], [[0, 0, 2.0], [0, 1.5, 0], [2, 0, 0]])


def test_a_missing_slice_keeps_the_spacing_and_names_its_place() -> None:
    layout = stack([0.0, 2.5, 7.5, 10.0])
    assert layout.step_mm == pytest.approx(2.5)
    assert layout.count == 5
    assert [(gap.at_mm, gap.axis, gap.lost) for gap in layout.gaps] == [(5.0, "z", 1)]


def test_two_places_may_lack_slices() -> None:
    z = [2.5 * k for k in range(20) if k not in (5, 10, 11)]
    layout = stack(z)
    assert [gap.lost for gap in layout.gaps] == [1, 2]
    assert layout.places.tolist() == [k for k in range(20) if k not in (5, 10, 11)]


def test_rounded_positions_are_even() -> None:
    rng = np.random.default_rng(3)
    layout = stack([2.5 * k + rng.uniform(-0.002, 0.002) for k in range(16)])
    assert layout.is_even
    assert layout.step_mm == pytest.approx(2.5, abs=0.001)


def test_a_change_of_spacing_is_uneven_and_keeps_true_places() -> None:
    z = [2.5 * k for k in range(10)] + [22.5 + 5 * k for k in range(1, 5)]
    layout = stack(z)
    assert not layout.is_even
    assert layout.gaps == ()
    assert np.allclose(layout.places * layout.step_mm, z)


def test_jitter_is_uneven_and_says_how_much() -> None:
    rng = np.random.default_rng(1)
    z = [2.5 * k + rng.uniform(-0.3, 0.3) for k in range(16)]
    layout = stack(z)
    assert not layout.is_even
    assert 0.05 < layout.worst_mm <= 0.6
    assert np.allclose(layout.places * layout.step_mm + z[0], z)


def test_steps_that_add_up_to_a_wrong_place_are_uneven() -> None:
    # Each step within 1 % of the others, and the middle 0.6 mm off a straight grid.
    z = np.concatenate([[0.0], np.cumsum([2.5] * 100 + [2.524] * 100)])
    layout = stack(z.tolist())
    assert not layout.is_even


def test_a_tilted_gantry_is_told_in_degrees_and_kept_in_the_affine() -> None:
    angle = np.radians(10.0)
    column = (0.0, float(np.cos(angle)), float(np.sin(angle)))
    axes = directions((1.0, 0.0, 0.0, *column))
    assert axes is not None
    origins = np.array([[0.0, 0.0, 2.5 * k] for k in range(16)])
    layout = lay_out(origins, axes, (1.0, 1.0), 1.0)
    assert layout.lean is Lean.TILT
    assert layout.lean_degrees == pytest.approx(10.0, abs=0.01)
    assert layout.step_mm == pytest.approx(2.5 * np.cos(angle))
    geometry = Geometry((16, 8, 8), layout.affine)
    at_last = geometry.to_mm(np.array([[15.0, 0.0, 0.0]]))[0]
    assert np.allclose(at_last, [0.0, 0.0, 37.5], atol=1e-6)


def test_slices_shifted_along_rows_are_a_shear() -> None:
    layout = stack([2.5 * k for k in range(16)], x=[0.8 * k for k in range(16)])
    assert layout.lean is Lean.SHEAR
    geometry = Geometry((16, 8, 8), layout.affine)
    assert np.allclose(geometry.to_mm(np.array([[10.0, 0, 0]]))[0], [8.0, 0.0, 25.0])


def test_slices_that_wander_sideways_tell_each_shift() -> None:
    rng = np.random.default_rng(5)
    x = rng.uniform(-1, 1, 12).tolist()
    layout = stack([2.0 * k for k in range(12)], x=x)
    assert layout.lean is Lean.SHEAR
    assert layout.shifts is not None
    line = layout.affine[0, 3] + layout.affine[0, 0] * np.arange(12)
    assert np.allclose(line + layout.shifts[:, 1], x, atol=1e-9)


def test_an_oblique_stack_along_its_own_normal_is_not_tilted() -> None:
    angle = np.radians(20)
    axes = directions((1.0, 0.0, 0.0, 0.0, float(np.cos(angle)), float(np.sin(angle))))
    assert axes is not None
    layout = lay_out(np.outer(np.arange(18) * 2.5, axes[2]), axes, (1.0, 1.0), 1.0)
    assert layout.lean is Lean.NONE
    assert layout.is_even


def test_one_slice_takes_the_size_that_is_given() -> None:
    layout = stack([20.0])
    assert layout.count == 1
    assert layout.step_mm == 5.0


@pytest.mark.parametrize(
    "orientation",
    [
        None,
        (1.0, 0.0, 0.0),
        (0.0,) * 6,
        (2.0, 0.0, 0.0, 0.0, 2.0, 0.0),
        (1.0, 0.0, 0.0, 0.5, 0.8660254, 0.0),
    ],
)
def test_directions_that_are_no_directions_are_refused(
    orientation: tuple[float, ...] | None,
) -> None:
    assert directions(orientation) is None


def test_directions_of_four_decimals_are_made_exact() -> None:
    axes = directions((0.7071, 0.7071, 0.0, -0.7071, 0.7071, 0.0))
    assert axes is not None
    assert np.allclose(axes @ axes.T, np.eye(3), atol=1e-12)


rotations = st.integers(0, 10_000)


@given(seed=rotations, step=st.floats(0.3, 8), shear=st.floats(-0.3, 0.3), count=st.integers(3, 40))
def test_any_sheared_stack_puts_each_slice_where_it_was(
    seed: int, step: float, shear: float, count: int
) -> None:
    rng = np.random.default_rng(seed)
    q: Floats = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    axes = np.stack([q[0], q[1], np.cross(q[0], q[1])])
    start = rng.uniform(-300, 300, 3)
    origins = start + np.outer(np.arange(count) * step, axes[2] + shear * axes[1])
    shuffled = rng.permutation(count)
    layout = lay_out(origins[shuffled], axes, (0.7, 0.9), 1.0)
    geometry = Geometry((layout.count, 4, 4), layout.affine)
    index = np.stack([layout.places, np.zeros(count), np.zeros(count)], axis=1)
    assert layout.count == count
    allowed = 1e-6 if layout.lean is not Lean.NONE or abs(shear) < 1e-9 else 0.11
    found = geometry.to_mm(index)
    assert np.abs(found - origins[shuffled][list(layout.order)]).max() < allowed


def test_where_most_slices_are_absent_the_smallest_step_counts() -> None:
    layout = stack([0.0, 2.0, 6.0, 10.0])
    assert layout.is_even
    assert layout.step_mm == pytest.approx(2.0)
    assert [gap.lost for gap in layout.gaps] == [1, 1]
