"""What a model cannot be asked is said in a sentence."""

from dataclasses import replace

import numpy as np
import pytest

from samdesk.core.geometry import Geometry
from samdesk.core.models import ModelInfo
from samdesk.core.reading_notes import Notice
from samdesk.core.volume import Modality, Unit, Volume
from samdesk.model.fitness import reason_against


def volume(
    shape: tuple[int, int, int] = (20, 32, 32),
    spacing: tuple[float, float, float] = (3.0, 3.0, 3.0),
    low: int = -1000,
    high: int = 300,
    **more: object,
) -> Volume:
    ramp = np.linspace(low, high, int(np.prod(shape))).astype(np.int16).reshape(shape)
    return Volume(ramp, Geometry.aligned(shape, spacing), **more)  # type: ignore[arg-type]


def test_a_ct_volume_can_be_asked_about(bank: ModelInfo) -> None:
    assert reason_against(volume(), bank) == ""
    assert reason_against(volume(modality=Modality.OTHER), bank) == ""


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (volume(modality=Modality.MR), "This scan is MR; the model bank was trained on CT only"),
        (volume(modality=Modality.OTHER, unit=Unit.NONE), "does not say what made this scan"),
        (volume((1, 64, 64)), "This scan is one slice"),
        (volume((3, 64, 64), (12.0, 3.0, 3.0)), "has 3 slices over 36 mm"),
        (volume((8, 64, 64), (1.0, 3.0, 3.0)), "has 8 slices over 8 mm"),
        (volume(unit=Unit.NONE), "not known to be Hounsfield units"),
        (volume(low=0, high=1400), "do not look like Hounsfield units"),
        (volume(low=-1000, high=-1000), "All voxels of this scan have the value -1000"),
    ],
)
def test_what_cannot_be_asked_is_said(bank: ModelInfo, given: Volume, says: str) -> None:
    reason = reason_against(given, bank)
    assert says in reason
    assert reason.endswith(".")


def test_what_to_do_about_mr_is_said_with_the_refusal(bank: ModelInfo) -> None:
    reason = reason_against(volume(modality=Modality.MR, unit=Unit.NONE), bank)
    assert "`samdesk train --method sam --modality MR --data SCANS --out RUN`" in reason


def test_a_model_of_mr_takes_mr_and_scans_that_do_not_say_and_refuses_ct(bank: ModelInfo) -> None:
    mr = replace(bank, modality=Modality.MR, intensities="percentile")
    assert reason_against(volume(modality=Modality.MR, unit=Unit.NONE), mr) == ""
    assert reason_against(volume(modality=Modality.OTHER, unit=Unit.NONE), mr) == ""
    for ct in (volume(), volume(modality=Modality.OTHER)):
        assert "This scan is CT; the model bank was trained on MR only" in reason_against(ct, mr)
    even = volume(low=7, high=7, modality=Modality.MR, unit=Unit.NONE)
    assert "All voxels of this scan have the value 7" in reason_against(even, mr)


def test_a_model_of_small_cells_takes_a_small_scan(bank: ModelInfo) -> None:
    crop = volume((20, 20, 20), (1.0, 1.0, 1.0))
    assert "20 slices over 20 mm" in reason_against(crop, bank)
    assert reason_against(crop, replace(bank, spacing_mm=1.25)) == ""


def test_a_scan_without_spacing_is_known_by_its_notice(bank: ModelInfo) -> None:
    notice = Notice("no-scale", "No spacing.")
    assert "how large its voxels are" in reason_against(volume(), bank, [notice])
    assert reason_against(volume(), bank, [Notice("gantry-tilt", "Tilted.")]) == ""
