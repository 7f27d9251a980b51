"""Pairs across people: who is paired, which places count, and the quick figure."""

from pathlib import Path

import numpy as np
import pytest

from samdesk.core.models import ModelInfo
from samdesk.core.volume import Volume
from samdesk.evaluation import across
from samdesk.evaluation.across import (
    across_error,
    across_figures,
    case_of,
    is_ruled,
    marked_scans,
    pairs_of,
)
from samdesk.io.base import finish
from samdesk.model.session import Session
from tests.evaluation.made_data import CARINA, write_data


@pytest.fixture(scope="module")
def data(scan: Volume, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("across") / "data", scan)


def test_only_two_people_with_a_common_place_are_a_pair(data: Path) -> None:
    scans = finish(marked_scans(data, "test", "val"))
    pairs = [(a.scan.name, b.scan.name) for a, b in pairs_of(scans)]
    assert len(pairs) == 6  # three chests; the bellies are of one person
    assert ("chest_a", "chest_b") in pairs
    assert ("belly_a", "belly_b") not in pairs
    one_way = pairs_of(scans, is_directed=False)
    assert len(one_way) == 3
    assert len({frozenset((a.scan.name, b.scan.name)) for a, b in one_way}) == 3


def test_a_case_holds_the_common_places_by_name(data: Path) -> None:
    a, b = pairs_of(finish(marked_scans(data, "test")))[0]
    case = case_of(a, b)
    assert case.names == ("carina", "lung_apex_left")
    assert tuple(case.truth[0]) == CARINA
    assert [is_ruled(a, b, name) for name in case.names] == [False, True]


def test_the_quick_figure_is_of_the_training_scans_with_ruled_places_apart(
    data: Path, bank: ModelInfo
) -> None:
    figures = across_error(bank, Session(bank, "cpu", 1), data)
    assert figures["marked_n"] == 3  # chest_t, chest_u, chest_v
    assert figures["ruled_n"] == 3
    assert figures["marked_median_mm"] < 3.0  # all scans show one body
    assert figures["marked_within_15_share"] == 1.0


def test_a_missing_answer_counts_as_far(monkeypatch: pytest.MonkeyPatch) -> None:
    figures = across_figures(np.array([1.0, 12.0, np.inf]))
    assert figures["answered_share"] == pytest.approx(2 / 3)
    assert figures["mean_capped_mm"] == pytest.approx((1 + 12 + across.FAR_MM) / 3)
    assert figures["within_10_share"] == pytest.approx(1 / 3)
    assert figures["within_15_share"] == pytest.approx(2 / 3)
    assert across_figures(np.empty(0)) == {"n": 0.0}
