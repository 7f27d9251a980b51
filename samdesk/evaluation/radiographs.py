"""`samdesk evaluate radiographs`: one template against supervised networks and registration."""

import os
from collections.abc import Generator
from dataclasses import replace
from time import perf_counter

from samdesk.core.models import ModelInfo
from samdesk.core.progress import Progress
from samdesk.core.volume import Modality
from samdesk.errors import ModelError, SamdeskError, UsageError
from samdesk.evaluation import radiograph_baselines as baselines
from samdesk.evaluation import radiograph_matching as matching
from samdesk.evaluation import radiograph_supervised as supervised
from samdesk.evaluation import radiograph_tables as tables
from samdesk.evaluation.base import Picture, Section
from samdesk.evaluation.evaluations import Request, needed_data
from samdesk.evaluation.radiograph_arms import Arm, Kind
from samdesk.evaluation.radiograph_figures import DRAWS
from samdesk.evaluation.radiograph_pictures import worst
from samdesk.evaluation.radiograph_sets import FOLDER, Pictures, PictureSet, read_sets
from samdesk.evaluation.radiograph_templates import typical

QUICK_DRAWS = 200
QUICK_TEST = 3
WORKERS = 2
OWN = "the set's own SAM"


class Radiographs:
    """Landmarks of chest films, cephalograms and hands."""

    name = "radiographs"
    title = "Landmarks in radiographs: one template against supervision"

    def check(self, request: Request) -> None:
        """Look for the sets, their marks and the model.

        Raises:
            ReadError: files are missing, marks lie outside their pictures, or no training
                picture has all points; all of it is named.
            ModelError: the model that was named is missing, damaged, or knows volumes only.
            UsageError: made patients only were asked for; there are no made radiographs of these
                kinds.
        """
        if request.is_made_only:
            raise UsageError(
                "This evaluation needs real radiographs; there are no made ones with these points.",
                hint="Leave --made away and name the data with --data.",
            )
        data = needed_data(request, FOLDER)
        read_sets(data)
        if request.model:
            info = request.info()
            if info.dimensions != 2:
                raise ModelError(
                    f'The model "{info.id}" knows volumes; radiographs need a model of pictures.',
                    code="not-comparable",
                    hint="Leave --model away, or train one on radiographs.",
                )

    def run(self, request: Request) -> Generator[Progress, None, list[Section]]:
        """Measure set by set; what an earlier run finished is not done again."""
        data = needed_data(request, FOLDER).resolve()
        sections = []
        for chosen in read_sets(data):
            sections.append((yield from _measured(_some(chosen, request), request)))
        return sections


def _some(chosen: PictureSet, request: Request) -> PictureSet:
    """Leave a few test pictures for a quick look."""
    if not request.is_quick:
        return chosen
    few = {**chosen.pictures, "test": chosen.pictures["test"][:QUICK_TEST]}
    return replace(chosen, pictures=few)


def _measured(chosen: PictureSet, request: Request) -> Generator[Progress, None, Section]:
    began = perf_counter()
    if chosen.incomplete:
        yield Progress(0, 1, f"{chosen.spec.name}: points are missing on {list(chosen.incomplete)}")
    pictures = Pictures()
    count = max(matching.COUNTS)
    templates = yield from typical(chosen, count, pictures)
    arms: list[Arm] = [
        baselines.mean_shape(chosen),
        baselines.copied(chosen, templates[0]),
        *(yield from baselines.registered(chosen, templates[0], pictures, request.kept)),
    ]
    sam, notes = yield from _sam(chosen, templates, pictures, request)
    runs = yield from _trained(chosen, request)
    arms += [*sam, *supervised.arms_of(runs)]
    observed = baselines.observers(chosen)
    arms += [observed] if observed is not None else []
    judged = _judged(chosen, sam)
    drawn: tuple[Picture, ...] = ()
    if judged is not None:
        group = next(iter(chosen.groups.values()))
        drawn = yield from worst(chosen, judged, templates[0], pictures, group)
    names = ", ".join(p.file for p in templates)
    notes.append(f"Templates, the most typical training pictures, first to last: {names}.")
    outcome = tables.Outcome(
        chosen,
        tuple(arms),
        judged.label if judged is not None else "",
        tuple(runs),
        drawn,
        tuple(notes),
        perf_counter() - began,
    )
    yield Progress(0, 1, f"{chosen.spec.name}: intervals")
    return tables.section(outcome, QUICK_DRAWS if request.is_quick else DRAWS)


def _judged(chosen: PictureSet, arms: list[Arm]) -> Arm | None:
    """Give the one-template arm that the claim is judged by; it is fixed by the set."""
    return next(
        (
            arm
            for arm in arms
            if arm.repeats and arm.label.startswith(OWN) is chosen.spec.is_own_judged
        ),
        None,
    )


def _sam(
    chosen: PictureSet, templates: matching.Templates, pictures: Pictures, request: Request
) -> Generator[Progress, None, tuple[list[Arm], list[str]]]:
    """Let the shipped model and one of the set's own answer; the claim is judged by the first."""
    arms: list[Arm] = []
    notes: list[str] = []
    shipped: ModelInfo | None = None
    try:
        shipped = request.info(Modality.DX)
        name = str(shipped.id)
        arms += yield from _answers(chosen, templates, pictures, request, shipped, name, True)
    except SamdeskError as error:
        arms.append(Arm("the shipped model", Kind.SAM, 1, (), (error.what,)))
    try:
        info = yield from matching.trained(chosen, shipped, request)
        arms += yield from _answers(chosen, templates, pictures, request, info, OWN, False)
        start = "the shipped weights" if shipped is not None else "nothing"
        notes.append(
            f"{OWN}: {matching.LOCAL_MINUTES[chosen.spec.name]:g} minutes on the set's training "
            f"pictures without their marks, from {start}; it stays on this machine."
        )
    except SamdeskError as error:
        arms.append(Arm(OWN, Kind.SAM, 1, (), (error.what,)))
    return arms, notes


def _answers(
    chosen: PictureSet,
    templates: matching.Templates,
    pictures: Pictures,
    request: Request,
    info: ModelInfo,
    name: str,
    with_random: bool,
) -> Generator[Progress, None, list[Arm]]:
    finder = matching.Finder(info, request.session(info), pictures, request.kept)
    arms = yield from matching.arms_of(
        chosen, templates, finder, name, with_random=with_random and not request.is_quick
    )
    return arms


def _trained(
    chosen: PictureSet, request: Request
) -> Generator[Progress, None, list[supervised.Trained]]:
    seeds = request.seeds or (1 if request.is_quick else supervised.SEEDS)
    sizes = supervised.sizes(chosen)
    if request.is_quick:
        sizes = sizes[:2]
    plans = [
        (n, seed, supervised.plan_for(chosen, n, seed, is_quick=request.is_quick))
        for n in sizes
        for seed in range(seeds)
    ]
    at_once = min(WORKERS, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1)
    return (yield from supervised.train(chosen, plans, request.out, request.run_worker, at_once))
