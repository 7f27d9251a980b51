"""`samdesk bench`: how fast and how right, each number beside its peer and its promise."""

import json
import os
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from samdesk import __version__
from samdesk.app import exit_codes, paths
from samdesk.app.progress_bar import run_steps
from samdesk.errors import ReadError, UsageError
from samdesk.model.session import Session
from samdesk.model.shelf import Shelf


class What(Enum):
    """What is measured."""

    MATCH = "match"


def bench(
    what: Annotated[What, typer.Argument(help="match: errors and seconds of matching.")],
    data: Annotated[
        Path | None,
        typer.Option(help="Folder with real scans; else SAMDESK_DATA or ../shared/data."),
    ] = None,
    model: Annotated[str, typer.Option(help="Name of a model; else the one for CT.")] = "",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    quick: Annotated[bool, typer.Option("--quick", help="A few small cases, for a look.")] = False,
    registration: Annotated[
        bool, typer.Option(help="Compare with SimpleITK; takes most of the time.")
    ] = True,
    only: Annotated[
        list[str] | None, typer.Option(help="Name of a section; may be given several times.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for report.json and report.html.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer as JSON.")] = False,
) -> None:
    """Measure matching beside registration, on the same scans, in one run."""
    from samdesk.evaluation import registry, report, tables

    names = {"speed", *(benchmark.name for benchmark in registry.BENCHMARKS)}
    wanted = frozenset(only or ())
    if wanted - names:
        raise UsageError(
            f"There is no section {', '.join(sorted(wanted - names))}.",
            code="usage",
            hint=f"The sections: {', '.join(sorted(names))}",
        )
    shelf = Shelf(paths.models_folders())
    info = shelf.get(model) if model else shelf.default()
    session = Session(info, device=device)
    folder = _data_folder(data)
    sections = run_steps(
        registry.run_all(
            info, session, data=folder, is_quick=quick, with_registration=registration, only=wanted
        ),
        f"bench {what.value}",
    )
    about = {
        "samdesk": __version__,
        "model": f"{info.id} {info.version}",
        "device": f"{session.device_words} ({session.provider})",
        "cores": str(os.cpu_count()),
        "scans": "real and made" if folder else "made only: no folder of real scans was found",
        "cases": "quick: a few small ones" if quick else "all",
    }
    if out is not None:
        report.write(out, sections, about)
    if as_json:
        print(json.dumps({"about": about, "sections": tables.as_data(sections)}, indent=2))
    else:
        print("\n".join(f"{name}: {value}" for name, value in about.items()))
        print("\n" + tables.as_text(sections))
        if out is not None:
            print(f"\nWritten: {out / 'report.json'} and {out / 'report.html'}")
    raise typer.Exit(exit_codes.DONE)


def _data_folder(named: Path | None) -> Path | None:
    """Give the folder of real scans: the named one, which must exist, or one that happens to be."""
    if named is not None:
        if not (named / "ct" / "manifest.csv").is_file():
            raise ReadError(
                f"{named} holds no ct/manifest.csv, so it is no folder of scans for benchmarks.",
                code="files-missing",
            )
        return named
    usual = Path(os.environ.get("SAMDESK_DATA", "../shared/data"))
    return usual if (usual / "ct" / "manifest.csv").is_file() else None
