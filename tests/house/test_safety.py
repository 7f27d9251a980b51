"""What no file of samdesk may do: run what it reads, call home, or know this machine."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "samdesk"
FILES = sorted(PACKAGE.rglob("*.py"))

# A pickle runs what it holds, and a shell runs what a name holds.
FORBIDDEN_IMPORTS = {"pickle", "cPickle", "dill", "joblib", "shelve", "marshal", "telnetlib"}
FORBIDDEN_CALLS = {
    "eval",
    "exec",
    "os.system",
    "os.popen",
    "yaml.load",
    "torch.load",
    "pandas.read_pickle",
}
# Opened in the rooms that were made for it, and nowhere else.
NETWORK = {"socket", "urllib", "http", "requests", "ftplib", "smtplib"}
MAY_ASK_THE_DISPLAY = {PACKAGE / "app" / "display.py"}
EMPTY_NAMES = {"utils", "helpers", "common", "misc", "base2", "util", "helper"}

MACHINE = re.compile(r"/(?:work|farm)/|/root/|/tmp/bash_jobs")
HOSTS = re.compile(r"https?://\S*(?:simple/|/npm/|artifactory|proxy)")
TEXTS = {".py", ".toml", ".md", ".txt", ".sh", ".yml", ".yaml", ".cfg", ".spec", ".json", ""}


def name_of(node: ast.expr) -> str:
    """Give the dotted name that an expression is written as, or an empty string."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = name_of(node.value)
        return f"{before}.{node.attr}" if before else ""
    return ""


def imports(tree: ast.AST) -> Iterator[str]:
    """Give the top name of every module that is imported."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    """Give every call."""
    yield from (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def is_false(node: ast.expr | None) -> bool:
    """Tell whether an argument is written as False."""
    return isinstance(node, ast.Constant) and node.value is False


@pytest.mark.parametrize("path", FILES, ids=str)
def test_nothing_that_was_read_is_run(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not FORBIDDEN_IMPORTS & set(imports(tree))
    assert not FORBIDDEN_CALLS & {name_of(call.func) for call in calls(tree)}
    for call in calls(tree):
        words = {word.arg: word.value for word in call.keywords}
        if name_of(call.func) in ("np.load", "numpy.load"):
            assert is_false(words.get("allow_pickle")), "np.load needs allow_pickle=False"
        assert is_false(words.get("shell", ast.Constant(value=False)))
        assert is_false(words.get("allow_pickle", ast.Constant(value=False)))


@pytest.mark.parametrize("path", FILES, ids=str)
def test_nothing_opens_a_line_to_the_outside(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if path not in MAY_ASK_THE_DISPLAY:
        assert not NETWORK & set(imports(tree))


@pytest.mark.parametrize("path", FILES, ids=str)
def test_a_module_is_named_for_what_it_holds(path: Path) -> None:
    assert path.stem not in EMPTY_NAMES


def tracked() -> list[Path]:
    """List the files that git keeps; all text files of a copy without git."""
    asked = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, text=True, check=False
    )
    names = [name for name in asked.stdout.split("\0") if name] if asked.returncode == 0 else []
    return [ROOT / name for name in names if (ROOT / name).is_file()] or FILES


def test_no_file_knows_this_machine_or_a_registry() -> None:
    here = Path(__file__).resolve()
    known = []
    for path in tracked():
        if path.suffix in TEXTS and path.resolve() != here:
            text = path.read_text(encoding="utf-8", errors="replace")
            known += [f"{path}: {m.group()}" for m in (*MACHINE.finditer(text),)]
            known += [f"{path}: {m.group()}" for m in (*HOSTS.finditer(text),)]
    assert known == []


def test_nothing_large_is_kept_in_the_repository() -> None:
    assert [path for path in tracked() if path.stat().st_size > 12_000_000] == []


@pytest.mark.parametrize(
    "module",
    ["samdesk.app.main", "samdesk.app.wiring", "samdesk.views.main_window", "samdesk.app.cli"],
)
def test_the_way_to_the_window_loads_nothing_heavy(module: str) -> None:
    """Each of these costs a tenth of a second to several seconds before the window shows."""
    if not (ROOT / Path(*module.split("."))).with_suffix(".py").is_file():
        pytest.skip(f"{module} is not written yet")
    heavy = ("torch", "SimpleITK", "onnxruntime", "scipy.ndimage", "highdicom", "nibabel")
    code = f"import sys, {module}; print([n for n in {heavy!r} if n in sys.modules], end='')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"QT_QPA_PLATFORM": "offscreen"},
    )
    assert done.stdout == "[]"


def test_a_socket_to_the_outside_fails_the_test() -> None:
    import socket

    with socket.socket() as line, pytest.raises(AssertionError, match="wants to call 192"):
        line.connect(("192.0.2.1", 80))
