"""Small made radiographs with marked points, laid out as the real sets are, and a made model."""

import csv
import hashlib
import json
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from samdesk.core.ids import ModelId
from samdesk.core.models import ModelInfo
from samdesk.core.progress import Progress
from samdesk.core.runs import RunPlan
from samdesk.core.volume import Modality
from samdesk.errors import ModelError, RunError
from samdesk.evaluation.evaluations import Request
from samdesk.evaluation.kept import Kept

WIDTH, HEIGHT = 72, 80
SPLITS = ("train",) * 6 + ("val",) * 2 + ("test",) * 3
N_BLOBS = 14
NAMES = {
    "jsrt": ("right_lung_00", "right_lung_04", "left_lung_08", "heart_00"),
    "ceph": ("l1", "l2", "l3"),
    "hand": ("h01", "h02", "h03"),
}
KEY = ("right_lung_00", "heart_00")


def picture(seed: int, shift: tuple[float, float]) -> NDArray[np.uint8]:
    """Draw blobs that are the same for one seed, moved by (x, y) pixels."""
    rng = np.random.default_rng(seed)
    at = rng.uniform([6, 6], [WIDTH - 7, HEIGHT - 7], (N_BLOBS, 2))
    light = rng.uniform(-1, 1, N_BLOBS)
    width = rng.uniform(3, 7, N_BLOBS)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    out = np.zeros((HEIGHT, WIDTH))
    for (cx, cy), strength, sigma in zip(at + shift, light, width, strict=True):
        out += strength * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * sigma**2))
    return np.clip(128 + 90 * out, 0, 255).astype(np.uint8)


def places(seed: int, count: int, shift: tuple[float, float]) -> NDArray[np.float64]:
    """Give the middles of the first blobs of `picture`, (n, 2)."""
    rng = np.random.default_rng(seed)
    at = rng.uniform([6, 6], [WIDTH - 7, HEIGHT - 7], (N_BLOBS, 2))
    return np.asarray(at[:count] + shift)


def write_sets(data: Path) -> Path:
    """Write the three sets below `data`; every picture shows the same blobs, moved a little."""
    for number, (name, points) in enumerate(NAMES.items()):
        folder = data / "xray" / name
        (folder / "images").mkdir(parents=True)
        rng = np.random.default_rng(number)
        lines, marks = [], []
        for n, split in enumerate(SPLITS):
            file = f"images/{n:03d}.png"
            shift = (float(rng.uniform(-3, 3)), float(rng.uniform(-3, 3)))
            Image.fromarray(picture(number, shift)).save(folder / file)
            lines.append([file, split, "0.5", str(WIDTH), str(HEIGHT)])
            found = places(number, len(points), shift)
            marks += [
                [file, p, f"{x:.3f}", f"{y:.3f}"]
                for p, (x, y) in zip(points, found.tolist(), strict=True)
            ]
        table(folder / "manifest.csv", ["file", "split", "spacing_mm", "width", "height"], lines)
        head = ["image", "name", "x", "y"]
        if name == "ceph":
            table(folder / "landmarks_mean.csv", head, marks)
            seen = [
                [m[0], m[1], f"{float(m[2]) + off:.3f}", m[3], who]
                for m in marks
                for who, off in (("a", 0.5), ("b", -0.5))
            ]
            table(folder / "landmarks.csv", [*head, "observer"], seen)
        else:
            table(folder / "landmarks.csv", head, marks)
        if name == "jsrt":
            table(folder / "landmarks_key.csv", head, [m for m in marks if m[1] in KEY])
    return data


def table(path: Path, head: list[str], rows: list[list[str]]) -> None:
    """Write a CSV table."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([head, *rows])


def changed(path: Path, change: Callable[[list[str]], list[str] | None]) -> None:
    """Rewrite the rows of a table; a row for which `change` gives None is dropped."""
    with path.open(encoding="utf-8", newline="") as stream:
        head, *rows = list(csv.reader(stream))
    table(path, head, [row for old in rows if (row := change(old)) is not None])


def flat_info(folder: Path) -> ModelInfo:
    """Describe a made model of radiographs; there is no file behind it."""
    return ModelInfo(
        id=ModelId("sam-made"),
        version="1",
        method="sam",
        modality=Modality.DX,
        folder=folder,
        file="model.onnx",
        sha256=hashlib.sha256(b"made").hexdigest(),
        size_bytes=1,
        spacing_mm=1.0,
        multiple_of=16,
        windows=((-1000.0, 1000.0, 0.0, 500.0),),
        fine_stride=2,
        coarse_stride=8,
        dimensions=2,
        long_side_px=HEIGHT,
    )


@dataclass
class FlatBank:
    """Stands for a session: a bank of smooth derivatives instead of a trained network.

    Attributes:
        runs: how often it was asked.
    """

    info: ModelInfo
    runs: int = 0

    def run(self, x: NDArray[np.float32]) -> Mapping[str, NDArray[np.float32]]:
        """Give the fine and the coarse map of one picture (1, 1, j, i)."""
        self.runs += 1
        return {
            "fine": _bank(x[0, 0], 2, (2.0, 4.0)),
            "coarse": _bank(x[0, 0], 8, (6.0, 10.0)),
        }


def _bank(x: NDArray[np.float32], stride: int, sigmas: tuple[float, ...]) -> NDArray[np.float32]:
    orders = ((0, 0), (0, 1), (1, 0), (1, 1), (0, 2), (2, 0))
    maps = []
    for sigma in sigmas:
        for order in orders:
            full = ndimage.gaussian_filter(x, sigma, order) * sigma ** sum(order)
            j, i = (n // stride for n in full.shape)
            maps.append(full.reshape(j, stride, i, stride).mean(axis=(1, 3)))
    out = np.stack(maps)
    return np.asarray(out / np.linalg.norm(out, axis=0, keepdims=True), np.float32)[None]


class FlatRequest(Request):
    """A request whose model is the bank of filters."""

    def info(self, modality: Modality = Modality.CT) -> ModelInfo:
        """Give the made model, or none where another was asked for."""
        if self.model == "none":
            raise ModelError("No model for DX is installed.", code="model-unknown")
        return flat_info(self.out)

    def session(self, info: ModelInfo) -> Any:
        """Give the bank."""
        return FlatBank(info)


def request_for(data: Path, out: Path, run_worker: Any, *, model: str = "") -> FlatRequest:
    """Ask for a whole evaluation with one seed."""
    return FlatRequest(
        data=data,
        out=out,
        model=model,
        models=(),
        device="cpu",
        method="sam",
        is_quick=False,
        seeds=2,
        kept=Kept(out / "kept"),
        run_worker=run_worker,
    )


@dataclass
class Worker:
    """Stands for the training process: predicts the truth, the better the more it was given.

    Attributes:
        fails: seeds whose runs crash.
        plans: all that were run.
    """

    fails: frozenset[int] = frozenset()
    plans: tuple[RunPlan, ...] = ()

    def __call__(self, plan: RunPlan, folder: Path) -> Generator[Progress, None, dict[str, Any]]:
        """Write the predictions of a heat-map run; other runs crash."""
        yield Progress(0, 1, plan.method)
        self.plans = (*self.plans, replace(plan, data=plan.data))
        if plan.method != "heatmap" or plan.seed in self.fails:
            raise RunError(f"The {plan.method} run crashed.")
        folder.mkdir(parents=True, exist_ok=True)
        marks: dict[str, dict[str, list[float]]] = {}
        with Path(plan.settings["marks"]).open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                off = 6.0 / len(plan.data)
                at = [float(row["x"]) + off, float(row["y"])]
                marks.setdefault(row["image"], {})[row["name"]] = at
        curve = [{"step": 10.0, "loss": 2.0, "validation_px": 3.0}]
        text = json.dumps({"places": marks, "curve": curve})
        (folder / "predictions.json").write_text(text, encoding="utf-8")
        return {"predictions": "predictions.json"}
