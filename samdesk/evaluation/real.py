"""Benchmarks on real scans that no network saw: warps, bone in two phases, across patients."""

from collections.abc import Generator, Iterable, Iterator
from time import perf_counter

import numpy as np

from samdesk.core.progress import Progress
from samdesk.core.volume import Volume
from samdesk.evaluation.base import Bar, Case, Section, Setting
from samdesk.evaluation.contest import Contest, found_share, gross_share_of_found, hold
from samdesk.evaluation.places import draw_in_bone
from samdesk.evaluation.scans import RealScan, real_scans
from samdesk.evaluation.warps import make_case
from samdesk.io.base import finish

SEED = 1121
N_WARP_POINTS = 40
N_BONE_POINTS = 60
NOT_MARKED = "Nothing to compare: no two of these scans have a marked place in common."


class Warps:
    """Known warps and crops of real scans."""

    name = "warps"
    title = "Known warps and crops of real CT (split test)"
    needs_data = True

    def run(self, setting: Setting) -> Generator[Progress, None, Section]:
        """Warp each whole test scan once and find its places again."""
        scans = _whole_test_scans(setting)
        started = perf_counter()
        judged = setting.contenders[-1]
        contenders = (*setting.contenders, *setting.baselines)
        cases = (
            make_case(scan.name, finish(scan.open()), SEED + n, N_WARP_POINTS)
            for n, scan in enumerate(scans)
        )
        contest = yield from hold(cases, contenders, judged, len(scans))
        ours = contest.tally(judged).row().figures
        bars = [
            Bar("median of known warps and crops", ours.median_mm, 3.5, unit="mm"),
            Bar("within 10 mm", 100 * ours.near_share, 88.0, at_least=True, unit="%"),
        ]
        for baseline in setting.baselines:
            theirs = contest.tally(baseline).row().figures
            bars.append(
                Bar(f"median below {baseline.label}", ours.median_mm, theirs.median_mm, unit="mm")
            )
        return Section(
            self.name, self.title, contest.rows(), _verdict_values(contest, judged.label),
            tuple(bars), (f"Scans: {', '.join(scan.name for scan in scans)}.",),
            tuple(contest.misses), perf_counter() - started,
        )  # fmt: skip


class Bone:
    """Bone of one sitting in two contrast phases: it lies where it lay."""

    name = "bone"
    title = "Bone in two phases of one sitting (identity is near-truth)"
    needs_data = True

    def run(self, setting: Setting) -> Generator[Progress, None, Section]:
        """Match bone from each phase to the other."""
        started = perf_counter()
        scans = {scan.name: scan for scan in _scans(setting, "test", "val") if scan.pair_of}
        names = [name for name in scans if scans[name].pair_of in scans]
        if setting.is_quick:
            names = names[:1]
        judged = setting.contenders[-1]
        contenders = (*setting.contenders, *setting.baselines)
        cases = (bone_case(scans[name], scans[scans[name].pair_of]) for name in names)
        contest = yield from hold(cases, contenders, judged, len(names))
        ours = contest.tally(judged).row().figures
        return Section(
            self.name, self.title, contest.rows(), _by_case(contest),
            (Bar("median of bone in two phases", ours.median_mm, 4.0, unit="mm"),),
            ("hcc002 is split test, hcc015 split val; breath is in the error.",),
            tuple(contest.misses), perf_counter() - started,
        )  # fmt: skip


class AcrossPatients:
    """Marked places that two patients' scans have in common."""

    name = "across"
    title = "Across patients: places that both scans have marked (split test)"
    needs_data = True

    def run(self, setting: Setting) -> Generator[Progress, None, Section]:
        """Match every common place of every two patients, both ways."""
        started = perf_counter()
        scans = [scan for scan in _scans(setting, "test") if scan.points]
        pairs = [
            (a, b) for a in scans for b in scans
            if a.patient != b.patient and a.points.keys() & b.points.keys()
        ]  # fmt: skip
        if setting.is_quick:
            pairs = pairs[:2]
        judged = setting.contenders[-1]
        contest = yield from hold(_landmark_cases(pairs), setting.contenders, judged, len(pairs))
        values = dict(_verdict_values(contest, judged.label))
        for name, errors in sorted(contest.by_name.items()):
            values[f"{name}, median of {len(errors)} mm"] = float(np.median(errors))
        notes = [f"{len(pairs)} directed pairs of {len({a.name for a, _ in pairs})} scans."]
        if not pairs:
            notes = [NOT_MARKED]
        notes.append(
            "Centers of masks and automatic marks are themselves some mm uncertain; organs cut by "
            "the edge of a scan and tumors are left out. No registration: it has no common start."
        )
        return Section(
            self.name, self.title, contest.rows(), values, (), tuple(notes),
            tuple(contest.misses), perf_counter() - started,
        )  # fmt: skip


def _scans(setting: Setting, *splits: str) -> list[RealScan]:
    return [] if setting.data is None else real_scans(setting.data, *splits)


def _whole_test_scans(setting: Setting) -> list[RealScan]:
    scans = [scan for scan in _scans(setting, "test") if scan.is_whole]
    return scans[2:3] if setting.is_quick else scans


def bone_case(scan: RealScan, other: RealScan) -> Case:
    """Draw bone of the first phase that the second shows too."""
    template, target = finish(scan.open()), finish(other.open())
    rng = np.random.default_rng([SEED, len(scan.name)])
    places = draw_in_bone(template, 4 * N_BONE_POINTS, rng)
    places = places[target.geometry.outside_mm(places) == 0][:N_BONE_POINTS]
    return Case(f"{scan.name} to {other.name}", template, target, places, places, same_patient=True)


def _landmark_cases(pairs: Iterable[tuple[RealScan, RealScan]]) -> Iterator[Case]:
    """Open scans as they are needed; the last few stay, because pairs share them."""
    held: dict[str, Volume] = {}
    for a, b in pairs:
        for scan in (a, b):
            if scan.name not in held:
                held[scan.name] = finish(scan.open())
        names = tuple(sorted(a.points.keys() & b.points.keys()))
        yield Case(
            f"{a.name} to {b.name}", held[a.name], held[b.name],
            np.array([a.points[name] for name in names]),
            np.array([b.points[name] for name in names]), names,
        )  # fmt: skip


def _verdict_values(contest: Contest, label: str) -> dict[str, float]:
    matches = next(tally.matches for tally in contest.tallies if tally.label == label)
    return {
        "called found, %": 100 * found_share(matches),
        "of those more than 20 mm wrong, %": 100 * gross_share_of_found(matches),
        **_by_case(contest),
    }


def _by_case(contest: Contest) -> dict[str, float]:
    return {
        f"{case}, median of {len(errors)} mm": float(np.median(errors))
        for case, errors in contest.by_case.items()
    }
