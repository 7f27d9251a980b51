"""`samdesk evaluate presence`: present or absent by construction, and how it is judged."""

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from samdesk.core.match import Match, Verdict
from samdesk.core.models import ModelInfo
from samdesk.core.progress import Progress
from samdesk.core.volume import Modality, Unit, Volume
from samdesk.errors import ReadError
from samdesk.evaluation import presence_cases as cases
from samdesk.evaluation import presence_real
from samdesk.evaluation.across import MarkedScan, marked_scans
from samdesk.evaluation.arms import Arm
from samdesk.evaluation.base import Answers, Case
from samdesk.evaluation.presence_cases import Question
from samdesk.evaluation.presence_real import PresenceReal
from samdesk.io.base import finish
from samdesk.io.phantom_files import write_nifti
from samdesk.model.prior import MIRRORED
from tests.evaluation.asking import request_for
from tests.evaluation.conftest import Knows
from tests.evaluation.made_data import write_data


class Alarmed(Knows):
    """Knows the truth, and raises the wrong-side alarm by the name of the case."""

    def answer(self, case: Case) -> Generator[Progress, None, Answers]:
        """Answer; mirrored scans give nothing but the alarm."""
        answers = yield from super().answer(case)
        if "mirrored" not in case.name:
            return answers
        alarm = Match(Verdict.UNCERTAIN, None, 0.2, 0.5, 0.1, 9.0, reason=MIRRORED)
        return replace(answers, matches=(alarm,) * len(case.places))


@pytest.fixture(scope="module")
def data(scan: Volume, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_data(tmp_path_factory.mktemp("presence") / "data", scan)
    manifest = folder / "ct" / "manifest.csv"
    lines = manifest.read_text() + "block,chest_a.nii.gz,test,P9,,chest crop,,\n"
    manifest.write_text(lines)
    for name in presence_real.MR_FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_nifti(Volume(scan.array + 1000, scan.geometry, Modality.MR, Unit.NONE), folder / name)
    knee = folder / presence_real.MR_FOLDERS[0]
    knee.mkdir(parents=True)
    write_nifti(Volume(scan.array + 1000, scan.geometry, Modality.MR, Unit.NONE), knee / "k.nii.gz")
    return folder


@pytest.fixture(scope="module")
def scans(data: Path) -> list[MarkedScan]:
    return finish(marked_scans(data, "test"))


def made(questions: list[Question], group: str, *, is_present: bool) -> list[Case]:
    chosen = [q for q in questions if (q.group, q.is_present) == (group, is_present)]
    return [question.asked.make() for question in chosen]


def test_what_was_cut_away_is_absent_and_what_was_left_is_there(scans: list[MarkedScan]) -> None:
    questions = list(cases.crop_questions(scans))
    assert len({q.asked.name for q in questions}) == len(questions) == 2 * (4 + 4)
    few = [q for q in questions if q.is_present and ("part of" in q.asked.name)]
    for case in made([questions[0], *few], cases.CROPS, is_present=True):
        assert len(case.places)
        assert (case.target.geometry.outside_mm(case.truth) == 0).all()
    phases = [q for q in questions if not q.is_present and "part of" in q.asked.name]
    for question in phases:
        case = question.asked.make()
        assert len(case.places)
        assert (case.target.geometry.outside_mm(case.places) > cases.OUTSIDE_MM).all()
        assert np.isnan(case.truth).all()


def test_people_share_known_places_without_those_found_by_rule(scans: list[MarkedScan]) -> None:
    asked = made(list(cases.people_questions(scans)), cases.PEOPLE, is_present=True)
    assert [case.names for case in asked] == [("carina",)] * 2


def test_other_parts_are_asked_above_the_carina_and_below_l4(scans: list[MarkedScan]) -> None:
    block = [("block", scans[0].volume)]
    asked = made(list(cases.part_questions(scans, block)), cases.PARTS, is_present=False)
    chests = [case for case in asked if case.name.startswith("chest")]
    bellies = [case for case in asked if case.name.startswith("belly")]
    assert len(chests) == 4
    assert len(bellies) == 2 * 3
    assert all((case.places[:, 2] > 10.0).all() and len(case.places) for case in chests)
    assert all((case.places[:, 2] < -20.0).all() and len(case.places) for case in bellies)


def test_flips_change_the_picture_and_not_the_grid(scans: list[MarkedScan]) -> None:
    questions = list(cases.side_questions(scans))
    assert len(questions) == 3 * 3  # the chests once, the phases both ways; thrice
    case = next(q for q in questions if q.group == cases.UPSIDE_DOWN).asked.make()
    assert np.array_equal(case.target.array[::-1], scans[0].volume.array)
    assert np.array_equal(case.target.geometry.affine, scans[0].volume.geometry.affine)


def test_the_whole_evaluation_judges_probabilities_and_alarms(
    bank: ModelInfo, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence_real, "sam_arms", lambda _: (Arm(Alarmed(), "1"),))
    evaluation = PresenceReal()
    request = request_for(tmp_path, bank, data, is_quick=True)
    evaluation.check(request)
    presence, modality, sides = finish(evaluation.run(request))
    assert presence.bars[0].measured == 1.0
    assert presence.bars[1].measured == pytest.approx(0.1, abs=0.03)  # .9 and .1 were said
    (mistakes,) = presence.tables
    assert mistakes.rows[-1][0] == "all"
    assert mistakes.rows[-1][2] == "100.0 %"
    assert mistakes.rows[-1][7] == "0.0 %"
    curve, roc = presence.curves
    assert curve.series["measured"][0][1] == 0.0
    assert roc.series["probability"][-1] == (1.0, 1.0)
    assert modality.bars[0].measured == 100.0
    assert "MR" in modality.tables[0].rows[0][1]
    assert sides.values["alarm's hit rate on mirrored scans, %"] == 100.0
    assert sides.values["false alarms on the same scans as they are, %"] == 0.0
    assert [row[0] for row in sides.tables[0].rows] == ["as they are", "mirrored", "upside down"]


def test_absent_mr_is_named_before_the_run(bank: ModelInfo, tmp_path: Path, scan: Volume) -> None:
    folder = write_data(tmp_path / "data", scan)
    with pytest.raises(ReadError, match=r"3 things .*mni2009sym.*knee"):
        PresenceReal().check(request_for(tmp_path, bank, folder))


def test_nothing_asked_is_nothing_judged() -> None:
    empty = presence_real.judged([], [], cases.CROPS)
    assert len(empty.p) == 0
    assert empty.share(Verdict.FOUND, of_present=True) != empty.share(
        Verdict.FOUND, of_present=True
    )
