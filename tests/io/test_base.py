"""References to files say what is wrong when a file is gone or shut."""

from collections.abc import Generator
from pathlib import Path

import pytest

from samdesk.core.progress import Progress
from samdesk.errors import ReadError
from samdesk.io.base import FileRef, finish, gone


def test_a_generator_is_moved_to_its_end() -> None:
    def work() -> Generator[Progress, None, str]:
        yield Progress(1, 2)
        yield Progress(2, 2)
        return "done"

    assert finish(work()) == "done"


def test_a_reference_knows_size_head_and_name(tmp_path: Path) -> None:
    path = tmp_path / "scan.nii"
    path.write_bytes(b"0123456789")
    ref = FileRef(path)
    assert (ref.name, ref.size, ref.head(3), ref.shown) == ("scan.nii", 10, b"012", path)


@pytest.mark.parametrize("ask", ["size", "head", "open"])
def test_a_file_that_went_away_is_files_missing(tmp_path: Path, ask: str) -> None:
    ref = FileRef(tmp_path / "gone.nii")
    with pytest.raises(ReadError) as caught:
        {"size": lambda: ref.size, "head": ref.head, "open": ref.open}[ask]()
    assert caught.value.code == "files-missing"
    assert "not there" in caught.value.what


def test_a_folder_read_as_a_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="could not be read"):
        FileRef(tmp_path).head()


def test_the_cause_of_the_system_is_told() -> None:
    assert "may not be read" in gone(Path("a"), PermissionError(13, "no")).what
    assert "Stale" in gone(Path("a"), OSError(116, "Stale file handle")).what
