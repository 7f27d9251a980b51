"""What a model cannot be asked, and why, in a sentence: the reasons behind the verdict unknown."""

from collections.abc import Sequence

import numpy as np

from samdesk.core.models import ModelInfo
from samdesk.core.reading_notes import Notice
from samdesk.core.volume import Modality, Unit, Volume

# Codes of readers' notices after which millimetres mean nothing.
NO_SCALE_CODES = frozenset({"no-scale"})
FEWEST_SLICES = 4
# A network has nothing to compare in less than so many of its fine cells: 30 mm for CT's of 5 mm.
SMALLEST_CELLS = 6
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


def taken_for(volume: Volume) -> Modality:
    """Tell what a scan is taken for; one that does not say so is CT where its values are HU."""
    if volume.modality is Modality.OTHER and volume.unit is Unit.HU:
        return Modality.CT
    return volume.modality


def next_step(modality: Modality) -> str:
    """Say how to get a model for scans that no installed model knows."""
    if modality in (Modality.MR, Modality.OTHER):
        return (
            "`samdesk train --method sam --modality MR --data SCANS --out RUN` makes a model of "
            "your own MR scans."
        )
    return "`samdesk model list` shows what is installed and where it is looked for."


def _modality(volume: Volume, info: ModelInfo, notices: Sequence[Notice]) -> str:
    known, given = info.modality.value, taken_for(volume)
    if given is info.modality:
        return ""
    if given is not Modality.OTHER:
        return (
            f"This scan is {given.value}; the model {info.id} was trained on {known} "
            f"only, so its answer would mean nothing. {next_step(given)}"
        )
    if info.modality is Modality.MR:
        # No file of this kind can say that it is MR; who names an MR model for it says so.
        return ""
    return (
        f"The file does not say what made this scan, and nothing in it shows that it is {known}; "
        f"the model {info.id} was trained on {known} only. {next_step(given)}"
    )


def _scale(volume: Volume, info: ModelInfo, notices: Sequence[Notice]) -> str:
    if any(notice.code in NO_SCALE_CODES for notice in notices):
        return "This scan does not say how large its voxels are, so nothing can be matched in mm."
    return ""


def _slices(volume: Volume, info: ModelInfo, notices: Sequence[Notice]) -> str:
    shape, spacing = np.array(volume.geometry.shape), np.array(volume.geometry.spacing)
    thinnest = int(np.argmin(shape * spacing))
    extent = float(shape[thinnest] * spacing[thinnest])
    needed = SMALLEST_CELLS * info.fine_stride * info.spacing_mm
    if min(shape) >= FEWEST_SLICES and extent >= needed:
        return ""
    if shape[0] == 1:
        return "This scan is one slice; a place can be found in a volume only."
    return (
        f"This scan has {shape[thinnest]} slices over {extent:.0f} mm; "
        f"at least {FEWEST_SLICES} over {needed:.0f} mm are needed to find a place."
    )


def _values(volume: Volume, info: ModelInfo, notices: Sequence[Notice]) -> str:
    if info.modality is not Modality.CT:
        return _one_value(volume)
    if volume.unit is not Unit.HU:
        return "The values of this scan are not known to be Hounsfield units."
    sample = volume.array[::SAMPLE_STEP, ::SAMPLE_STEP, ::SAMPLE_STEP]
    low, mean, high = float(sample.min()), float(sample.mean()), float(sample.max())
    if low == high:
        return _one_value(volume)
    if low > DARKEST_HU or mean > BRIGHTEST_MEAN_HU:
        return (
            f"The values of this scan, {low:.0f} to {high:.0f}, do not look like Hounsfield units: "
            "air or fat is missing."
        )
    return ""


def _one_value(volume: Volume) -> str:
    sample = volume.array[::SAMPLE_STEP, ::SAMPLE_STEP, ::SAMPLE_STEP]
    low, high = float(sample.min()), float(sample.max())
    return f"All voxels of this scan have the value {low:.0f}." if low == high else ""
