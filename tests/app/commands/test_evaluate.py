"""`samdesk evaluate`: refuses before the run, writes both reports, resumes, answers as JSON."""

import json
import sys
from collections.abc import Generator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from samdesk.app import exit_codes
from samdesk.app.cli import run
from samdesk.core.progress import Progress
from samdesk.errors import ReadError
from samdesk.evaluation import evaluations
from samdesk.evaluation.base import Bar, Boxes, Curves, Picture, Section, Table
from samdesk.evaluation.evaluations import Request, needed_data
from samdesk.evaluation.pictures import png


class Counting:
    """Three cases, each of which is counted when it is really measured."""

    name = "counting"
    title = "Counting"
    measured: list[str] = []  # noqa: RUF012 - shared by all that are made

    def check(self, request: Request) -> None:
        """Need a folder with one file."""
        needed_data(request, "cases.txt")

    def run(self, request: Request) -> Generator[Progress, None, list[Section]]:
        """Measure what is not kept."""
        for n, case in enumerate("abc"):
            yield Progress(n, 3, case)
            if request.kept.get(case) is None:
                self.measured.append(case)
                if (request.out / "stop").exists() and case == "b":
                    raise KeyboardInterrupt
                request.kept.put(case, {"error": 1.0})
        picture = Picture("worst <case>", png(np.zeros((2, 2, 3), np.uint8)))
        return [
            Section(
                "counting", "Counting", bars=(Bar("error", 1.0, 2.0, unit="mm"),),
                tables=(Table("Cells", ("", "a"), (("row", "1 < 2"),), "of the note"),),
                boxes=(Boxes("Boxes", "mm", {"one": (1.0, 2.0, float("inf"))}),),
                curves=(Curves("Curves", "x", "y", {"one": ((0.0, 1.0), (1.0, 2.0))}),),
                pictures=(picture,),
            )
        ]  # fmt: skip


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Register the evaluation and give a folder with what it needs."""
    module = ModuleType("counting_evaluation")
    module.Counting = Counting  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "counting_evaluation", module)
    monkeypatch.setattr(evaluations, "EVALUATIONS", {"counting": "counting_evaluation:Counting"})
    Counting.measured = []
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "cases.txt").touch()
    return folder


def test_the_reports_hold_tables_boxes_curves_and_pictures(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run(["evaluate", "counting", "--data", str(data), "--out", str(out)]) == exit_codes.DONE
    text = capsys.readouterr().out
    assert "Cells" in text
    assert "of the note" in text
    assert "met  error: 1.00 mm" in text
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "1 &lt; 2" in page
    assert page.count("<svg") == 2
    assert "data:image/png;base64," in page
    assert "<title>samdesk evaluate counting</title>" in page
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    (section,) = report["sections"]
    assert section["tables"][0]["rows"] == [["row", "1 < 2"]]
    assert section["boxes"][0]["series"]["one"]["values"] == [1.0, 2.0, None]
    assert section["curves"][0]["series"]["one"] == [[0.0, 1.0], [1.0, 2.0]]
    assert section["pictures"] == ["worst <case>"]


def test_a_run_that_was_stopped_goes_on_where_it_was(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "stop").touch()
    words = ["evaluate", "counting", "--data", str(data), "--out", str(out), "--json"]
    assert run(words) == exit_codes.STOPPED
    assert not (out / "report.html").exists()
    assert not list(out.glob("**/*.tmp"))
    (out / "stop").unlink()
    capsys.readouterr()
    assert run(words) == exit_codes.DONE
    assert Counting.measured == ["a", "b", "b", "c"]
    assert json.loads(capsys.readouterr().out)["sections"][0]["bars"][0]["met"] is True


def test_absent_data_is_refused_before_the_run(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (data / "cases.txt").unlink()
    out = tmp_path / "out"
    words = ["evaluate", "counting", "--out", str(out)]
    assert run([*words, "--data", str(data)]) == exit_codes.REFUSED
    assert "cases.txt" in capsys.readouterr().err
    assert run([*words, "--data", str(tmp_path / "nowhere")]) == exit_codes.REFUSED
    monkeypatch.setenv("SAMDESK_DATA", str(tmp_path / "nowhere"))
    assert run([*words, "--json"]) == exit_codes.REFUSED
    told = json.loads(capsys.readouterr().err.splitlines()[-1])
    assert told["code"] == "files-missing"
    assert "SAMDESK_DATA" in told["what"]
    assert run([*words, "--made"]) == exit_codes.REFUSED
    assert not out.exists()
    assert Counting.measured == []


def test_the_usual_folder_is_taken_where_none_is_named(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAMDESK_DATA", str(data))
    monkeypatch.chdir(tmp_path)
    assert run(["evaluate", "counting"]) == exit_codes.DONE
    assert (tmp_path / "evaluate-counting" / "report.json").is_file()


def test_an_evaluation_that_does_not_exist_is_wrong_usage(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["evaluate", "alchemy"]) == exit_codes.USAGE
    assert "landmarks" in capsys.readouterr().err


def test_a_refusal_inside_the_run_is_the_commands_refusal(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Counting, request: Request) -> Generator[Progress, None, list[Section]]:
        yield Progress(0, 1)
        raise ReadError(f"{request.method} cannot be read.", code="truncated")

    monkeypatch.setattr(Counting, "run", broken)
    words = ["evaluate", "counting", "--data", str(data), "--out", str(tmp_path / "out")]
    assert run(words) == exit_codes.REFUSED
