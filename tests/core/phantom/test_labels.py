"""Masks of a made patient's organs lie where the organs are drawn."""

import numpy as np
import pytest

from samdesk.core.phantom.labels import LUNGS, NUMBERS, organ_labels
from samdesk.core.phantom.patient import make_patient
from samdesk.core.phantom.render import dense_map, extent, points_of, render


@pytest.fixture(scope="module")
def drawn() -> tuple[np.ndarray, np.ndarray, dict[str, int]]:
    """Values, masks, and the number at named points, of one patient's abdomen at 6 mm."""
    patient = make_patient(77_001, 1)
    low, high = extent(patient, 0)
    ends = dense_map(patient, 0).from_canonical(np.array([(0.0, 20.0, 10.0), (0.0, 20.0, 470.0)]))
    low[2], high[2] = ends[:, 2]
    volume = render(patient, 0, spacing_mm=(6.0, 6.0, 6.0), field_of_view=(low, high)).volume
    labels = organ_labels(patient, 0, volume.geometry)
    points = points_of(patient, 0)
    at = np.rint(volume.geometry.to_index(np.array(list(points.values())))).astype(int)
    inside = ((at >= 0) & (at < labels.shape)).all(axis=1)
    number = {
        name: int(labels[tuple(index)])
        for name, index, keep in zip(points, at, inside, strict=True)
        if keep
    }
    return np.asarray(volume.array), labels, number


def test_named_places_lie_in_their_organ(
    drawn: tuple[np.ndarray, np.ndarray, dict[str, int]],
) -> None:
    _, _, number = drawn
    assert number["liver_tip"] == NUMBERS["liver"]
    assert number["bladder"] == NUMBERS["bladder"]
    assert number["left_kidney_upper_pole"] == NUMBERS["left_kidney"]
    assert number["right_kidney_upper_pole"] == NUMBERS["right_kidney"]
    assert number["L3"] == 0


def test_values_in_a_mask_are_those_of_the_tissue(
    drawn: tuple[np.ndarray, np.ndarray, dict[str, int]],
) -> None:
    values, labels, _ = drawn
    assert np.median(values[labels == NUMBERS[LUNGS]]) < -600
    for organ in ("liver", "spleen", "left_kidney", "right_kidney"):
        inside = values[labels == NUMBERS[organ]]
        assert len(inside) * 0.216 > 60, organ  # ml
        assert 10 <= np.median(inside) < 260, organ
    assert np.median(values[labels == 0]) < 20
