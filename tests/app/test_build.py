"""Which build this is."""

import shutil
import subprocess
from pathlib import Path

import pytest

from samdesk import __version__
from samdesk.app import build, paths


def test_a_bundle_knows_the_commit_it_was_built_from(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / build.FILE).write_text("abc1234\n", encoding="utf-8")
    monkeypatch.setattr(paths, "resources", lambda: tmp_path)
    assert build.words() == f"samdesk {__version__} (build abc1234)"


def test_without_git_the_version_stands_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert build.words() == f"samdesk {__version__}"


def test_a_git_that_fails_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise subprocess.CalledProcessError(128, "git")

    monkeypatch.setattr(subprocess, "run", fail)
    assert build.commit() == ""
