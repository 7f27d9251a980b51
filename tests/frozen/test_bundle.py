"""The built bundle, run as on a machine that knows nothing of this one."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from samdesk import __version__

ROOT = Path(__file__).parents[2]
NAME = "samdesk-cli.exe" if sys.platform == "win32" else "samdesk"
PROGRAM = ROOT / "dist" / "samdesk" / NAME

pytestmark = [
    pytest.mark.frozen,
    pytest.mark.skipif(
        not PROGRAM.is_file(), reason="no bundle in dist/; `make package` builds it"
    ),
]


def run(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the bundle with an empty environment in a folder of its own."""
    environment = {"QT_QPA_PLATFORM": "offscreen", "HOME": str(folder), "SAMDESK_HOME": str(folder)}
    return subprocess.run(
        [str(PROGRAM), *words],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_bundle_knows_its_version(tmp_path: Path) -> None:
    assert run("--version", folder=tmp_path).stdout.startswith(f"samdesk {__version__}")


def test_the_bundle_holds_no_torch() -> None:
    assert not list(PROGRAM.parent.rglob("*torch*"))


def test_the_bundle_passes_its_selftest(tmp_path: Path) -> None:
    done = run("selftest", "--json", folder=tmp_path)
    failed = [check for check in json.loads(done.stdout)["checks"] if not check["passed"]]
    assert failed == []
    assert done.returncode == 0


def test_the_bundle_says_that_no_window_can_open(tmp_path: Path) -> None:
    assert run(folder=tmp_path).returncode == 6
