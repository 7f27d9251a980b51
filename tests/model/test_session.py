"""A network is tried before it is trusted, tells where it runs, and can be stopped."""

import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from samdesk.core.models import ModelInfo
from samdesk.errors import ModelError, Stopped
from samdesk.model import session as sessions
from samdesk.model.session import Session
from tests.model import made


def test_the_device_in_words_is_the_one_in_use(session: Session) -> None:
    assert session.provider == "CPUExecutionProvider"
    assert session.device_words == "CPU, 1 thread"
    assert not session.is_fallback


def test_asking_for_a_card_that_is_not_there_falls_back_and_says_so(bank: ModelInfo) -> None:
    if "CUDAExecutionProvider" in sessions.available_providers():
        pytest.skip("this machine's onnxruntime has CUDA")
    fallen = Session(bank, "cuda", 2)
    assert fallen.is_fallback
    assert fallen.device_words == "CPU, 2 threads"


def test_an_unknown_device_is_told(bank: ModelInfo) -> None:
    with pytest.raises(ModelError, match="auto, cpu and cuda"):
        Session(bank, "tpu")


def test_the_variable_sets_the_threads(bank: ModelInfo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(sessions.THREADS_VARIABLE, "1")
    assert Session(bank, "cpu").threads == 1
    monkeypatch.delenv(sessions.THREADS_VARIABLE)
    assert Session(bank, "cpu").threads == sessions.physical_cores()


def test_both_outputs_have_the_promised_cells(session: Session) -> None:
    out = session.run(np.zeros((1, 1, 16, 32, 48), np.float32))
    assert out["fine"].shape == (1, 16, 8, 16, 24)
    assert out["coarse"].shape == (1, 16, 2, 4, 6)


def test_a_pass_ends_within_a_second_of_terminate(tmp_path: Path) -> None:
    session = Session(made.write_model(tmp_path / "slow", delays=2000), "cpu", 1)
    x = np.zeros((1, 1, 96, 96, 96), np.float32)
    ended: list[float] = []

    def run() -> None:
        try:
            session.run(x)
        except Stopped:
            ended.append(time.perf_counter())

    thread = threading.Thread(target=run)
    thread.start()
    time.sleep(0.3)
    asked = time.perf_counter()
    session.terminate()
    thread.join(20)

    assert ended, "the pass came to its own end"
    assert ended[0] - asked < 1.0
    # The next pass is not the one that was stopped.
    assert session.run(x[:, :, :16, :16, :16])["fine"].shape == (1, 16, 8, 8, 8)


def test_terminate_without_a_pass_does_nothing(session: Session) -> None:
    session.terminate()
    session.run(np.zeros((1, 1, 16, 16, 16), np.float32))


def test_a_network_that_answers_with_no_numbers_is_refused(tmp_path: Path) -> None:
    info = made.write_model(tmp_path / "nan", nan=True)
    with pytest.raises(ModelError, match="no numbers") as error:
        Session(info, "cpu", 1)
    assert error.value.code == "model-incompatible"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"input_name": "picture"}, "its inputs are"),
        ({"windows": ((-1000.0, 1000.0, 0.0, 500.0),) * 3}, "its input has shape"),
        ({"fine_name": "finest"}, 'no output "finest"'),
        ({"fine_size": 32}, "its manifest says"),
        ({"coarse_stride": 16}, "its manifest says"),
    ],
)
def test_a_network_that_differs_from_its_manifest_is_refused(
    bank: ModelInfo, change: dict[str, object], says: str
) -> None:
    with pytest.raises(ModelError, match=says) as error:
        Session(replace(bank, **change), "cpu", 1)  # type: ignore[arg-type]
    assert error.value.code == "model-incompatible"


def test_an_input_of_a_wrong_size_is_told(session: Session) -> None:
    with pytest.raises(ModelError, match="cannot run an input of shape"):
        session.run(np.zeros((1, 2, 16, 16, 16), np.float32))
