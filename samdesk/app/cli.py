"""The command line: its commands, what a failing one says, and the exit code it ends with.

A command raises an error of samdesk, or gives its own code with typer.Exit; here both become one
sentence and the number that design/cli.md promises. Words that name no command are scans or a
project to open in the window.
"""

import difflib
import errno
import json
import logging
import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from samdesk.app import exit_codes, logs, paths
from samdesk.app.crash import CrashFile
from samdesk.app.exit_codes import ExitCode
from samdesk.errors import NoRoom, SamdeskError, Stopped, UsageError

logger = logging.getLogger(__name__)

# Each is a module of app/commands with one function of its name. They are loaded when they are
# asked for: the window must not wait for what `phantom` or `bench` need.
COMMANDS = (
    "info", "match", "register", "demo", "phantom", "train", "evaluate", "bench", "model",
    "selftest",
)  # fmt: skip
WINDOW = "window"
HELP = ("-h", "--help")

ABOUT = """Click a place in one scan, and it is found in every other scan.

`samdesk [PATH...]` opens the window, with these scans or this project. Research use only: samdesk
is not a medical device.
"""


def load(name: str) -> Callable[..., None]:
    """Give the function of a command."""
    function: Callable[..., None] = getattr(import_module(f"samdesk.app.commands.{name}"), name)
    return function


def program(names: Sequence[str]) -> typer.Typer:
    """Put some commands together."""
    app = typer.Typer(
        name="samdesk",
        help=ABOUT,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        no_args_is_help=False,
        context_settings={"help_option_names": list(HELP)},
    )
    app.callback(invoke_without_command=True)(_before)
    for name in names:
        app.command(name=name, hidden=name == WINDOW)(load(name))
    return app


def _before(
    version: Annotated[
        bool, typer.Option("--version", help="Name version, build and installed models.")
    ] = False,
) -> None:
    if version:
        from samdesk.app.commands.version import tell

        tell()
        raise typer.Exit(exit_codes.DONE)


def run(words: Sequence[str]) -> int:
    """Run one command line and give back its exit code.

    Args:
        words: the command line without the program's name.
    """
    logs.start(paths.log_folder())
    crash = CrashFile(paths.log_folder(), _tell_fault)
    crash.install()
    try:
        code = _outcome(words, crash)
        logger.info("command.ended code=%d", code)
        _leave(code)
        return code
    finally:
        crash.close()
        logs.stop()


def _outcome(words: Sequence[str], crash: CrashFile) -> int:
    """Run the command and turn whatever it raises into a sentence and a code."""
    as_json = "--json" in words
    try:
        line = with_window(words)
        command = typer.main.get_command(program(_needed(line)))
        with command.make_context("samdesk", line) as context:
            command.invoke(context)
        _flush()
        return exit_codes.DONE
    except typer.Exit as end:
        return end.exit_code
    except SamdeskError as error:
        return refuse(error, as_json=as_json)
    except typer.TyperException as error:
        return refuse(_usage(error), as_json=as_json)
    except (KeyboardInterrupt, typer.Abort):
        return refuse(Stopped("Stopped.", code="stopped"), as_json=as_json)
    except BrokenPipeError:
        # Whoever read the output has read enough; the flush at the end must not complain again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exit_codes.DONE
    except (MemoryError, OSError) as error:
        return refuse(_room(error) or _fault(error, crash.write(error)), as_json=as_json)
    except Exception as error:  # noqa: BLE001 - a fault of samdesk: one sentence and the crash file
        return refuse(_fault(error, crash.write(error)), as_json=as_json)


def _needed(line: Sequence[str]) -> Sequence[str]:
    """Choose the commands that a line can mean; typer makes no group of fewer than two."""
    if line[0] in HELP:
        return COMMANDS
    return (line[0] if line[0] in COMMANDS else COMMANDS[-1], WINDOW)


def with_window(words: Sequence[str]) -> list[str]:
    """Put the window's command before words that name no command.

    Raises:
        UsageError: the first word is neither a command nor a file.
    """
    if not words:
        return [WINDOW]
    first = words[0]
    if first in (*COMMANDS, WINDOW) or first.startswith("-"):
        return list(words)
    if not Path(first).exists() and not any(mark in first for mark in ("/", "\\", ".")):
        near = difflib.get_close_matches(first, COMMANDS, n=1)
        raise UsageError(
            f'There is neither a command nor a file named "{first}".',
            code="usage",
            hint=f"Did you mean: samdesk {near[0]}" if near else "The commands: samdesk --help",
        )
    return [WINDOW, "--", *words]


def refuse(error: SamdeskError, *, as_json: bool) -> ExitCode:
    """Say on stderr why a command ends here, and give the code it ends with."""
    code = exit_codes.of(error)
    if as_json:
        told = {"code": error.code, "what": error.what, "hint": error.hint, "exit": int(code)}
        line = json.dumps(told, ensure_ascii=False)
    else:
        mark = "" if error.code in ("fault", "stopped", "usage") else f"{error.code}: "
        line = f"samdesk: {mark}{error.what}" + (f"\n  {error.hint}" if error.hint else "")
    if sys.stderr is not None:
        sys.stderr.write(line + "\n")
    logger.info("command.refused code=%s", error.code)
    return code


def _usage(error: typer.TyperException) -> UsageError:
    told: Any = getattr(error, "format_message", lambda: str(error))
    text = " ".join(str(told()).split())
    for theirs, ours in (("Invalid value for", "This does not fit"), ("Value error, ", "")):
        text = text.replace(theirs, ours)
    command = getattr(getattr(error, "ctx", None), "command_path", "samdesk")
    return UsageError(text, code="usage", hint=f"What it takes: {command} --help")


def _room(error: MemoryError | OSError) -> NoRoom | None:
    """Give the error as a lack of room, where it is one."""
    if isinstance(error, MemoryError):
        return NoRoom(
            "There is not enough memory for this.",
            code="too-large",
            hint="Close other programs, or take a smaller scan.",
        )
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NoRoom(
            "The disk is full, so the result could not be written.",
            code="no-room",
            hint="Make room, or name another folder with --out.",
        )
    return None


def _fault(error: BaseException, path: Path | None) -> SamdeskError:
    place = f"What is known of it is in {path}" if path else "No crash file could be written."
    return SamdeskError(
        f"samdesk made a mistake ({type(error).__name__}) and had to stop.", hint=place
    )


def _tell_fault(error: BaseException, path: Path | None) -> None:
    """Say a fault of a slot or a thread, after which the program goes on."""
    refuse(_fault(error, path), as_json=False)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()


def _leave(code: int) -> None:
    """End at once around a step that does not hear: a stopped program may not wait for it."""
    deaf = [thread for thread in threading.enumerate() if thread.name == "samdesk-steps"]
    if code != exit_codes.STOPPED or not deaf:
        return
    for child in multiprocessing.active_children():
        child.terminate()
    logging.shutdown()
    _flush()
    os._exit(code)
