"""Values without a unit come out at fixed numbers, whatever the scanner's gain was."""

import numpy as np
import pytest
from numpy.typing import NDArray

from samdesk.core.geometry import Geometry
from samdesk.core.volume import Modality, Unit, Volume
from samdesk.model.embedder import body_cells
from samdesk.model.intensities import PERCENTILE, Scale
from samdesk.model.preprocess import to_network_grid


def ball(gain: float = 1.0, zero: float = 0.0) -> Volume:
    """A head of 40 mm radius with a smooth pattern in it, air with a little noise around."""
    at = np.indices((48, 48, 48)).astype(np.float64)
    far = np.sqrt(((at - 23.5) ** 2).sum(axis=0)) * 2.0
    tissue = 120 + 60 * np.sin(at[0] / 3) * np.cos(at[2] / 4)
    noise = np.random.default_rng(0).random(far.shape) * 4
    values = np.where(far < 40, tissue, 0.0) + noise
    array = (values * gain + zero).astype(np.float32)
    return Volume(array, Geometry.aligned((48, 48, 48), (2.0,) * 3), Modality.MR, Unit.NONE)


def prepared(volume: Volume) -> NDArray[np.float32]:
    return to_network_grid(volume, 2.0, 16, PERCENTILE)[0]


def test_the_percentiles_of_the_body_and_the_air_get_their_places() -> None:
    scale = Scale.of(ball())
    known = np.array([scale.air, scale.dark, scale.bright, 1e6], np.float32)
    assert scale.fixed(known).tolist() == [-1000, -800, 800, 1600]
    out = prepared(ball())
    assert out.dtype == np.float32
    tissue = out[8:40, 20:28, 20:28]
    assert np.percentile(tissue, 2) < -500 < 500 < np.percentile(tissue, 98)


@pytest.mark.parametrize(("gain", "zero"), [(7.3, 0.0), (0.02, 0.0), (1.0, 500.0)])
def test_gain_and_zero_of_the_scanner_do_not_matter(gain: float, zero: float) -> None:
    assert np.allclose(prepared(ball()), prepared(ball(gain, zero)), atol=0.5)


def test_more_values_never_turn_darker() -> None:
    out = Scale.of(ball()).fixed(np.linspace(-50, 400, 500).astype(np.float32))
    assert (np.diff(out) >= 0).all()
    assert out.min() == -1000


def test_beyond_the_scan_there_is_air_and_in_the_air_no_match() -> None:
    out, _ = to_network_grid(ball(), 2.0, 32, PERCENTILE)
    assert (out[48:] == -1000).all()
    body = body_cells(out, 2, PERCENTILE)
    assert body[12, 12, 12]
    assert not body[:, :2, :2].any()
    assert not body[26:].any()


@pytest.mark.parametrize("values", [0, 5])
def test_a_scan_of_one_value_and_a_mask_end_in_numbers(values: int) -> None:
    array = np.full((20, 20, 20), values, np.int16)
    array[5:10] = 5
    volume = Volume(array, Geometry.aligned(array.shape, (2.0,) * 3), Modality.MR, Unit.NONE)
    assert np.isfinite(to_network_grid(volume, 2.0, 16, PERCENTILE)[0]).all()
