"""A small network for radiographs and radiographs whose every place has its own pattern."""

import hashlib
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from samdesk.core.ids import ModelId
from samdesk.core.models import ModelInfo
from samdesk.core.radiograph import Radiograph, Scale
from samdesk.core.volume import Modality
from samdesk.model import manifest

LONG_SIDE_PX = 256


def write_model(folder: Path, *, nan: bool = False) -> ModelInfo:
    """Write a folder with a bank of fixed filters: fine cells of 4 pixels, coarse ones of 32."""
    folder.mkdir(parents=True, exist_ok=True)
    graph = helper.make_graph(
        [*_head("fine", stride=4, pad=14), *_head("coarse", stride=32, pad=48)],
        "flat-bank",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, "j", "i"])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 24, None, None])
            for name in ("fine", "coarse")
        ],
        [
            numpy_helper.from_array(_filters(32, 2.5, nan=nan), "fine_bank"),
            numpy_helper.from_array(_filters(128, 20.0), "coarse_bank"),
            numpy_helper.from_array(np.array([1e-12], np.float32), "tiny"),
            numpy_helper.from_array(np.array([1], np.int64), "axis"),
        ],
    )
    opsets = [helper.make_opsetid("", 18)]
    data = helper.make_model(graph, opset_imports=opsets, ir_version=10).SerializeToString()
    (folder / "model.onnx").write_bytes(data)
    (folder / "card.md").write_text("# A bank of fixed flat filters, for tests\n")
    info = ModelInfo(
        id=ModelId(folder.name),
        version="1.0",
        method="sam",
        modality=Modality.DX,
        folder=folder,
        file="model.onnx",
        sha256=hashlib.sha256(data).hexdigest(),
        size_bytes=len(data),
        spacing_mm=1.0,
        multiple_of=32,
        windows=((-1000.0, 1000.0, 0.0, 500.0),),
        fine_stride=4,
        coarse_stride=32,
        fine_size=24,
        coarse_size=24,
        intensities="percentile",
        dimensions=2,
        long_side_px=LONG_SIDE_PX,
    )
    manifest.write(info, folder)
    return info


def _head(name: str, *, stride: int, pad: int) -> list[onnx.NodeProto]:
    return [
        helper.make_node(
            "Conv", ["x", f"{name}_bank"], [f"{name}_raw"], strides=[stride] * 2, pads=[pad] * 4
        ),
        helper.make_node("ReduceL2", [f"{name}_raw", "axis"], [f"{name}_sum"], keepdims=1),
        helper.make_node("Add", [f"{name}_sum", "tiny"], [f"{name}_length"]),
        helper.make_node("Div", [f"{name}_raw", f"{name}_length"], [name]),
    ]


def _filters(side: int, sigma: float, *, nan: bool = False) -> NDArray[np.float32]:
    from scipy import ndimage

    noise = np.random.default_rng(side).normal(size=(24, side, side))
    noise = np.stack([ndimage.gaussian_filter(one, sigma) for one in noise])
    hill = np.exp(-(((np.arange(side) - (side - 1) / 2) / (side / 4)) ** 2) / 2)
    noise *= hill[:, None] * hill
    noise -= noise.mean(axis=(1, 2), keepdims=True)
    noise /= np.sqrt((noise**2).sum(axis=(1, 2), keepdims=True))
    if nan:
        noise[0, 0, 0] = np.nan
    return noise[:, None].astype(np.float32)


def array(
    shape: tuple[int, int] = (256, 220),
    shift: tuple[float, float] = (0.0, 0.0),
    zoom: float = 1.0,
    seed: int = 1,
) -> NDArray[np.float32]:
    """Draw smooth noise: the place (x, y) of it is seen at ((x, y) + shift) * zoom."""
    from scipy import ndimage

    noise = np.random.default_rng(seed).normal(size=(420, 420))
    fine, wide = (ndimage.gaussian_filter(noise, sigma) for sigma in (4.0, 24.0))
    smooth = fine / fine.std() + wide / wide.std()
    j, i = np.mgrid[: shape[0], : shape[1]]
    at = np.stack([j / zoom - shift[1] + 60, i / zoom - shift[0] + 60])
    drawn = ndimage.map_coordinates(smooth, at, order=1, mode="nearest")
    return np.asarray(drawn / drawn.std() * 300 + 1000, np.float32)


def radiograph(
    shape: tuple[int, int] = (256, 220),
    shift: tuple[float, float] = (0.0, 0.0),
    zoom: float = 1.0,
    seed: int = 1,
) -> Radiograph:
    """Make a radiograph of `array` with pixels of 0.5 mm."""
    return Radiograph(array(shape, shift, zoom, seed), (0.5, 0.5), Scale.CALIBRATED)
