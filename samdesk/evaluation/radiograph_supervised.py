"""Supervised networks trained on 1, 5, 10, 25, 50 and all marked radiographs, as worker runs."""

import json
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from samdesk.core.progress import Progress
from samdesk.core.runs import RunPlan
from samdesk.errors import SamdeskError
from samdesk.evaluation.evaluations import RunWorker
from samdesk.evaluation.radiograph_arms import Arm, Kind
from samdesk.evaluation.radiograph_sets import Floats, PictureSet

SIZES = (1, 5, 10, 25, 50)
SEEDS = 3
# Steps by the number of pictures from which they hold. Whether more would help was looked at on
# the validation pictures: docs/benchmarks/radiographs.md.
STEPS = ((1, 80), (5, 110), (10, 130), (25, 170), (50, 200), (51, 240))
QUICK_STEPS = 40
LONG_SIDE_PX, BATCH = 192, 4


@dataclass(frozen=True, eq=False)
class Trained:
    """One supervised run.

    Attributes:
        n: training pictures.
        seed: of weights, augmentation and choice of the pictures.
        places: by test picture, (p, 2) pixels; None where the run failed.
        curve: (step, validation error in pixels).
        losses: (step, loss on the training pictures).
        failure: why it failed, as a sentence; else empty.
    """

    n: int
    seed: int
    places: dict[str, Floats] | None
    curve: tuple[tuple[float, float], ...] = ()
    losses: tuple[tuple[float, float], ...] = ()
    failure: str = ""


def sizes(chosen: PictureSet) -> tuple[int, ...]:
    """Give the numbers of training pictures that a set allows, the last being all."""
    everything = len(chosen.pictures["train"])
    return (*(n for n in SIZES if n < everything), everything)


def order(count: int, seed: int) -> list[int]:
    """Shuffle the training pictures; the first n are a seed's training set or templates."""
    return [int(n) for n in np.random.default_rng(seed).permutation(count)]


def plan_for(chosen: PictureSet, n: int, seed: int, *, is_quick: bool = False) -> RunPlan:
    """Write the plan of one run; all sizes of one seed are parts of one another."""
    train = chosen.pictures["train"]
    steps = QUICK_STEPS if is_quick else max(count for least, count in STEPS if n >= least)
    return RunPlan(
        method="heatmap",
        data=tuple(str(train[row].path) for row in order(len(train), seed)[:n]),
        settings={
            "marks": str(chosen.folder / chosen.spec.marks),
            "points": list(chosen.points),
            "test": [str(p.path) for p in chosen.pictures["test"]],
            "steps": steps,
            "patience": steps,
            "long_side_px": LONG_SIDE_PX,
            "batch": BATCH,
        },
        seed=seed,
        threads=1,
        validation=tuple(str(p.path) for p in chosen.pictures["val"]),
        name=f"heatmap-{chosen.spec.name}-{n}-{seed}",
    )


def folder_for(out: Path, chosen: PictureSet, n: int, seed: int) -> Path:
    """Name the folder of one run."""
    return out / "runs" / chosen.spec.name / f"n{n:03d}-s{seed}"


def train(
    chosen: PictureSet,
    plans: Sequence[tuple[int, int, RunPlan]],
    out: Path,
    run_worker: RunWorker,
    at_once: int,
) -> Generator[Progress, None, list[Trained]]:
    """Run all plans, several workers beside each other; a failed run is told, not raised.

    Args:
        chosen: set of the plans.
        plans: (n, seed, plan).
        out: folder of the report.
        run_worker: of the request.
        at_once: workers that run beside each other.

    Returns:
        One entry for each plan, in their order.
    """
    finished: dict[int, Trained] = {}
    waiting = list(range(len(plans)))
    running: dict[int, Generator[Progress, None, Trained]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                row = waiting.pop(0)
                n, seed, plan = plans[row]
                folder = folder_for(out, chosen, n, seed)
                running[row] = _one(chosen, n, seed, plan, folder, run_worker)
            for row, steps in list(running.items()):
                try:
                    step = next(steps)
                except StopIteration as end:
                    finished[row] = end.value
                    del running[row]
                    continue
                n, seed, _ = plans[row]
                words = f"{chosen.spec.name}, {n} pictures, seed {seed}: {step.doing}"
                yield Progress(len(finished), len(plans), words)
    finally:
        for steps in running.values():
            steps.close()
    return [finished[row] for row in range(len(plans))]


def arms_of(runs: Sequence[Trained]) -> list[Arm]:
    """Gather the runs by their number of training pictures; seeds are repetitions."""
    out = []
    for n in sorted({run.n for run in runs}):
        ours = [run for run in runs if run.n == n]
        repeats = tuple(run.places for run in ours if run.places is not None)
        failures = tuple(run.failure for run in ours if run.failure)
        label = f"supervised, {n} picture{'s' if n > 1 else ''} ({len(repeats)} seeds)"
        out.append(Arm(label, Kind.SUPERVISED, n, repeats, failures))
    return out


def _one(
    chosen: PictureSet, n: int, seed: int, plan: RunPlan, folder: Path, run_worker: RunWorker
) -> Generator[Progress, None, Trained]:
    try:
        values = yield from run_worker(plan, folder)
        return _read(chosen, n, seed, folder / str(values["predictions"]))
    except SamdeskError as error:
        return Trained(n, seed, None, failure=f"{n} pictures, seed {seed}: {error.what}")
    except (OSError, ValueError, KeyError) as error:
        what = f"{n} pictures, seed {seed}: its predictions cannot be read ({error})."
        return Trained(n, seed, None, failure=what)


def _read(chosen: PictureSet, n: int, seed: int, path: Path) -> Trained:
    result: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    places = {
        p.file: np.array([result["places"][p.file][point] for point in chosen.points])
        for p in chosen.pictures["test"]
    }
    curve = tuple((float(c["step"]), float(c["validation_px"])) for c in result["curve"])
    losses = tuple((float(c["step"]), float(c["loss"])) for c in result["curve"])
    return Trained(n, seed, places, curve, losses)
