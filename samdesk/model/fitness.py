"""What a model cannot be asked, and why, in a sentence: the reasons behind the verdict unknown."""

from collections.abc import Sequence

import numpy as np

from samdesk.core.models import ModelInfo
from samdesk.core.reading_notes import Notice
from samdesk.core.volume import Modality, Unit, Volume

# Codes of readers' notices after which millimetres mean nothing.
NO_SCALE_CODES = frozenset({"no-scale"})
FEWEST_SLICES = 4
# A network with 5 mm cells has nothing to compare in less than this.
SMALLEST_MM = 30.0
# CT shows fat at -100 HU and air at -1000; a picture without either is not in HU.
DARKEST_HU = -70.0
# Body, table and metal stay below this on average; larger values are raw or another unit.
BRIGHTEST_MEAN_HU = 1500.0
SAMPLE_STEP = 4


def reason_against(volume: Volume, info: ModelInfo, notices: Sequence[Notice] = ()) -> str:
    """Tell why this model cannot be asked about this volume; empty where it can.

    Args:
        volume: the template's or the target's.
        info: the model.
        notices: what the reader said of the volume.
    """
    for check in (_modality, _scale, _slices, _values):
        reason = check(volume, info, notices)
        if reason:
            return reason
    return ""


def _modality(volume: Volume, info: ModelInfo, notices: Sequence[Notice]) -> str:
    known = info.modality.value
    if volume.modality is info.modality:
        return ""
    if volume.modality is not Modality.OTHER:
        return (
            f"This scan is {volume.modality.value}; the model {info.id} was trained on {known} "
            "only, so its answer would mean nothing."
        )
    if info.modality is Modality.CT and volume.unit is Unit.HU:
        # A file without the word whose values are HU can be nothing but CT.
        return ""
    return (
        f"The file does not say what made this scan, and nothing in it shows that it is {known}; "
        f"the model {info.id} was trained on {known} only."
    )


def _scale(volume: Volume, info: ModelInfo, notices: Sequence[Notice]) -> str:
    if any(notice.code in NO_SCALE_CODES for notice in notices):
        return "This scan does not say how large its voxels are, so nothing can be matched in mm."
    return ""


def _slices(volume: Volume, info: ModelInfo, notices: Sequence[Notice]) -> str:
    shape, spacing = np.array(volume.geometry.shape), np.array(volume.geometry.spacing)
    thinnest = int(np.argmin(shape * spacing))
    extent = float(shape[thinnest] * spacing[thinnest])
    if min(shape) >= FEWEST_SLICES and extent >= SMALLEST_MM:
        return ""
    if shape[0] == 1:
        return "This scan is one slice; a place can be found in a volume only."
    return (
        f"This scan has {shape[thinnest]} slices over {extent:.0f} mm; "
        f"at least {FEWEST_SLICES} over {SMALLEST_MM:.0f} mm are needed to find a place."
    )


def _values(volume: Volume, info: ModelInfo, notices: Sequence[Notice]) -> str:
    if info.modality is not Modality.CT:
        return ""
    if volume.unit is not Unit.HU:
        return "The values of this scan are not known to be Hounsfield units."
    sample = volume.array[::SAMPLE_STEP, ::SAMPLE_STEP, ::SAMPLE_STEP]
    low, mean, high = float(sample.min()), float(sample.mean()), float(sample.max())
    if low == high:
        return f"All voxels of this scan have the value {low:.0f}."
    if low > DARKEST_HU or mean > BRIGHTEST_MEAN_HU:
        return (
            f"The values of this scan, {low:.0f} to {high:.0f}, do not look like Hounsfield units: "
            "air or fat is missing."
        )
    return ""
