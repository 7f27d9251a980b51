"""The supervised baseline on radiographs: a U-Net that draws one heat map for each landmark."""

import copy
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own manual writes F

from samdesk.core.runs import RunEvent, RunPlan
from samdesk.errors import RunError, Stopped
from samdesk.io.atomic import write_text
from samdesk.training.data import marked
from samdesk.training.data.marked import Changes, MarkedPictures
from samdesk.training.device import follow, pick_device
from samdesk.training.networks.unet_flat import MULTIPLE, STRIDE, FlatUNet
from samdesk.training.orders import Orders

PREDICTIONS = "predictions.json"
WARM_UP_STEPS = 20
AVERAGE = 0.98
CLIP = 5.0
# Cells on each side of the peak that the place is averaged over.
REACH = 3


@dataclass(frozen=True)
class HeatmapSettings:
    """The plan's settings of a heat-map run.

    Attributes:
        marks: table of the marked points; pictures are named relative to its folder.
        points: names of the landmarks.
        test: pictures whose landmarks are predicted; their marks are never looked at.
        steps: at most; the learning rate follows a cosine over them.
        patience: stop after so many steps without a better validation error.
        check_every: steps between two looks at the validation pictures.
        batch: pictures in a step.
        long_side_px: of the network's input.
        base: channels of the finest maps.
        sigma_cells: of the Gaussian that is the truth, in cells of the heat map.
        learning_rate: at its largest.
    """

    marks: str
    points: tuple[str, ...]
    test: tuple[str, ...] = ()
    steps: int = 400
    patience: int = 200
    check_every: int = 20
    batch: int = 8
    long_side_px: int = 256
    base: int = 16
    sigma_cells: float = 1.5
    learning_rate: float = 4e-3

    @classmethod
    def from_plan(cls, settings: Mapping[str, Any]) -> "HeatmapSettings":
        """Check a plan's settings.

        Raises:
            RunError: a name is unknown, or one that is needed is missing.
        """
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(settings) - known)
        if unknown:
            raise RunError(f"A heat-map run has no setting {', '.join(unknown)}.", code="plan")
        missing = sorted({"marks", "points"} - set(settings))
        if missing:
            raise RunError(f"A heat-map run needs the setting {', '.join(missing)}.", code="plan")
        values = dict(settings)
        values |= {key: tuple(values[key]) for key in ("points", "test") if key in values}
        return cls(**values)


def run(plan: RunPlan, folder: Path, orders: Orders, say: Callable[[RunEvent], None]) -> None:
    """Train on the plan's pictures, keep the checkpoint that is best on its validation pictures.

    Ends with `predictions.json` in the folder: places (x, y) in pixels of the file, by picture
    and point, for the validation and test pictures; and a "result" event that names it.

    Args:
        plan: `data` and `validation` are pictures; settings as in `HeatmapSettings`.
        folder: of the run.
        orders: pause and stop.
        say: takes the events.

    Raises:
        RunError: the plan does not fit, or the loss is no longer a number.
        ReadError: a picture or the table cannot be read.
        Stopped: a person ended it.
    """
    settings = HeatmapSettings.from_plan(plan.settings)
    sets = [_load(paths, settings, orders) for paths in (plan.data, plan.validation)]
    trainer = _Trainer(plan, settings, sets[0], sets[1])
    say(RunEvent("started", 0, 0.0, {"device": trainer.device.words, "pictures": len(plan.data)}))
    while trainer.step < settings.steps and not trainer.is_tired:
        if not orders.keep_going():
            raise Stopped("The run was stopped.", code="stopped")
        trainer.advance()
        if trainer.step % settings.check_every == 0 or trainer.step == settings.steps:
            say(RunEvent("evaluated", trainer.step, 0.0, trainer.check()))
    orders.finishing()
    found = trainer.predict(sets[1])
    if settings.test:
        found |= trainer.predict(_load(settings.test, settings, orders))
    result = {
        "best_step": trainer.best_step,
        "steps": trainer.step,
        "validation_px": trainer.best,
        "curve": trainer.curve,
        "places": found,
    }
    write_text(folder / PREDICTIONS, json.dumps(result))
    values = {"predictions": PREDICTIONS, "best_step": trainer.best_step}
    values["validation_px"] = round(trainer.best, 4)
    say(RunEvent("result", trainer.step, 0.0, values))


def _load(paths: tuple[str, ...], settings: HeatmapSettings, orders: Orders) -> MarkedPictures:
    found = marked.load(
        paths,
        Path(settings.marks),
        settings.points,
        settings.long_side_px,
        MULTIPLE,
        orders.keep_going,
    )
    if orders.stopped:
        raise Stopped("The run was stopped while its pictures were read.", code="stopped")
    return found


class _Trainer:
    """The network, its average, the best average so far, and the curve."""

    def __init__(
        self,
        plan: RunPlan,
        settings: HeatmapSettings,
        train: MarkedPictures,
        validation: MarkedPictures,
    ) -> None:
        torch.manual_seed(plan.seed)
        self.settings, self.train, self.validation = settings, train, validation
        self.device = pick_device(plan.device)
        network = FlatUNet(len(settings.points), settings.base)
        self.network = network.to(self.device.torch, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.network).eval()
        self.kept = copy.deepcopy(self.average)
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=settings.learning_rate, weight_decay=1e-3
        )
        self.rng = torch.Generator().manual_seed(plan.seed)
        self.order = torch.empty(0, dtype=torch.long)
        self.step, self.best_step, self.best = 0, 0, math.inf
        self.sums: list[float] = []
        self.curve: list[dict[str, float]] = []

    @property
    def is_tired(self) -> bool:
        """Whether the validation error has not become better for long."""
        return self.step - self.best_step >= self.settings.patience

    def advance(self) -> None:
        """Take one step on augmented pictures."""
        x, places = marked.draw(self.train, self._rows(), Changes(), self.rng)
        for group in self.optimizer.param_groups:
            group["lr"] = self._rate()
        self.network.train()
        loss = heat_loss(self._maps(self.network, x), places, self.settings.sigma_cells)
        if not math.isfinite(float(loss.detach())):
            raise RunError(f"The loss stopped being a number after {self.step} steps.")
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), CLIP)
        self.optimizer.step()
        follow(self.average, self.network, min(AVERAGE, (1 + self.step) / (10 + self.step)))
        self.sums.append(float(loss.detach()))
        self.step += 1

    def check(self) -> dict[str, float]:
        """Measure the average on the validation pictures; remember it where it is the best."""
        found = self._places(self.average, self.validation)
        truth = self.validation.to_file(self.validation.places)
        distances = (found - truth).norm(dim=-1)
        error = float(distances[distances.isfinite()].mean())
        if error < self.best:
            self.best, self.best_step = error, self.step
            self.kept.load_state_dict(self.average.state_dict())
        values = {
            "loss": round(sum(self.sums) / max(1, len(self.sums)), 4),
            "validation_px": round(error, 3),
        }
        self.sums = []
        self.curve.append({"step": float(self.step), **values})
        return values

    def predict(self, pictures: MarkedPictures) -> dict[str, dict[str, list[float]]]:
        """Give the places of all points of all pictures, by the best weights."""
        places = self._places(self.kept, pictures)
        return {
            name: {
                point: [round(float(v), 3) for v in at]
                for point, at in zip(self.settings.points, rows, strict=True)
            }
            for name, rows in zip(pictures.names, places, strict=True)
        }

    def _rows(self) -> Tensor:
        """Go through all pictures in a new order each time, so that none is seen more often."""
        while len(self.order) < self.settings.batch:
            more = torch.randperm(len(self.train.names), generator=self.rng)
            self.order = torch.cat([self.order, more])
        count = self.settings.batch
        rows, self.order = self.order[:count], self.order[count:]
        return rows

    def _rate(self) -> float:
        warm = min(1.0, (self.step + 1) / WARM_UP_STEPS)
        share = self.step / self.settings.steps
        return (
            self.settings.learning_rate * warm * (0.02 + 0.98 * (1 + math.cos(math.pi * share)) / 2)
        )

    def _maps(self, network: nn.Module, x: Tensor) -> Tensor:
        half = self.device.half
        with torch.autocast(
            self.device.torch.type, half or torch.bfloat16, enabled=half is not None
        ):
            logits: Tensor = network(x.to(self.device.torch))
        return logits.float().cpu()

    @torch.no_grad()
    def _places(self, network: nn.Module, pictures: MarkedPictures) -> Tensor:
        parts = [decode(self._maps(network, x)) for x in torch.split(pictures.array, 16)]
        return pictures.to_file(torch.cat(parts))


def heat_loss(logits: Tensor, places: Tensor, sigma_cells: float) -> Tensor:
    """Cross entropy between the map's softmax and a Gaussian round the true place.

    Args:
        logits: (b, p, j, i) cells of STRIDE pixels.
        places: (b, p, 2) pixels (x, y); points that are NaN or outside do not count.
        sigma_cells: of the Gaussian.

    Returns:
        Mean over the points that count; 0 where none does.
    """
    b, p, height, width = logits.shape
    cells = (places + 0.5) / STRIDE - 0.5
    size = torch.tensor([width, height], dtype=torch.float32)
    counts = ((cells > -0.5) & (cells < size - 0.5)).all(-1)
    cells = torch.where(counts[..., None], cells, 0.0)
    along_x = _gaussian(cells[..., 0], width, sigma_cells)
    along_y = _gaussian(cells[..., 1], height, sigma_cells)
    # the Gaussian is a product of two, so the whole map is never made
    meant = torch.einsum("bpji,bpj,bpi->bp", logits, along_y, along_x)
    each = logits.reshape(b, p, -1).logsumexp(2) - meant
    return (each * counts).sum() / counts.sum().clamp(min=1)


def _gaussian(at: Tensor, count: int, sigma: float) -> Tensor:
    line = torch.arange(count, dtype=torch.float32)
    out: Tensor = F.softmax(-((line - at[..., None]) ** 2) / (2 * sigma**2), -1)
    return out


def decode(logits: Tensor) -> Tensor:
    """Find the places: the mean of the softmax near its peak, which is finer than a cell.

    Args:
        logits: (b, p, j, i).

    Returns:
        (b, p, 2) pixels (x, y) of the network's input.
    """
    b, p, height, width = logits.shape
    flat = logits.reshape(b, p, -1)
    peak = flat.argmax(2)
    jj, ii = peak // width, peak % width
    reach = torch.arange(-REACH, REACH + 1)
    rows, columns = jj[..., None] + reach, ii[..., None] + reach
    is_in = ((rows >= 0) & (rows < height))[..., :, None]
    is_in = is_in & ((columns >= 0) & (columns < width))[..., None, :]
    index = rows.clamp(0, height - 1)[..., :, None] * width
    index = (index + columns.clamp(0, width - 1)[..., None, :]).reshape(b, p, -1)
    near = flat.gather(2, index).reshape(is_in.shape).masked_fill(~is_in, -torch.inf)
    weights = F.softmax(near.flatten(2), -1).reshape(is_in.shape)
    x = (weights.sum(-2) * columns).sum(-1)
    y = (weights.sum(-1) * rows).sum(-1)
    return (torch.stack([x, y], -1) + 0.5) * STRIDE - 0.5
