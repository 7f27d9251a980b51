"""`samdesk demo`: the built-in patient with three dates, in the window or as a report."""

import os
from pathlib import Path
from typing import Annotated

import typer

from samdesk.app import paths
from samdesk.app.progress_bar import run_steps
from samdesk.core.volume import Modality

FOLDER = Path("samdesk-demo")


def demo(
    headless: Annotated[
        bool, typer.Option("--headless", help="Match everything and write a report; no window.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the results; samdesk-demo where none is named.")
    ] = None,
) -> None:
    """Show what samdesk does with a built-in patient whose every point is known exactly."""
    if headless:
        _headless(out or FOLDER)
    else:
        _in_window(out)


def _headless(out: Path) -> None:
    from samdesk.app.demonstration import demo_patient, demonstrate
    from samdesk.io import atomic
    from samdesk.io.exporters.report import report_html
    from samdesk.io.match_table import write_matches
    from samdesk.model.session import Session
    from samdesk.model.shelf import Shelf

    info = Shelf(paths.models_folders()).default(Modality.CT)
    _make(out / "pictures")
    result = run_steps(demonstrate(demo_patient(), Session(info)), "demo")
    write_matches(out / "matches.csv", result.rows)
    for name, png in result.pictures.items():
        atomic.write_bytes(out / "pictures" / name, png)
    atomic.write_text(out / "report.html", report_html(result.report))
    errors = sorted(row.error_mm for row in result.report.rows if row.error_mm is not None)
    asked = sum(bool(row.in_scan) for row in result.report.rows)
    if errors:
        near = sum(error <= 10 for error in errors)
        median = errors[len(errors) // 2]
        print(f"{asked} places looked for, median error {median:.1f} mm, {near} within 10 mm.")
    print(f"The report is {out / 'report.html'}")


def _in_window(out: Path | None) -> None:
    from samdesk.app import display
    from samdesk.app.demonstration import SPACING_MM, demo_patient
    from samdesk.app.main import OFFSCREEN_VARIABLE, run
    from samdesk.io.phantom_dicom import patient_id
    from samdesk.io.phantom_files import write_patient

    display.check(offscreen_counts=OFFSCREEN_VARIABLE in os.environ)
    folder = out or paths.cache_folder() / "demo"
    patient = demo_patient()
    made = folder / patient_id(patient)
    if not made.is_dir():
        print("Drawing the built-in patient; the next time it is there at once.")
        run_steps(write_patient(patient, folder, spacing_mm=SPACING_MM), "demo")
    raise typer.Exit(run([made / date.date / "dicom" for date in patient.timepoints]))


def _make(folder: Path) -> None:
    """Make the folder before the work, so that a disk that refuses says so at once."""
    from samdesk.io import atomic

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise atomic.cannot_write(folder, error) from error
