"""One made patient, drawn once for all tests of the phantom."""

import numpy as np
import pytest

from samdesk.core.phantom.patient import Patient, make_patient
from samdesk.core.phantom.render import PhantomScan, grid, render

COARSE = (4.0, 3.0, 3.0)


@pytest.fixture(scope="session")
def patient() -> Patient:
    return make_patient(0)


@pytest.fixture(scope="session")
def scan(patient: Patient) -> PhantomScan:
    return render(patient, 0, spacing_mm=COARSE)


@pytest.fixture(scope="session")
def hu_at(patient: Patient):
    """Give the mean HU of a 3 x 3 x 3 block of 1 mm voxels at a place of a date."""

    def read(timepoint: int, mm: tuple[float, float, float], of: Patient = patient) -> float:
        at = np.array(mm)
        field = (at - 1.01, at + 1.01)
        assert grid(of, timepoint, (1, 1, 1), field).shape == (3, 3, 3)
        drawn = render(of, timepoint, spacing_mm=(1, 1, 1), field_of_view=field)
        return float(drawn.volume.array.mean())

    return read
