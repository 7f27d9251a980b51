"""The map between patient and canonical mm is exact both ways."""

from functools import lru_cache

import numpy as np
import pytest

from samdesk.core.phantom.body_map import dense_map
from samdesk.core.phantom.named import NAMED
from samdesk.core.phantom.patient import Patient, make_patient


@lru_cache
def made(seed: int) -> Patient:
    return make_patient(seed)


def inside(count: int) -> np.ndarray:
    rng = np.random.default_rng(5)
    return rng.uniform((-120, -80, -20), (120, 100, 610), (count, 3))


@pytest.mark.parametrize("timepoint", [0, 1])
def test_a_place_taken_there_and_back_is_the_same(patient: Patient, timepoint: int) -> None:
    mapping = dense_map(patient, timepoint)
    there = mapping.from_canonical(inside(400))
    assert np.abs(mapping.to_canonical(there) - inside(400)).max() < 0.01
    again = mapping.from_canonical(mapping.to_canonical(there))
    assert np.abs(again - there).max() < 0.01


def test_the_map_of_a_whole_grid_is_the_map_of_its_places(patient: Patient) -> None:
    mapping = dense_map(patient, 0)
    x, y, z = np.linspace(-90, 90, 5), np.linspace(-60, 60, 4), np.linspace(50, 500, 6)
    planes = np.stack(mapping.on_axes(x, y, z), axis=-1).reshape(-1, 3)
    places = np.stack(np.meshgrid(z, y, x, indexing="ij")[::-1], axis=-1).reshape(-1, 3)
    assert np.abs(planes - mapping.to_canonical(places)).max() < 1e-3


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_no_map_folds_the_body(seed: int) -> None:
    assert dense_map(made(seed), 0).smallest_volume() > 0.03


def test_beyond_the_nodes_the_map_goes_on_as_a_shift(patient: Patient) -> None:
    mapping = dense_map(patient, 0)
    far = np.array([[0.0, 0.0, 5000.0], [0.0, 0.0, 5010.0]])
    moved = mapping.to_canonical(far)
    assert moved[1] - moved[0] == pytest.approx([0, 0, 10])


def test_organs_lie_elsewhere_against_the_same_skeleton_in_other_people() -> None:
    names = ("left_renal_hilum", "right_renal_hilum", "liver_tip", "spleen_hilum", "aortic_arch")
    places = np.array([NAMED[name] for name in ("L1", "T9", *names)])
    seen = np.array([dense_map(made(seed), 0).from_canonical(places) for seed in range(4)])
    spine = np.linalg.norm(seen[:, 1] - seen[:, 0], axis=1) / np.linalg.norm(places[1] - places[0])
    assert np.abs(spine - 1).max() < 0.2
    apart = (seen[:, 2:] - seen[:, :1]).std(axis=0)
    assert np.linalg.norm(apart, axis=1).min() > 5
