"""One trained network ready to run, on the CPU or the GPU; nobody else imports onnxruntime."""

import logging
import os
import time
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from samdesk.core.models import ModelInfo
from samdesk.errors import ModelError, NoRoom, Stopped
from samdesk.model import weights

if TYPE_CHECKING:
    import onnxruntime

logger = logging.getLogger(__name__)

Array = NDArray[np.float32]
THREADS_VARIABLE = "SAMDESK_THREADS"
PROVIDERS = {
    "auto": ("CUDAExecutionProvider", "CPUExecutionProvider"),
    "cuda": ("CUDAExecutionProvider", "CPUExecutionProvider"),
    "cpu": ("CPUExecutionProvider",),
}
WORDS = {"CUDAExecutionProvider": "GPU (CUDA)", "CPUExecutionProvider": "CPU"}
# The trial's input: small, but large enough for the deepest stage to have two cells.
TRIAL_CELLS = 2


class Session:
    """A network that was checked, loaded and tried once.

    Args:
        info: of the model; its file is hashed before it is loaded.
        device: auto, cpu or cuda.
        threads: processor threads; 0 = SAMDESK_THREADS, else the physical cores.

    Raises:
        ModelError: the file is not the tested one, or the network does not do what its manifest
            promises.
    """

    def __init__(self, info: ModelInfo, device: str = "auto", threads: int = 0) -> None:
        if device not in PROVIDERS:
            raise ModelError(f'There is no device "{device}"; there are auto, cpu and cuda.')
        self.info = info
        self.asked = device
        self.threads = threads or _threads_by_default()
        self._stop_lock = Lock()
        self._running: Any = None
        self._session = _load(weights.load_bytes(info), info, PROVIDERS[device], self.threads)
        self.provider: str = self._session.get_providers()[0]
        if device == "cuda" and self.provider != PROVIDERS["cuda"][0]:
            # ONNX Runtime falls back without a word (tech.md 3), so the word is said here.
            logger.warning("session.fallback asked=%s used=%s", device, self.provider)
        _check_graph(self._session, info)
        started = time.perf_counter()
        self._try_once()
        logger.info(
            "session.ready provider=%s threads=%d trial_ms=%d",
            self.provider,
            self.threads,
            1000 * (time.perf_counter() - started),
        )

    @property
    def is_fallback(self) -> bool:
        """Whether a GPU was asked for by name and the processor is used instead."""
        return self.asked == "cuda" and not self.provider.startswith("CUDA")

    @property
    def device_words(self) -> str:
        """What really computes, for the status line: "CPU, 2 threads"."""
        word = WORDS.get(self.provider, self.provider)
        if self.provider != "CPUExecutionProvider":
            return word
        return f"{word}, {self.threads} thread" + ("s" if self.threads > 1 else "")

    def run(self, x: Array) -> dict[str, Array]:
        """Pass one input through the network.

        Args:
            x: (1, c, k, j, i) float32, of radiographs (1, c, j, i); sides multiples of the
                manifest's number.

        Returns:
            Outputs by their names in the manifest.

        Raises:
            Stopped: `terminate` was called meanwhile.
            NoRoom: the pass needs more memory than there is.
            ModelError: the network cannot run this input.
        """
        import onnxruntime

        options = onnxruntime.RunOptions()
        names = list(dict.fromkeys((self.info.fine_name, self.info.coarse_name)))
        with self._stop_lock:
            self._running = options
        try:
            values = self._session.run(names, {self.info.input_name: x}, options)
        except Exception as error:
            raise self._explained(error, options, x) from error
        finally:
            with self._stop_lock:
                self._running = None
        return dict(zip(names, values, strict=True))

    def terminate(self) -> None:
        """End the pass that runs now, from another thread; it raises Stopped within 1 s."""
        with self._stop_lock:
            if self._running is not None:
                self._running.terminate = True

    def _explained(self, error: Exception, options: Any, x: Array) -> Exception:
        if options.terminate:
            return Stopped("The pass of the network was stopped.", code="stopped")
        words = str(error)
        if "allocate" in words.lower() or isinstance(error, MemoryError):
            return NoRoom(
                f"The network ran out of memory for an input of shape {x.shape[2:]}.",
                code="no-room",
                hint="Close other programs, or use the processor instead of the graphics card.",
            )
        return ModelError(
            f'The model "{self.info.id}" cannot run an input of shape {x.shape}.',
            code="model-incompatible",
            hint="Install the model again.",
        )

    def _try_once(self) -> None:
        """Run a fixed input and look at the answer: shape, and numbers that are finite."""
        info = self.info
        side = info.multiple_of * TRIAL_CELLS
        fixed = self._session.get_inputs()[0].shape[2]
        side = fixed if isinstance(fixed, int) else side
        # A fixed wave: no constant, so that a layer that divides by a spread has one.
        sides = (side,) * info.dimensions
        wave = np.sin(np.arange(len(info.windows) * np.prod(sides), dtype=np.float32) * 0.37)
        x = wave.reshape(1, len(info.windows), *sides)
        outputs = self.run(x)
        for name, stride, size in _promised(info):
            expected = (1, size, *(side // stride,) * info.dimensions)
            values = outputs[name]
            if values.shape != expected:
                raise _incompatible(
                    info, f'its output "{name}" is {values.shape}, its manifest says {expected}'
                )
            if not np.isfinite(values).all():
                raise _incompatible(info, f'its output "{name}" holds values that are no numbers')


def available_providers() -> tuple[str, ...]:
    """Name the providers that were compiled in, which does not mean that they work."""
    import onnxruntime

    return tuple(onnxruntime.get_available_providers())


def physical_cores() -> int:
    """Count the cores this process may use; two threads of one core count once."""
    allowed = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    siblings = set()
    for cpu in allowed:
        path = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
        try:
            siblings.add(path.read_text())
        except OSError:
            siblings.add(str(cpu))
    return len(siblings) or max(1, (os.cpu_count() or 2) // 2)


def _threads_by_default() -> int:
    asked = os.environ.get(THREADS_VARIABLE, "")
    return int(asked) if asked.isdigit() and int(asked) > 0 else physical_cores()


def _load(
    data: bytes, info: ModelInfo, providers: tuple[str, ...], threads: int
) -> "onnxruntime.InferenceSession":
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Shapes differ from scan to scan: the arena would keep the largest for ever (784 against
    # 262 MB, tech.md 3), and spinning threads would burn the core that the window needs.
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 4
    if providers[0] not in onnxruntime.get_available_providers():
        providers = ("CPUExecutionProvider",)
    elif providers[0].startswith("CUDA") and hasattr(onnxruntime, "preload_dlls"):
        onnxruntime.preload_dlls()
    try:
        return onnxruntime.InferenceSession(data, options, providers=list(providers))
    except Exception as error:
        words = str(error)
        is_newer = "opset" in words.lower() or "ir_version" in words.lower()
        known = "INVALID_PROTOBUF" in words or "Type Error" in words or "INVALID_GRAPH" in words
        raise ModelError(
            f'The model "{info.id}" cannot be loaded: '
            + ("it was made for a newer program." if is_newer else "its graph is not whole."),
            code="model-incompatible" if is_newer or not known else "model-damaged",
            hint="Install a newer samdesk." if is_newer else "Install the model again.",
        ) from error


def _promised(info: ModelInfo) -> tuple[tuple[str, int, int], ...]:
    return (
        (info.fine_name, info.fine_stride, info.fine_size),
        (info.coarse_name, info.coarse_stride, info.coarse_size),
    )


def _check_graph(session: "onnxruntime.InferenceSession", info: ModelInfo) -> None:
    """Compare the graph's tensors with the manifest, before anything runs."""
    inputs: Mapping[str, Any] = {value.name: value for value in session.get_inputs()}
    outputs = {value.name: value for value in session.get_outputs()}
    given = inputs.get(info.input_name)
    if given is None or len(inputs) != 1:
        raise _incompatible(info, f'its inputs are {list(inputs)}, not "{info.input_name}"')
    side = info.multiple_of
    wanted = [1, len(info.windows), *(side,) * info.dimensions]
    fits = len(given.shape) == len(wanted) and all(
        not isinstance(n, int) or n == w or (axis > 1 and n % side == 0)
        for axis, (n, w) in enumerate(zip(given.shape, wanted, strict=True))
    )
    if not fits:
        raise _incompatible(info, f"its input has shape {given.shape}, its manifest says {wanted}")
    if given.type != "tensor(float)":
        raise _incompatible(info, f"its input is {given.type}, not tensor(float)")
    for name, _, _ in _promised(info):
        if name not in outputs:
            raise _incompatible(info, f'it has no output "{name}", only {list(outputs)}')


def _incompatible(info: ModelInfo, why: str) -> ModelError:
    return ModelError(
        f'The model "{info.id}" does not do what its manifest says: {why}.',
        code="model-incompatible",
        hint="Install a model that was made for this samdesk.",
    )
