"""The evaluations of `samdesk evaluate`: what they are given, what they must offer, their list."""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from samdesk.core.models import ModelInfo
from samdesk.core.progress import Progress
from samdesk.core.runs import RunPlan
from samdesk.core.volume import Modality
from samdesk.errors import ReadError
from samdesk.evaluation.base import Section
from samdesk.evaluation.kept import Kept
from samdesk.model.session import Session
from samdesk.model.shelf import Shelf

RunWorker = Callable[[RunPlan, Path], Generator[Progress, None, dict[str, Any]]]


@dataclass(frozen=True, eq=False)
class Request:
    """What was asked for.

    Attributes:
        data: folder of real data (ct, xray, mr), or None where there is none.
        out: folder of the report; an evaluation may keep its own files below it.
        model: name of a model, or empty for the usual one.
        models: folders that hold model folders.
        device: auto, cpu or cuda.
        method: of the weights that are judged ("sam").
        is_quick: a few small cases, for a look.
        seeds: repetitions of what is trained; 0 = the evaluation's own number.
        kept: finished cases of an earlier run.
        run_worker: runs a plan in a process of its own, in a folder; yields how far it is and
            returns the values of its last "exported" or "result" event. A folder whose plan is
            the same goes on where it was; another plan empties it. A worker that crashed raises
            SamdeskError.
        is_made_only: leave real data out although it may be there.
        used: models that were asked for so far, in words, for the report.
    """

    data: Path | None
    out: Path
    model: str
    models: tuple[Path, ...]
    device: str
    method: str
    is_quick: bool
    seeds: int
    kept: Kept
    run_worker: RunWorker
    is_made_only: bool = False
    used: list[str] = field(default_factory=list)

    def info(self, modality: Modality = Modality.CT) -> ModelInfo:
        """Give the model that was named, or the usual one, checked.

        Raises:
            ModelError: it is missing or damaged.
        """
        shelf = Shelf(self.models)
        info = shelf.get(self.model) if self.model else shelf.default(modality)
        self.used.append(f"{info.id} {info.version} (sha256 {info.sha256[:12]})")
        return info

    def session(self, info: ModelInfo) -> Session:
        """Load a model on the device that was asked for.

        Raises:
            ModelError: it cannot be used.
        """
        return Session(info, device=self.device)


class Evaluation(Protocol):
    """One claim that is measured against its baselines."""

    name: str
    title: str

    def check(self, request: Request) -> None:
        """Look at everything that the run needs, before it starts, in seconds.

        Raises:
            ReadError: data is missing or does not fit; the sentence names all of it.
            UsageError: the request makes no sense for this evaluation.
            ModelError: the model is missing or damaged.
        """

    def run(self, request: Request) -> Generator[Progress, None, list[Section]]:
        """Measure; what `request.kept` holds is not measured again.

        A contender that fails is reported with its reason and counted, never left out.
        """


# Each is "module:class", loaded when it is asked for.
EVALUATIONS: Mapping[str, str] = MappingProxyType({
    "landmarks": "samdesk.evaluation.landmarks:Landmarks",
    "radiographs": "samdesk.evaluation.radiographs:Radiographs",
    "registration": "samdesk.evaluation.registering:Registering",
    "initialisation": "samdesk.evaluation.initialisation:Initialisation",
    "presence": "samdesk.evaluation.presence_real:PresenceReal",
    "mr": "samdesk.evaluation.mr:Mr",
})  # fmt: skip


def load(name: str) -> Evaluation:
    """Give an evaluation by its name in `EVALUATIONS`."""
    module, _, kind = EVALUATIONS[name].partition(":")
    evaluation: Evaluation = getattr(import_module(module), kind)()
    return evaluation


def refuse_all(problems: list[str], hint: str = "") -> None:
    """Name everything that is missing or does not fit in one refusal; nothing where all is well.

    Args:
        problems: a sentence each.
        hint: what can be done.

    Raises:
        ReadError: there is a problem.
    """
    if not problems:
        return
    many = f"{len(problems)} things are missing or do not fit: " if len(problems) > 1 else ""
    raise ReadError(many + " ".join(problems), code="files-missing", hint=hint)


def needed_data(request: Request, *files: str) -> Path:
    """Give the folder of real data, and refuse a folder in which files are missing.

    Args:
        request: what was asked for.
        files: paths inside the folder that the evaluation cannot do without.

    Raises:
        ReadError: there is no folder, or files of it are missing; all are named.
    """
    hint = "Name the folder of the data with --data, or in the variable SAMDESK_DATA."
    if request.data is None:
        raise ReadError(
            "There is no data to evaluate on: neither --data nor SAMDESK_DATA names a folder, and "
            "there is none at ../shared/data.",
            code="files-missing",
            hint=hint,
        )
    missing = [file for file in files if not (request.data / file).exists()]
    refuse_all([f"{request.data.name} holds no {file}." for file in missing], hint)
    return request.data
