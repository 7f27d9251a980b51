"""The whole evaluation on made radiographs: tables, verdicts, failures, resume."""

import json
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import pytest

from samdesk.core.progress import Progress
from samdesk.core.radiograph import Radiograph
from samdesk.errors import ModelError, ReadError, UsageError
from samdesk.evaluation import radiographs, report
from samdesk.evaluation.base import Section
from samdesk.evaluation.evaluations import load
from samdesk.io.base import finish
from samdesk.registration import flat
from samdesk.registration.flat import FlatRegistration
from tests.evaluation import made_radiographs as made


def stays(
    fixed: Radiograph, moving: Radiograph
) -> Generator[Progress, None, tuple[FlatRegistration, FlatRegistration]]:
    """Say that nothing moved; real registration has tests of its own."""
    import SimpleITK

    yield Progress(0, 1)
    identity = SimpleITK.TranslationTransform(2)
    found = FlatRegistration("affine", 0.0, 0.1, identity)
    return found, found


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(radiographs, "DRAWS", 40)
    monkeypatch.setattr(flat, "register", stays)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return made.write_sets(tmp_path / "data")


def cell(section: Section, table: int, label: str, column: str) -> str:
    found = section.tables[table]
    row = next(row for row in found.rows if row[0].startswith(label))
    return row[found.head.index(column)]


def test_every_contender_is_in_the_tables_and_failures_are_told(data: Path, tmp_path: Path) -> None:
    evaluation = load("radiographs")
    request = made.request_for(data, tmp_path / "out", made.Worker(fails=frozenset({1})))
    evaluation.check(request)
    jsrt, ceph, hand = finish(evaluation.run(request))
    assert [section.name for section in (jsrt, ceph, hand)] == ["jsrt", "ceph", "hand"]
    labels = [row[0] for row in jsrt.tables[0].rows]
    assert labels == [
        "mean shape",
        "the template's own places",
        "SimpleITK affine",
        "SimpleITK affine + B-spline",
        "sam-made, 1 template",
        "sam-made, 3 templates",
        "sam-made, 5 templates",
        "sam-made, 1 random template (4 draws)",
        "the set's own SAM",
        "supervised, 1 picture (1 seeds)",
        "supervised, 5 pictures (1 seeds)",
        "supervised, 6 pictures (1 seeds)",
    ]
    assert cell(jsrt, 0, "the set's own SAM", "s a picture") == "failed"
    assert cell(jsrt, 0, "supervised, 1 p", "median mm [95 %]").startswith("3.00 [")
    assert cell(ceph, 0, "one observer", "median mm [95 %]").startswith("0.50 [")
    assert cell(ceph, 0, "supervised, 6", "<= 2 mm") == "100.0 %"
    failed = [note for note in jsrt.notes if note.startswith("Failed: ")]
    assert len(failed) == 4
    assert "Failed: The sam run crashed." in failed
    assert "the claim cannot be judged" in " ".join(ceph.notes)
    assert [bar.text for bar in ceph.bars] == ["one template, mean", "five templates, mean"]
    assert not ceph.bars[0].is_met
    assert len(jsrt.curves) == 4
    assert jsrt.pictures
    assert not ceph.pictures
    written, page = report.write(tmp_path / "report", [jsrt, ceph, hand], {}, "radiographs")
    assert json.loads(written.read_text(encoding="utf-8"))["sections"][0]["tables"]
    assert "svg" in page.read_text(encoding="utf-8")


def test_the_claim_is_confirmed_where_supervision_is_worse_and_refuted_where_better(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(radiographs.tables, "CLAIM_N", 1)
    monkeypatch.setattr(radiographs.tables, "BAR_N", 5)
    request = made.request_for(data, tmp_path / "out", made.Worker())
    jsrt = finish(load("radiographs").run(request))[0]
    duels = jsrt.tables[1]
    assert "sam-made, 1 template against" in duels.title
    by_size = {row[0]: row for row in duels.rows}
    assert by_size["1"][2] == "confirmed"
    assert float(by_size["1"][1].split()[0]) < -2.0
    said = [note for note in jsrt.notes if "better than supervision by 1 is confirmed" in note]
    assert len(said) == 2  # both groups of points
    assert [bar.is_met for bar in jsrt.bars][1] is True


def test_what_was_finished_is_not_done_again(data: Path, tmp_path: Path) -> None:
    request = made.request_for(data, tmp_path / "out", made.Worker())
    first = finish(load("radiographs").run(request))
    kept = sorted((tmp_path / "out" / "kept").glob("*.json"))
    stamps = [path.stat().st_mtime_ns for path in kept]
    assert len(kept) > 20
    second = finish(load("radiographs").run(request))
    assert [path.stat().st_mtime_ns for path in kept] == stamps
    assert [s.tables for s in second] == [s.tables for s in first]


def test_a_quick_look_asks_little(data: Path, tmp_path: Path) -> None:
    worker = made.Worker()
    request = replace(made.request_for(data, tmp_path / "out", worker), is_quick=True, seeds=0)
    sections = finish(load("radiographs").run(request))
    assert len(sections) == 3
    assert {len(p.data) for p in worker.plans if p.method == "heatmap"} == {1, 5}


def test_without_a_shipped_model_the_rest_is_measured(data: Path, tmp_path: Path) -> None:
    request = made.request_for(data, tmp_path / "out", made.Worker(), model="none")
    jsrt = finish(load("radiographs").run(request))[0]
    assert "Failed: No model for DX is installed." in jsrt.notes
    assert cell(jsrt, 0, "the shipped model", "s a picture") == "failed"
    assert cell(jsrt, 0, "supervised, 6", "points") == "12"


def test_points_that_are_missing_are_named_in_the_report(data: Path, tmp_path: Path) -> None:
    made.changed(
        data / "xray" / "hand" / "landmarks.csv",
        lambda row: None if row[:2] == ["images/009.png", "h02"] else row,
    )
    request = made.request_for(data, tmp_path / "out", made.Worker())
    hand = finish(load("radiographs").run(request))[2]
    assert "images/009.png (1)" in " ".join(hand.notes)
    assert cell(hand, 0, "mean shape", "points") == "8"


def test_what_makes_no_sense_is_refused_before_the_run(data: Path, tmp_path: Path) -> None:
    evaluation = load("radiographs")
    request = made.request_for(data, tmp_path / "out", made.Worker())
    with pytest.raises(UsageError, match="no made ones"):
        evaluation.check(replace(request, is_made_only=True))
    with pytest.raises(ReadError):
        evaluation.check(replace(request, data=tmp_path / "out"))
    with pytest.raises(ReadError, match="no data"):
        evaluation.check(replace(request, data=None))
    with pytest.raises(ModelError):
        evaluation.check(replace(request, model="none"))
    evaluation.check(replace(request, model="sam-made"))


def test_a_model_of_volumes_is_refused(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = made.request_for(data, tmp_path / "out", made.Worker(), model="sam-ct")
    volumes = replace(made.flat_info(tmp_path), dimensions=3)
    monkeypatch.setattr(made.FlatRequest, "info", lambda self: volumes)
    with pytest.raises(ModelError, match="knows volumes"):
        load("radiographs").check(request)
