"""Benchmarks on made patients that no training saw: two dates, two patients, traps."""

from collections.abc import Generator
from dataclasses import replace
from time import perf_counter

import numpy as np

from samdesk.core.match import Match, Verdict
from samdesk.core.progress import Progress
from samdesk.evaluation.base import Bar, Case, Section, Setting
from samdesk.evaluation.contest import found_share, gross_share_of_found, hold
from samdesk.evaluation.figures import auc
from samdesk.evaluation.made import (
    FIRST_SEED,
    QUICK_SPACING,
    SPACING,
    across_case,
    follow_up_case,
    with_cropped_target,
)
from samdesk.evaluation.places import mirrored, resampled

FOLLOW_UP_SEEDS = (FIRST_SEED, FIRST_SEED + 1, FIRST_SEED + 2, FIRST_SEED + 3)
ACROSS_SEEDS = (FIRST_SEED, FIRST_SEED + 1, FIRST_SEED + 2, FIRST_SEED + 3)
# The registrations take minutes on these; two cases show what they do.
N_REGISTERED = 2
PAIRED = ("left_", "right_")


class FollowUp:
    """The same made patient on two dates."""

    name = "phantom_follow_up"
    title = "Made patients, follow-up (unseen seeds)"
    needs_data = False

    def run(self, setting: Setting) -> Generator[Progress, None, Section]:
        """Match named places, lesions and random places to the next date."""
        started = perf_counter()
        seeds, spacing = _seeds(setting, FOLLOW_UP_SEEDS)
        judged = setting.contenders[-1]
        cases = (follow_up_case(seed, spacing) for seed in seeds)
        contest = yield from hold(cases, setting.contenders, judged, len(seeds))
        ours = contest.tally(judged).row().figures
        bars = (
            Bar("follow-up median", ours.median_mm, 2.5, unit="mm"),
            Bar("follow-up within 10 mm", 100 * ours.near_share, 92.0, at_least=True, unit="%"),
        )
        matches = contest.tally(judged).matches
        values = {
            "called found, %": 100 * found_share(matches),
            "of those more than 20 mm wrong, %": 100 * gross_share_of_found(matches),
        }
        rows = contest.rows()
        if setting.baselines:
            few = (follow_up_case(seed, spacing) for seed in seeds[:N_REGISTERED])
            beside = yield from hold(few, (judged, *setting.baselines), judged, N_REGISTERED)
            first = f" (first {min(N_REGISTERED, len(seeds))} pairs)"
            rows += tuple(replace(row, label=row.label + first) for row in beside.rows())
        return Section(
            self.name, self.title, rows, values, bars, (), tuple(contest.misses),
            perf_counter() - started,
        )  # fmt: skip


class Across:
    """Two made patients."""

    name = "phantom_across"
    title = "Made patients, across patients (unseen seeds)"
    needs_data = False

    def run(self, setting: Setting) -> Generator[Progress, None, Section]:
        """Match named places and random places of one patient to the next."""
        started = perf_counter()
        seeds, spacing = _seeds(setting, ACROSS_SEEDS)
        judged = setting.contenders[-1]
        cases = (across_case(seed, spacing) for seed in seeds)
        contest = yield from hold(cases, setting.contenders, judged, len(seeds))
        ours = contest.tally(judged).row().figures
        bars = (
            Bar("across patients median", ours.median_mm, 8.0, unit="mm"),
            Bar("across patients p95", ours.p95_mm, 30.0, unit="mm"),
        )
        matches = contest.tally(judged).matches
        values = {
            "called found, %": 100 * found_share(matches),
            "of those more than 20 mm wrong, %": 100 * gross_share_of_found(matches),
            "named places, median mm": _median(contest.by_name, is_random=False),
            "random places, median mm": _median(contest.by_name, is_random=True),
        }
        return Section(
            self.name, self.title, contest.rows(), values, bars, (), tuple(contest.misses),
            perf_counter() - started,
        )  # fmt: skip


class Presence:
    """Cropped targets: does the probability tell present places from absent ones?"""

    name = "presence"
    title = "Not in this scan: cropped targets of made patients (unseen seeds)"
    needs_data = False

    def run(self, setting: Setting) -> Generator[Progress, None, Section]:
        """Match places that are in the cut target and places that are not."""
        started = perf_counter()
        seeds, spacing = _seeds(setting, FOLLOW_UP_SEEDS)
        judged = setting.contenders[-1]
        present: list[Match] = []
        absent: list[Match] = []
        for done, seed in enumerate(seeds):
            yield Progress(done, len(seeds), "cropped targets")
            for made in (follow_up_case(seed, spacing), across_case(seed, spacing)):
                case = with_cropped_target(made, seed)
                answers = yield from judged.answer(case)
                present += answers.matches
                answers = yield from judged.answer(absent_case(case))
                absent += answers.matches
        area = auc([m.p_present for m in present], [m.p_present for m in absent])
        values = {
            "present places": float(len(present)),
            "absent places": float(len(absent)),
            "AUC of the probability": area,
            "AUC of the cycle error alone": auc(
                [-m.cycle_error_mm for m in present], [-m.cycle_error_mm for m in absent]
            ),
            "AUC of the similarity alone": auc(
                [m.similarity for m in present], [m.similarity for m in absent]
            ),
            "present called found, %": _share(present, Verdict.FOUND),
            "present called absent, %": _share(present, Verdict.ABSENT),
            "absent called found, %": _share(absent, Verdict.FOUND),
            "absent called absent, %": _share(absent, Verdict.ABSENT),
        }
        bars = (Bar("AUC of presence", area, 0.92, at_least=True),)
        return Section(
            self.name, self.title, values=values, bars=bars, seconds=perf_counter() - started
        )


class Mirror:
    """A scan with left and right swapped: paired organs must not be found with confidence."""

    name = "mirror"
    title = "A mirrored scan (paired organs of made patients, unseen seeds)"
    needs_data = False

    def run(self, setting: Setting) -> Generator[Progress, None, Section]:
        """Match paired organs into mirrored scans of the same patient and of another."""
        started = perf_counter()
        seeds, spacing = _seeds(setting, FOLLOW_UP_SEEDS[:2])
        matches: list[Match] = []
        for done, seed in enumerate(seeds):
            yield Progress(done, len(seeds), "mirrored scans")
            for case in (follow_up_case(seed, spacing), across_case(seed, spacing)):
                twin = _paired(replace(case, target=mirrored(case.target)))
                answers = yield from setting.contenders[-1].answer(twin)
                matches += answers.matches
        values = {
            "paired places": float(len(matches)),
            "called found, %": _share(matches, Verdict.FOUND),
            "called uncertain, %": _share(matches, Verdict.UNCERTAIN),
            "called absent, %": _share(matches, Verdict.ABSENT),
            "highest probability": max((m.p_present for m in matches), default=float("nan")),
        }
        bars = (Bar("paired places called found", values["called found, %"], 0.0, unit="%"),)
        return Section(
            self.name, self.title, values=values, bars=bars, seconds=perf_counter() - started
        )


class SelfMatch:
    """A scan matched to itself, and to itself on another grid."""

    name = "self_match"
    title = "A scan matched to itself, and to itself on another grid"
    needs_data = False

    def run(self, setting: Setting) -> Generator[Progress, None, Section]:
        """Match a made scan to itself without the comparison of grey values."""
        started = perf_counter()
        spacing = QUICK_SPACING if setting.is_quick else SPACING
        made = follow_up_case(FIRST_SEED, spacing)
        same = replace(made, target=made.template, truth=made.places, same_patient=False)
        other = resampled(made.template, (3.1, 2.3, 2.3), 7.3)
        moved = replace(same, name="itself on another grid", target=other)
        inside = other.geometry.outside_mm(moved.truth) == 0
        moved = replace(moved, places=moved.places[inside], truth=moved.truth[inside], names=())
        judged = setting.contenders[-1]
        first = yield from hold([same], setting.contenders, judged, 2)
        second = yield from hold([moved], setting.contenders, judged, 2)
        itself, grid = first.tally(judged).row(), second.tally(judged).row()
        bars = (
            Bar("self-match median", itself.figures.median_mm, 0.5, unit="mm"),
            Bar("moved by 7.3 mm and resampled, median", grid.figures.median_mm, 1.5, unit="mm"),
        )
        rows = first.rows() + tuple(
            replace(row, label=f"{row.label}, other grid") for row in second.rows()
        )
        return Section(self.name, self.title, rows, bars=bars, seconds=perf_counter() - started)


def absent_case(case: Case) -> Case:
    """Ask for the absent places of a case; the truth is not a number."""
    absent = np.empty((0, 3)) if case.absent is None else case.absent
    return replace(case, places=absent, truth=np.full(absent.shape, np.nan), names=())


def _paired(case: Case) -> Case:
    keep = [n for n, name in enumerate(case.names) if name.startswith(PAIRED)]
    return replace(
        case,
        name=f"{case.name}, mirrored",
        places=case.places[keep],
        truth=case.truth[keep],
        names=tuple(case.names[n] for n in keep),
    )


def _seeds(
    setting: Setting, seeds: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[float, float, float]]:
    return (seeds[:1], QUICK_SPACING) if setting.is_quick else (seeds, SPACING)


def _share(matches: list[Match], verdict: Verdict) -> float:
    return (
        100 * float(np.mean([m.verdict is verdict for m in matches])) if matches else float("nan")
    )


def _median(by_name: dict[str, list[float]], *, is_random: bool) -> float:
    errors = [e for name, all_ in by_name.items() if (name == "random") is is_random for e in all_]
    return float(np.median(errors)) if errors else float("nan")
