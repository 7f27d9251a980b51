"""Rules of the house that an import contract cannot say."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "samdesk"
LONGEST = 450
CORE_MAY_IMPORT = {"numpy", "scipy"}


def imports(path: Path) -> Iterator[str]:
    """Give every absolute module name that a file imports, at any depth of its code."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def files(room: str = "") -> list[Path]:
    """List the Python files of a room, or of the whole package."""
    return sorted((PACKAGE / room).rglob("*.py"))


@pytest.mark.parametrize("path", files("services"), ids=str)
def test_services_use_qtcore_only(path: Path) -> None:
    """A service has signals and timers, and no pixels."""
    parts = {name.split(".")[1] for name in imports(path) if name.startswith("PySide6.")}
    assert parts <= {"QtCore"}


@pytest.mark.parametrize("path", files("core"), ids=str)
def test_core_leans_on_numpy_and_scipy_only(path: Path) -> None:
    """The rooms below the files and the network stay light enough to test in milliseconds."""
    tops = {name.split(".")[0] for name in imports(path)}
    assert tops - set(sys.stdlib_module_names) - {"samdesk"} <= CORE_MAY_IMPORT


@pytest.mark.parametrize("path", files(), ids=str)
def test_a_module_fits_in_a_head(path: Path) -> None:
    """Past this length a file holds two ideas."""
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST


@pytest.mark.parametrize("path", files(), ids=str)
def test_a_module_says_what_it_is_for(path: Path) -> None:
    """The first line of every file is a sentence."""
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
