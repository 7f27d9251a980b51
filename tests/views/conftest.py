"""A small made scan on the disk, and the services with an engine whose answers a test chooses."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication, QWidget

from samdesk.app import wiring
from samdesk.core.correspondence import Correspondences
from samdesk.core.geometry import Geometry, Position
from samdesk.core.ids import ModelId
from samdesk.core.match import Alternative, Match, SimilarityMap, Verdict
from samdesk.core.models import ModelInfo
from samdesk.core.progress import Progress
from samdesk.core.reading_notes import Notice
from samdesk.core.volume import Modality, Volume
from samdesk.errors import SamdeskError
from samdesk.services.bundle import Services
from samdesk.services.jobs import Steps
from samdesk.views import theme

SHAPE = (24, 40, 48)  # k, j, i
SPACING = (3.0, 2.0, 2.0)
ORIGIN = (-47.0, -39.0, 100.0)
# The bright organ lies in the patient's right half (x below 0), as the liver does.
ORGAN_MM = (-20.0, 0.0, 130.0)
SHIFT_MM = (6.0, -4.0, 9.0)

MODEL = ModelInfo(
    ModelId("made"), "1", "sam", Modality.CT, Path("made"), "model.onnx", "0", 1, 4.0, 8,
    ((-1000.0, 1000.0, 0.0, 1000.0),),
)  # fmt: skip


def body(shift_mm: Position = (0.0, 0.0, 0.0)) -> Volume:
    """A cylinder of soft tissue with two lungs and a bright organ on the patient's right."""
    geometry = Geometry.aligned(SHAPE, SPACING, ORIGIN)
    index = np.indices(SHAPE).reshape(3, -1).T.astype(float)
    x, y, z = (geometry.to_mm(index) - shift_mm).T
    values = np.full(len(x), -1000.0)
    values[(x / 42) ** 2 + (y / 32) ** 2 < 1] = 40
    for side in (-1, 1):
        values[((x - side * 20) / 14) ** 2 + (y / 20) ** 2 + ((z - 150) / 25) ** 2 < 1] = -850
    organ = np.array(ORGAN_MM)
    distance = (x - organ[0]) ** 2 + (y - organ[1]) ** 2 + (z - organ[2]) ** 2
    values[distance < 9**2] = 300
    noise = np.random.default_rng(3).normal(0, 12, len(x))
    return Volume((values + noise).astype(np.int16).reshape(SHAPE), geometry)


def write_nifti(volume: Volume, path: Path) -> Path:
    """Write a volume for the readers to read."""
    import nibabel as nib

    # NIfTI wants (i, j, k) and RAS.
    affine = np.array(volume.geometry.affine)[:, [2, 1, 0, 3]]
    affine[:2] *= -1
    nib.save(nib.Nifti1Image(np.ascontiguousarray(volume.array.T), affine), path)
    return path


@pytest.fixture(scope="session")
def scan_files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two dates of one body: the second lies a little elsewhere."""
    folder = tmp_path_factory.mktemp("scans")
    return (
        write_nifti(body(), folder / "first.nii.gz"),
        write_nifti(body(SHIFT_MM), folder / "second.nii.gz"),
    )


def found_at(at_mm: Position, **changes: Any) -> Match:
    """A match that is found."""
    match = Match(Verdict.FOUND, at_mm, 0.96, 0.9, 0.2, 1.4, model="made", seconds=0.02)
    return replace(match, **changes)


def lattice_of(n_wrong: int = 6) -> Correspondences:
    """Places of the made body and where they are in the second scan, some of them wrongly."""
    axes = [np.arange(first, last, 12.0) for first, last in ((-40, 41), (-30, 31), (102, 168))]
    fixed = np.array(np.meshgrid(*axes)).reshape(3, -1).T
    rng = np.random.default_rng(8)
    moving = fixed + SHIFT_MM + rng.normal(0, 0.4, fixed.shape)
    wrong = rng.choice(len(fixed), n_wrong, replace=False)
    moving[wrong] += rng.choice([-1, 1], (n_wrong, 3)) * rng.uniform(25, 40, (n_wrong, 3))
    ones = np.ones(len(fixed))
    return Correspondences(fixed, moving, 0.9 * ones, ones)


@dataclass
class MadeEngine:
    """Answers with what the test put in; the second scan is the first one, shifted.

    Attributes:
        answer: the match for a question; None for the true shift.
        error: raised in place of an answer.
        embed_steps: of 10 ms each.
        is_held: an embedding goes on until this is set to False.
        is_lattice_held: so does the matching of a lattice.
        lattice: the matched places of an alignment.
    """

    answer: Callable[[Position], Match] | None = None
    error: SamdeskError | None = None
    embed_steps: int = 2
    is_held: bool = False
    is_lattice_held: bool = False
    lattice: Correspondences = field(default_factory=lambda: lattice_of())
    asked: list[Position] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    device: str = ""

    def load(self, model: ModelId) -> Steps:
        self.device = "CPU, 2 threads"
        yield Progress(1, 1, "Loading the model")

    def embed(self, model: ModelId, volume: Volume) -> Steps:
        step = 0
        while step < self.embed_steps or self.is_held:
            time.sleep(0.01)
            step += 1
            yield Progress(min(step, 9), 10, "Embedding")
        return volume

    def prior(self, model: ModelId, a: Any, b: Any) -> Steps:
        yield Progress(1, 1, "Comparing")

    def match(
        self,
        model: ModelId,
        pair: tuple[Any, Any],
        at_mm: Position,
        *,
        is_quick: bool,
        is_same_patient: bool,
        volumes: tuple[Volume, Volume],
    ) -> Steps:
        self.asked.append(at_mm)
        yield Progress(0, 1, "Matching")
        if self.error is not None:
            raise self.error
        if self.answer is not None:
            return self.answer(at_mm)
        x, y, z = (float(value) for value in np.add(at_mm, SHIFT_MM))
        other = Alternative((x + 20, y, z), 0.5)
        return found_at((x, y, z), alternatives=(other,))

    def similarity_map(self, model: ModelId, pair: tuple[Any, Any], at_mm: Position) -> Steps:
        yield Progress(0, 1, "Mapping")
        geometry = Geometry.aligned((18, 20, 24), (4.0, 4.0, 4.0), ORIGIN)
        index = np.indices(geometry.shape).reshape(3, -1).T.astype(float)
        distance = np.linalg.norm(geometry.to_mm(index) - np.add(at_mm, SHIFT_MM), axis=1)
        values = np.exp(-((distance / 12) ** 2)).astype(np.float32)
        return SimilarityMap(values.reshape(geometry.shape), geometry)

    def correspondences(self, model: ModelId, pair: tuple[Any, Any]) -> Steps:
        while self.is_lattice_held:
            time.sleep(0.01)
            yield Progress(1, 2, "matching the lattice")
        yield Progress(0, 1, "matching the lattice")
        if self.error is not None:
            raise self.error
        return self.lattice

    def terminate(self) -> None:
        """Its steps are short."""

    def take_notices(self) -> tuple[Notice, ...]:
        taken, self.notices = tuple(self.notices), []
        return taken


@pytest.fixture
def engine() -> MadeEngine:
    """The engine behind `services`."""
    return MadeEngine()


@pytest.fixture
def services(
    engine: MadeEngine, qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Services]:
    """The real services over the made engine; one model for CT is installed."""
    monkeypatch.setattr(wiring, "ModelEngine", lambda *_: engine)
    monkeypatch.setattr("samdesk.model.shelf.Shelf.list", lambda _self: (MODEL,))
    if qapp.property(theme.PROPERTY) != "dark":
        theme.apply(qapp, "dark")
    made = wiring.make_services(None, (), None)
    yield made
    wiring.close(made)


@pytest.fixture
def let_go(qapp: QApplication) -> Callable[[QWidget], None]:
    """Delete a window now: those that wait for it make every change of theme slower."""

    def delete(window: QWidget) -> None:
        window.deleteLater()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)

    return delete
