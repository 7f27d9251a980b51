"""The list of evaluations and what a request gives them."""

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from samdesk.core.models import ModelInfo
from samdesk.errors import ModelError, ReadError
from samdesk.evaluation import evaluations
from samdesk.evaluation.evaluations import Request, needed_data, refuse_all
from tests.evaluation.asking import request_for


def test_every_evaluation_can_be_loaded_and_knows_its_name() -> None:
    for name in evaluations.EVALUATIONS:
        evaluation = evaluations.load(name)
        assert evaluation.name == name
        assert evaluation.title
        assert callable(evaluation.check)
        assert callable(evaluation.run)


def test_no_evaluation_needs_torch_to_be_loaded() -> None:
    assert find_spec("samdesk.evaluation.evaluations")
    text = Path(evaluations.__file__).read_text(encoding="utf-8")
    assert "training" not in text.split('"""', 2)[2].replace("run_worker", "")


def test_a_request_gives_the_named_model_and_its_session(bank: ModelInfo, tmp_path: Path) -> None:
    request = request_for(tmp_path, bank)
    info = request.info()
    assert info.sha256 == bank.sha256
    assert request.session(info).provider == "CPUExecutionProvider"
    assert replace(request, model="").info().id == bank.id
    assert request.used[0].startswith("bank 1.0 (sha256 ")
    with pytest.raises(ModelError, match="nobody"):
        replace(request, model="nobody").info()


def test_data_that_is_absent_is_refused_with_all_that_is_missing(
    bank: ModelInfo, tmp_path: Path
) -> None:
    request: Request = request_for(tmp_path, bank)
    with pytest.raises(ReadError, match="no data to evaluate on") as nothing:
        needed_data(request, "ct/manifest.csv")
    assert nothing.value.code == "files-missing"
    (tmp_path / "data" / "ct").mkdir(parents=True)
    (tmp_path / "data" / "ct" / "manifest.csv").touch()
    there = replace(request, data=tmp_path / "data")
    assert needed_data(there, "ct/manifest.csv") == tmp_path / "data"
    with pytest.raises(ReadError, match=r"2 things .*xray/a.*mr/b"):
        needed_data(there, "ct/manifest.csv", "xray/a", "mr/b")


def test_no_problems_are_no_refusal() -> None:
    refuse_all([])
    with pytest.raises(ReadError, match=r"^One\.$"):
        refuse_all(["One."])
