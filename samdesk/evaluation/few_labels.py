"""Run the arms of a comparison of starts: pretraining, then many short runs each, kept as they end.

Everything that trains is a plan run by a worker process. Arms that are pretrained here run side by
side, so that whatever else the machine does costs both the same.
"""

import json
import os
from collections.abc import Generator, Mapping
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samdesk.core.progress import Progress
from samdesk.errors import SamdeskError, Stopped
from samdesk.evaluation.evaluations import Request
from samdesk.evaluation.organ_sets import MAE, SAM, SCRATCH, OrganSet

ARMS = (SCRATCH, MAE, SAM)
CHECKPOINT = "checkpoint.safetensors"
EVENTS = "events.jsonl"

Steps = Generator[Progress, None, dict[str, Any]]


@dataclass(frozen=True, eq=False)
class Arm:
    """What one start led to.

    Attributes:
        label: of the arm.
        runs: what the task `segment` wrote of each run, by (labelled scans, seed).
        learned: facts of the pretraining that ran here, by name.
        failure: why there are no runs, as a sentence; else empty.
    """

    label: str
    runs: Mapping[tuple[int, int], Mapping[str, Any]]
    learned: Mapping[str, float]
    failure: str = ""

    def dice(self, size: int, seeds: int, scans: slice) -> NDArray[np.float64]:
        """Give the mean Dice over the classes a scan has, (seeds, scans)."""
        rows = [self.runs[size, seed]["dice"][scans] for seed in range(seeds)]
        return np.array([[np.mean([v for v in scan if v is not None]) for scan in r] for r in rows])

    def by_class(self, size: int, seeds: int, scans: slice, number: int) -> float:
        """Give the mean Dice of one class over seeds and the scans that have it."""
        rows = [self.runs[size, seed]["dice"][scans] for seed in range(seeds)]
        known = [scan[number] for row in rows for scan in row if scan[number] is not None]
        return float(np.mean(known)) if known else float("nan")


def run_arms(
    request: Request, organs: OrganSet, seeds: int
) -> Generator[Progress, None, dict[str, Arm]]:
    """Pretrain, then do all runs of all arms.

    Returns:
        Each arm; one whose worker failed has its reason and no runs.
    """
    folder = request.out / "runs" / organs.name
    learning = {
        arm: request.run_worker(
            replace(plan, device=request.device), folder / f"learn-{arm.lower()}"
        )
        for arm, plan in organs.pretraining.items()
    }
    ended = yield from side_by_side(learning, len(learning), f"{organs.name}: learning")
    starts = {arm: str(path) for arm, path in organs.starts.items()} | {SCRATCH: ""}
    failures = {arm: str(end) for arm, end in ended.items() if isinstance(end, SamdeskError)}
    for arm in organs.pretraining:
        if arm not in failures:
            starts[arm] = str(folder / f"learn-{arm.lower()}" / CHECKPOINT)
    work = {
        arm: _runs(request, organs, seeds, starts[arm], folder / f"segment-{_word(arm)}")
        for arm in ARMS
        if arm in starts
    }
    done = yield from side_by_side(work, cores(), f"{organs.name}: segmenting")
    arms = {}
    for arm in ARMS:
        end = done.get(arm, {})
        failure = failures.get(arm, str(end) if isinstance(end, SamdeskError) else "")
        runs = {} if isinstance(end, SamdeskError) else {_pair(k): v for k, v in end.items()}
        arms[arm] = Arm(arm, runs, _learned(folder / f"learn-{arm.lower()}"), failure)
    return arms


def _runs(request: Request, organs: OrganSet, seeds: int, start: str, folder: Path) -> Steps:
    """Do an arm's runs, or give those that an earlier evaluation finished."""
    plan = replace(organs.plan(seeds), start=start, device=request.device)
    key = f"initialisation {organs.name} {folder.name} {_digest(asdict(plan), start)}"
    known = request.kept.get(key)
    if known is not None:
        return known
    yield from request.run_worker(plan, folder)
    made = {
        path.stem: json.loads(path.read_text(encoding="utf-8"))
        for path in sorted((folder / "runs").glob("*.json"))
    }
    request.kept.put(key, made)
    return made


def side_by_side(
    steps: Mapping[str, Steps], at_once: int, doing: str
) -> Generator[Progress, None, dict[str, dict[str, Any] | SamdeskError]]:
    """Move several workers at a time; a failure of one is its result and ends no other.

    Args:
        steps: a generator each, by name.
        at_once: how many run together.
        doing: words for the progress.

    Raises:
        Stopped: a stop was asked; the others are closed.
    """
    waiting = list(steps)
    moving: list[str] = []
    ended: dict[str, dict[str, Any] | SamdeskError] = {}
    shares: dict[str, float] = dict.fromkeys(steps, 0.0)
    try:
        while waiting or moving:
            while waiting and len(moving) < max(1, at_once):
                moving.append(waiting.pop(0))
            for name in list(moving):
                try:
                    at = next(steps[name])
                    shares[name] = at.done / max(at.total or 1, 1)
                except StopIteration as end:
                    ended[name] = end.value
                except Stopped:
                    raise
                except SamdeskError as error:
                    ended[name] = error
                if name in ended:
                    moving.remove(name)
                    shares[name] = 1.0
            share = sum(shares.values()) / max(len(shares), 1)
            yield Progress(round(1000 * share), 1000, f"{doing} {', '.join(moving)}")
    finally:
        for name in moving:
            steps[name].close()
    return ended


def cores() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _learned(folder: Path) -> dict[str, float]:
    """Read how long a pretraining was, and its last figures on held-out scans."""
    facts: dict[str, float] = {}
    try:
        lines = (folder / EVENTS).read_text(encoding="utf-8").splitlines()
    except OSError:
        return facts
    for line in lines:
        event = json.loads(line)
        if event["kind"] in ("saved", "evaluated"):
            facts |= {"steps": float(event["step"]), "minutes": event["seconds"] / 60}
        if event["kind"] == "evaluated":
            facts |= {k: v for k, v in event["values"].items() if isinstance(v, float)}
    return facts


def _digest(plan: Mapping[str, Any], start: str) -> str:
    """Name everything that the runs depend on, the weights among it."""
    digest = sha256(json.dumps(plan, sort_keys=True).encode())
    if start:
        path = Path(start)
        digest.update((path / "model.onnx" if path.is_dir() else path).read_bytes())
    return digest.hexdigest()


def _pair(name: str) -> tuple[int, int]:
    size, _, seed = name.partition("-")
    return int(size), int(seed)


def _word(arm: str) -> str:
    return arm.lower().replace(" ", "-")
