"""The made patients of `samdesk evaluate landmarks`: dates, lesions by two rulers, and people."""

from collections.abc import Generator, Sequence
from time import perf_counter

import numpy as np

from samdesk.core.phantom.lesions import SITES
from samdesk.core.progress import Progress
from samdesk.evaluation import landmark_tables as tables
from samdesk.evaluation.arms import Arm, Asked, Said, ask
from samdesk.evaluation.base import Bar, Case, Section, Table
from samdesk.evaluation.contenders import Embeddings
from samdesk.evaluation.evaluations import Request
from samdesk.evaluation.made import (
    FIRST_SEED,
    N_RANDOM,
    QUICK_SPACING,
    SPACING,
    made_case,
    made_patient,
)
from samdesk.evaluation.rivals import COARSE_MM, baseline_arms, spline_arm
from samdesk.evaluation.stored import stored_case

SEEDS = (FIRST_SEED, FIRST_SEED + 1, FIRST_SEED + 2, FIRST_SEED + 3)
DATES = ((0, 1), (1, 2))
N_REGISTERED = 1
LESIONS = frozenset(site[0] for site in SITES)
# The named places of the chest, as many as the paper has landmarks there.
CHEST = (
    "carina", "trachea_at_notch", "aortic_valve", "aortic_arch_top", "aortic_arch",
    "descending_aorta_t8", "pulmonary_trunk", "heart_apex", "superior_vena_cava_mouth",
    "vena_cava_at_diaphragm", "sternal_notch", "xiphoid", "left_lung_apex", "right_lung_apex",
    "left_main_bronchus", "right_main_bronchus", "left_clavicle_head", "right_clavicle_head",
    "T6",
)  # fmt: skip
Dated = tuple[int, int]


def made_follow_up(
    request: Request, embeddings: Embeddings, arms: Sequence[Arm]
) -> Generator[Progress, None, Section]:
    """Match places and lesions of made patients from date to date."""
    started = perf_counter()
    seeds, spacing = _of(request)
    dated = [((seed, a), (seed, b)) for seed in seeds for a, b in DATES]
    dated = dated[:1] if request.is_quick else dated
    asked = [_made_asked(request, a, b, spacing) for a, b in dated]
    said = yield from ask(asked, arms, request.kept)
    rivals = (*baseline_arms(COARSE_MM), spline_arm(embeddings, COARSE_MM))
    beside = yield from ask(asked[:N_REGISTERED], rivals, request.kept)
    judged = arms[-1].label
    places = tables.chosen(said, lambda _, name: name not in LESIONS)
    errors = tables.errors_of(places, judged)
    first = {one.name for one in asked[:N_REGISTERED]}
    few = tables.chosen(
        [one for one in [*said, *beside] if one.case in first],
        lambda _, name: name not in LESIONS,
    )
    radii = _radii(dated, asked)
    lesions, bars = _lesions(said, judged, radii)
    return Section(
        "made_follow_up", "Made patients no training saw: two dates of one patient",
        bars=(
            Bar("follow-up places, median", tables.median_of(errors), 1.5, unit="mm"),
            Bar("within 10 mm", tables.share_within(errors, 10.0), 98.0, at_least=True, unit="%"),
            *bars,
        ),
        seconds=perf_counter() - started,
        tables=(
            tables.side_by_side("Named and random places", places),
            tables.side_by_side("All methods, the first pair of dates", few),
            *lesions,
        ),
        boxes=(tables.boxes_of("Named and random places", places),),
        pictures=tables.worst_pictures(said, asked, judged, request.kept, 3),
    )  # fmt: skip


def made_across(
    request: Request, embeddings: Embeddings, arms: Sequence[Arm]
) -> Generator[Progress, None, Section]:
    """Match places of one made patient in the next."""
    started = perf_counter()
    seeds, spacing = _of(request)
    asked = [_made_asked(request, (seed, 0), (seed + 1, 0), spacing) for seed in seeds]
    said = yield from ask(asked, arms, request.kept)
    rivals = (*baseline_arms(COARSE_MM), spline_arm(embeddings, COARSE_MM))
    beside = yield from ask(asked[:N_REGISTERED], rivals, request.kept)
    judged = arms[-1].label
    errors = tables.errors_of(said, judged)
    first = {one.name for one in asked[:N_REGISTERED]}
    few = [one for one in [*said, *beside] if one.case in first]
    chest = tables.chosen(said, lambda _, name: name in CHEST)
    return Section(
        "made_across", "Made patients no training saw: across patients",
        bars=(
            Bar("across made patients, median", tables.median_of(errors), 6.0, unit="mm"),
            Bar("across made patients, p95", float(_p95(errors)), 18.0, unit="mm"),
        ),
        seconds=perf_counter() - started,
        tables=(
            tables.side_by_side("Named and random places", said),
            tables.side_by_side("All methods, the first pair", few),
            tables.by_place(
                "Nineteen places of the chest, in the form of the paper's table (made patients)",
                chest, "The paper's table is of other data: nineteen landmarks of real chest CT.",
            ),
        ),
        boxes=(tables.boxes_of("Named and random places", said),),
        pictures=tables.worst_pictures(said, asked, judged, request.kept, 3),
    )  # fmt: skip


def _of(request: Request) -> tuple[tuple[int, ...], tuple[float, float, float]]:
    return (SEEDS[:1], QUICK_SPACING) if request.is_quick else (SEEDS, SPACING)


def _made_asked(request: Request, a: Dated, b: Dated, spacing: tuple[float, float, float]) -> Asked:
    name = f"made patient {a[0]}.{a[1]} to {b[0]}.{b[1]}"
    version = f"{spacing} mm, {N_RANDOM} random places"

    def make() -> Case:
        return stored_case(request.kept, f"{name} | {version}", lambda: made_case(a, b, spacing))

    return Asked(name, version, make)


def _radii(
    dated: Sequence[tuple[Dated, Dated]], asked: Sequence[Asked]
) -> dict[tuple[str, str], float]:
    """Give the radius in mm of each lesion on the target's date; 0 where it is not there."""
    return {
        (one.name, name): course.diameters_mm[target[1]] / 2
        for (_, target), one in zip(dated, asked, strict=True)
        for name, course in made_patient(target[0]).lesions.items()
    }


def _lesions(
    said: Sequence[Said], judged: str, radii: dict[tuple[str, str], float]
) -> tuple[tuple[Table, Table], tuple[Bar, Bar]]:
    """Judge lesions by two rulers, each in a table of its own."""
    lesions = tables.chosen(said, lambda _, name: name in LESIONS)
    there = tables.chosen(lesions, lambda case, name: radii[case, name] > 0)
    near = _shares(lesions, dict.fromkeys(radii, 10.0))
    inside = _shares(there, {key: min(10.0, radius) for key, radius in radii.items()})
    head = ("", "lesions", "median mm", "share")
    ten = Table(
        "Lesions, ruler 1: within 10 mm of the place",
        head, _share_rows(lesions, near),
        "Every lesion of the patient, those too that are not there on that date: their place is.",
    )  # fmt: skip
    radius = Table(
        "Lesions, ruler 2: within min(10 mm, r), r = radius on the target's date",
        head, _share_rows(there, inside),
        "Only lesions that are there on the target's date. The two rulers are never mixed: the "
        "published figures of the one are not comparable with those of the other.",
    )  # fmt: skip
    bars = (
        Bar("lesions within 10 mm", near.get(judged), 95.0, at_least=True, unit="%"),
        Bar("lesions within min(10 mm, r)", inside.get(judged), 88.0, at_least=True, unit="%"),
    )
    return (ten, radius), bars


def _shares(said: Sequence[Said], limits: dict[tuple[str, str], float]) -> dict[str, float]:
    """Give for each arm the part of the places, in percent, within a limit of their own."""
    hits: dict[str, list[bool]] = {}
    for one in said:
        for name, error in zip(one.names, one.errors.tolist(), strict=True):
            hits.setdefault(one.label, []).append(error <= limits[one.case, name])
    return {label: 100 * float(np.mean(found)) for label, found in hits.items()}


def _share_rows(said: Sequence[Said], shares: dict[str, float]) -> tuple[tuple[str, ...], ...]:
    rows = []
    for label, share in shares.items():
        errors = tables.errors_of(said, label)
        rows.append((label, str(len(errors)), f"{tables.median_of(errors):.2f}", f"{share:.1f} %"))
    return tuple(rows)


def _p95(errors: tables.Array) -> float:
    from samdesk.evaluation.figures import summarize

    return summarize(errors).p95_mm
