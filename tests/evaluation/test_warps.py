"""A warped copy is what its truth says."""

import numpy as np
import pytest
from scipy import ndimage

from samdesk.core.volume import Volume
from samdesk.evaluation import warps
from samdesk.evaluation.places import cropped, draw_in_body


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_there_and_back_is_closer_than_a_twentieth_of_a_millimetre(scan: Volume, seed: int) -> None:
    warp = warps.draw_warp(scan, np.random.default_rng(seed))
    places = draw_in_body(scan, 200, np.random.default_rng(seed))
    assert np.abs(warp.to_scan(warp.to_copy(places)) - places).max() < 0.05


def test_the_bend_is_as_strong_as_promised(scan: Volume) -> None:
    rng = np.random.default_rng(5)
    warp = warps.draw_warp(scan, rng)
    places = draw_in_body(scan, 400, rng)
    straight = warps.Warp(
        warp.center, warp.shift, warp.linear, 0 * warp.control, warp.control_origin,
        warp.control_mm,
    )  # fmt: skip
    bend = np.linalg.norm(warp.to_scan(places) - straight.to_scan(places), axis=1)
    assert 2.0 < np.median(bend) < 14.0


def test_the_copy_has_at_the_truth_what_the_scan_has_at_the_place(
    scan: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warps, "NOISE_HU", (0.0, 0.0))
    monkeypatch.setattr(warps, "_recolored", lambda hu, rng: hu)
    case = warps.make_case("made", scan, 3, 60)
    ours = sampled(case.template, case.places)
    theirs = sampled(case.target, case.truth)
    assert np.corrcoef(ours, theirs)[0, 1] > 0.95


def test_places_lie_inside_the_crop_and_absent_ones_well_outside(scan: Volume) -> None:
    case = warps.make_case("made", cropped(scan, 12, 60), 11, 40)
    assert len(case.places) == len(case.truth) == 40
    assert (case.target.geometry.outside_mm(case.truth) == 0).all()
    length = np.ptp(case.target.geometry.corners_mm[:, 2])
    assert length < 0.95 * np.ptp(case.template.geometry.corners_mm[:, 2])
    assert case.absent is not None
    assert len(case.absent)


def test_the_same_seed_gives_the_same_case(scan: Volume) -> None:
    first, second = (warps.make_case("made", scan, 4, 10) for _ in range(2))
    assert np.array_equal(first.target.array, second.target.array)
    assert np.array_equal(first.truth, second.truth)


def sampled(volume: Volume, mm: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> np.ndarray:  # type: ignore[type-arg]
    index = volume.geometry.to_index(mm).T
    return ndimage.map_coordinates(volume.array.astype(np.float32), index, order=1)
