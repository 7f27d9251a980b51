"""The map of one patient on one date, put together from build, organs, breath and pose."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from samdesk.core.phantom import fields
from samdesk.core.phantom.maps import DenseMap
from samdesk.core.phantom.patient import Build, Move, Patient, Timepoint
from samdesk.core.phantom.shapes import turn
from samdesk.core.phantom.trunk import CAGE, SKIN

NODE_MM = 12.0
LOW_MM = np.array([-330.0, -240.0, -190.0])
NODES = (86, 42, 56)  # z, y, x
PIVOT = np.array([0.0, 20.0, 300.0])
FOLD_LIMIT = 0.12
INVERSE_STEPS = 14
SHRINKS = 4

Field = NDArray[np.float64]

# How much of the diaphragm's way each group takes, along z, and to the front.
BREATH: dict[str, tuple[float, float]] = {
    "liver": (1.0, 0.15), "spleen": (0.9, 0.1), "stomach": (0.8, 0.15), "heart": (0.35, 0.0),
    "aorta": (0.0, 0.0), "pancreas": (0.6, 0.0), "left_kidney": (0.55, 0.0),
    "right_kidney": (0.6, 0.0), "left_adrenal": (0.5, 0.0), "right_adrenal": (0.55, 0.0),
    "bladder": (0.0, 0.0), "bowel": (0.25, 0.2), "colon": (0.3, 0.15),
}  # fmt: skip


@lru_cache(maxsize=8)
def _patient_field(seed: int, moves: tuple[Move, ...]) -> Field:
    rng = np.random.default_rng([seed, 4])
    x, y, z = fields.axes()
    places = np.stack(np.broadcast_arrays(x, y, z), axis=-1)
    wanted = {}
    for move in moves:
        name, shift = move.group, np.array(move.shift_mm)
        value = shift + (move.scale - 1) * (places - fields.centers()[name])
        if name == "aorta":
            arch = 1 / (1 + np.exp(-(places[..., 2:] - 500) / 16))
            value = shift * arch + np.array([shift[0], 0, 0]) * np.sin(places[..., 2:] / 70) * 0.7
        if name in ("bowel", "colon"):
            value = value + fields.noise(rng, 7.0, 26.0)
        wanted[name] = value
    free = fields.noise(rng, 4.0, 40.0) + fields.noise(rng, 1.2, 20.0)
    return fields.organ_field(wanted) + free


def _date_field(date: Timepoint) -> Field:
    rng = np.random.default_rng([date.seed, 5])
    wanted = {}
    for name, (down, front) in BREATH.items():
        value = np.array([0.0, -front, -down]) * date.breath_mm
        if name in ("bowel", "colon"):
            value = value + fields.noise(rng, 4.0, 22.0)
        if name == "bladder":
            scale = float(rng.uniform(0.86, 1.12))
            x, y, z = fields.axes()
            places = np.stack(np.broadcast_arrays(x, y, z), axis=-1)
            value = value + (scale - 1) * (places - fields.centers()[name])
        wanted[name] = np.broadcast_to(value, (*fields.SHAPE, 3))
    return fields.organ_field(wanted) + fields.noise(rng, 0.8, 30.0)


def _knots(build: Build) -> tuple[Field, Field]:
    """Give z of the patient and of the canonical body at the same levels."""
    canonical = np.array([-400.0, 100.0, 340.0, 620.0, 900.0])
    scale = np.array([build.pelvis, build.belly, build.chest, build.chest])
    own = 300.0 + np.concatenate([[0], np.cumsum(np.diff(canonical) * scale)])
    own += 300.0 - np.interp(300.0, canonical, own)
    fine = np.arange(-400.0, 900.1, 10.0)
    values = np.interp(fine, canonical, own)
    kernel = np.hanning(13)[1:-1]
    padded = np.pad(values, 5, mode="reflect", reflect_type="odd")
    smooth = np.convolve(padded, kernel / kernel.sum(), "valid")
    return smooth, fine


def _unfatten(build: Build, x: Field, y: Field, z: Field) -> tuple[Field, Field]:
    """Take the patient's thickness of fat back to the canonical one, by rays from the middle."""
    middle = np.interp(z, SKIN[:, 0], SKIN[:, 3])
    a = np.interp(z, SKIN[:, 0], SKIN[:, 1])
    b = np.interp(z, SKIN[:, 0], SKIN[:, 2])
    dy = y - middle
    level = ((np.abs(x) / a) ** 2.5 + (np.abs(dy) / b) ** 2.5) ** 0.4
    legs = 1 / (1 + np.exp((z - 30) / 14))
    start = 0.86
    soft = 0.05
    over = soft * np.logaddexp(0, (level - start) / soft)
    rate = build.fat + (1 - build.fat) * legs
    inner = level - over + over / rate
    share = inner / np.maximum(level, 1e-6)
    return x * share, middle + dy * share


def _to_pseudo(build: Build, date: Timepoint, mm: Field) -> tuple[Field, Field, Field]:
    """Take patient mm (..., 3) to the canonical body before its organs are moved."""
    rotation = turn(date.turn_degrees)
    at = (mm - PIVOT - np.array(date.shift_mm)) @ rotation + PIVOT
    own, canonical = _knots(build)
    z = np.interp(at[..., 2], own, canonical)
    sway = np.sin((z - 100) / 500 * np.pi)
    taper = np.interp(z, CAGE[:, 0], np.linspace(0, 1, len(CAGE)))
    hips = 1.04 if build.sex == "F" else 0.98
    width = build.width * (hips + (1 - hips) * np.clip(taper * 4, 0, 1))
    x = (at[..., 0] - build.sway_mm[0] * sway) / width
    y = (at[..., 1] - build.sway_mm[1] * (sway - 0.5)) / build.depth
    x, y = _unfatten(build, x, y, z)
    return x, y, z


def _nodes() -> Field:
    z, y, x = np.meshgrid(
        *(low + NODE_MM * np.arange(n) for low, n in zip(LOW_MM[::-1], NODES, strict=True)),
        indexing="ij",
    )
    return np.stack([x, y, z], axis=-1)


def _unmoved(field: Field, x: Field, y: Field, z: Field) -> Field:
    """Solve c + field(c) = (x, y, z) for c by damped iteration; (..., 3)."""
    wanted = np.stack([x, y, z], axis=-1)
    found = wanted.copy()
    for step in range(INVERSE_STEPS):
        gap = wanted - found - fields.read(field, found[..., 0], found[..., 1], found[..., 2])
        found += gap * (1.0 if step < 4 else 0.7)
    return found


@lru_cache(maxsize=12)
def _made(seed: int, build: Build, moves: tuple[Move, ...], date: Timepoint) -> DenseMap:
    field = _patient_field(seed, moves) + _date_field(date)
    places = _nodes()
    x, y, z = _to_pseudo(build, date, places)
    made = DenseMap(LOW_MM, NODE_MM, _unmoved(field, x, y, z) - places)
    for _ in range(SHRINKS):
        if made.smallest_volume() > FOLD_LIMIT:
            break
        field = field * 0.82
        made = DenseMap(LOW_MM, NODE_MM, _unmoved(field, x, y, z) - places)
    return made


def dense_map(patient: Patient, timepoint: int) -> DenseMap:
    """Give the map of a patient on a date; where organs crowd, their shifts are made smaller."""
    return _made(patient.seed, patient.build, patient.moves, patient.timepoints[timepoint])
