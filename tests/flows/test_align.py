"""Two made scans are aligned through the real runtime, and looked at through the alignment."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from samdesk.app import wiring
from samdesk.core.geometry import Geometry, Points
from samdesk.core.ids import PatientId, SeriesId, StudyId
from samdesk.core.models import ModelInfo
from samdesk.core.plane import Frame, View
from samdesk.core.progress import Progress
from samdesk.core.reading import Opened, ScanReport
from samdesk.core.reslice import reslice
from samdesk.core.study import Series, Source
from samdesk.core.volume import Modality, Volume
from samdesk.services import volumes as volumes_module

SPACING_MM = 4.0
FIRST, LATER = SeriesId("first"), SeriesId("later")
# The later scan begins so many voxels (k, j, i) into the first and lies elsewhere in space: whole
# cells of the small model, because random filters have not learned to forgive half of one.
CUT = (8, 8, 8)
ELSEWHERE = np.array([55.0, -37.0, 419.0])
# A quarter of the small model's cell.
NEAR_MM = 2.0
# Linear between voxels, in noise of 150 HU.
ALIKE_HU = 25.0


@pytest.fixture(scope="module")
def scans() -> dict[SeriesId, Volume]:
    """Soft tissue with structure of its own everywhere, and a part of it at another place."""
    noise = np.random.default_rng(3).normal(size=(44, 44, 44)).astype(np.float32)
    structure = ndimage.gaussian_filter(noise, 2.5)
    values = 40.0 + 150.0 * structure / structure.std()
    axis = np.linspace(-1, 1, 44)
    j, i = np.meshgrid(axis, axis, indexing="ij")
    values[:, j**2 + i**2 > 0.8] = -1000.0
    array = values.astype(np.int16)
    k, j, i = CUT
    part = np.ascontiguousarray(array[k:, j:, i:])
    return {
        FIRST: Volume(array, Geometry.aligned(array.shape, (SPACING_MM,) * 3, np.zeros(3))),
        LATER: Volume(part, Geometry.aligned(part.shape, (SPACING_MM,) * 3, ELSEWHERE)),
    }


@pytest.fixture
def program(
    small_model: ModelInfo,
    make_program: Callable[[], Any],
    scans: dict[SeriesId, Volume],
    monkeypatch: pytest.MonkeyPatch,
) -> Any:
    def read(series: Series) -> Any:
        yield Progress(0, 1, "Reading")
        return Opened(scans[series.id])

    monkeypatch.setattr(volumes_module, "_read", read)
    program = make_program()
    listed = tuple(
        Series(id_, StudyId("s"), PatientId("p"), Modality.CT, str(id_), Source("nifti", ()))
        for id_ in scans
    )
    program.services.library._add(ScanReport(listed))
    for name in ("aligned", "failed", "sliced"):
        getattr(program.services.registering, name).connect(
            lambda *words, name=name: program.told.append((f"register {name}", *words))
        )
    return program


def there(mm: Points) -> Points:
    """Give the true place in the later scan."""
    k, j, i = CUT
    return mm - SPACING_MM * np.array([i, j, k]) + ELSEWHERE


def test_a_part_is_laid_onto_its_whole_and_drawn_through_the_alignment(
    program: Any, scans: dict[SeriesId, Volume]
) -> None:
    registering = program.services.registering
    registering.ask(FIRST, LATER)
    program.until(lambda: program.of("register aligned") or program.of("register failed"))
    assert program.of("register failed") == []
    aligned = program.of("register aligned")[0][0]
    places = np.random.default_rng(1).uniform(60, 140, (40, 3))
    off = np.linalg.norm(aligned.warp.to_moving(places) - there(places), axis=1)
    assert np.median(off) < NEAR_MM
    assert aligned.least_jacobian > 0
    assert aligned.median_mm < NEAR_MM
    fixed = scans[FIRST]
    plane = Frame.of(fixed.geometry).plane(View.AXIAL, (100.0, 100.0, 100.0))
    registering.ask_slice(aligned, View.AXIAL, plane)
    program.until(lambda: program.of("register sliced"))
    values = program.of("register sliced")[0][2]
    ours = reslice(fixed, plane)
    body = np.isfinite(values) & (ours > -500)
    assert body.mean() > 0.3
    assert np.median(np.abs(values - ours)[body]) < ALIKE_HU


def test_what_has_nothing_in_common_is_said_and_the_window_lives(
    program: Any, scans: dict[SeriesId, Volume]
) -> None:
    rng = np.random.default_rng(9)
    other = rng.normal(40, 200, scans[LATER].array.shape).astype(np.int16)
    other[:, :3] = -1000
    scans[LATER], kept = Volume(other, scans[LATER].geometry), scans[LATER]
    window = wiring.make_window(program.services)
    try:
        window.read.show_in(window.read.left, FIRST)
        window.read.show_in(window.read.right, LATER)
        program.until(lambda: window.read.left.pane.shown and window.read.right.pane.shown)
        window.actions_book["align"].trigger()
        program.until(lambda: window.read.alignment.warning.text())
        assert program.of("register failed")[0][1].code == "too-little-in-common"
        assert window.read.alignment.chip.text() == "Not aligned"
        assert "different parts of the body" in window.read.alignment.detail.text()
        assert not window.read.aligning.is_on
    finally:
        scans[LATER] = kept
        window.close()
        window.deleteLater()
