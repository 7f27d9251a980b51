"""The task `segment`: organ masks from few labelled scans, from given weights or from nothing.

One plan holds many short runs that differ in the labelled scans and the seed. Arms are compared by
giving the same runs another start: scans, patches, order and the new head's weights are the same.
"""

import json
import math
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from samdesk.core.progress import Progress
from samdesk.core.runs import RunEvent, RunPlan
from samdesk.errors import RunError, Stopped
from samdesk.io.atomic import write_text
from samdesk.model.intensities import HU
from samdesk.training import checkpoint, onnx_weights
from samdesk.training.data import labelled
from samdesk.training.data.labelled import Labelled
from samdesk.training.data.patches import PatchSource
from samdesk.training.device import CLIP, Device, channels_last, pick_device
from samdesk.training.masks import dice, loss_of, predicted
from samdesk.training.networks.segmenter import Segmenter, copy_trunk, layout_of
from samdesk.training.windows import WINDOWS, windowed

if TYPE_CHECKING:
    from samdesk.training.orders import Orders

# sam.md 5.5: the copied part learns slower at first, so that the new head does not undo it.
GENTLE_SHARE, GENTLE_RATE = 0.1, 0.1
WARM_UP_SHARE = 0.05
TOLD_EVERY = 10
N_SETTLING = 8
DRAWING_SEED = 1000


@dataclass(frozen=True)
class SegmentSettings:
    """Settings of the task; the names of a plan's `settings`. The images are the plan's `data`.

    Attributes:
        masks: of the images, in their order.
        validation_masks: of the plan's `validation`, on which curves are measured.
        test_images, test_masks: on which each run is judged at its end.
        classes: name of a class and its values in the masks.
        runs: [labelled scans, seed] of each run.
        spacing_mm: edge of the input voxels.
        intensities: "hu" or "percentile".
        channels, size: see `Segmenter`.
        layout: a checkpoint or model folder whose channels and size are taken instead, so that
            an arm without start has the network of the others.
        steps, batch, patch: patches of (k, j, i) voxels, so many a step.
        learning_rate: the largest of the schedule.
        measured: how often a run is measured on validation scans.
    """

    masks: tuple[str, ...]
    classes: Mapping[str, tuple[int, ...]]
    runs: tuple[tuple[int, int], ...]
    test_images: tuple[str, ...]
    test_masks: tuple[str, ...]
    validation_masks: tuple[str, ...] = ()
    spacing_mm: float = 2.5
    intensities: str = HU
    channels: tuple[int, ...] = (16, 32, 64, 128)
    size: int = 32
    layout: str = ""
    steps: int = 150
    batch: int = 2
    patch: tuple[int, ...] = (48, 64, 64)
    learning_rate: float = 2e-3
    measured: int = 5

    @classmethod
    def from_plan(cls, settings: Mapping[str, Any]) -> "SegmentSettings":
        """Read a plan's settings.

        Raises:
            RunError: a name that the task does not have, or one that it needs is not there.
        """
        own = {f.name for f in fields(cls)}
        unknown = sorted(set(settings) - own)
        needed = {"masks", "classes", "runs", "test_images", "test_masks"}
        missing = sorted(needed - set(settings))
        if unknown or missing:
            words = [f"no setting named {name}" for name in unknown]
            words += [f"to be told {name}" for name in missing]
            raise RunError(f"The task segment has {' and has '.join(words)}.", code="plan")
        values = {k: tuple(v) if isinstance(v, list) else v for k, v in settings.items()}
        values["runs"] = tuple((int(n), int(seed)) for n, seed in settings["runs"])
        return cls(**values)  # type: ignore[arg-type]


@dataclass(frozen=True, eq=False)
class Scans:
    """What all runs of a plan share."""

    pool: list[Labelled]
    validation: list[Labelled]
    test: list[Labelled]


def segment(plan: RunPlan, folder: Path, orders: "Orders", say: Callable[[RunEvent], None]) -> None:
    """Do all runs of a plan; what an earlier part of it finished is not done again.

    Args:
        plan: its `data` and `validation` are images, its `start` is a checkpoint, a model folder
            or empty.
        folder: gets `runs/<labelled>-<seed>.json` for each run: Dice of each class and test scan,
            and the curves.
        orders: pause and stop.
        say: takes the events; the last is "result" with the names of the runs' files.

    Raises:
        RunError: a scan or mask cannot be used, or the start has another layout.
        Stopped: a stop was asked.
    """
    settings = _with_layout(SegmentSettings.from_plan(plan.settings))
    begun = time.monotonic()
    device = pick_device(plan.device)
    start = checkpoint.weights(Path(plan.start)) if plan.start else {}
    scans = _loaded(plan, settings, folder / "cache", orders, say)
    most = max(n for n, _ in settings.runs)
    if most > len(scans.pool):
        raise RunError(f"A run wants {most} labelled scans, and there are {len(scans.pool)}.")
    (folder / "runs").mkdir(exist_ok=True)
    done = []
    for number, (n_labelled, seed) in enumerate(settings.runs):
        path = folder / "runs" / f"{n_labelled}-{seed}.json"
        done.append(path.name)
        if path.exists():
            continue
        torch.manual_seed(seed)
        # The same for every arm: a seed draws the scans, and the smaller sets lie in the larger.
        order = torch.randperm(len(scans.pool), generator=torch.Generator().manual_seed(seed))
        chosen = [scans.pool[int(n)] for n in order[:n_labelled]]
        one = _Run(device, settings, chosen, scans, seed)
        one.begin(start)
        value = one.trained(orders) | {"scans": [c.scan.name for c in chosen]}
        write_text(path, json.dumps(value) + "\n")
        share = (number + 1) / len(settings.runs)
        told = {"labelled": n_labelled, "seed": seed, "dice": value["mean_dice"]}
        told["seconds_so_far"] = round(time.monotonic() - begun, 1)
        say(RunEvent("evaluated", number + 1, share * plan.minutes * 60, told))
    say(RunEvent("result", len(done), time.monotonic() - begun, {"runs": done}))


def _with_layout(settings: SegmentSettings) -> SegmentSettings:
    if not settings.layout:
        return settings
    try:
        channels, size = layout_of(checkpoint.weights(Path(settings.layout)))
    except ValueError as error:
        raise RunError(f"The layout cannot be read: {error}.", code="plan") from error
    return replace(settings, channels=channels, size=size)


def _loaded(
    plan: RunPlan,
    settings: SegmentSettings,
    cache: Path,
    orders: "Orders",
    say: Callable[[RunEvent], None],
) -> Scans:
    s = settings

    def read(images: Sequence[str], masks: Sequence[str]) -> list[Labelled]:
        steps = labelled.load(images, masks, s.classes, s.spacing_mm, cache, s.intensities)
        return _finished(steps, orders, say)

    return Scans(
        read(plan.data, s.masks),
        read(plan.validation, s.validation_masks),
        read(s.test_images, s.test_masks),
    )


def _finished(
    steps: Generator[Progress, None, list[Labelled]],
    orders: "Orders",
    say: Callable[[RunEvent], None],
) -> list[Labelled]:
    while True:
        try:
            progress = next(steps)
        except StopIteration as end:
            found: list[Labelled] = end.value
            return found
        if not orders.keep_going():
            raise Stopped("The run was stopped while its data were prepared.", code="stopped")
        say(RunEvent("preparing", 0, 0.0, {"doing": progress.doing}))


class _Run:
    """One run: a network, its labelled scans, its optimizer."""

    def __init__(
        self,
        device: Device,
        settings: SegmentSettings,
        chosen: Sequence[Labelled],
        scans: Scans,
        seed: int,
    ) -> None:
        self.settings = settings
        self.scans = scans
        self.device = device
        patch = (settings.patch[0], settings.patch[1], settings.patch[2])
        rng = torch.Generator().manual_seed(DRAWING_SEED + seed)
        self.source = PatchSource(chosen, patch, settings.spacing_mm, rng)
        n_classes = 1 + len(settings.classes)
        self.network = Segmenter(len(WINDOWS), settings.channels, settings.size, n_classes)
        self.copied: list[str] = []

    def begin(self, start: Mapping[str, Tensor]) -> None:
        """Copy the start, and give BatchNorm the statistics of these scans where it has none."""
        if start:
            try:
                self.copied = copy_trunk(self.network, start)
            except ValueError as error:
                raise RunError(
                    f"The start has another layout: {error}.",
                    hint="Give the plan the channels and the size of the start.",
                ) from error
            batches = [windowed(self._drawn()[0]) for _ in range(N_SETTLING)]
            onnx_weights.settle(self.network, batches)
        channels_last(self.network.to(self.device.torch))

    def trained(self, orders: "Orders") -> dict[str, Any]:
        """Train, and measure on the test scans; obeys a stop between two steps.

        Raises:
            Stopped: a stop was asked.
            RunError: the loss stopped being a number.
        """
        s = self.settings
        begun = time.process_time()
        optimizer, n_copied = self._optimizer()
        losses: list[tuple[int, float]] = []
        curve: list[tuple[int, float]] = []
        every = max(1, s.steps // max(1, s.measured))
        total = 0.0
        for step in range(s.steps):
            if not orders.keep_going():
                raise Stopped("The run was stopped; what it finished is kept.", code="stopped")
            _set_rates(optimizer, s, step, n_copied)
            loss = self._step(optimizer)
            if not math.isfinite(loss):
                raise RunError(f"The loss stopped being a number after {step} steps.")
            total += loss
            if (step + 1) % TOLD_EVERY == 0:
                losses.append((step + 1, round(total / TOLD_EVERY, 4)))
                total = 0.0
            if self.scans.validation and (step + 1) % every == 0:
                curve.append((step + 1, _mean(self._measured(self.scans.validation))))
        seconds = time.process_time() - begun
        values = self._measured(self.scans.test)
        return {
            "dice": values,
            "mean_dice": round(_mean(values), 4),
            "loss": losses,
            "validation": curve,
            "copied": n_copied,
            "processor_seconds": round(seconds, 2),
        }

    def _optimizer(self) -> tuple[torch.optim.Optimizer, int]:
        named = dict(self.network.named_parameters())
        ours = [named[name] for name in self.copied]
        rest = [p for name, p in named.items() if name not in set(self.copied)]
        groups = [{"params": rest}, *([{"params": ours}] if ours else [])]
        return torch.optim.AdamW(groups, lr=1e-3, weight_decay=1e-4), len(ours)

    def _drawn(self) -> tuple[Tensor, Tensor]:
        drawn = [self.source.draw() for _ in range(self.settings.batch)]
        values = torch.stack([d[0] for d in drawn])
        return values, torch.stack([d[1] for d in drawn])

    def _step(self, optimizer: torch.optim.Optimizer) -> float:
        values, classes = self._drawn()
        at = self.device.torch
        x = windowed(values.to(at)).to(memory_format=torch.channels_last_3d)
        self.network.train()
        with self._half():
            scores = self.network(x)
        loss = loss_of(scores.float(), classes.to(at).long())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = float(nn.utils.clip_grad_norm_(self.network.parameters(), CLIP))
        if math.isfinite(norm):  # see loop.MOST_REFUSED
            optimizer.step()
        return float(loss.detach())

    def _half(self) -> torch.autocast:
        """Half precision on a GPU; on a processor, whose bf16 is not sound for small maps, none.

        So the arms never differ by which precision was the faster one when they began.
        """
        at = self.device.torch.type
        return torch.autocast(at, torch.bfloat16, enabled=at == "cuda")

    def _measured(self, scans: Sequence[Labelled]) -> list[list[float | None]]:
        """Dice of each scan and class; None where the mask does not have it."""
        self.network.eval()
        n_classes = len(self.settings.classes)
        with torch.no_grad(), self._half():
            return [
                dice(
                    predicted(self.network, one.scan.hu, self.device.torch), one.classes, n_classes
                )
                for one in scans
            ]


def _set_rates(
    optimizer: torch.optim.Optimizer, settings: SegmentSettings, step: int, n_copied: int
) -> None:
    """Warm up, then follow a cosine; the copied part begins with a tenth of the rate."""
    share = step / settings.steps
    warm = min(1.0, (step + 1) / max(1.0, WARM_UP_SHARE * settings.steps))
    rate = settings.learning_rate * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * share)))
    for group in optimizer.param_groups:
        group["lr"] = rate
    if n_copied and share < GENTLE_SHARE:
        optimizer.param_groups[1]["lr"] = rate * GENTLE_RATE


def _mean(values: Sequence[Sequence[float | None]]) -> float:
    """Mean over scans of the mean over the classes that a scan has."""
    means = []
    for row in values:
        known = [v for v in row if v is not None]
        if known:
            means.append(sum(known) / len(known))
    return sum(means) / len(means) if means else math.nan
