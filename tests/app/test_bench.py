"""`samdesk bench` prints every section with its promise, or JSON, and refuses what is wrong."""

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
import typer

from samdesk.app.commands import bench as command
from samdesk.core.progress import Progress
from samdesk.errors import ModelError, ReadError, UsageError
from samdesk.evaluation import registry
from samdesk.evaluation.base import Bar, Section
from tests.model import made


@pytest.fixture
def with_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a model, and let the benchmarks answer at once."""
    made.write_model(tmp_path / "home" / "models" / "bank")

    def answer(*_: Any, **__: Any) -> Generator[Progress, None, list[Section]]:
        yield Progress(0, 1, "measuring")
        return [Section("made", "Made", bars=(Bar("median", 2.0, 3.5, unit="mm"),))]

    monkeypatch.setattr(registry, "run_all", answer)


def run(**words: Any) -> None:
    with pytest.raises(typer.Exit) as end:
        command.bench(command.What.MATCH, model="bank", device="cpu", **words)
    assert end.value.exit_code == 0


@pytest.mark.usefixtures("with_model")
def test_text_names_the_model_and_each_promise(capsys: pytest.CaptureFixture[str]) -> None:
    run()
    text = capsys.readouterr().out
    assert "model: bank 1.0" in text
    assert "met  median: 2.00 mm (bar <= 3.50 mm)" in text


@pytest.mark.usefixtures("with_model")
def test_json_is_one_object_and_the_report_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(as_json=True, out=tmp_path / "report")
    answer = json.loads(capsys.readouterr().out)
    assert answer["sections"][0]["bars"][0]["met"] is True
    assert (tmp_path / "report" / "report.html").is_file()
    assert json.loads((tmp_path / "report" / "report.json").read_text())["about"]["model"]


@pytest.mark.usefixtures("with_model")
def test_a_section_that_does_not_exist_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="no section nonsense"):
        command.bench(command.What.MATCH, only=["nonsense"])


@pytest.mark.usefixtures("with_model")
def test_a_named_folder_without_scans_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="no folder of scans"):
        command.bench(command.What.MATCH, model="bank", device="cpu", data=tmp_path)


def test_an_unknown_model_is_a_model_error() -> None:
    with pytest.raises(ModelError):
        command.bench(command.What.MATCH, model="nobody")
