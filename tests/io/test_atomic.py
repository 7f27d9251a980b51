"""A file is written whole or not at all, whatever fails on the way."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from samdesk.errors import NoRoom, SamdeskError
from samdesk.io import atomic

STEPS = ("mkstemp", "open", "write", "fsync file", "chmod", "replace", "fsync folder")


def failing(step: str, error: OSError, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let one step of writing fail as a disk would."""
    fsync, seen = os.fsync, [0]

    def fail(*_: object, **__: object) -> Any:
        raise error

    def fsync_fails(handle: int) -> None:
        seen[0] += 1
        if seen[0] == (1 if step == "fsync file" else 2):
            raise error
        fsync(handle)

    opened = Path.open

    def open_fails(path: Path, mode: str = "r", *words: Any, **named: Any) -> Any:
        if mode == "wb" and step == "open":
            raise error
        stream = opened(path, mode, *words, **named)
        if mode != "wb":
            return stream
        return _Full(stream, error)

    patches: dict[str, Callable[[], None]] = {
        "mkstemp": lambda: monkeypatch.setattr("tempfile.mkstemp", fail),
        "open": lambda: monkeypatch.setattr(Path, "open", open_fails),
        "write": lambda: monkeypatch.setattr(Path, "open", open_fails),
        "fsync file": lambda: monkeypatch.setattr(os, "fsync", fsync_fails),
        "chmod": lambda: monkeypatch.setattr(Path, "chmod", fail),
        "replace": lambda: monkeypatch.setattr(Path, "replace", fail),
        "fsync folder": lambda: monkeypatch.setattr(os, "fsync", fsync_fails),
    }
    patches[step]()


class _Full:
    """A stream whose disk takes half of what is written."""

    def __init__(self, stream: Any, error: OSError) -> None:
        self._stream, self._error = stream, error

    def __enter__(self) -> "_Full":
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def write(self, data: bytes) -> int:
        self._stream.write(data[: len(data) // 2])
        raise self._error


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EIO])
@pytest.mark.parametrize("step", STEPS)
def test_when_a_step_fails_the_file_is_whole_and_nothing_is_left_beside_it(
    step: str, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.csv"
    path.write_bytes(b"old and whole")
    with monkeypatch.context() as patch:
        failing(step, OSError(number, os.strerror(number)), patch)
        with pytest.raises(SamdeskError, match=r"report\.csv was not written") as caught:
            atomic.write_bytes(path, b"new " * 1000)
    # The last step comes after the new file is in place, which is whole too.
    expected = b"new " * 1000 if step == "fsync folder" else b"old and whole"
    assert path.read_bytes() == expected
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == ["report.csv"]
    assert isinstance(caught.value, NoRoom) == (number == errno.ENOSPC)
    assert caught.value.hint


def test_a_new_file_is_there_with_the_rights_of_any_new_file(tmp_path: Path) -> None:
    plainly, path = tmp_path / "a", tmp_path / "b"
    plainly.write_text("x")
    atomic.write_text(path, "Größe\n")
    assert path.read_bytes() == "Größe\n".encode()
    assert path.stat().st_mode == plainly.stat().st_mode


def test_an_older_file_keeps_its_rights(tmp_path: Path) -> None:
    path = tmp_path / "secret.csv"
    path.write_text("old")
    path.chmod(0o600)
    atomic.write_text(path, "new")
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_fault_of_the_writer_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("old")

    def write_half() -> None:
        with atomic.replacing(path) as temporary:
            temporary.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half()
    assert path.read_text() == "old"
    assert len([file for file in tmp_path.iterdir() if file.is_file()]) == 1


def test_a_folder_that_is_not_there_is_named_as_the_cause(tmp_path: Path) -> None:
    with pytest.raises(SamdeskError, match="folder is not there"):
        atomic.write_text(tmp_path / "gone" / "x.csv", "x")


def test_a_full_disk_is_said_before_writing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class State:
        f_bavail, f_frsize = 10, 1

    monkeypatch.setattr(os, "statvfs", lambda _: State)
    with pytest.raises(NoRoom, match="disk is full"):
        atomic.write_bytes(tmp_path / "x", b"12345678")
    assert not (tmp_path / "x").exists()


def test_a_system_without_these_calls_writes_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "statvfs")
    monkeypatch.setattr(atomic, "_FOLDERS_CAN_BE_FLUSHED", False)
    atomic.write_text(tmp_path / "x", "whole")
    assert (tmp_path / "x").read_text() == "whole"
