"""Points are read from every variant of a table, and axes are never guessed."""

import json
from pathlib import Path

import numpy as np
import pytest

from samdesk.core.geometry import Geometry
from samdesk.errors import ReadError
from samdesk.io import points as points_file
from samdesk.io.points import read_points

GRID = Geometry.aligned((20, 30, 40), (2.0, 1.0, 1.0), (-20.0, -15.0, 0.0))


def written(tmp_path: Path, text: str | bytes, name: str = "p.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def code_of(path: Path, geometry: Geometry | None = None) -> str:
    with pytest.raises(ReadError) as caught:
        read_points(path, geometry)
    assert caught.value.hint
    return caught.value.code


@pytest.mark.parametrize(
    "text",
    [
        "name,x,y,z\na,1.5,-2,3\n",
        "\ufeffname,x,y,z\na,1.5,-2,3\n",
        "label\tx\ty\tz\r\na\t1.5\t-2\t3\r\n",
        "name;x;y;z\na;1,5;-2,0;3\n",
        "name;x;y;z\na;1.5;-2.0;3\n",
        "Name , X, Y, Z ,extra\n a ,1.5,-2,3,\n",
        'name,x,y,z\n"a",1.5,-2,3\n',
        "name,r,a,s\na,-1.5,2,3\n",
        "name,l,p,s\na,1.5,-2,3\n",
        "name,x,y,z\na,15e-1,-2,3,,\n",
    ],
)
def test_every_variant_gives_the_same_point(tmp_path: Path, text: str) -> None:
    found, notices = read_points(written(tmp_path, text), GRID)
    assert [(one.name, one.at_mm) for one in found] == [("a", (1.5, -2.0, 3.0))]
    assert notices == ()


def test_utf16_of_a_spreadsheet_is_read(tmp_path: Path) -> None:
    found, _ = read_points(written(tmp_path, "name,x,y,z\nä,1,2,3\n".encode("utf-16")))
    assert found[0].name == "ä"


def test_sizes_labels_and_notes_are_kept(tmp_path: Path) -> None:
    text = "name,x,y,z,diameter_mm,label,note\na,1,2,3,12.5,lung,'=1+1\nb,1,2,3,-1,,\n"
    (first, second), _ = read_points(written(tmp_path, text))
    assert (first.diameter_mm, first.label, first.note) == (12.5, "lung", "=1+1")
    assert second.diameter_mm is None
    assert first.id != second.id


def test_names_that_are_empty_or_taken_become_their_own(tmp_path: Path) -> None:
    text = "name,x,y,z\n,1,2,3\na,1,2,3\na,1,2,3\na,1,2,3\n"
    found, notices = read_points(written(tmp_path, text))
    assert [one.name for one in found] == ["point 1", "a", "a (2)", "a (3)"]
    assert [(one.code, one.number) for one in notices] == [("duplicate-names", 2)]


@pytest.mark.parametrize("number", ["nan", "inf", "1e999", "twelve", "", "1_000", "0x10"])
def test_a_line_without_numbers_is_left_out_and_named(tmp_path: Path, number: str) -> None:
    text = f"name,x,y,z\nbad,{number},2,3\nok,1,2,3\n"
    found, notices = read_points(written(tmp_path, text))
    assert [one.name for one in found] == ["ok"]
    assert notices[0].code == "points-left-out"
    assert "line 2" in notices[0].sentence
    assert "bad" not in notices[0].sentence


def test_points_outside_of_the_scan_are_kept_and_counted(tmp_path: Path) -> None:
    found, notices = read_points(written(tmp_path, "name,x,y,z\na,500,0,0\nb,0,0,1\n"), GRID)
    assert len(found) == 2
    assert [(one.code, one.number) for one in notices] == [("points-outside", 1)]


def test_voxel_indices_need_their_scan(tmp_path: Path) -> None:
    path = written(tmp_path, "label,i,j,k\na,4,5,6\n")
    (found,), notices = read_points(path, GRID)
    assert found.at_mm == (-16.0, -10.0, 12.0)
    assert notices[0].code == "voxel-indices"
    assert code_of(path) == "columns-unknown"


def test_pixels_of_a_radiograph_have_two_columns(tmp_path: Path) -> None:
    path = written(tmp_path, "name,x,y\na,10.5,20\n")
    (found,), _ = read_points(path, is_picture=True)
    assert found.at_mm == (10.5, 20.0, 0.0)
    assert code_of(path) == "columns-unknown"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty-file"),
        ("\n\n", "not-recognised"),
        ("a,1,2,3\n", "columns-unknown"),
        ("name,foo,bar\n", "columns-unknown"),
        ("x,y,z\n1,2,3\n", "columns-unknown"),
        ("name,x,y,z\na,1,5,2,5,3,0\n", "ambiguous-numbers"),
        ('name,x,y,z\n"a,1,2,3\nb,1,2,3\n', "not-recognised"),
        ("name,x,y,z\n\0\0\0", "not-recognised"),
    ],
)
def test_what_is_no_table_of_points_is_refused(tmp_path: Path, text: str, code: str) -> None:
    assert code_of(written(tmp_path, text)) == code


def test_a_table_without_lines_has_no_points(tmp_path: Path) -> None:
    found, notices = read_points(written(tmp_path, "name,x,y,z\n"))
    assert found == []
    assert [one.code for one in notices] == ["no-points"]


def test_latin1_is_read_and_said(tmp_path: Path) -> None:
    found, notices = read_points(written(tmp_path, "name,x,y,z\nLäsion,1,2,3\n".encode("latin-1")))
    assert found[0].name == "Läsion"
    assert [one.code for one in notices] == ["charset"]


def test_a_line_of_megabytes_is_left_out(tmp_path: Path) -> None:
    text = "name,x,y,z\n" + "a" * 1_000_000 + ",1,2,3\nok,1,2,3\n"
    found, notices = read_points(written(tmp_path, text))
    assert [one.name for one in found] == ["ok"]
    assert notices[0].code == "points-left-out"


def test_more_points_than_are_read_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(points_file, "MAX_POINTS", 2)
    path = written(tmp_path, "name,x,y,z\n" + "a,1,2,3\n" * 3)
    assert code_of(path) == "too-many-points"
    monkeypatch.setattr(points_file, "_MAX_BYTES", 10)
    assert code_of(path) == "too-large"


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    assert code_of(tmp_path / "gone.csv") == "files-missing"


@pytest.mark.parametrize(
    ("system", "place"),
    [("LPS", "1,2,3"), ("1", "1,2,3"), ("RAS", "-1,-2,3"), ("0", "-1,-2,3"), ("2", "21,17,1.5")],
)
def test_fcsv_is_read_in_its_own_system(tmp_path: Path, system: str, place: str) -> None:
    text = (
        "# Markups fiducial file version = 4.11\n"
        f"# CoordinateSystem = {system}\n"
        "# columns = id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID\n"
        f"\n1,{place},0,0,0,1,1,1,0,bead,a note,\n2,x,y,z,0,0,0,1,1,1,0,bad,,\n"
    )
    found, notices = read_points(written(tmp_path, text, "p.fcsv"), GRID)
    assert [(one.name, one.note) for one in found] == [("bead", "a note")]
    np.testing.assert_allclose(found[0].at_mm, (1.0, 2.0, 3.0))
    assert "points-left-out" in {one.code for one in notices}


@pytest.mark.parametrize("system", ["", "# CoordinateSystem = XYZ\n"])
def test_fcsv_without_a_known_system_is_refused(tmp_path: Path, system: str) -> None:
    assert code_of(written(tmp_path, system + "1,1,2,3\n", "p.fcsv")) == "columns-unknown"


def markups(**named: object) -> str:
    one = {
        "type": "Fiducial",
        "coordinateSystem": "LPS",
        "controlPoints": [
            {"label": "a", "description": "note", "position": [1, 2.5, 3]},
            {"label": "unset", "positionStatus": "undefined", "position": [0, 0, 0]},
            {"label": "none"},
            {"label": "text", "position": ["1", 2, 3]},
            "rubbish",
        ],
    }
    return json.dumps({"markups": [{**one, **named}]})


@pytest.mark.parametrize(
    ("system", "at"),
    [("LPS", (1.0, 2.5, 3.0)), ("RAS", (-1.0, -2.5, 3.0)), ("0", (-1.0, -2.5, 3.0))],
)
def test_markups_are_read_in_their_own_system(
    tmp_path: Path, system: str, at: tuple[float, float, float]
) -> None:
    path = written(tmp_path, markups(coordinateSystem=system), "p.mrk.json")
    found, notices = read_points(path)
    assert [(one.name, one.at_mm, one.note) for one in found] == [("a", at, "note")]
    assert [(one.code, one.number) for one in notices] == [("points-left-out", 4)]


TWO_SYSTEMS = '{"markups": [{"coordinateSystem": "LPS"}, {"coordinateSystem": "RAS"}]}'


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "not-recognised"),
        ("[]", "not-recognised"),
        ('{"markups": "x"}', "not-recognised"),
        ('{"markups": [1]}', "not-recognised"),
        ("[" * 100_000, "too-deep"),
        (markups(coordinateSystem=""), "columns-unknown"),
        (markups(coordinateUnits="inch"), "columns-unknown"),
        (TWO_SYSTEMS, "columns-unknown"),
    ],
    ids=range(8),
)
def test_json_that_is_no_markups_is_refused(tmp_path: Path, text: str, code: str) -> None:
    assert code_of(written(tmp_path, text, "p.mrk.json")) == code
