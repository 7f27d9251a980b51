"""Masks of the organs of a made patient: which voxel belongs to which."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from samdesk.core.geometry import Geometry
from samdesk.core.phantom import organs
from samdesk.core.phantom.body_map import dense_map
from samdesk.core.phantom.canvas import Canvas
from samdesk.core.phantom.patient import Patient
from samdesk.core.phantom.shapes import Shape

LUNGS = "lungs"
# Numbers as TotalSegmentator v2 gives them; both lungs have that of a left upper lobe.
NUMBERS: Mapping[str, int] = MappingProxyType({
    "spleen": 1, "right_kidney": 2, "left_kidney": 3, "gallbladder": 4, "liver": 5, "stomach": 6,
    "pancreas": 7, LUNGS: 10, "bladder": 21,
})  # fmt: skip
HALF = 0.5


def organ_labels(patient: Patient, timepoint: int, geometry: Geometry) -> NDArray[np.uint8]:
    """Give the number of the organ at each voxel, in the order in which `render` paints them.

    Args:
        patient: from `make_patient`.
        timepoint: number of the date, from 0.
        geometry: an aligned grid in patient mm.

    Returns:
        (k, j, i), 0 where none of `NUMBERS` is.
    """
    canvas = Canvas.blank(geometry, dense_map(patient, timepoint), patient.seed)
    made = np.zeros(geometry.shape, np.uint8)
    for side in (-1.0, 1.0):
        _put(canvas, made, organs.lung(side), NUMBERS[LUNGS])
    everything = organs.organs()
    canvas.locate([organ.shape for organ in everything])
    for organ in everything:
        _put(canvas, made, organ.shape, NUMBERS.get(organ.name, 0))
    return made


def _put(canvas: Canvas, made: NDArray[np.uint8], shape: Shape, number: int) -> None:
    """Number the voxels that a shape fills at least by half; 0 takes them from what was there."""
    box = canvas.box(shape)
    if box is not None:
        made[box][canvas.cover(shape, box) > HALF] = number
