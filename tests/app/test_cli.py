"""The command line as a script meets it: output, sentences and exit codes."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
import typer

from samdesk import __version__
from samdesk.app import cli, exit_codes
from samdesk.app.progress_bar import run_steps
from samdesk.core.progress import Progress
from samdesk.errors import ModelError, NoRoom, ReadError, SamdeskError, UsageError

HEAVY = ("torch", "SimpleITK", "onnxruntime", "scipy.ndimage", "highdicom", "PySide6", "pydicom")
# Longer than any patience: what a step of native code may take that does not hear Ctrl-C.
DEAF_STEP = """
import sys, time
from samdesk.app import cli
from samdesk.app.progress_bar import run_steps
from samdesk.core.progress import Progress

def steps():
    try:
        while True:
            yield Progress(0, 0)
            print("stepping", flush=True)
            time.sleep(float(sys.argv[1]))
    finally:
        print("closed", flush=True)

def work() -> None:
    run_steps(steps())

cli.COMMANDS = ("work",)
cli.load = lambda name: work
sys.exit(cli.run(["work"]))
"""


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., None]], None]:
    """Put one command in place of all others, under the name `work`."""

    def put(work: Callable[..., None]) -> None:
        monkeypatch.setattr(cli, "COMMANDS", ("work",))
        monkeypatch.setattr(cli, "load", lambda name: work)

    return put


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ReadError("It ends early.", code="truncated", hint="Copy it again."), 3),
        (ModelError("It is another file.", code="checksum"), 5),
        (NoRoom("The disk is full.", code="no-room"), 7),
        (UsageError("Two of them?", code="usage"), 2),
        (SamdeskError("Something else."), 1),
        (typer.Exit(exit_codes.PART), 4),
        (KeyboardInterrupt(), 130),
        (MemoryError(), 7),
        (OSError(28, "No space left on device"), 7),
        (OSError(5, "Input/output error"), 1),
        (KeyError("Doe^Jane"), 1),
    ],
)
def test_each_kind_of_end_has_its_exit_code(
    error: BaseException,
    code: int,
    command: Callable[[Callable[..., None]], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    def work() -> None:
        raise error

    command(work)
    assert cli.run(["work"]) == code
    assert "Traceback" not in capsys.readouterr().err


def test_a_refusal_is_one_sentence_with_code_and_next_step(
    command: Callable[[Callable[..., None]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    def work() -> None:
        raise ReadError("It ends early.", code="truncated", hint="Copy it again.")

    command(work)
    cli.run(["work"])
    assert capsys.readouterr().err == "samdesk: truncated: It ends early.\n  Copy it again.\n"


def test_a_refusal_is_json_where_json_was_asked_for(
    command: Callable[[Callable[..., None]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    def work(as_json: bool = typer.Option(False, "--json")) -> None:
        raise ReadError("It ends early.", code="truncated", hint="Copy it again.")

    command(work)
    cli.run(["work", "--json"])
    assert json.loads(capsys.readouterr().err) == {
        "code": "truncated",
        "what": "It ends early.",
        "hint": "Copy it again.",
        "exit": 3,
    }


def test_a_fault_names_its_crash_file_and_no_value(
    command: Callable[[Callable[..., None]], None],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    def work() -> None:
        raise KeyError("Doe^Jane")

    command(work)
    assert cli.run(["work"]) == exit_codes.FAULT
    said = capsys.readouterr().err
    (crash,) = (tmp_path / "home" / "logs").glob("crash-*.txt")
    assert str(crash) in said
    assert "KeyError" in crash.read_text(encoding="utf-8")
    assert "Jane" not in crash.read_text(encoding="utf-8") + said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["modle"], "Did you mean: samdesk model"),
        (["zzzz"], 'neither a command nor a file named "zzzz"'),
        (["model", "burn"], "is not one of 'list', 'show', 'verify'"),
        (["model", "list", "--nothing"], "No such option: --nothing"),
        (["--worker"], "No such option: --worker"),
        (["model", "show"], "Which model?"),
    ],
)
def test_wrong_usage_ends_with_two_and_says_what_is_wrong(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(words) == exit_codes.USAGE
    assert said in capsys.readouterr().err


def test_a_path_that_is_not_there_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["nowhere/scan.nii"]) == exit_codes.REFUSED
    assert "There is nothing at nowhere/scan.nii." in capsys.readouterr().err


def test_words_that_name_no_command_are_for_the_window(tmp_path: Path) -> None:
    scan = tmp_path / "a scan"
    scan.mkdir()
    assert cli.with_window([str(scan)]) == ["window", "--", str(scan)]
    assert cli.with_window([]) == ["window"]
    assert cli.with_window(["model", "list"]) == ["model", "list"]
    assert cli.with_window(["--version"]) == ["--version"]


def test_the_version_names_the_program(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["--version"]) == exit_codes.DONE
    assert capsys.readouterr().out.startswith(f"samdesk {__version__}")


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run([name, "--help"]) == exit_codes.DONE
    assert f"Usage: samdesk {name}" in capsys.readouterr().out


def test_the_program_lists_its_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["--help"]) == exit_codes.DONE
    told = capsys.readouterr().out
    assert all(f"  {name} " in told for name in cli.COMMANDS)
    assert "not a medical device" in told


def test_a_reader_that_leaves_early_is_no_fault() -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "samdesk", "--version"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    child.stdout.close()
    assert child.wait(timeout=60) == exit_codes.DONE
    assert child.stderr is not None
    assert child.stderr.read() == ""
    child.stderr.close()


@pytest.mark.parametrize("step_s", [0.05, 30.0])
def test_ctrl_c_ends_a_command_within_a_second(step_s: float, tmp_path: Path) -> None:
    script = tmp_path / "work.py"
    script.write_text(DEAF_STEP, encoding="utf-8")
    child = subprocess.Popen(
        [sys.executable, str(script), str(step_s)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell lets its background jobs, and so all that they start, ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL) and None,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "stepping\n"
    pressed = time.monotonic()
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    # cli.md promises 1 s; reliability.md allows 2 s to all, and other programs share the machine.
    assert time.monotonic() - pressed < 2.0
    assert child.returncode == exit_codes.STOPPED
    assert err == "samdesk: Stopped.\n"
    assert out.endswith("closed\n") == (step_s < 1)


def test_the_command_line_is_there_without_the_heavy_libraries() -> None:
    code = (
        "import sys, samdesk.app.cli;"
        f"print([name for name in {HEAVY!r} if name in sys.modules], end='')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]"


def steps(n: int) -> Generator[Progress, None, str]:
    """Yield n steps and give back a word."""
    for done in range(n):
        yield Progress(done, n, "counting")
    return "end"


def test_steps_run_to_their_result() -> None:
    assert run_steps(steps(3), "Count") == "end"


def test_what_a_step_raises_reaches_the_caller() -> None:
    def failing() -> Generator[Progress, None, None]:
        yield Progress(0, 1)
        raise ReadError("It ends early.", code="truncated")

    with pytest.raises(ReadError, match="ends early"):
        run_steps(failing())
