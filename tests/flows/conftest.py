"""A whole program without a window: real services, a small real model, real files."""

import hashlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QEventLoop, QTimer

from samdesk.app import wiring
from samdesk.app.main import SWITCH_INTERVAL_S
from samdesk.core.ids import ModelId
from samdesk.core.models import ModelInfo
from samdesk.core.volume import Modality
from samdesk.model import manifest
from samdesk.services.bundle import Services
from samdesk.services.jobs import JobQueue


@pytest.fixture(autouse=True)
def worker_is_seen_by_coverage(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let coverage follow the worker, which Qt starts behind Python's back."""
    run = JobQueue.run

    def traced(queue: JobQueue) -> None:
        sys.settrace(threading.gettrace())
        run(queue)

    monkeypatch.setattr(JobQueue, "run", traced)


# Below the timeout of a test, so that a flow that hangs says what it heard last.
PATIENCE_S = 100.0
BEAT_MS = 5
SIZE = 16
WINDOWS = ((-1024.0, 400.0, -300.0, 700.0), (-160.0, 240.0, 40.0, 200.0))
# So many layers make a scan of a million voxels take many seconds. A running layer is not ended by
# a cancel, which comes between two of them; a real network has hundreds.
HEAVY_LAYERS = 24


def write_model(folder: Path, *, spacing_mm: float = 4.0, is_heavy: bool = False) -> ModelInfo:
    """Make a network of fixed random filters, which knows a place by its surroundings.

    It is no trained network, but it tells one place of a scan from another in the same scan,
    through the real runtime and the real files.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    generator = np.random.default_rng(11)
    nodes, weights = [], []

    def filters(name: str, source: str, kernel: int, stride: int, n_in: int, n_out: int) -> None:
        shape = (n_out, n_in, kernel, kernel, kernel)
        values = generator.normal(size=shape) / np.sqrt(np.prod(shape[1:]))
        values -= values.mean(axis=(2, 3, 4), keepdims=True)
        weights.append(numpy_helper.from_array(values.astype(np.float32), f"{name}.w"))
        pad = (kernel - stride) // 2
        nodes.append(
            helper.make_node(
                "Conv", [source, f"{name}.w"], [f"{name}.c"],
                kernel_shape=[kernel] * 3, strides=[stride] * 3, pads=[pad] * 6,
            )
        )  # fmt: skip
        nodes.append(helper.make_node("LpNormalization", [f"{name}.c"], [name], axis=1, p=2))

    source, channels = "x", len(WINDOWS)
    for n in range(HEAVY_LAYERS if is_heavy else 0):
        filters(f"layer {n}", source, 3, 1, channels, SIZE)
        source, channels = f"layer {n}", SIZE
    filters("fine", source, 6, 2, channels, SIZE)
    filters("coarse", source, 16, 8, channels, SIZE)

    def tensor(name: str, n: int, divisor: str) -> Any:
        return helper.make_tensor_value_info(
            name, TensorProto.FLOAT, [1, n, *(f"{axis}{divisor}" for axis in "kji")]
        )

    graph = helper.make_graph(
        nodes,
        "surroundings",
        [tensor("x", len(WINDOWS), "")],
        [tensor("fine", SIZE, "/2"), tensor("coarse", SIZE, "/8")],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model)
    folder.mkdir(parents=True)
    data = model.SerializeToString()
    (folder / "model.onnx").write_bytes(data)
    (folder / "card.md").write_text("# Random filters\n\nFor tests only.\n")
    info = ModelInfo(
        id=ModelId(folder.name),
        version="1",
        method="sam",
        modality=Modality.CT,
        folder=folder,
        file="model.onnx",
        sha256=hashlib.sha256(data).hexdigest(),
        size_bytes=len(data),
        spacing_mm=spacing_mm,
        multiple_of=16,
        windows=WINDOWS,
        fine_stride=2,
        coarse_stride=8,
        fine_size=SIZE,
        coarse_size=SIZE,
        licence="CC0-1.0",
    )
    manifest.write(info, folder)
    return info


@pytest.fixture
def small_model(models_folder: Path) -> ModelInfo:
    """A model that embeds a scan of the tests in well under a second."""
    return write_model(models_folder / "small")


@pytest.fixture
def heavy_model(models_folder: Path) -> ModelInfo:
    """A model whose single pass over a scan of the tests takes many seconds."""
    return write_model(models_folder / "heavy", is_heavy=True)


@dataclass
class Heart:
    """Beats on the thread of the window and keeps how long each gap was, in ms."""

    gaps_ms: list[float] = field(default_factory=list)
    last_s: float = 0.0

    def beat(self) -> None:
        now = time.perf_counter()
        if self.last_s:
            self.gaps_ms.append(1000 * (now - self.last_s))
        self.last_s = now


@pytest.fixture
def heart(qapp: QCoreApplication) -> Iterator[Heart]:
    heart, timer = Heart(), QTimer()
    timer.timeout.connect(heart.beat)
    timer.start(BEAT_MS)
    yield heart
    timer.stop()


@dataclass
class Program:
    """The services and what they told."""

    services: Services
    told: list[tuple[Any, ...]] = field(default_factory=list)

    def until(self, condition: Callable[[], Any]) -> None:
        """Let the event loop run until `condition` holds."""
        end = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < end, f"waited in vain; told: {self.told[-5:]}"
            QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 20)
            # A loop that never sleeps would keep the worker from the interpreter.
            time.sleep(0.002)

    def of(self, kind: str) -> list[tuple[Any, ...]]:
        """Give what the signals of one name told, without the name."""
        return [words[1:] for words in self.told if words[0] == kind]


@pytest.fixture
def models_folder(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def cache_folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def patience() -> float:
    """How much longer everything takes while others want more cores than there are."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


@pytest.fixture
def make_program(
    leaves_nothing_running: None, models_folder: Path, cache_folder: Path
) -> Iterator[Callable[[], Program]]:
    """Give a function that starts the services as the window gets them, over `models_folder`."""
    made: list[Services] = []
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL_S)

    def make() -> Program:
        services = wiring.make_services(None, (models_folder,), cache_folder)
        made.append(services)
        program = Program(services)
        for sender, names in (
            (services.library, "found failed"),
            (services.volumes, "opened failed closed"),
            (services.matching, "matched mapped failed ready busy noticed stopped embedding"),
            (services.models, "changed"),
        ):
            for name in names.split():
                getattr(sender, name).connect(
                    lambda *words, name=name: program.told.append((name, *words))
                )
        services.models.failed.connect(lambda error: program.told.append(("model", error)))
        services.models.refresh()
        program.until(lambda: program.of("changed"))
        return program

    yield make
    for services in made:
        wiring.close(services)
    sys.setswitchinterval(before)
