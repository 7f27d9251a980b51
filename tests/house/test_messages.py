"""Every code that the program can say is explained in docs/guide/messages.md."""

import ast
import csv
import re
from pathlib import Path

import pytest

from samdesk import errors

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "guide" / "messages.md"
SAYS_A_CODE = {"Notice", "Refusal"}
RAISES_A_CODE = {name for name in vars(errors) if isinstance(getattr(errors, name), type)}


def explained() -> set[str]:
    """Give the codes that the guide explains."""
    text = GUIDE.read_text(encoding="utf-8")
    return set(re.findall(r"^\| `([a-z0-9-]+)` \|", text, flags=re.MULTILINE))


def said() -> dict[str, Path]:
    """Give every code written in the program, and a file that says it."""
    codes: dict[str, Path] = {}
    for path in sorted((ROOT / "samdesk").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name not in SAYS_A_CODE | RAISES_A_CODE:
                continue
            given = [word.value for word in node.keywords if word.arg == "code"]
            given += node.args[:2] if name in SAYS_A_CODE else []
            for value in given:
                if isinstance(value, ast.Constant) and isinstance(value.value, str):
                    codes.setdefault(value.value, path)
    return codes


def test_every_code_of_the_program_is_explained() -> None:
    codes = {code: path for code, path in said().items() if re.fullmatch(r"[a-z0-9-]+", code)}
    assert codes
    assert {code: path for code, path in codes.items() if code not in explained()} == {}


@pytest.mark.realdata
def test_every_code_of_the_bad_files_is_explained(data_folder: Path) -> None:
    with (data_folder / "badinputs" / "manifest.csv").open(encoding="utf-8", newline="") as file:
        expected = {row["expected"].partition(":")[2] for row in csv.DictReader(file)}
    assert expected - {""} <= explained()
