"""Windows: which values are black and which are white."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from samdesk.core.volume import Modality, Unit
from samdesk.core.window import CT_PRESETS, Window, first_window, percentile_window, presets_for


def test_the_ends_of_a_window_are_black_and_white() -> None:
    window = Window(40, 400)
    gray = window.to_gray(np.array([-2000, -160, 40, 240, 3000], np.int16))
    assert_array_equal(gray, [0, 0, 128, 255, 255])


def test_monochrome1_turns_the_gray_scale() -> None:
    values = np.array([0.0, 100.0], np.float32)
    assert_array_equal(Window(50, 100).to_gray(values, is_inverted=True), [255, 0])


@pytest.mark.parametrize("width", [0.0, -5.0, np.nan, np.inf])
def test_a_window_without_width_still_draws(width: float) -> None:
    assert Window(10, width).width == 1.0


def test_a_window_without_a_center_is_centered_at_zero() -> None:
    assert Window(np.nan, 10).center == 0.0


def test_a_drag_to_the_right_widens_and_upwards_brightens() -> None:
    window = Window(40, 400).dragged(10, 5, 4.0)
    assert window == Window(20, 440)
    assert Window(40, 400).dragged(-1000, 0, 4.0).width == 4.0


def test_presets_are_for_hounsfield_units() -> None:
    assert presets_for(Modality.CT, Unit.HU) == CT_PRESETS
    assert presets_for(Modality.MR, Unit.NONE) == ()
    assert presets_for(Modality.CT, Unit.NONE) == ()


def test_a_percentile_window_leaves_out_the_background_and_the_outliers() -> None:
    values = np.zeros(20_000, np.float32)
    values[10_000:] = np.linspace(100, 200, 10_000)
    values[-1] = 1e6
    window = percentile_window(values)
    assert window.low == pytest.approx(101, abs=0.1)
    assert window.high == pytest.approx(199, abs=0.1)


def test_a_flat_or_empty_picture_has_a_window_too() -> None:
    assert percentile_window(np.full((3, 3), 7)) == Window(7, 1)
    assert percentile_window(np.full((3, 3), np.nan)) == Window(0.5, 1)


def test_the_first_window_is_the_files_then_a_preset_then_percentiles() -> None:
    values = np.array([0.0, 0.0, 10.0, 20.0])
    assert first_window(values, Modality.CT, Unit.HU, (60.0, 300.0)) == Window(60, 300)
    assert first_window(values, Modality.CT, Unit.HU, (60.0, 0.0)) == CT_PRESETS[0].window
    assert first_window(values, Modality.MR, Unit.NONE) == percentile_window(values)
