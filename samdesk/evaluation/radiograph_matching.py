"""SAM on radiographs: places of one, three or five templates found in every test picture."""

from collections.abc import Generator, Sequence
from dataclasses import asdict
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from samdesk.core.models import ModelInfo
from samdesk.core.progress import Progress
from samdesk.core.runs import RunPlan
from samdesk.errors import ModelError
from samdesk.evaluation.evaluations import Request
from samdesk.evaluation.kept import Kept
from samdesk.evaluation.radiograph_arms import Arm, Kind
from samdesk.evaluation.radiograph_sets import Floats, Pictures, PictureSet
from samdesk.evaluation.radiograph_supervised import order
from samdesk.io.picture_sets import ListedPicture
from samdesk.model import flat, manifest
from samdesk.model.flat import FlatEmbedding, FlatMatcher, Located
from samdesk.model.flat_calibration import FlatSigns
from samdesk.model.session import Session

COUNTS = (1, 3, 5)
# Templates drawn at random, to see how much hangs on the choice.
RANDOM = 5
# Minutes of training on a set's own unlabelled training pictures.
LOCAL_MINUTES = {"jsrt": 3.0, "ceph": 8.0, "hand": 3.0}
QUICK_MINUTES = 0.2
# Length of the descriptors where there are no shipped weights to start from.
SIZE = 48

Templates = Sequence[ListedPicture]


class Finder:
    """Finds places with one model; embeddings stay in memory, answers on the disk.

    Args:
        info: of the model.
        session: that runs it.
        pictures: opens them.
        kept: finished pairs of an earlier run.
    """

    def __init__(self, info: ModelInfo, session: Session, pictures: Pictures, kept: Kept) -> None:
        self._info, self._session = info, session
        self._matcher = FlatMatcher(info)
        self._pictures, self._kept = pictures, kept
        self._embeddings: dict[Path, FlatEmbedding] = {}

    def found(
        self, chosen: PictureSet, template: ListedPicture, target: ListedPicture
    ) -> Generator[Progress, None, tuple[Located, float]]:
        """Find a template's places in a target, whatever the verdict; and the seconds it took.

        The seconds are those of the match; each embedding's are added as often as it is used, as
        if nothing were remembered.
        """
        key = (
            f"{chosen.spec.name} sam {target.file} template {template.file} "
            f"{self._info.sha256} {chosen.points}"
        )
        value = self._kept.get(key)
        if value is None:
            ours = yield from self._embedding(template)
            theirs = yield from self._embedding(target)
            began = theirs.seconds
            value = self._searched(ours, chosen.truth(template), theirs) | {"embedding": began}
            self._kept.put(key, value)
        signs = tuple(FlatSigns(**each) for each in value["signs"])
        located = Located(np.array(value["places"]).reshape(-1, 2), signs, ())
        return located, float(value["seconds"]) + float(value["embedding"])

    def _searched(
        self, template: FlatEmbedding, places: Floats, target: FlatEmbedding
    ) -> dict[str, Any]:
        began = perf_counter()
        located = self._matcher.locate(template, places, target)
        return {
            "places": located.at_px.round(3).tolist(),
            "signs": [
                {k: float(v) for k, v in asdict(each).items()} for each in located.signs
            ],
            "seconds": perf_counter() - began,
        }  # fmt: skip

    def _embedding(self, picture: ListedPicture) -> Generator[Progress, None, FlatEmbedding]:
        if picture.path not in self._embeddings:
            radiograph = yield from self._pictures.of(picture)
            embedding = yield from flat.embed_picture(radiograph, self._session)
            self._embeddings[picture.path] = embedding
        return self._embeddings[picture.path]


def matched(
    chosen: PictureSet,
    draws: Sequence[Sequence[ListedPicture]],
    finder: Finder,
    label: str,
) -> Generator[Progress, None, Arm]:
    """Find the places of the test pictures from templates.

    Args:
        chosen: set.
        draws: the templates of each repetition, equally many.
        finder: with the model.
        label: of the arm.

    Returns:
        The arm; of three templates and more the median of their answers counts.
    """
    test, seconds = chosen.pictures["test"], []
    repeats: list[dict[str, Floats]] = []
    total = len(draws) * len(test)
    for templates in draws:
        places: dict[str, Floats] = {}
        for picture in test:
            done = len(repeats) * len(test) + len(places)
            yield Progress(done, total, f"{chosen.spec.name}: {label}, {picture.file}")
            answers, spent = [], 0.0
            for template in templates:
                located, took = yield from finder.found(chosen, template, picture)
                answers.append(located)
                spent += took
            places[picture.file] = flat.combined(answers)[0]
            seconds.append(spent)
        repeats.append(places)
    n = len(draws[0])
    return Arm(label, Kind.SAM, n, tuple(repeats), seconds=float(np.mean(seconds)))


def arms_of(
    chosen: PictureSet,
    typical: Sequence[ListedPicture],
    finder: Finder,
    name: str,
    *,
    with_random: bool,
) -> Generator[Progress, None, list[Arm]]:
    """Give the arms of one model: 1, 3 and 5 typical templates, and single random ones."""
    arms = []
    for count in (n for n in COUNTS if n <= len(typical)):
        label = f"{name}, {count} template{'s' if count > 1 else ''}"
        arms.append((yield from matched(chosen, [typical[:count]], finder, label)))
    if with_random:
        draws = random_templates(chosen)
        label = f"{name}, 1 random template ({len(draws)} draws)"
        arms.append((yield from matched(chosen, draws, finder, label)))
    return arms


def random_templates(chosen: PictureSet) -> list[tuple[ListedPicture]]:
    """Draw single templates: for each seed the picture that its supervised runs have first."""
    train, complete = chosen.pictures["train"], chosen.templates
    draws: list[tuple[ListedPicture]] = []
    for seed in range(RANDOM):
        first = next(train[n] for n in order(len(train), seed) if train[n] in complete)
        if (first,) not in draws:
            draws.append((first,))
    return draws


def local_plan(chosen: PictureSet, start: ModelInfo | None, *, is_quick: bool) -> RunPlan:
    """Write the plan of SAM on a set's own training pictures, without their marks."""
    minutes = QUICK_MINUTES if is_quick else LOCAL_MINUTES[chosen.spec.name]
    return RunPlan(
        method="sam",
        data=tuple(str(p.path) for p in chosen.pictures["train"]),
        # views of 352 px and not more: a step on one core takes half the time
        settings={"dimensions": 2, "view_px": 352, "size": start.fine_size if start else SIZE},
        minutes=minutes,
        threads=1,
        start=str(start.folder.resolve()) if start is not None else "",
        name=f"sam-xray-{chosen.spec.name}",
        licence="the set's own; stays on this machine",
    )


def trained(
    chosen: PictureSet, start: ModelInfo | None, request: Request
) -> Generator[Progress, None, ModelInfo]:
    """Train the local model, or take it from an earlier run of the same plan.

    Raises:
        SamdeskError: the run failed.
    """
    folder = request.out / "runs" / chosen.spec.name / "sam"
    plan = local_plan(chosen, start, is_quick=request.is_quick)
    values = yield from request.run_worker(plan, folder)
    exported = values.get("folder")
    if not isinstance(exported, str):
        raise ModelError(f"The run {folder.name} exported no model.", code="files-missing")
    return manifest.read(Path(exported))
