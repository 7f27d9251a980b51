"""Weights read back from an exported graph give what the graph gives."""

from pathlib import Path

import pytest
import torch

from samdesk.errors import RunError
from samdesk.model import manifest
from samdesk.model.session import Session
from samdesk.training import checkpoint, onnx_weights
from samdesk.training.networks.sam import SamNetwork

SHIPPED = Path(__file__).resolve().parents[2] / "models" / "sam-ct"


def shipped_network() -> SamNetwork:
    found = checkpoint.weights(SHIPPED)
    channels = [found[f"stage{n}.0.first.weight"].shape[0] for n in (2, 3, 4)]
    first = found["stage1.0.weight"].shape[0]
    size = found["fine_head.project.weight"].shape[0]
    network = SamNetwork(found["stage1.0.weight"].shape[1] // 8, (first, *channels), size)
    network.load_state_dict(found)
    return network.eval()


@pytest.mark.slow
def test_the_shipped_weights_give_the_numbers_of_the_shipped_graph() -> None:
    network, info = shipped_network(), manifest.read(SHIPPED)
    x = torch.randn(1, len(info.windows), 48, 32, 64, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        own = network(x)
    graph = Session(info, device="cpu").run(x.numpy())
    for name, tensor in zip((info.fine_name, info.coarse_name), own, strict=True):
        cosines = (torch.from_numpy(graph[name]) * tensor).sum(1)
        assert float(cosines.min()) >= 0.9999


def test_settling_changes_what_training_sees_and_not_what_use_sees() -> None:
    torch.manual_seed(0)
    network = SamNetwork(2, (8, 8, 8, 8), 8)
    x = torch.randn(2, 2, 32, 32, 32) * 3 + 1
    network.eval()
    for norm in (m for m in network.modules() if isinstance(m, torch.nn.BatchNorm3d)):
        torch.nn.init.uniform_(norm.weight, 0.5, 2.0)
        torch.nn.init.uniform_(norm.bias, -1.0, 1.0)
    with torch.no_grad():
        before = network(x)
        onnx_weights.settle(network, [x])
        after = network(x)
        kept = network.stage1[1].running_mean.clone()
        network.train()
        in_training = network.stage1(network.fold(x))
        network.eval()
        in_use = network.stage1(network.fold(x))
    assert torch.allclose(before[0], after[0], atol=1e-4)
    assert torch.allclose(before[1], after[1], atol=1e-4)
    assert float(kept.abs().max()) > 0
    assert torch.allclose(in_training, in_use, atol=1e-3)


def test_a_damaged_graph_is_named(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"not a graph at all")
    with pytest.raises(RunError, match=r"model\.onnx"):
        checkpoint.weights(path)


def test_a_graph_without_own_weights_is_no_start(tmp_path: Path) -> None:
    import onnx

    path = tmp_path / "other.onnx"
    graph = onnx.helper.make_graph([], "empty", [], [])
    onnx.save(onnx.helper.make_model(graph), str(path))
    with pytest.raises(RunError, match="start from"):
        checkpoint.weights(path)
