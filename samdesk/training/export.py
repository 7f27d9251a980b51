"""ONNX, compared with torch before it counts, with manifest and card."""

import contextlib
import io
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from samdesk.core.ids import ModelId
from samdesk.core.models import ModelInfo
from samdesk.core.runs import RunPlan
from samdesk.core.volume import Modality
from samdesk.errors import RunError
from samdesk.io.atomic import write_text
from samdesk.model import manifest
from samdesk.model.intensities import HU
from samdesk.model.session import Session
from samdesk.training.base import Provenance
from samdesk.training.data.scans import sha256

OPSET = 18
# sam.md 3: torch and ONNX Runtime agree to this cosine at every cell.
LEAST_COSINE = 0.9999


@dataclass(frozen=True)
class Promise:
    """What the manifest says of a network's input and output; see `ModelInfo`.

    Attributes:
        modality: of the scans it learned from.
        spacing_mm: edge of the input voxels; of radiographs 1, since they are in pixels.
        multiple_of: of which the input's sides are multiples.
        windows: input channels.
        strides: input voxels a fine and a coarse cell.
        size: length of the vectors.
        dimensions: 3, or 2 for radiographs.
        long_side_px: of radiographs.
        intensities: "hu", or "percentile" for values without a unit.
    """

    modality: Modality
    spacing_mm: float
    multiple_of: int
    windows: tuple[tuple[float, float, float, float], ...]
    strides: tuple[int, int]
    size: int
    dimensions: int = 3
    long_side_px: int = 0
    intensities: str = HU


class _Windowed(nn.Module):
    """The network as the graph holds it; the names of forward's arguments are the graph's."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        fine, coarse = self.network(x)
        return fine, coarse


def export(
    network: nn.Module, promise: Promise, plan: RunPlan, told: Provenance, folder: Path
) -> tuple[ModelInfo, float]:
    """Write a model folder, the manifest last: a folder without one is not a model.

    Returns:
        What the manifest says, and the least cosine between torch and ONNX Runtime.

    Raises:
        RunError: the graph does not give what torch gives.
    """
    folder.mkdir(parents=True, exist_ok=True)
    graph = folder / "model.onnx"
    beside = folder / "model.part.onnx"
    network = network.cpu().float().eval()
    _write_graph(network, promise, beside)
    beside.replace(graph)
    info = ModelInfo(
        id=ModelId(folder.name),
        version="1",
        method=plan.method,
        modality=promise.modality,
        folder=folder,
        file=graph.name,
        sha256=sha256(graph),
        size_bytes=graph.stat().st_size,
        spacing_mm=promise.spacing_mm,
        multiple_of=promise.multiple_of,
        windows=promise.windows,
        fine_stride=promise.strides[0],
        coarse_stride=promise.strides[1],
        fine_size=promise.size,
        coarse_size=promise.size,
        intensities=promise.intensities,
        dimensions=promise.dimensions,
        long_side_px=promise.long_side_px,
        licence=told.licence,
        data=f"{len(told.data)} {_things(promise.dimensions)}, listed in card.md",
        command=told.command,
        commit=told.commit,
        figures=told.figures,
    )
    least = parity(network, info)
    if least < LEAST_COSINE:
        graph.unlink()
        raise RunError(f"The exported graph differs from the network (cosine {least:.5f}).")
    write_text(folder / "card.md", card(info, plan, told, least))
    manifest.write(info, folder)
    return info, least


def _things(dimensions: int) -> str:
    return "scans" if dimensions == 3 else "pictures"


def _write_graph(network: nn.Module, promise: Promise, path: Path) -> None:
    axes, step = "kji"[3 - promise.dimensions :], promise.multiple_of
    sides = {a: torch.export.Dim(a, min=1, max=64) for a in axes}
    x = torch.zeros(1, len(promise.windows), *(n * step for n in (3, 2, 4)[3 - len(axes) :]))
    shapes = {"x": {n: step * sides[a] for n, a in enumerate(axes, start=2)}}
    # The exporter prints its steps and warns of packages that it could use elsewhere.
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _Windowed(network),
            (x,),
            path,
            dynamo=True,
            opset_version=OPSET,
            input_names=["x"],
            output_names=["fine", "coarse"],
            dynamic_shapes=shapes,
            external_data=False,
            verbose=False,
        )


def parity(network: nn.Module, info: ModelInfo) -> float:
    """Least cosine between torch and ONNX Runtime over all cells, on a shape never exported."""
    rng = np.random.default_rng(0)
    sides = (info.multiple_of * n for n in (4, 3, 5)[3 - info.dimensions :])
    x = rng.normal(size=(1, len(info.windows), *sides)).astype(np.float32)
    session = Session(info, device="cpu")
    got = session.run(x)
    with torch.no_grad():
        wanted = network(torch.from_numpy(x))
    least = 1.0
    for name, tensor in zip((info.fine_name, info.coarse_name), wanted, strict=True):
        least = min(least, float((got[name] * tensor.numpy()).sum(1).min()))
    return least


def card(info: ModelInfo, plan: RunPlan, told: Provenance, least: float) -> str:
    """Write the page for people."""
    figures = "\n".join(f"| {name} | {value} |" for name, value in told.figures.items())
    data = "\n".join(f"- {line}" for line in told.data)
    fine, coarse = (info.spacing_mm * stride for stride in (info.fine_stride, info.coarse_stride))
    if info.dimensions == 3:
        size = f"{info.spacing_mm} mm voxels along the patient's axes; fine cells of {fine} mm,"
        size += f"\n  coarse cells of {coarse} mm."
    else:
        size = f"a radiograph whose longer side is {info.long_side_px} pixels; fine cells of"
        size += f" {fine:g} pixels,\n  coarse cells of {coarse:g}."
    return f"""# {info.id}

Anatomical embeddings for {info.modality.value} by the method {info.method} (arXiv 2012.02383):
a place gets a vector, and the same place in another scan has the most similar one.
For research use only; not a medical device.

- Input: {size}
- File: {info.file}, {info.size_bytes} bytes, sha256 {info.sha256}
- Torch and ONNX Runtime agree to a cosine of {least:.6f} at every cell.
- Made by: `{told.command}`, commit {told.commit}, seed {plan.seed}, {plan.minutes} minutes.
- Licence: {told.licence}

## Figures on held-out scans, without the matcher's prior, vote and refinement

| figure | value |
| --- | --- |
{figures}

What matching reaches with these weights is in docs/benchmarks.md.

## Settings

```json
{plan.to_json()}
```

## Training data

{data}
"""
