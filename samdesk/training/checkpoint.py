"""One safetensors file that holds what a run needs to go on; nothing is unpickled."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.optim import Optimizer

from samdesk.errors import RunError
from samdesk.io.atomic import write_bytes
from samdesk.training import onnx_weights

FORMAT = 1


@dataclass(frozen=True, eq=False)
class State:
    """The parts of a run that change.

    Attributes:
        network, average: the weights, and their moving average that is exported.
        optimizer: AdamW.
        rng: of the drawing of pairs.
        step: steps done.
        seconds: of training so far, in all parts of the run.
    """

    network: nn.Module
    average: nn.Module
    optimizer: Optimizer
    rng: torch.Generator
    step: int = 0
    seconds: float = 0.0


def store(path: Path, state: State) -> None:
    """Write beside and swap in, so that a kill never leaves half a checkpoint."""
    tensors: dict[str, Tensor] = {}
    for prefix, module in (("network", state.network), ("average", state.average)):
        tensors |= {f"{prefix}.{k}": v.contiguous() for k, v in module.state_dict().items()}
    groups = state.optimizer.state_dict()
    for number, values in groups["state"].items():
        tensors |= {f"optimizer.{number}.{k}": v.contiguous() for k, v in values.items()}
    tensors["rng.pairs"] = state.rng.get_state()
    tensors["rng.torch"] = torch.get_rng_state()
    header = {
        "format": str(FORMAT),
        "step": str(state.step),
        "seconds": repr(state.seconds),
        "groups": json.dumps(groups["param_groups"]),
    }
    copied = {k: v.detach().cpu().clone() for k, v in tensors.items()}
    write_bytes(path, save(copied, header))


def restore(path: Path, state: State) -> State:
    """Put a checkpoint into the modules of `state`, and give the state with step and seconds.

    Raises:
        RunError: the file is damaged, of a later format, or of another network.
    """
    tensors, header = _read(path)
    if int(header.get("format", "0")) > FORMAT:
        raise RunError(f"{path.name} was written by a later samdesk.", code="newer-version")
    try:
        for prefix, module in (("network", state.network), ("average", state.average)):
            module.load_state_dict(_part(tensors, prefix))
        values: dict[int, dict[str, Tensor]] = {}
        for name, tensor in _part(tensors, "optimizer").items():
            number, key = name.split(".", 1)
            values.setdefault(int(number), {})[key] = tensor
        state.optimizer.load_state_dict(
            {"state": values, "param_groups": json.loads(header["groups"])}
        )
    except (RuntimeError, KeyError, ValueError) as error:
        raise RunError(
            f"{path.name} belongs to another network than the plan's.", code="plan"
        ) from error
    state.rng.set_state(tensors["rng.pairs"])
    torch.set_rng_state(tensors["rng.torch"])
    return State(
        state.network,
        state.average,
        state.optimizer,
        state.rng,
        int(header["step"]),
        float(header["seconds"]),
    )


def weights(path: Path) -> dict[str, Tensor]:
    """Read only the averaged weights, to start another run from.

    Args:
        path: a checkpoint.safetensors, or a model's folder or graph (see `onnx_weights`).

    Raises:
        RunError: the file is damaged, or holds no weights of a samdesk network.
    """
    if onnx_weights.is_graph(path):
        return onnx_weights.weights(path)
    return _part(_read(path)[0], "average")


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    try:
        with safe_open(path, framework="pt") as file:
            return {k: file.get_tensor(k) for k in file.keys()}, dict(file.metadata() or {})  # noqa: SIM118 - not a dict
    except (SafetensorError, OSError) as error:
        raise RunError(
            f"The checkpoint {path.name} is damaged or missing.", hint="Start the run anew."
        ) from error


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    dot = prefix + "."
    return {k.removeprefix(dot): v for k, v in tensors.items() if k.startswith(dot)}
