"""Real scans with places that are in them for certain, and places that are not.

Only scans of split test and MR: calibration saw splits train and val. What is absent is so by
construction: cut away, or of another part of the body.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from samdesk.core.geometry import Geometry, Points
from samdesk.core.volume import Volume
from samdesk.evaluation.across import MarkedScan, case_of, pairs_of
from samdesk.evaluation.arms import Asked, digest
from samdesk.evaluation.base import Case
from samdesk.evaluation.marked import RULED
from samdesk.evaluation.phantoms import absent_case
from samdesk.evaluation.places import cropped, draw_in_body, mirrored
from samdesk.evaluation.warps import make_case

SEED = 3307
N_WARP_POINTS, N_PLACES = 40, 20
INSIDE_MM, OUTSIDE_MM = 5.0, 15.0
KEPT_SHARE = 0.6
CROPS, PEOPLE, PARTS, MR = "crops", "across people", "other body parts", "MR (forced)"
MIRRORED, AS_IS, UPSIDE_DOWN = "mirrored", "as they are", "upside down"


@dataclass(frozen=True, eq=False)
class Question:
    """A case of one kind, whose places are all present or all absent, or of unknown place.

    Attributes:
        group: CROPS, PEOPLE, PARTS, MR, MIRRORED, AS_IS or UPSIDE_DOWN.
        is_present: whether its places are in the target.
        asked: the case.
    """

    group: str
    is_present: bool
    asked: Asked


def crop_questions(scans: list[MarkedScan], seed: int = SEED) -> Iterator[Question]:
    """Cut warped copies of each scan, and the second phase of a sitting."""
    for n, one in enumerate(scans):
        make = partial(make_case, one.scan.name, one.volume, seed + n, N_WARP_POINTS)
        yield from _both(f"warp of {one.scan.name}", f"seed {seed + n}", make)
    by_name = {one.scan.name: one for one in scans}
    for one in scans:
        other = by_name.get(one.scan.pair_of)
        if other is None:
            continue
        for end in ("upper", "lower"):
            name = f"{one.scan.name} to the {end} part of {other.scan.name}"
            phase = partial(_phase_case, name, one.volume, other.volume, end)
            yield from _both(name, f"seed {seed}", phase)


def people_questions(scans: list[MarkedScan]) -> Iterator[Question]:
    """Ask for the known places that two people's scans share; those found by rule are left out."""
    sure = [
        replace(one, places={n: p for n, p in one.places.items() if p.kind != RULED})
        for one in scans
    ]
    for a, b in pairs_of(sure):
        case = case_of(a, b)
        version = digest(case.places, case.truth)
        yield Question(PEOPLE, True, Asked(f"{case.name}, people", version, partial(_given, case)))


def part_questions(
    scans: list[MarkedScan], crops: list[tuple[str, Volume]], seed: int = SEED
) -> Iterator[Question]:
    """Ask for places of the upper chest in abdomens, and of the pelvis in chests.

    Args:
        scans: whole scans.
        crops: further chests as blocks cut out of the body, by name; only as targets.
        seed: of the places.
    """
    chests = [one for one in scans if "carina" in one.places]
    abdomens = [one for one in scans if "carina" not in one.places]
    for a in chests:
        above = a.places["carina"].at_mm[2]
        for b in abdomens:
            yield _elsewhere(a, b.scan.name, b.volume, (above, np.inf), PARTS, seed)
    targets = [(one.scan.name, one.volume) for one in chests] + crops
    for a in abdomens:
        if "vertebrae_L4" not in a.places:
            continue
        below = a.places["vertebrae_L4"].at_mm[2]
        for name, volume in targets:
            yield _elsewhere(a, name, volume, (-np.inf, below), PARTS, seed)


def mr_questions(
    scans: list[MarkedScan], others: list[tuple[str, Volume]], seed: int = SEED
) -> Iterator[Question]:
    """Ask for places of CT trunks in MR of a head or a knee, past the program's refusal."""
    for a in scans:
        for name, volume in others:
            yield _elsewhere(a, name, volume, (-np.inf, np.inf), MR, seed)


def side_questions(scans: list[MarkedScan], seed: int = SEED) -> Iterator[Question]:
    """Ask for places of the body in scans that show it: as they are, mirrored, upside down."""
    pairs = [(a, b) for a, b in pairs_of(scans, is_directed=False)]
    by_name = {one.scan.name: one for one in scans}
    pairs += [(one, by_name[one.scan.pair_of]) for one in scans if one.scan.pair_of in by_name]
    changes: tuple[tuple[str, Callable[[Volume], Volume]], ...] = (
        (AS_IS, lambda volume: volume),
        (MIRRORED, mirrored),
        (UPSIDE_DOWN, upside_down),
    )
    for a, b in pairs:
        for group, change in changes:
            name = f"{a.scan.name} to {b.scan.name}, {group}"
            make = partial(_changed_case, name, a, b, change, seed)
            yield Question(group, False, Asked(name, f"seed {seed}", make))


def upside_down(volume: Volume) -> Volume:
    """Swap head and feet of the picture on the same grid, as a wrong header would."""
    axis = int(np.abs(volume.geometry.affine[2, :3]).argmax())
    flipped = volume.array[
        tuple(slice(None, None, -1 if n == axis else 1) for n in range(3))
    ].copy()
    return Volume(flipped, volume.geometry, volume.modality, volume.unit)


def _both(name: str, version: str, make: Callable[[], Case]) -> Iterator[Question]:
    """Make two questions of a case: its places, and the places that were cut away."""
    yield Question(CROPS, True, Asked(f"{name}, present", version, make))
    yield Question(CROPS, False, Asked(f"{name}, absent", version, lambda: absent_case(make())))


def _phase_case(name: str, template: Volume, target: Volume, end: str) -> Case:
    """Cut the second phase of a sitting; the identity of the table is the truth."""
    n = target.array.shape[0]
    kept = round(KEPT_SHARE * n)
    is_upper = (end == "upper") == (target.geometry.affine[2, 0] > 0)
    part = cropped(target, n - kept, n - 1) if is_upper else cropped(target, 0, kept - 1)
    rng = np.random.default_rng([SEED, len(name)])
    places = draw_in_body(template, 4 * N_WARP_POINTS, rng)
    # What lies beside the whole phase is neither cut away nor there.
    places = places[target.geometry.outside_mm(places) == 0]
    inside = _inside(part.geometry, places)
    outside = part.geometry.outside_mm(places) > OUTSIDE_MM
    return Case(
        name, template, part, places[inside][:N_WARP_POINTS], places[inside][:N_WARP_POINTS],
        absent=places[outside][:N_WARP_POINTS], same_patient=True,
    )  # fmt: skip


def _elsewhere(
    a: MarkedScan, name: str, target: Volume, z_mm: tuple[float, float], group: str, seed: int
) -> Question:
    """Ask for places of a part of the body that the target does not show."""
    title = f"{a.scan.name} to {name}, {group}"

    def make() -> Case:
        rng = np.random.default_rng([seed, len(title)])
        drawn = draw_in_body(a.volume, 40 * N_PLACES, rng)
        places = drawn[(drawn[:, 2] > z_mm[0]) & (drawn[:, 2] < z_mm[1])][:N_PLACES]
        return Case(title, a.volume, target, places, np.full(places.shape, np.nan))

    return Question(group, False, Asked(title, f"seed {seed}, {z_mm}", make))


def _changed_case(
    name: str, a: MarkedScan, b: MarkedScan, change: Callable[[Volume], Volume], seed: int
) -> Case:
    rng = np.random.default_rng([seed, 5])
    places = draw_in_body(a.volume, N_PLACES, rng)
    return Case(name, a.volume, change(b.volume), places, np.full(places.shape, np.nan))


def _given(case: Case) -> Case:
    return case


def _inside(geometry: Geometry, mm: Points) -> NDArray[np.bool_]:
    corners = geometry.corners_mm
    low, high = corners.min(axis=0) + INSIDE_MM, corners.max(axis=0) - INSIDE_MM
    inside: NDArray[np.bool_] = ((mm > low) & (mm < high)).all(axis=1)
    return inside
