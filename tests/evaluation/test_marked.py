"""Known places: ends and tubes of masks lie where the masks were drawn, rules know their limits."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from samdesk.core.geometry import Geometry
from samdesk.core.volume import Volume
from samdesk.errors import ReadError
from samdesk.evaluation import marked
from samdesk.evaluation.marked import LISTED, MASKED, RULED, end_of, liver_dome, misfits, places_of
from samdesk.evaluation.scans import real_scans
from samdesk.io.base import finish
from samdesk.io.phantom_files import write_nifti
from tests.evaluation.made_data import CARINA, KIDNEY, mask_of, write_data


@pytest.fixture
def data(scan: Volume, tmp_path: Path) -> Path:
    return write_data(tmp_path / "data", scan)


def test_ends_of_an_organ_lie_at_its_ends(scan: Volume) -> None:
    kidney = mask_of(scan.geometry) == 3
    upper, lower = (end_of(kidney, scan.geometry, 2, sign) for sign in (1, -1))
    assert upper is not None
    assert lower is not None
    assert np.abs(np.array(upper)[:2] - KIDNEY[:2]).max() < 1.5
    assert KIDNEY[2] + 13 < upper[2] < KIDNEY[2] + 20
    assert KIDNEY[2] - 20 < lower[2] < KIDNEY[2] - 13


def test_an_organ_that_the_scan_cuts_has_no_end_there(scan: Volume) -> None:
    kidney = mask_of(scan.geometry) == 3
    top = int(np.argwhere(kidney.any(axis=(1, 2))).max())
    grid = scan.geometry
    cut = Geometry((top, *grid.shape[1:]), grid.affine)
    assert end_of(kidney[:top], cut, 2, 1) is None
    assert end_of(kidney[:top], cut, 2, -1) is not None
    assert end_of(np.zeros_like(kidney), grid, 2, 1) is None


def test_places_of_lists_masks_and_tubes_come_together(data: Path) -> None:
    scan = next(s for s in real_scans(data, "test") if s.name == "belly_a")
    places = finish(places_of(scan, finish(scan.open())))
    assert places["kidney_left"].kind == LISTED
    assert places["kidney_left_upper_pole"].kind == MASKED
    tube = np.array(places["aorta_at_L4"].at_mm)
    assert np.linalg.norm(tube - (0, 10, -20)) < 2.0
    assert "aorta" not in places  # the list says that the edge cuts it
    chest = next(s for s in real_scans(data, "test") if s.name == "chest_a")
    places = finish(places_of(chest, finish(chest.open())))
    assert places["carina"].at_mm == CARINA
    assert places["lung_apex_left"].kind == RULED


def test_masks_of_another_grid_are_refused(data: Path, scan: Volume) -> None:
    belly = next(s for s in real_scans(data, "test") if s.name == "belly_a")
    volume = finish(belly.open())
    other = Volume(volume.array[2:], volume.geometry.__class__(
        (volume.array.shape[0] - 2, *volume.array.shape[1:]), volume.geometry.affine
    ))  # fmt: skip
    assert belly.masks is not None
    write_nifti(other, belly.masks)
    with pytest.raises(ReadError, match="grid of that scan"):
        finish(places_of(belly, scan))


def test_a_place_outside_its_scan_is_named(data: Path, scan: Volume) -> None:
    chest = replace(real_scans(data, "test")[0], points={"carina": (0.0, 0.0, 900.0)})
    (problem,) = misfits(chest, scan.geometry)
    assert "carina of chest_a" in problem
    assert misfits(replace(chest, points={}), scan.geometry) == []
    assert misfits(replace(chest, points={"a": (0.0, 0.0, 0.0)}), scan.geometry) == []


def lungs(top_mm: float = 100.0, *, is_flipped: bool = False) -> Volume:
    """Draw a trunk with two lungs; the floor of the right one is a dome at (-60, 0, 0)."""
    shape = (70, 60, 80)
    grid = Geometry.aligned(shape, (4.0, 4.0, 4.0), (-158.0, -118.0, -140.0))
    mm = grid.to_mm(np.indices(shape).reshape(3, -1).T.astype(float))
    x, y, z = mm.T
    hu = np.where((x / 150) ** 2 + (y / 105) ** 2 < 1, 40.0, -1000.0)
    for side in (-1, 1):
        inside = ((x - side * 60) / 50) ** 2 + (y / 75) ** 2 < 1
        floor = -((x - side * 60) ** 2 + y**2) / 60
        hu[inside & (z > floor) & (z < top_mm)] = -850
    array = hu.reshape(shape).astype(np.int16)
    if not is_flipped:
        return Volume(array, grid)
    affine = grid.affine.copy()
    affine[:3, 0] *= -1
    affine[:3, 3] = grid.to_mm(np.array([[shape[0] - 1.0, 0, 0]]))[0]
    return Volume(array[::-1], Geometry(shape, affine))


@pytest.mark.parametrize("is_flipped", [False, True])
def test_the_dome_of_the_liver_is_the_top_of_the_lungs_floor(is_flipped: bool) -> None:
    dome = liver_dome(lungs(is_flipped=is_flipped))
    assert dome is not None
    assert np.linalg.norm(np.array(dome) - (-60, 0, 0)) < 12


def test_a_scan_without_lungs_or_with_little_lung_above_shows_no_dome(scan: Volume) -> None:
    assert liver_dome(scan) is None
    volume = lungs()
    k = round(float(volume.geometry.to_index(np.array([[-60.0, 0.0, 4.0]]))[0, 0]))
    low = Volume(volume.array[:k], Geometry((k, *volume.array.shape[1:]), volume.geometry.affine))
    assert liver_dome(low) is None


def test_a_floor_near_the_carina_is_a_shadow(data: Path) -> None:
    chest = real_scans(data, "test")[0]
    near = replace(chest, points={"carina": (0.0, 0.0, marked.LEAST_BELOW_CARINA_MM - 15)})
    far = replace(chest, points={"carina": (0.0, 0.0, 90.0)})
    assert "liver_dome" not in finish(places_of(near, lungs()))
    assert finish(places_of(far, lungs()))["liver_dome"].kind == RULED
