"""Finished cases come back under exactly their key, and damage is not believed."""

import json
from pathlib import Path

import pytest

from samdesk.evaluation.kept import Kept


def test_what_was_put_comes_back_after_a_restart(tmp_path: Path) -> None:
    value = {"errors": [1.5, float("inf")], "why": "größer", "found": [True]}
    Kept(tmp_path / "kept").put("case | affine | recipe", value)
    assert Kept(tmp_path / "kept").get("case | affine | recipe") == value


def test_another_key_gives_nothing_however_alike(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    kept.put("case | sam | sha 1", {"n": 1})
    assert kept.get("case | sam | sha 2") is None
    assert kept.get("CASE | sam | sha 1") is None
    kept.put("case | sam | sha 2", {"n": 2})
    assert kept.get("case | sam | sha 1") == {"n": 1}


@pytest.mark.parametrize(
    "damage",
    ["", "{", "[]", '{"format": 1, "key": "other", "value": {}}', '{"format": 9, "key": "case"}'],
)
def test_a_damaged_file_counts_as_not_done(tmp_path: Path, damage: str) -> None:
    kept = Kept(tmp_path)
    kept.put("case", {"n": 1})
    (file,) = tmp_path.glob("*.json")
    file.write_text(damage, encoding="utf-8")
    assert kept.get("case") is None


def test_files_have_names_that_a_person_can_read(tmp_path: Path) -> None:
    Kept(tmp_path).put("lidc to midrc | affine", {})
    (file,) = tmp_path.glob("*.json")
    assert file.name.startswith("lidc-to-midrc-affine-")
    assert json.loads(file.read_text(encoding="utf-8"))["key"] == "lidc to midrc | affine"
