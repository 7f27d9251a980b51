"""Weights read back from a shipped graph, so that a run can start from a model without checkpoint.

The exporter folds each BatchNorm into the convolution before it: the graph holds `<conv>.weight`
already scaled and `<conv>.weight_bias`. Here the convolution takes the scaled weights and the
BatchNorm becomes the shift alone, which gives the same numbers in evaluation mode. In training mode
a BatchNorm divides by what it measures, so `settle` first measures each one on scans and rewrites
it: the numbers in evaluation mode stay, and the statistics are those that training expects.
"""

from collections.abc import Iterable
from pathlib import Path

import torch
from torch import Tensor, nn

from samdesk.errors import ModelError, RunError
from samdesk.model import onnx_file

SUFFIX = ".onnx"
GRAPH = "model.onnx"
ROOT = "network."
FOLDED = ".weight_bias"


def is_graph(path: Path) -> bool:
    """Tell whether a plan's start names a model folder or its graph, not a checkpoint."""
    return path.suffix == SUFFIX or (path / GRAPH).is_file()


def weights(path: Path) -> dict[str, Tensor]:
    """Read the weights of a graph that samdesk exported, by the names of the network.

    Args:
        path: of the .onnx file, or of the model's folder.

    Returns:
        Names and tensors as a checkpoint has them; every BatchNorm is a shift alone.

    Raises:
        RunError: the file is damaged, or has no weights under the names of a samdesk network.
    """
    import onnx
    from onnx import numpy_helper

    file = path / GRAPH if path.is_dir() else path
    try:
        data = file.read_bytes()
        onnx_file.check(data, file.name)
    except (OSError, ModelError) as error:
        raise RunError(
            f"The weights of {file.name} cannot be read.", hint="Install the model again."
        ) from error
    found = {
        one.name.removeprefix(ROOT): torch.from_numpy(numpy_helper.to_array(one).copy())
        for one in onnx.load_model_from_string(data).graph.initializer
        if one.name.startswith(ROOT)
    }
    if not found:
        raise RunError(
            f"{file.name} has no weights that a training run can start from.",
            hint="Name a checkpoint.safetensors, or a model that samdesk trained.",
        )
    own = {name: value for name, value in found.items() if not name.endswith(FOLDED)}
    for name, shift in found.items():
        if name.endswith(FOLDED):
            own |= _shift(_norm_of(name.removesuffix(FOLDED)), shift)
    return own


@torch.no_grad()
def settle(network: nn.Module, batches: Iterable[Tensor]) -> None:
    """Give every BatchNorm the statistics of its input, and change no output in evaluation mode.

    Args:
        network: with weights in place; left in evaluation mode.
        batches: (b, c, k, j, i) inputs like those of the run to come.
    """
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm3d)]
    sums: dict[nn.Module, Tensor] = {
        m: torch.zeros(3, m.num_features, dtype=torch.float64) for m in norms
    }

    def measured(module: nn.Module, given: tuple[Tensor, ...]) -> None:
        x = given[0].double().transpose(0, 1).flatten(1)
        count = torch.full((len(x),), float(x.shape[1]), dtype=torch.float64)
        sums[module] += torch.stack([count, x.sum(1), (x * x).sum(1)])

    handles = [m.register_forward_pre_hook(measured) for m in norms]
    network.eval()
    for batch in batches:
        network(batch)
    for handle in handles:
        handle.remove()
    for norm in norms:
        count, total, squares = sums[norm]
        if float(count[0]):
            mean = total / count
            _restate(norm, mean, (squares / count - mean * mean).clamp_min(0))


def _restate(norm: nn.BatchNorm3d, mean: Tensor, variance: Tensor) -> None:
    """Change the statistics, and gain and shift with them: y = x * gain / sqrt(var) + rest."""
    scale = (norm.weight / torch.sqrt(_running(norm.running_var) + norm.eps)).double()
    shift = norm.bias.double() - _running(norm.running_mean).double() * scale
    norm.weight.copy_(scale * torch.sqrt(variance + norm.eps))
    norm.bias.copy_(shift + mean * scale)
    _running(norm.running_mean).copy_(mean)
    _running(norm.running_var).copy_(variance)


def _running(tensor: Tensor | None) -> Tensor:
    if tensor is None:  # a BatchNorm without statistics: no network of samdesk has one
        raise RunError("A BatchNorm of this network keeps no statistics.")
    return tensor


def _norm_of(convolution: str) -> str:
    """Name the BatchNorm behind a convolution, as the blocks of samdesk name theirs."""
    block, _, last = convolution.rpartition(".")
    if last.isdigit():  # in a Sequential it is the next one
        return f"{block}.{int(last) + 1}"
    return f"{block}.norm" if last == "mix" else f"{convolution}_norm"


def _shift(name: str, shift: Tensor) -> dict[str, Tensor]:
    eps = nn.BatchNorm3d(1).eps
    return {
        f"{name}.weight": torch.ones_like(shift),
        f"{name}.bias": shift,
        f"{name}.running_mean": torch.zeros_like(shift),
        f"{name}.running_var": torch.full_like(shift, 1 - eps),
        f"{name}.num_batches_tracked": torch.tensor(0),
    }
