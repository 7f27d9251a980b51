"""The whole way: a folder is dropped, two dates are opened, a click in one is found later."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication

from samdesk.app import paths, wiring
from samdesk.core.edits import AddPoint, MovePoint
from samdesk.core.geometry import Position
from samdesk.core.ids import PointId, SeriesId
from samdesk.core.match import Verdict
from samdesk.core.matchbook import CURSOR
from samdesk.core.models import ModelInfo
from samdesk.core.phantom.patient import make_patient
from samdesk.core.phantom.render import points_of
from samdesk.core.point import TemplatePoint
from samdesk.io.base import finish
from samdesk.io.phantom_files import write_patient
from samdesk.model.shelf import Shelf
from samdesk.services import library as library_module

# A patient that no training drew; its scans are coarse here, to be made in seconds.
SEED = 90_001
SPACING_MM = (5.0, 4.0, 4.0)
P1 = PointId("p1")
# The bar of follow-up on unseen phantoms is <= 10 mm for 92 % at full resolution (issue 3).
NEAR_MM = 10.0
LEAST_SHARE = 0.8
# reliability.md 6, row 11.
USUAL_GAP_MS = 50.0


@dataclass(frozen=True)
class Written:
    """Two dates on the disk, beside a file that is no scan, and where each point is on both."""

    folder: Path
    points: tuple[Mapping[str, Position], Mapping[str, Position]]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    patient = make_patient(SEED, 2)
    folder = tmp_path_factory.mktemp("cd")
    finish(write_patient(patient, folder, spacing_mm=SPACING_MM))
    (folder / "report.pdf").write_bytes(b"%PDF-1.7\n")
    return Written(folder, (points_of(patient, 0), points_of(patient, 1)))


@pytest.fixture(scope="module")
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give one cache for all tests, so that each date is embedded once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def shipped() -> ModelInfo | None:
    """Give the model that comes with samdesk; None where none is installed yet."""
    models = Shelf(paths.models_folders()[1:]).list()
    return models[0] if models else None


@pytest.fixture
def program(
    request: pytest.FixtureRequest,
    shipped: ModelInfo | None,
    models_folder: Path,
    make_program: Callable[[], Any],
) -> Any:
    """Start the services over the shipped model, or over a small one made here."""
    if shipped is None:
        request.getfixturevalue("small_model")
    else:
        models_folder.mkdir()
        (models_folder / shipped.folder.name).symlink_to(shipped.folder)
    return make_program()


def dropped(program: Any, folder: Path) -> tuple[SeriesId, SeriesId]:
    program.services.library.scan([folder])
    program.until(lambda: program.of("found"))
    first, second = program.services.library.report.series
    return first.id, second.id


def inside(program: Any, series: SeriesId, at_mm: Position) -> bool:
    geometry = program.services.volumes.get(series).image.geometry
    return bool(geometry.outside_mm(np.array([at_mm]))[0] == 0)


def answered(program: Any) -> list[tuple[Any, Any]]:
    return [(question, match) for question, match, is_final in program.of("matched") if is_final]


def test_a_drop_lists_the_two_dates_and_names_what_is_no_scan(
    program: Any, written: Written
) -> None:
    first, second = dropped(program, written.folder)
    report = program.of("found")[0][0]
    assert [one.number for one in report.series] == [1, 2]
    assert len({one.patient for one in report.series}) == 1
    assert first != second
    assert "report.pdf" in {one.path.name for one in report.refusals}
    assert all(one.reason for one in report.refusals)


def test_a_click_in_one_date_is_found_in_the_other(
    program: Any, written: Written, shipped: ModelInfo | None
) -> None:
    first, second = dropped(program, written.folder)
    for series in (first, second):
        program.services.volumes.open(series)
    program.until(lambda: len(program.of("ready")) == 2)
    here, there = written.points
    names = [
        name
        for name in here
        if inside(program, first, here[name]) and inside(program, second, there[name])
    ][::4]
    matching, errors = program.services.matching, []
    for name in names:
        program.told.clear()
        matching.ask(matching.question(CURSOR, here[name], first, second))
        program.until(lambda: answered(program))
        match = answered(program)[0][1]
        assert match.verdict is not Verdict.UNKNOWN, match.reason
        if match.at_mm is not None:
            errors.append(float(np.linalg.norm(np.subtract(match.at_mm, there[name]))))
    if shipped is not None:
        near = sum(error <= NEAR_MM for error in errors)
        assert near >= LEAST_SHARE * len(names), sorted(errors)


def test_a_template_point_is_matched_by_itself_moved_and_undone(
    program: Any, written: Written
) -> None:
    first, second = dropped(program, written.folder)
    store = program.services.store
    for series in (first, second):
        program.services.volumes.open(series)
    place = next(at for at in written.points[0].values() if inside_later(program, first, at))
    store.do(AddPoint(TemplatePoint(P1, "place", place), first))
    program.until(lambda: answered(program))
    question, match = answered(program)[0]
    assert store.answer(question) == match
    x, y, z = place
    store.do(MovePoint(P1, (x, y, z + 4.0)))
    program.until(lambda: len(answered(program)) == 2)
    store.undo()
    assert answered(program)[2] == (question, match)


def inside_later(program: Any, series: SeriesId, at_mm: Position) -> bool:
    program.until(lambda: program.services.volumes.get(series))
    return inside(program, series, at_mm)


def test_a_place_beside_the_scan_is_unknown_with_its_distance(
    program: Any, written: Written
) -> None:
    first, second = dropped(program, written.folder)
    matching = program.services.matching
    matching.ask(matching.question(CURSOR, (0.0, 0.0, 9000.0), first, second))
    program.until(lambda: answered(program))
    match = answered(program)[0][1]
    assert match.verdict is Verdict.UNKNOWN
    assert "mm outside the first scan" in match.reason


def test_the_same_scan_twice_gives_the_same_place(program: Any, written: Written) -> None:
    first, _ = dropped(program, written.folder)
    program.services.volumes.open(first)
    program.until(lambda: program.of("ready"))
    at_mm = next(at for at in written.points[0].values() if inside(program, first, at))
    matching = program.services.matching
    matching.ask(matching.question(CURSOR, at_mm, first, first))
    program.until(lambda: answered(program))
    match = answered(program)[0][1]
    assert match.at_mm is not None
    # A quarter of a voxel of the small model's grid; the shipped one's bar is 0.5 mm.
    assert np.linalg.norm(np.subtract(match.at_mm, at_mm)) < 1.0


def test_a_file_that_vanishes_while_it_waits_is_one_sentence(
    program: Any, written: Written, tmp_path: Path
) -> None:
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(written.folder, copy)
    first, second = dropped(program, copy)
    shutil.rmtree(copy)
    matching = program.services.matching
    matching.ask(matching.question(CURSOR, (0.0, 0.0, 0.0), first, second))
    program.until(lambda: len(program.of("failed")) >= 2)
    errors = [words[-1] for words in program.of("failed")]
    assert all(error.what.endswith(".") and error.code != "fault" for error in errors)
    assert not program.services.matching.is_busy


def test_a_folder_without_images_is_said_and_nothing_is_listed(
    program: Any, tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    program.services.library.scan([empty])
    program.until(lambda: program.of("found"))
    report = program.of("found")[0][0]
    assert report.series == ()
    assert [one.code for one in report.refusals] == ["nothing-to-open"]
    assert report.refusals[0].hint


def test_a_path_that_is_gone_is_said(program: Any, tmp_path: Path) -> None:
    program.services.library.scan([tmp_path / "missing"])
    program.until(lambda: program.of("found") or program.of("failed"))
    report = program.of("found")[0][0]
    assert report.series == ()
    assert [one.path.name for one in report.refusals] == ["missing"]
    assert report.refusals[0].code == "files-missing"


def test_the_made_patient_is_written_once_and_opened_again(
    program: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library_module, "PHANTOM_SPACING_MM", (14.0, 12.0, 12.0))
    library = program.services.library
    library.open_phantom()
    program.until(lambda: program.of("found"))
    library.open_phantom()
    program.until(lambda: len(program.of("found")) == 2)
    assert len(library.report.series) == 3
    assert len({one.study_date for one in library.report.series}) == 3
    assert library.recent == ()
    assert program.of("failed") == []


def test_the_window_shows_the_drop_and_where_a_click_was_found(
    qapp: QApplication, program: Any, written: Written, heart: Any, patience: float
) -> None:
    window = wiring.make_window(program.services)
    window.show()
    window.open_paths([written.folder])
    left, right = window.read.left, window.read.right
    program.until(lambda: left.pane.shown and right.pane.shown)
    assert {left.series, right.series} == {one.id for one in program.services.library.report.series}
    place = next(at for at in written.points[0].values() if inside_later(program, left.series, at))
    program.until(lambda: program.services.volumes.get(right.series))
    next(iter(left.pane.views.values())).clicked.emit(place)
    program.until(lambda: answered(program))
    question, match = answered(program)[0]
    assert (question.baseline, question.follow_up) == (left.series, right.series)
    assert window.read.asking.match == match
    assert bool(window.read.asking.marks(right.series)) == (match.at_mm is not None)
    # A repaint, a parse and a first look at a scan come together here.
    assert np.percentile(heart.gaps_ms, 95) < USUAL_GAP_MS * patience
    window.close()
    window.deleteLater()
