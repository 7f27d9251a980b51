"""Matches are written as the contract of the command line says."""

import csv
import json
from pathlib import Path

import pytest

from samdesk.core.match import Match, Verdict
from samdesk.errors import UsageError
from samdesk.io.match_table import MatchRow, check_ending, write_matches
from samdesk.io.points import read_points


def match(verdict: Verdict, at: tuple[float, float, float] | None = (1.0, -2.0, 3.0)) -> Match:
    return Match(verdict, at, 0.91234, 0.8, 0.25, 1.234, model="ct-sam", seconds=0.0421)


ROWS = [
    MatchRow("b.nii.gz", "carina", match(Verdict.FOUND)),
    MatchRow("b.nii.gz", "=1+1", match(Verdict.UNCERTAIN)),
    MatchRow("b.nii.gz", "gone", match(Verdict.ABSENT, None)),
    MatchRow("c.nii.gz", "carina", match(Verdict.UNKNOWN)),
]


def test_the_table_has_the_columns_and_rows_of_the_contract(tmp_path: Path) -> None:
    path = tmp_path / "matches.csv"
    write_matches(path, ROWS)
    text = path.read_text(encoding="utf-8")
    assert text.splitlines()[:2] == [
        "target,name,x,y,z,verdict,p_present,similarity,margin,cycle_error_mm,model,seconds",
        "b.nii.gz,carina,1.000,-2.000,3.000,found,0.9123,0.8000,0.2500,1.23,ct-sam,0.042",
    ]
    rows = list(csv.DictReader(text.splitlines()))
    assert [row["verdict"] for row in rows] == ["found", "uncertain", "absent", "unknown"]
    assert rows[1]["name"] == "'=1+1"
    assert [row["x"] + row["y"] + row["z"] for row in rows[2:]] == ["", ""]


def test_numbers_that_are_not_finite_stay_empty(tmp_path: Path) -> None:
    row = MatchRow("b", "a", Match(Verdict.UNKNOWN, None, 0.0, float("nan"), 0.0, float("inf")))
    write_matches(tmp_path / "m.csv", [row])
    (read,) = csv.DictReader((tmp_path / "m.csv").read_text().splitlines())
    assert (read["similarity"], read["cycle_error_mm"]) == ("", "")


def test_a_long_path_of_a_target_is_not_cut(tmp_path: Path) -> None:
    target = "/folder" * 100 + "/b.nii.gz"
    write_matches(tmp_path / "m.csv", [MatchRow(target, "a", match(Verdict.FOUND))])
    assert target in (tmp_path / "m.csv").read_text()


def test_markups_have_a_list_for_each_target_and_come_back(tmp_path: Path) -> None:
    path = tmp_path / "matches.mrk.json"
    write_matches(path, ROWS)
    lists = json.loads(path.read_text(encoding="utf-8"))["markups"]
    assert [one["name"] for one in lists] == ["b.nii.gz", "c.nii.gz"]
    assert [point["positionStatus"] for point in lists[0]["controlPoints"]] == [
        "defined",
        "defined",
        "undefined",
    ]
    found, _ = read_points(path)
    assert [(one.name, one.at_mm) for one in found] == [
        ("carina", (1.0, -2.0, 3.0)),
        ("=1+1", (1.0, -2.0, 3.0)),
    ]


def test_a_table_is_read_back_as_points_of_the_same_names(tmp_path: Path) -> None:
    path = tmp_path / "matches.csv"
    write_matches(path, ROWS[:2])
    found, _ = read_points(path)
    assert [one.name for one in found] == ["carina", "=1+1"]


@pytest.mark.parametrize("name", ["matches.xlsx", "matches", "matches.json"])
def test_another_ending_is_wrong_usage_and_writes_nothing(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="written as"):
        write_matches(tmp_path / name, ROWS)
    assert not (tmp_path / name).exists()
    check_ending(Path("MATCHES.CSV"))
