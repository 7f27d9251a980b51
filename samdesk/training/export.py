"""ONNX, compared with torch before it counts, with manifest and card."""

import contextlib
import io
import warnings
from collections.abc import Mapping
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
from samdesk.model.session import Session
from samdesk.training.data.scans import sha256
from samdesk.training.methods.sam import WINDOWS, SamSettings
from samdesk.training.networks.sam import COARSE_STRIDE, FINE_STRIDE

OPSET = 18
MULTIPLE_OF = 16
# sam.md 3: torch and ONNX Runtime agree to this cosine at every cell.
LEAST_COSINE = 0.9999


@dataclass(frozen=True)
class Provenance:
    """Where the weights come from, for manifest and card.

    Attributes:
        data: one line for each scan: name and sha256.
        licence: of the data, and so of the weights.
        command, commit: how to make them again.
        figures: measured on held-out scans.
    """

    data: tuple[str, ...]
    licence: str
    command: str
    commit: str
    figures: Mapping[str, float]


class _Windowed(nn.Module):
    """The network as the graph holds it; the names of forward's arguments are the graph's."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        fine, coarse = self.network(x)
        return fine, coarse


def export(
    network: nn.Module, settings: SamSettings, plan: RunPlan, told: Provenance, folder: Path
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
    _write_graph(network, beside)
    beside.replace(graph)
    info = ModelInfo(
        id=ModelId(folder.name),
        version="1",
        method=plan.method,
        modality=Modality.CT,
        folder=folder,
        file=graph.name,
        sha256=sha256(graph),
        size_bytes=graph.stat().st_size,
        spacing_mm=settings.spacing_mm,
        multiple_of=MULTIPLE_OF,
        windows=WINDOWS,
        fine_stride=FINE_STRIDE,
        coarse_stride=COARSE_STRIDE,
        fine_size=settings.size,
        coarse_size=settings.size,
        licence=told.licence,
        data=f"{len(told.data)} scans, listed in card.md",
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


def _write_graph(network: nn.Module, path: Path) -> None:
    sides = {a: torch.export.Dim(a, min=1, max=64) for a in "kji"}
    x = torch.zeros(1, len(WINDOWS), 48, 32, 64)
    shapes = {"x": {n: MULTIPLE_OF * sides[a] for n, a in enumerate("kji", start=2)}}
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
    x = rng.normal(size=(1, len(WINDOWS), 64, 48, 80)).astype(np.float32)
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
    fine_mm, coarse_mm = (
        info.spacing_mm * stride for stride in (info.fine_stride, info.coarse_stride)
    )
    return f"""# {info.id}

Anatomical embeddings for {info.modality.value} by the method {info.method} (arXiv 2012.02383):
a place gets a vector, and the same place in another scan has the most similar one.
For research use only; not a medical device.

- Input: {info.spacing_mm} mm voxels along the patient's axes; fine cells of {fine_mm} mm,
  coarse cells of {coarse_mm} mm.
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
