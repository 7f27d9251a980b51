"""What samdesk imports is declared, and what is declared is imported."""

import ast
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Where the name on the package index is another one than the name in an import.
IMPORTED_AS = {"pillow": "PIL", "pyside6-essentials": "PySide6", "tomli-w": "tomli_w"}
# torch.onnx.export works through these.
USED_BY_TORCH = {"onnx", "onnxscript"}


def declared(*extras: str) -> set[str]:
    """Give the import names of the dependencies, those of some extras included."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    words = list(project["dependencies"])
    for extra in extras:
        words += project["optional-dependencies"][extra]
    names = [re.split(r"[\[<>=!~ ;]", word)[0].lower() for word in words]
    return {IMPORTED_AS.get(name, name).lower() for name in names}


def imported() -> set[str]:
    """Give the outside packages that some file of samdesk imports."""
    tops: set[str] = set()
    for path in (ROOT / "samdesk").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                tops |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                tops.add(node.module.split(".")[0])
    return {top.lower() for top in tops - set(sys.stdlib_module_names) - {"samdesk", "__future__"}}


def test_every_import_is_declared() -> None:
    assert imported() - declared("cpu", "train") == set()


def test_every_dependency_is_imported() -> None:
    assert declared("cpu", "train") - USED_BY_TORCH - imported() == set()


def test_exactly_one_onnx_runtime_can_be_installed() -> None:
    assert "onnxruntime" not in declared()
    assert not any(name.startswith("onnxruntime") for name in declared("train", "dev", "package"))


def test_constraints_name_no_place_and_no_build() -> None:
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert "://" not in text
    assert "+cpu" not in text
    assert re.search(r"^torch==2\.13\.", text, flags=re.MULTILINE)
