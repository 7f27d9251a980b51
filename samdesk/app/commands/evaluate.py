"""`samdesk evaluate`: how right, each claim against its baselines in the same run."""

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from samdesk import __version__
from samdesk.app import exit_codes, paths
from samdesk.app.progress_bar import run_steps
from samdesk.errors import ReadError, UsageError

KEPT = "kept"


def evaluate(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What is evaluated; see below.")],
    data: Annotated[
        Path | None,
        typer.Option(help="Folder with real data; else SAMDESK_DATA or ../shared/data."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the report; a run that was stopped goes on from it."),
    ] = None,
    model: Annotated[str, typer.Option(help="Name of a model; else the usual one.")] = "",
    method: Annotated[str, typer.Option(help="How the weights were trained: sam.")] = "sam",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    seeds: Annotated[int, typer.Option(min=0, help="Repetitions of what is trained.")] = 0,
    quick: Annotated[bool, typer.Option("--quick", help="A few small cases, for a look.")] = False,
    made: Annotated[
        bool, typer.Option("--made", help="Made patients only, where there is no real data.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Answer as JSON.")] = False,
) -> None:
    """Measure one claim: landmarks, radiographs, registration, initialisation, presence or mr."""
    from samdesk.app.worker_run import run_worker
    from samdesk.evaluation import evaluations, report, tables
    from samdesk.evaluation.kept import Kept

    if name not in evaluations.EVALUATIONS:
        raise UsageError(
            f'There is no evaluation named "{name}".',
            code="usage",
            hint=f"The evaluations: {', '.join(evaluations.EVALUATIONS)}",
        )
    folder = out or Path(f"evaluate-{name}")
    request = evaluations.Request(
        data=None if made else _data_folder(data),
        out=folder,
        model=model,
        models=paths.models_folders(),
        device=device,
        method=method,
        is_quick=quick,
        seeds=seeds,
        kept=Kept(folder / KEPT),
        run_worker=run_worker,
        is_made_only=made,
    )
    evaluation = evaluations.load(name)
    evaluation.check(request)
    sections = run_steps(evaluation.run(request), f"evaluate {name}")
    about = {
        "samdesk": __version__,
        "evaluation": evaluation.title,
        "model": ", ".join(dict.fromkeys(request.used)) or model or "the usual one",
        "device": device,
        "cores": str(os.cpu_count()),
        "cases": "quick: a few small ones" if quick else "all",
        "data": "made patients only" if made else "real data and made patients",
    }
    title = f"samdesk evaluate {name}"
    data_path, page = report.write(folder, sections, about, title)
    if as_json:
        print(json.dumps({"about": about, "sections": tables.as_data(sections)}, indent=2))
    else:
        print("\n".join(f"{key}: {value}" for key, value in about.items()))
        print("\n" + tables.as_text(sections))
        print(f"\nWritten: {data_path} and {page}")
    raise typer.Exit(exit_codes.DONE)


def _data_folder(named: Path | None) -> Path | None:
    """Give the folder of real data: the named one, which must exist, or one that happens to be."""
    if named is not None:
        if not named.is_dir():
            raise ReadError(f"There is no folder {named}.", code="files-missing")
        return named
    usual = Path(os.environ.get("SAMDESK_DATA", "../shared/data"))
    return usual if usual.is_dir() else None
