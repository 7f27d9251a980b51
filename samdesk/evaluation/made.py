"""Cases of made patients that no training saw, with exact counterparts of any place."""

from functools import lru_cache

import numpy as np

from samdesk.core.geometry import Points
from samdesk.core.phantom.patient import Patient, make_patient
from samdesk.core.phantom.render import PhantomScan, dense_map, render
from samdesk.core.volume import Volume
from samdesk.evaluation.base import Case
from samdesk.evaluation.places import cropped, draw_in_body

# Training draws its seeds far below this.
FIRST_SEED = 90_001
SPACING = (2.5, 2.0, 2.0)
QUICK_SPACING = (4.0, 3.0, 3.0)
N_RANDOM = 30
INSIDE_MM, OUTSIDE_MM = 5.0, 20.0
KEPT_SHARE = (0.45, 0.6)
SEED = 77


@lru_cache(maxsize=8)
def made_patient(seed: int) -> Patient:
    """Make a patient with three dates."""
    return make_patient(seed, 3)


@lru_cache(maxsize=14)
def made_scan(seed: int, timepoint: int, spacing: tuple[float, float, float]) -> PhantomScan:
    """Draw a patient on a date; the last few stay, because benchmarks share them."""
    return render(made_patient(seed), timepoint, spacing_mm=spacing)


def follow_up_case(seed: int, spacing: tuple[float, float, float] = SPACING) -> Case:
    """Make a case of one patient's first two dates."""
    return made_case((seed, 0), (seed, 1), spacing)


def across_case(seed: int, spacing: tuple[float, float, float] = SPACING) -> Case:
    """Make a case of two patients' first dates."""
    return made_case((seed, 0), (seed + 1, 0), spacing)


def made_case(
    template: tuple[int, int], target: tuple[int, int], spacing: tuple[float, float, float]
) -> Case:
    """Make a case of two made scans: named places, lesions and random places of the body.

    Args:
        template: (seed, date) of the scan in which places are given.
        target: (seed, date) of the scan in which they are looked for.
        spacing: of both volumes.
    """
    here, there = made_scan(*template, spacing), made_scan(*target, spacing)
    rng = np.random.default_rng([SEED, template[0], target[0]])
    names = list(here.points)
    places = np.array([here.points[name] for name in names])
    truth = np.array([there.points[name] for name in names])
    drawn = draw_in_body(here.volume, 4 * N_RANDOM, rng)
    counterpart = carried(template, target, drawn)
    is_same = template[0] == target[0]
    if is_same and here.lesions:
        names += list(here.lesions)
        places = np.vstack([places, [here.lesions[n].at_mm for n in here.lesions]])
        truth = np.vstack([truth, [there.lesions[n].at_mm for n in here.lesions]])
    named = _inside(here.volume, places) & _inside(there.volume, truth)
    random = np.flatnonzero(_inside(there.volume, counterpart))[:N_RANDOM]
    outside = there.volume.geometry.outside_mm(counterpart) > OUTSIDE_MM
    return Case(
        name=f"made patient {template[0]}.{template[1]} to {target[0]}.{target[1]}",
        template=here.volume,
        target=there.volume,
        places=np.vstack([places[named], drawn[random]]),
        truth=np.vstack([truth[named], counterpart[random]]),
        names=(
            *(n for n, keep in zip(names, named, strict=True) if keep),
            *["random"] * len(random),
        ),
        absent=drawn[outside][:N_RANDOM],
        same_patient=is_same,
    )


def carried(template: tuple[int, int], target: tuple[int, int], mm: Points) -> Points:
    """Take places of one made scan to the same places of the body in another."""
    here = dense_map(made_patient(template[0]), template[1])
    there = dense_map(made_patient(target[0]), target[1])
    return there.from_canonical(here.to_canonical(mm))


def with_cropped_target(case: Case, seed: int) -> Case:
    """Cut the target along z, so that some places of the case are no longer in it.

    Places near the cut are left out: they are neither clearly in the scan nor clearly outside.
    """
    rng = np.random.default_rng([SEED, seed])
    n = case.target.array.shape[0]
    kept = round(n * rng.uniform(*KEPT_SHARE))
    first = int(rng.integers(0, n - kept + 1))
    target = cropped(case.target, first, first + kept - 1)
    inside = _inside(target, case.truth)
    outside = target.geometry.outside_mm(case.truth) > OUTSIDE_MM
    return Case(
        name=f"{case.name}, cut",
        template=case.template,
        target=target,
        places=case.places[inside],
        truth=case.truth[inside],
        names=tuple(name for name, keep in zip(case.names, inside, strict=False) if keep),
        absent=case.places[outside],
        same_patient=case.same_patient,
    )


def _inside(volume: Volume, mm: Points) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Tell which places lie in a volume, away from its faces."""
    corners = volume.geometry.corners_mm
    low, high = corners.min(axis=0) + INSIDE_MM, corners.max(axis=0) - INSIDE_MM
    inside: np.ndarray[tuple[int], np.dtype[np.bool_]] = ((mm > low) & (mm < high)).all(axis=1)
    return inside
