"""The log holds codes and counts, and nothing of a patient."""

import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from samdesk.app import logs


@pytest.fixture(autouse=True)
def the_log_as_it_was() -> Iterator[None]:
    """End the log of a test."""
    yield
    logs.stop()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Give the file of a log that was started."""
    path = logs.start(tmp_path / "logs")
    assert path is not None
    return path


def test_an_event_is_written_with_its_code(log: Path) -> None:
    logging.getLogger("samdesk.io").info("open.refused code=%s kind=%s", "truncated", "dicom")
    assert "samdesk.io open.refused code=truncated kind=dicom" in log.read_text(encoding="utf-8")


def test_what_libraries_say_of_a_file_is_withheld(log: Path) -> None:
    logging.getLogger("pydicom.values").warning("Invalid value for PN: Doe^Jane")
    logging.getLogger("pydicom").error("Cannot read Doe^Jane")
    text = log.read_text(encoding="utf-8")
    assert "Doe" not in text
    assert text.count("message.withheld library=pydicom") == 1


def test_a_uid_is_shortened_to_its_last_six_digits(log: Path) -> None:
    logging.getLogger("samdesk").info("series uid=%s", "1.2.840.113619.2.55.3.604688119")
    assert "uid=...688119" in log.read_text(encoding="utf-8")


def test_an_error_is_written_as_its_place_without_its_sentence(log: Path) -> None:
    try:
        int("Doe^Jane")
    except ValueError as error:
        logging.getLogger("samdesk").error("job.fault", exc_info=error)
    text = log.read_text(encoding="utf-8")
    assert "tests/app/test_logs.py" in text
    assert "builtins.ValueError" in text
    assert "Jane" not in text


def test_a_warning_of_python_is_written_by_kind_and_place(log: Path) -> None:
    warnings.showwarning("value 'Doe^Jane' is too long", UserWarning, "/a/b/valuerep.py", 12)
    text = log.read_text(encoding="utf-8")
    assert "python.warned kind=UserWarning at=a/b/valuerep.py:12" in text.replace("//", "/")
    assert "Jane" not in text


def test_causes_are_told_and_sentences_about_code_are_kept() -> None:
    def fail() -> None:
        try:
            raise AttributeError("'Series' object has no attribute 'volume'")
        except AttributeError as error:
            raise ValueError("Doe^Jane") from error

    with pytest.raises(ValueError, match="Jane") as caught:
        fail()
    told = logs.place(caught.value)
    assert "no attribute 'volume'" in told
    assert "which came of:" in told
    assert "Jane" not in told


def test_only_the_newest_logs_are_kept(tmp_path: Path) -> None:
    for day in range(10, 40):
        (tmp_path / f"202601{day}-000000-abcd.log").write_text("", encoding="utf-8")
    logs.start(tmp_path)
    logging.getLogger("samdesk").info("here")
    kept = sorted(path.name for path in tmp_path.glob("*.log"))
    assert len(kept) == logs.FILES_KEPT
    assert kept[0].startswith("20260121")


def test_a_folder_that_cannot_be_written_means_no_log(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert logs.start(tmp_path / "file" / "logs") is None


def test_the_names_of_the_last_events_are_remembered(log: Path) -> None:
    logging.getLogger("samdesk.io").info("open.refused code=%s", "truncated")
    assert logs.events[-1] == "samdesk.io open.refused"
