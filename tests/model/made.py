"""A small network and scans of a made body whose every place has its own pattern.

The network is a bank of fixed smooth filters, each centered exactly on its cell, so the place of a
match is known from the geometry alone and needs no training.
"""

import hashlib
from collections.abc import Callable, Generator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from samdesk.core.geometry import Geometry, Points
from samdesk.core.ids import ModelId
from samdesk.core.models import ModelInfo
from samdesk.core.volume import Modality, Volume
from samdesk.model import manifest
from samdesk.model.embedder import embed
from samdesk.model.embedding import Embedding
from samdesk.model.session import Session

SPACING_MM = 2.5
BODY_MM = np.array([70.0, 60.0, 80.0])
WAVES = 60


def write_model(folder: Path, *, nan: bool = False, delays: int = 0) -> ModelInfo:
    """Write a model folder with fine cells of 2 voxels and coarse cells of 8.

    Args:
        folder: its place and name.
        nan: whether a weight is no number.
        delays: how many steps that do nothing but take time come first.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = ["x", *(f"late_{n}" for n in range(delays))]
    graph = helper.make_graph(
        [
            *(helper.make_node("Tanh", [a], [b]) for a, b in pairwise(names)),
            *_head("fine", names[-1], stride=2, pad=7),
            *_head("coarse", names[-1], stride=8, pad=12),
        ],
        "bank",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, "k", "j", "i"])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 16, None, None, None])
            for name in ("fine", "coarse")
        ],
        [
            _constant("fine_bank", filters(16, 1.6, nan=nan)),
            _constant("coarse_bank", filters(32, 4.5)),
            _constant("tiny", np.array([1e-12], np.float32)),
            numpy_helper.from_array(np.array([1], np.int64), "axis"),
        ],
    )
    opsets = [helper.make_opsetid("", 18)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    data = model.SerializeToString()
    (folder / "model.onnx").write_bytes(data)
    (folder / "card.md").write_text("# A bank of fixed filters, for tests\n")
    info = ModelInfo(
        id=ModelId(folder.name),
        version="1.0",
        method="sam",
        modality=Modality.CT,
        folder=folder,
        file="model.onnx",
        sha256=hashlib.sha256(data).hexdigest(),
        size_bytes=len(data),
        spacing_mm=SPACING_MM,
        multiple_of=16,
        windows=((-200.0, 300.0, 50.0, 100.0),),
        fine_size=16,
        coarse_size=16,
    )
    manifest.write(info, folder)
    return info


def filters(side: int, sigma: float, *, nan: bool = False) -> NDArray[np.float32]:
    """16 smooth random filters without a mean, (16, 1, side, side, side), even side."""
    from scipy import ndimage

    noise = np.random.default_rng(side).normal(size=(16, side, side, side))
    noise = np.stack([ndimage.gaussian_filter(one, sigma) for one in noise])
    at = np.arange(side) - (side - 1) / 2
    hill = np.exp(-((at / (side / 4)) ** 2) / 2)
    noise *= hill[:, None, None] * hill[:, None] * hill
    # No mean: a filter answers to pattern only, and air beside the body does not drown it.
    noise -= noise.mean(axis=(1, 2, 3), keepdims=True)
    noise /= np.sqrt((noise**2).sum(axis=(1, 2, 3), keepdims=True))
    if nan:
        noise[0, 0, 0, 0] = np.nan
    return noise[:, None].astype(np.float32)


def scan(
    shape: tuple[int, int, int] = (72, 64, 64),
    spacing: float | tuple[float, float, float] = SPACING_MM,
    center_mm: tuple[float, float, float] = (0.0, 0.0, 0.0),
    *,
    seed: int = 1,
    axes: NDArray[np.float64] | None = None,
    moved: Callable[[Points], Points] | None = None,
) -> Volume:
    """Make a scan of the body around `center_mm`.

    Args:
        shape: voxels.
        spacing: mm along (k, j, i).
        center_mm: LPS mm of the middle of the grid.
        seed: which body.
        axes: (3, 3) directions of k, j, i as columns; along the patient where none are given.
        moved: function from places of this scan to places of the body (a warp), or None.
    """
    spacing = (spacing,) * 3 if isinstance(spacing, float) else spacing
    directions = np.array([[0.0, 0, 1], [0, 1, 0], [1, 0, 0]]) if axes is None else axes
    affine = np.eye(4)
    affine[:3, :3] = directions * np.array(spacing)
    affine[:3, 3] = np.array(center_mm) - affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    geometry = Geometry(shape, affine)
    index = np.array(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij")).reshape(3, -1).T
    mm = geometry.to_mm(index.astype(np.float64))
    places = mm if moved is None else moved(mm)
    return Volume(values(places, seed).reshape(shape), geometry)


def values(places_mm: Points, seed: int = 1) -> NDArray[np.int16]:
    """Give the HU of places of a body: a sum of waves inside an ellipsoid, air outside."""
    generator = np.random.default_rng(seed)
    direction = generator.normal(size=(WAVES, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    wave = direction * (2 * np.pi / generator.uniform(22.0, 70.0, WAVES))[:, None]
    phase = generator.uniform(0, 2 * np.pi, WAVES)
    out = np.full(len(places_mm), -1000.0)
    inside = ((places_mm / BODY_MM) ** 2).sum(axis=1) < 1
    total = np.zeros(int(inside.sum()))
    for one, offset in zip(wave, phase, strict=True):
        total += np.cos(places_mm[inside] @ one + offset)
    out[inside] = 50 + 110 * total / np.sqrt(WAVES / 2)
    return np.rint(out).astype(np.int16)


def places(n: int = 40, seed: int = 5, reach: float = 0.6) -> Points:
    """Draw places well inside the body, (n, 3) mm."""
    generator = np.random.default_rng(seed)
    out = generator.normal(size=(n, 3))
    out /= np.linalg.norm(out, axis=1, keepdims=True)
    points: Points = out * generator.uniform(0, 1, (n, 1)) ** (1 / 3) * BODY_MM * reach
    return points


def finish(steps: Generator[Any, None, Any]) -> Any:
    """Move steps to their end and give back their result."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def embedded(volume: Volume, session: Session) -> Embedding:
    """Embed a volume without a cache."""
    embedding: Embedding = finish(embed(volume, session))
    return embedding


def _head(name: str, given: str, *, stride: int, pad: int) -> list[onnx.NodeProto]:
    return [
        helper.make_node(
            "Conv", [given, f"{name}_bank"], [f"{name}_raw"], strides=[stride] * 3, pads=[pad] * 6
        ),
        helper.make_node("ReduceL2", [f"{name}_raw", "axis"], [f"{name}_sum"], keepdims=1),
        helper.make_node("Add", [f"{name}_sum", "tiny"], [f"{name}_length"]),
        helper.make_node("Div", [f"{name}_raw", f"{name}_length"], [name]),
    ]


def _constant(name: str, array: NDArray[np.float32]) -> onnx.TensorProto:
    return numpy_helper.from_array(array, name)
