"""What is kept of a crash."""

import subprocess
import sys
import threading
from pathlib import Path

from samdesk import __version__
from samdesk.app.crash import CrashFile


def nobody(error: BaseException, path: Path | None) -> None:
    """Listen to nothing."""


def a_fault() -> ValueError:
    """Give an error that was raised, and whose sentence quotes a file."""
    try:
        raise ValueError("Doe^Jane")
    except ValueError as error:
        return error


def test_the_file_holds_version_and_stack_and_no_value(tmp_path: Path) -> None:
    path = CrashFile(tmp_path, nobody).write(a_fault())
    assert path is not None
    text = path.read_text(encoding="utf-8")
    assert f"samdesk {__version__}" in text
    assert "in a_fault" in text
    assert "Jane" not in text


def test_a_folder_that_cannot_be_written_gives_no_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert CrashFile(tmp_path / "file" / "logs", nobody).write(a_fault()) is None


def test_a_fault_that_nobody_caught_is_written_and_told(tmp_path: Path) -> None:
    told: list[tuple[BaseException, Path | None]] = []
    hook = sys.excepthook
    crash = CrashFile(tmp_path, lambda error, path: told.append((error, path)))
    crash.install()
    error = a_fault()
    sys.excepthook(ValueError, error, error.__traceback__)
    thread = threading.Thread(target=lambda: 1 // 0)
    thread.start()
    thread.join()
    crash.close()
    assert [type(error) for error, _ in told] == [ValueError, ZeroDivisionError]
    assert told[0][1] == told[1][1]
    assert sys.excepthook is hook


def test_a_start_without_a_fault_leaves_no_file(tmp_path: Path) -> None:
    crash = CrashFile(tmp_path, nobody)
    crash.install()
    crash.close()
    crash.close()
    assert list(tmp_path.iterdir()) == []


def test_a_native_crash_leaves_its_stack(tmp_path: Path) -> None:
    code = (
        "import faulthandler, sys; from pathlib import Path;"
        "from samdesk.app.crash import CrashFile;"
        "CrashFile(Path(sys.argv[1]), print).install(); faulthandler._sigsegv()"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False, capture_output=True)
    (file,) = tmp_path.glob("fault-*.txt")
    assert "Segmentation fault" in file.read_text(encoding="utf-8")
