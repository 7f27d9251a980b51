"""Dice of organs after a registration."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from samdesk.core.geometry import Geometry
from samdesk.core.volume import Modality, Unit, Volume
from samdesk.errors import ReadError
from samdesk.evaluation import overlap
from samdesk.evaluation.made import FIRST_SEED, made_case
from samdesk.evaluation.overlap import Labels
from samdesk.evaluation.registering_cases import with_labels
from samdesk.evaluation.scans import RealScan
from samdesk.io.exporters.registration import write_volume
from samdesk.registration.aligned import linear_transform
from samdesk.registration.transform import Registration

COARSE = (8.0, 6.0, 6.0)


def shifted(mm: tuple[float, float, float]) -> Registration:
    affine = np.eye(4)
    affine[:3, 3] = mm
    return Registration("made", 0.0, 0.0, linear_transform(affine))


@pytest.fixture(scope="module")
def same() -> overlap.LabeledCase:
    """A made patient beside itself."""
    case = made_case((FIRST_SEED, 0), (FIRST_SEED, 0), COARSE)
    return with_labels(case, overlap.made_labels(case, (FIRST_SEED, 0), (FIRST_SEED, 0)))


def test_a_scan_laid_onto_itself_has_a_dice_of_one(same: overlap.LabeledCase) -> None:
    found = overlap.dice_of(same, shifted((0.0, 0.0, 0.0)))
    assert {"liver", "spleen", "left_kidney"} <= found.keys()
    assert all(value == 1.0 for value in found.values())


def test_the_farther_it_is_moved_the_less_lies_on_each_other(same: overlap.LabeledCase) -> None:
    near, far = (overlap.dice_of(same, shifted((mm, 0.0, 0.0)))["spleen"] for mm in (8.0, 30.0))
    assert 0.5 < near < 0.95
    assert far < near - 0.2


def test_a_case_without_organs_has_no_dice(same: overlap.LabeledCase) -> None:
    assert overlap.dice_of(replace(same, labels=None), shifted((0.0, 0.0, 0.0))) == {}


def real_scan(folder: Path, name: str, origin_z: float, numbers: tuple[int, int]) -> RealScan:
    """Write masks of two boxes, the second cut by the last slice."""
    array = np.zeros((30, 40, 40), np.int16)
    array[8:16, 10:22, 10:22] = numbers[0]
    array[22:30, 10:22, 10:22] = numbers[1]
    grid = Geometry.aligned(array.shape, (4.0, 3.0, 3.0), (0.0, 0.0, origin_z))
    write_volume(folder / f"{name}.nii.gz", Volume(array, grid, Modality.OTHER, Unit.NONE))
    labels = {"box": numbers[0], "cut": numbers[1]}
    return RealScan(
        name, folder / "none", "test", name, "", "", {}, folder / f"{name}.nii.gz", labels
    )


def test_masks_are_compared_by_the_name_of_the_organ(tmp_path: Path) -> None:
    one = real_scan(tmp_path, "one", 0.0, (3, 4))
    other = real_scan(tmp_path, "other", 50.0, (7, 9))
    labels = overlap.masks_of(one, other)
    assert dict(labels.names) == {3: "box"}  # the cut one is not whole
    image = Volume(
        np.zeros((30, 40, 40), np.int16), Geometry.aligned((30, 40, 40), (4.0, 3.0, 3.0))
    )
    nothing = np.empty((0, 3))
    case = overlap.LabeledCase("boxes", image, image, nothing, nothing, labels=labels)
    assert overlap.dice_of(case, shifted((0.0, 0.0, 50.0)))["box"] > 0.95
    assert overlap.dice_of(case, shifted((0.0, 0.0, 150.0)))["box"] == 0.0


def test_a_scan_without_masks_is_refused(tmp_path: Path) -> None:
    one = real_scan(tmp_path, "one", 0.0, (3, 4))
    with pytest.raises(ReadError, match="no masks"):
        overlap.masks_of(one, replace(one, masks=None))


def test_organs_that_no_point_meets_are_left_out() -> None:
    labels = Labels(
        {1: "nowhere"}, lambda p: np.zeros(len(p), int), lambda p: np.zeros(len(p), int)
    )
    image = Volume(np.zeros((4, 4, 4), np.int16), Geometry.aligned((4, 4, 4), (4.0, 4.0, 4.0)))
    case = overlap.LabeledCase(
        "none", image, image, np.empty((0, 3)), np.empty((0, 3)), labels=labels
    )
    assert overlap.dice_of(case, shifted((0.0, 0.0, 0.0))) == {}
