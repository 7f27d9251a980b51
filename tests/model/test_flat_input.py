"""A radiograph as the network sees it: sizes, places and grey values."""

import numpy as np
import pytest

from samdesk.core.radiograph import Radiograph
from samdesk.model.flat_input import Frame, levels, network_input, resampled
from tests.model import made_flat


def test_places_go_to_the_input_and_back() -> None:
    frame = Frame.of((1000, 800), 512)
    assert frame.size == (512, 410)
    at = np.array([[0.0, 0.0], [799.0, 999.0], [123.4, 567.8]])
    np.testing.assert_allclose(frame.to_picture(frame.to_input(at)), at)
    # the corner of the first pixel stays the corner of the first pixel
    np.testing.assert_allclose(frame.to_input(np.array([[-0.5, -0.5]])), [[-0.5, -0.5]])


@pytest.mark.parametrize("side", [96, 300, 700, 1500])
def test_a_bright_spot_stays_where_it_is_in_every_size(side: int) -> None:
    y, x = np.mgrid[:side, :side]
    at = np.array([0.3, 0.62]) * side
    spot = np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / (2 * (side / 25) ** 2))
    frame = Frame.of((side, side), 256)
    small = resampled(spot.astype(np.float32), frame)
    j, i = np.mgrid[:256, :256]
    middle = np.array([(small * i).sum(), (small * j).sum()]) / small.sum()
    np.testing.assert_allclose(middle, frame.to_input(at[None])[0], atol=0.35)


def test_percentiles_are_put_in_fixed_places_and_inverted_pictures_turned() -> None:
    array = np.arange(10_000, dtype=np.uint16).reshape(100, 100)
    grey = levels(Radiograph(array))
    assert grey.flat[100] == pytest.approx(-800, abs=2)
    assert grey.flat[9899] == pytest.approx(800, abs=2)
    np.testing.assert_allclose(levels(Radiograph(array, is_inverted=True)), -grey, atol=0.5)
    assert np.isfinite(levels(Radiograph(np.full((20, 20), 7, np.uint8)))).all()


def test_the_input_is_padded_with_dark_to_whole_cells(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    info = made_flat.write_model(tmp_path_factory.mktemp("m") / "flat")
    x, frame = network_input(made_flat.radiograph((200, 130)), info)
    assert x.shape == (1, 1, 256, 192)
    assert frame.size == (256, 166)
    assert (x[..., 166:] == -2.0).all()
    assert x[..., :166].min() >= -2.0
