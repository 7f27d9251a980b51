"""The built-in patient is matched against what is known of it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from samdesk.app.commands import demo as command
from samdesk.app.demonstration import Demonstration, demo_patient, demonstrate, questions
from samdesk.core.models import ModelInfo
from samdesk.core.phantom.patient import make_patient
from samdesk.core.phantom.render import render
from samdesk.io.base import finish
from samdesk.model.session import Session
from samdesk.model.shelf import Shelf
from tests.model.made import write_model

COARSE = (6.0, 5.0, 5.0)


@pytest.fixture(scope="module")
def info(tmp_path_factory: pytest.TempPathFactory) -> ModelInfo:
    return write_model(tmp_path_factory.mktemp("models") / "made-ct")


@pytest.fixture(scope="module")
def shown(info: ModelInfo) -> Demonstration:
    whole = make_patient(0, 2)
    dates = tuple(replace(date, z_mm=(380.0, 560.0)) for date in whole.timepoints)
    part = replace(whole, timepoints=dates)
    return finish(demonstrate(part, Session(info, "cpu"), COARSE))


def test_the_built_in_patient_has_three_dates_and_lesions_that_change() -> None:
    patient = demo_patient()
    assert len(patient.timepoints) == 3
    assert any(c.diameters_mm[0] > 0 and c.diameters_mm[2] == 0 for c in patient.lesions.values())


def test_only_what_is_in_the_first_scan_is_asked() -> None:
    patient = make_patient(0, 1)
    low, high = np.array([-60.0, -60.0, 200.0]), np.array([60.0, 80.0, 300.0])
    scan = render(patient, 0, spacing_mm=COARSE, field_of_view=(low, high))
    names = {question.name for question in questions(scan)}
    assert "L2" in names
    assert "carina" not in names


def test_every_place_has_a_row_with_its_truth(shown: Demonstration) -> None:
    assert len(shown.rows) == len(shown.report.rows) > 10
    assert all(row.truth_mm is not None for row in shown.report.rows)
    assert {row.kind for row in shown.report.rows} <= {"point", "lesion"}
    told = dict(shown.report.facts)
    assert told["Model"].startswith("made-ct")
    assert "s for drawing" in told["Time"]


def test_pictures_name_the_date_and_the_place(shown: Demonstration) -> None:
    assert any(name.endswith("_carina.png") for name in shown.pictures)
    assert all(png.startswith(b"\x89PNG") for png in shown.pictures.values())


def test_headless_writes_table_report_and_pictures(
    shown: Demonstration, info: ModelInfo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    def quick(patient: object, session: object) -> object:
        yield from ()
        return shown

    monkeypatch.setattr("samdesk.app.demonstration.demonstrate", quick)
    monkeypatch.setattr(Shelf, "default", lambda self, modality: info)
    command.demo(headless=True, out=tmp_path / "out")
    assert (tmp_path / "out" / "matches.csv").read_text().startswith("target,name,x,y,z,verdict")
    assert "Research use only" in (tmp_path / "out" / "report.html").read_text()
    assert list((tmp_path / "out" / "pictures").glob("*.png"))
    assert "report.html" in capsys.readouterr().out


def test_the_window_gets_the_scans_of_all_dates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import typer

    opened: list[Path] = []
    monkeypatch.setattr("samdesk.app.main.run", lambda files: opened.extend(files) or 0)
    monkeypatch.setattr("samdesk.app.demonstration.demo_patient", lambda: make_patient(0, 2))
    monkeypatch.setattr("samdesk.app.demonstration.SPACING_MM", (20.0, 20.0, 20.0))
    with pytest.raises(typer.Exit) as end:
        command.demo(headless=False, out=tmp_path)
    assert end.value.exit_code == 0
    assert [path.name for path in opened] == ["dicom"] * 2
    assert all(len(list(path.iterdir())) > 5 for path in opened)
