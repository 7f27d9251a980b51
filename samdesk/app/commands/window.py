"""`samdesk [PATH...]`: the window, with these scans or this project."""

from pathlib import Path
from typing import Annotated

import typer

from samdesk.errors import ReadError


def window(
    files: Annotated[list[Path] | None, typer.Argument(help="Scans, or one project.")] = None,
) -> None:
    """Open the window, with these scans or this project."""
    for path in files or []:
        if not path.exists():
            raise ReadError(
                f"There is nothing at {path}.",
                code="files-missing",
                hint="Check the name; `samdesk --help` lists the commands.",
            )
    from samdesk.app.main import run

    raise typer.Exit(run(files or []))
