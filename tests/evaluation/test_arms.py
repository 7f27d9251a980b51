"""Arms side by side: kept answers are not asked again, and crashes are answers."""

from collections.abc import Generator
from pathlib import Path

import numpy as np
import pytest

from samdesk.core.progress import Progress
from samdesk.core.volume import Volume
from samdesk.errors import Stopped
from samdesk.evaluation import landmark_tables as tables
from samdesk.evaluation.arms import Arm, Asked, Said, ask, digest
from samdesk.evaluation.base import Answers, Case
from samdesk.evaluation.contenders import Embeddings
from samdesk.evaluation.kept import Kept
from samdesk.evaluation.rivals import baseline_arms, fused, helped_arm, sam_arms, spline_arm
from samdesk.io.base import finish
from tests.evaluation.conftest import Fails, Knows


class Crashes:
    """Raises what no contender should."""

    label = "crashes"

    def answer(self, case: Case) -> Generator[Progress, None, Answers]:
        """Divide by zero."""
        yield Progress(0, 1)
        raise ZeroDivisionError(case.name)


class Leaves:
    """Is stopped by a person."""

    label = "leaves"

    def answer(self, case: Case) -> Generator[Progress, None, Answers]:
        """Stop."""
        yield Progress(0, 1)
        raise Stopped(case.name)


@pytest.fixture
def case(scan: Volume) -> Case:
    rng = np.random.default_rng(1)
    places = rng.uniform(-25, 25, (6, 3))
    return Case("made", scan, scan, places, places, names=("carina", "aorta"))


def asked_of(case: Case, made: list[str], version: str = "1") -> Asked:
    def make() -> Case:
        made.append(version)
        return case

    return Asked(case.name, version, make)


def test_what_was_kept_is_neither_made_nor_asked_again(case: Case, tmp_path: Path) -> None:
    kept, made = Kept(tmp_path), list[str]()
    first = finish(ask([asked_of(case, made)], [Arm(Knows(off_mm=3.0), "sha 1")], kept))
    again = finish(ask([asked_of(case, made)], [Arm(Fails(), "x"), Arm(Knows(), "sha 1")], kept))
    assert made == ["1", "1"]  # the second time for the arm that is new
    assert np.allclose(again[1].errors, 3.0)
    assert again[1].names == ("carina", "aorta", "", "", "", "")
    assert np.array_equal(first[0].truth, case.truth)
    finish(ask([asked_of(case, made)], [Arm(Knows(), "sha 2")], kept))
    finish(ask([asked_of(case, made, "2")], [Arm(Knows(), "sha 1")], kept))
    assert made == ["1", "1", "1", "2"]


def test_a_crash_and_a_failure_count_as_not_found_with_their_reason(
    case: Case, tmp_path: Path
) -> None:
    arms = [Arm(Crashes(), "1"), Arm(Fails(), "1"), Arm(Knows(), "1")]
    said = finish(ask([asked_of(case, [])], arms, Kept(tmp_path)))
    assert [np.isinf(one.errors).all() for one in said] == [True, True, False]
    assert "ZeroDivisionError" in said[0].failure
    table = tables.side_by_side("Side by side", said)
    assert [row[:3] for row in table.rows[:2]] == [("crashes", "6", "0"), ("fails", "6", "0")]
    assert table.rows[0][-1] == "1 of 1"
    assert "ZeroDivisionError" in table.note
    assert "It gave up." in table.note


def test_a_person_who_stops_is_no_failure(case: Case, tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        finish(ask([asked_of(case, [])], [Arm(Leaves(), "1")], Kept(tmp_path)))
    assert not list(tmp_path.iterdir())


def test_a_digest_changes_with_anything() -> None:
    places = np.arange(6.0).reshape(2, 3)
    assert digest(places, "a") == digest(places.copy(), "a")
    assert (
        len({digest(places), digest(places + 1e-9), digest(places.T), digest("a"), digest()}) == 5
    )


def said(label: str, answers: list[float], *, found: list[bool] | None = None) -> Said:
    """Give answers along x to the truth (0, 0, 0)."""
    n = len(answers)
    at = np.column_stack([np.array(answers), np.zeros((n, 2))])
    errors = np.abs(np.where(np.isfinite(answers), answers, np.inf))
    return Said(
        "made", label, ("",) * n, errors, errors, at, np.zeros((n, 3)),
        np.array(found or [True] * n), np.full(n, 0.5), ("found",) * n, ("",) * n, 1.0, "",
    )  # fmt: skip


def test_joining_takes_the_mean_or_who_is_sure() -> None:
    nan = float("nan")
    matched = said("match", [4.0, 40.0, 40.0, nan, 7.0], found=[True, True, False, False, True])
    registered = said("spline", [-2.0, 1.0, 1.0, 3.0, nan])
    (one,) = fused([matched], [registered], "joined")
    assert one.answers[:, 0].tolist() == [1.0, 40.0, 1.0, 3.0, 7.0]
    assert one.errors.tolist() == [1.0, 40.0, 1.0, 3.0, 7.0]
    assert one.seconds == 2.0
    assert not list(fused([matched], [], "joined"))


def test_tables_count_missing_answers_and_give_intervals() -> None:
    parts = [said("a", [1.0, 3.0]), said("a", [float("nan"), 20.0])]
    (row,) = tables.side_by_side("T", parts).rows
    assert row[:3] == ("a", "4", "3")
    assert row[3].startswith("11.5 [")
    assert row[4] == "8.0 ± 8.5"
    assert row[7] == "50.0 %"
    assert row[6] == "none"
    best = tables.as_best(parts, "a", "b")
    assert tables.labels_of([*parts, *best]) == ("a", "b")
    assert len(tables.chosen(parts, lambda case, name: case == "nothing")) == 0
    assert tables.share_within(np.empty(0), 1.0) != tables.share_within(np.empty(0), 1.0)


def test_the_worst_are_drawn_once_and_kept(case: Case, tmp_path: Path) -> None:
    kept, made = Kept(tmp_path), list[str]()
    asked = [asked_of(case, made)]
    answers = finish(ask(asked, [Arm(Knows("k", off_mm=4.0), "1")], kept))
    first = tables.worst_pictures(answers, asked, "k", kept, 2)
    again = tables.worst_pictures(answers, asked, "k", kept, 2)
    assert [one.caption for one in first] == ["made, carina: 4.0 mm", "made, aorta: 4.0 mm"]
    assert first[0].png == again[0].png
    assert first[0].png.startswith(b"\x89PNG")
    assert len(made) == 3


def test_every_rival_finds_a_body_in_itself(
    case: Case, embeddings: Embeddings, tmp_path: Path
) -> None:
    arms = (*baseline_arms(12.0), helped_arm(12.0), spline_arm(embeddings, 12.0))
    answers = finish(ask([asked_of(case, [])], arms, Kept(tmp_path)))
    assert len({one.label for one in answers}) == len(arms) == 5
    assert not [one.failure for one in answers if one.failure]
    assert max(float(np.median(one.best)) for one in answers) < 4.0
    keys = [arm.key for arm in (*sam_arms(embeddings), *arms)]
    assert [embeddings.info.sha256 in key for key in keys] == [True] * 3 + [False] * 4 + [True]
