"""`samdesk phantom`: made patients with exact points and lesions, as DICOM or NIfTI."""

from pathlib import Path
from typing import Annotated

import typer

from samdesk.app.progress_bar import run_steps
from samdesk.core.phantom.patient import make_patient
from samdesk.io.phantom_files import FileFormat, write_patient

MOST_TIMEPOINTS = 12
MOST_PATIENTS = 1000
MOST_SEED = 10**9


def phantom(
    out: Annotated[Path, typer.Option(help="Folder for the patients; made where missing.")],
    seed: Annotated[int, typer.Option(min=0, max=MOST_SEED, help="Number of the patient.")] = 0,
    timepoints: Annotated[int, typer.Option(min=1, max=MOST_TIMEPOINTS, help="Dates.")] = 3,
    patients: Annotated[
        int, typer.Option(min=1, max=MOST_PATIENTS, help="How many, numbered on from --seed.")
    ] = 1,
    file_format: Annotated[
        FileFormat, typer.Option("--format", help="How the scans are written.")
    ] = FileFormat.DICOM,
) -> None:
    """Make patients who never lived: CT on several dates, with every point and lesion known."""
    for number in range(seed, seed + patients):
        patient = make_patient(number, timepoints)
        written = run_steps(write_patient(patient, out, file_format=file_format), "phantom")
        print(f"{written.folder}: {len(written.dates)} scans, truth in {written.truth.name}")
        for date in written.dates:
            print(f"  {date.date}  {date.scan}")
