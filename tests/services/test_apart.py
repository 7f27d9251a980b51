"""Work in a process of its own."""

import importlib
import os
import sys
import time
from collections.abc import Generator
from pathlib import Path
from types import ModuleType

import pytest

from samdesk.core.progress import Progress
from samdesk.errors import SamdeskError
from samdesk.services.apart import apart

CANCEL_S = 1.0

# The process imports the work by its name, so it lies in a module of its own.
WORK = '''
"""Four pieces of work."""
import os
import time

from samdesk.core.progress import Progress
from samdesk.errors import NoRoom


def writes(path):
    yield Progress(1, 2, "writing")
    path.write_text(str(os.getpid()))


def refuses():
    yield Progress(0, 1)
    raise NoRoom("No.", code="no-room", hint="Yes.")


def dies():
    yield Progress(0, 1)
    os._exit(7)


def sleeps(path):
    path.with_suffix(".part").write_text(str(os.getpid()))
    path.with_suffix(".part").rename(path)
    time.sleep(60)
    yield Progress(0, 1)
'''


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    (tmp_path / "four_pieces.py").write_text(WORK)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "four_pieces", raising=False)
    return importlib.import_module("four_pieces")


def finished(steps: Generator[Progress, None, object]) -> list[Progress]:
    return list(steps)


def test_the_work_is_done_and_its_progress_comes_back(work: ModuleType, tmp_path: Path) -> None:
    told = finished(apart(work.writes, tmp_path / "done"))
    assert (tmp_path / "done").read_text() != str(os.getpid())
    assert Progress(1, 2, "writing") in told


def test_an_error_comes_back_with_its_words(work: ModuleType) -> None:
    with pytest.raises(SamdeskError) as raised:
        finished(apart(work.refuses))
    assert (raised.value.what, raised.value.code, raised.value.hint) == ("No.", "no-room", "Yes.")


def test_a_process_that_dies_is_told(work: ModuleType) -> None:
    with pytest.raises(SamdeskError, match=r"ended before its work was done \(7\)"):
        finished(apart(work.dies))


def test_closing_the_steps_ends_the_process_at_once(work: ModuleType, tmp_path: Path) -> None:
    steps = apart(work.sleeps, tmp_path / "pid")
    while not (tmp_path / "pid").exists():
        next(steps)
    pid = int((tmp_path / "pid").read_text())
    started = time.monotonic()
    steps.close()
    assert time.monotonic() - started < CANCEL_S
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
