"""The files of a registration, as other programs read them."""

import json
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import SimpleITK

from samdesk.core.geometry import Geometry
from samdesk.core.volume import Modality, Unit, Volume
from samdesk.errors import UsageError
from samdesk.io import registry
from samdesk.io.base import finish
from samdesk.io.exporters import registration as exporter

sitk: Any = SimpleITK


@pytest.fixture
def report() -> exporter.RegistrationReport:
    fixed = np.array([[1.0, 2.0, 3.0], [40.0, 5.0, 6.0], [7.0, 8.0, 90.0]])
    return exporter.RegistrationReport(
        fixed="<b>one</b>.nii.gz", moving="two.nii.gz", facts={"model": "bank 1"},
        affine=np.eye(4), fixed_mm=fixed, moving_mm=fixed + 1.0,
        used=np.array([True, False, True]), residual_mm=np.array([1.0, 25.0, 2.0]),
        least_jacobian=0.7, seconds={"registering": 1.234}, notes=("A note & more.",),
    )  # fmt: skip


def test_the_page_names_used_and_struck_places_worst_first(
    report: exporter.RegistrationReport,
) -> None:
    page = exporter.as_html(report)
    assert "<b>one</b>" not in page
    assert "&lt;b&gt;one" in page
    assert page.index("25.0</td>") < page.index("2.0</td>")
    assert page.count("struck out</td>") == 2  # once in the facts, once in the table
    assert "A note &amp; more." in page
    assert "<img" not in page


def test_the_data_hold_every_place_and_the_direction(
    report: exporter.RegistrationReport, tmp_path: Path
) -> None:
    exporter.write_reports(tmp_path, report)
    data = json.loads((tmp_path / "report.json").read_text())
    assert data["residuals"] == {
        "used": 2, "struck_out": 1, "median_mm": 1.5, "p95_mm": 1.95, "max_mm": 2.0,
    }  # fmt: skip
    assert [point["used"] for point in data["points"]] == [True, False, True]
    assert "fixed scan to places of the moving" in data["direction"]


def test_a_volume_is_written_so_that_other_programs_find_its_left(tmp_path: Path) -> None:
    array = np.zeros((4, 5, 6), np.int16)
    array[1, 2, 5] = 700
    grid = Geometry.aligned((4, 5, 6), (3.0, 2.0, 1.5), (10.0, -20.0, 30.0))
    exporter.write_volume(tmp_path / "v.nii.gz", Volume(array, grid, Modality.CT, Unit.HU))
    place = grid.to_mm(np.array([[1.0, 2.0, 5.0]]))[0]
    image: Any = nibabel.load(tmp_path / "v.nii.gz")
    ras = image.affine @ [*np.argwhere(np.asarray(image.dataobj) == 700)[0], 1.0]
    assert np.allclose(ras[:3], place * [-1, -1, 1])
    theirs = sitk.ReadImage(str(tmp_path / "v.nii.gz"))
    assert np.allclose(theirs.TransformIndexToPhysicalPoint((5, 2, 1)), place)
    again = finish(registry.open_path(str(tmp_path / "v.nii.gz"))).image
    assert isinstance(again, Volume)
    assert np.array_equal(again.array, array)


def test_a_transform_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    transform = sitk.TranslationTransform(3, (1.0, 2.0, 3.0))
    exporter.write_transform(tmp_path / "t.tfm", transform)
    read = sitk.ReadTransform(str(tmp_path / "t.tfm"))
    assert read.TransformPoint((0.0, 0.0, 0.0)) == (1.0, 2.0, 3.0)
    with pytest.raises(UsageError):
        exporter.write_transform(tmp_path / "none" / "t.tfm", transform)
    assert [path.name for path in tmp_path.iterdir()] == ["t.tfm"]
