"""What the window and a training process tell each other."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from samdesk.errors import RunError

FORMAT = 1
# What `samdesk train` offers, and the supervised runs that evaluations start: the names of
# training/registry.py, which the commands do not import.
METHODS = ("sam", "mae")
TASKS: tuple[str, ...] = ("segment", "heatmap")


@dataclass(frozen=True)
class RunPlan:
    """All settings of one training run; `plan.json` in the run's folder.

    Attributes:
        method: a name of METHODS or TASKS.
        data: paths of scans (volumes, radiographs or folders); phantom:N stands for N made
            patients, drr:PATH for projections of a CT.
        settings: the method's own settings, by name.
        minutes: time budget; the learning rate follows it.
        seed: every draw of the run comes from it.
        device: auto, cpu or cuda.
        threads: processor threads; 0 = cores less one.
        start: a checkpoint.safetensors to take weights from, or empty.
        validation: paths of held-out scans; never trained on.
        name: of the model folder that the run ends in.
        licence, commit: for the card.
    """

    method: str
    data: tuple[str, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    minutes: float = 30.0
    seed: int = 0
    device: str = "auto"
    threads: int = 0
    start: str = ""
    validation: tuple[str, ...] = ()
    name: str = "sam"
    licence: str = ""
    commit: str = ""
    format: int = FORMAT

    def to_json(self) -> str:
        """Write as JSON text."""
        return json.dumps(asdict(self), indent=2)

    @classmethod
    def from_json(cls, text: str) -> "RunPlan":
        """Read what `to_json` wrote.

        Raises:
            RunError: it is not a plan, or of a later format.
        """
        try:
            data = json.loads(text)
            data |= {key: tuple(data[key]) for key in ("data", "validation") if key in data}
            plan = cls(**data)
        except (ValueError, TypeError, KeyError) as error:
            raise RunError(f"This is not a training plan: {error}.", code="plan") from error
        if plan.format > FORMAT:
            raise RunError(
                f"This plan has format {plan.format}; this samdesk reads up to {FORMAT}.",
                code="newer-version",
            )
        return plan


@dataclass(frozen=True)
class RunEvent:
    """One line that a run tells, in events.jsonl and on its standard output.

    Attributes:
        kind: preparing, started, stepped, evaluated, saving, saved, exported, result, broken or
            ended.
        step: steps done.
        seconds: since the start of the process.
        values: numbers and words of the event, by name (loss, top1, device, folder, what, hint).
    """

    kind: str
    step: int = 0
    seconds: float = 0.0
    values: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """Write as one line of JSON."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, line: str) -> "RunEvent":
        """Read what `to_json` wrote."""
        return cls(**json.loads(line))
