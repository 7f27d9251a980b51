"""The same scan from NIfTI and from DICOM must give the same answer."""

import tempfile
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import numpy as np

from samdesk.core.progress import Progress
from samdesk.core.volume import Volume
from samdesk.errors import ReadError
from samdesk.evaluation.base import Bar, Section, Setting
from samdesk.evaluation.made import (
    FIRST_SEED,
    QUICK_SPACING,
    SPACING,
    follow_up_case,
    made_patient,
)
from samdesk.io import registry
from samdesk.io.phantom_dicom import write_dicom
from samdesk.io.phantom_files import write_nifti

N_PLACES = 40


class Formats:
    """A made scan written as DICOM and as NIfTI, read back, and matched from both."""

    name = "formats"
    title = "The same scan from NIfTI and from DICOM"
    needs_data = False

    def run(self, setting: Setting) -> Generator[Progress, None, Section]:
        """Match from both copies of the template into one follow-up."""
        started = perf_counter()
        spacing = QUICK_SPACING if setting.is_quick else SPACING
        case = follow_up_case(FIRST_SEED, spacing)
        case = replace(case, places=case.places[:N_PLACES], truth=case.truth[:N_PLACES])
        with tempfile.TemporaryDirectory(prefix="samdesk-") as folder:
            write_nifti(case.template, Path(folder) / "ct.nii.gz")
            yield from write_dicom(
                case.template, made_patient(FIRST_SEED), 0, Path(folder) / "dicom"
            )
            nifti = yield from _read(Path(folder) / "ct.nii.gz")
            dicom = yield from _read(Path(folder) / "dicom")
        answers = []
        for volume in (nifti, dicom):
            given = yield from setting.contenders[-1].answer(replace(case, template=volume))
            answers.append(given.places)
        distance = np.linalg.norm(answers[0] - answers[1], axis=1)
        one_sided = int((np.isfinite(answers[0]) != np.isfinite(answers[1])).any(axis=1).sum())
        both = distance[np.isfinite(distance)]
        largest = float(both.max()) if len(both) else float("nan")
        values = {
            "places answered from both": float(len(both)),
            "answered from one only": float(one_sided),
            "largest distance, mm": largest,
        }
        bars = (
            Bar("largest distance of the two answers", largest, 0.1, unit="mm"),
            Bar("places answered from one only", float(one_sided), 0.0),
        )
        return Section(
            self.name, self.title, values=values, bars=bars, seconds=perf_counter() - started
        )


def _read(path: Path) -> Generator[Progress, None, Volume]:
    opened = yield from registry.open_path(str(path))
    if not isinstance(opened.image, Volume):
        raise ReadError(f"{path.name} is no volume.", code="not-a-volume")
    return opened.image
