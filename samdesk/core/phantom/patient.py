"""A made patient: the build, where the organs lie, the grey values, the lesions and the dates."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from samdesk.core.geometry import Position
from samdesk.core.phantom import lesions, tissues
from samdesk.core.phantom.lesions import LesionCourse


class Phase(Enum):
    """When the contrast agent was seen."""

    NATIVE = "native"
    ARTERIAL = "arterial"
    PORTAL = "portal venous"


@dataclass(frozen=True)
class Build:
    """The shape of a person against the canonical body.

    Attributes:
        sex: "F" or "M".
        width, depth: scale of the trunk across and front to back.
        chest, belly, pelvis: scale along z of the three parts of the trunk.
        fat: thickness of the fat under the skin against the canonical body.
        sway_mm: how far the spine leaves the midline (x) and its usual curve (y).
    """

    sex: str
    width: float
    depth: float
    chest: float
    belly: float
    pelvis: float
    fat: float
    sway_mm: tuple[float, float]


@dataclass(frozen=True)
class Timepoint:
    """One date: how the patient lay and breathed and how the scan was made.

    Attributes:
        date: study date, YYYYMMDD.
        turn_degrees: pose, about x, y and z.
        shift_mm: where the patient lay.
        breath_mm: how far the diaphragm stands below its canonical place.
        seed: of the small changes of this date.
        phase: of the contrast agent.
        spacing_mm: of the scan as acquired, (k, j, i).
        kernel_mm: blur of the reconstruction, sigma; below 0.5 is sharp.
        noise_hu: standard deviation of the noise.
        z_mm: lower and upper end of the scan in canonical mm.
    """

    date: str
    turn_degrees: Position
    shift_mm: Position
    breath_mm: float
    seed: int
    phase: Phase
    spacing_mm: tuple[float, float, float]
    kernel_mm: float
    noise_hu: float
    z_mm: tuple[float, float]


@dataclass(frozen=True)
class Move:
    """How a group of organs lies against the skeleton: shifted in mm and scaled."""

    group: str
    shift_mm: Position
    scale: float


@dataclass(frozen=True, eq=False)
class Patient:
    """A made patient; the seed says everything.

    Attributes:
        seed: the patient's number.
        build: shape of the body.
        moves: groups of organs, each with its shift in mm and its scale.
        tissues: tissue to grey value without contrast in HU, and what phases add.
        lesions: the course of each lesion over the dates.
        timepoints: the dates.
    """

    seed: int
    build: Build
    moves: tuple[Move, ...]
    tissues: Mapping[str, tissues.Tissue]
    lesions: Mapping[str, LesionCourse] = field(default_factory=dict)
    timepoints: tuple[Timepoint, ...] = ()


# Group: standard deviation of the shift along x, y, z in mm, and of the scale.
FREEDOM: dict[str, tuple[float, float, float, float]] = {
    "liver": (5, 6, 13, 0.07), "spleen": (6, 7, 13, 0.12), "stomach": (9, 7, 12, 0.12),
    "heart": (8, 5, 10, 0.07), "aorta": (5, 4, 11, 0.0), "pancreas": (5, 5, 11, 0.06),
    "left_kidney": (4, 4, 14, 0.07), "right_kidney": (4, 4, 14, 0.07),
    "left_adrenal": (2.5, 2.5, 8, 0.06), "right_adrenal": (2.5, 2.5, 8, 0.06),
    "bladder": (3, 4, 7, 0.12), "bowel": (8, 6, 12, 0.0), "colon": (9, 8, 13, 0.0),
}  # fmt: skip
LIMIT = 1.9


def _clipped(rng: np.random.Generator, sigma: float) -> float:
    return float(np.clip(rng.standard_normal(), -LIMIT, LIMIT) * sigma)


def _build(rng: np.random.Generator) -> Build:
    female = bool(rng.random() < 0.5)
    size = 0.95 if female else 1.03
    girth = size * (1 + _clipped(rng, 0.05))
    return Build(
        sex="F" if female else "M",
        width=girth * (1 + _clipped(rng, 0.025)),
        depth=girth * (1 + _clipped(rng, 0.045)),
        chest=size * (1 + _clipped(rng, 0.045)),
        belly=size * (1 + _clipped(rng, 0.05)),
        pelvis=size * (1 + _clipped(rng, 0.03)),
        fat=float(np.exp(np.clip(rng.normal(0.0, 0.4), -0.8, 0.65))),
        sway_mm=(_clipped(rng, 3.5), _clipped(rng, 7.0)),
    )


def _timepoint(rng: np.random.Generator, number: int) -> Timepoint:
    ends = [(-25.0, 625.0), (150.0, 625.0), (-25.0, 450.0), (240.0, 625.0)]
    pick = 0 if number == 0 else int(rng.choice(4, p=[0.6, 0.2, 0.12, 0.08]))
    z_low, z_high = ends[pick]
    turn = np.clip(rng.normal(0, 1.8, 3), -5, 5)
    shift = rng.normal(0, (6, 8, 25))
    slices = float(rng.choice([2.0, 2.5, 3.0, 4.0, 5.0]))
    pixel = float(rng.uniform(1.3, 1.7))
    return Timepoint(
        date=f"{2024 + number // 4}{1 + 3 * (number % 4):02d}{int(rng.integers(1, 28)):02d}",
        turn_degrees=(float(turn[0]), float(turn[1]), float(turn[2])),
        shift_mm=(float(shift[0]), float(shift[1]), float(shift[2])),
        breath_mm=float(rng.uniform(-9, 9)),
        seed=int(rng.integers(2**31)),
        phase=Phase(str(rng.choice([p.value for p in Phase], p=[0.3, 0.2, 0.5]))),
        spacing_mm=(slices, pixel, pixel),
        kernel_mm=float(rng.choice([0.35, 0.6, 0.9])),
        noise_hu=float(rng.uniform(7, 20)),
        z_mm=(z_low + float(rng.normal(0, 8)), z_high + float(rng.normal(0, 8))),
    )


def make_patient(seed: int, n_timepoints: int = 3) -> Patient:
    """Make a patient with the given number of dates; the same seed gives the same patient.

    The patient and the first dates do not change when more dates are asked for.
    """
    rng = np.random.default_rng([seed, 1])
    build = _build(rng)
    moves = []
    for name, (sx, sy, sz, scale) in FREEDOM.items():
        shift = (_clipped(rng, sx), _clipped(rng, sy), _clipped(rng, sz))
        moves.append(Move(name, shift, 1 + _clipped(rng, scale)))
    values = tissues.draw(rng)
    dates = [_timepoint(np.random.default_rng([seed, 2, n]), n) for n in range(n_timepoints)]
    courses = lesions.draw(np.random.default_rng([seed, 3]), n_timepoints)
    return Patient(seed, build, tuple(moves), values, courses, tuple(dates))
