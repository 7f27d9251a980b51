"""The model that is shipped does what its card says, on a made patient."""

from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest

from samdesk.core.geometry import Geometry
from samdesk.core.match import Verdict
from samdesk.core.models import ModelInfo
from samdesk.core.phantom.patient import make_patient
from samdesk.core.phantom.render import PhantomScan, render
from samdesk.core.volume import Modality, Volume
from samdesk.errors import ModelError
from samdesk.io import registry
from samdesk.model.embedding import Embedding
from samdesk.model.matcher import Matcher
from samdesk.model.session import Session
from samdesk.model.shelf import Shelf
from tests.model import made

MODELS = Path(__file__).resolve().parents[2] / "models"
# Far from the seeds of training (below 80,000) and of the benchmarks (90,000).
SEED = 84_211
SPACING = (6.0, 4.5, 4.5)
HALF_MM = 120.0
PAIRED = ("kidney", "adrenal", "femoral", "lung")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def info() -> ModelInfo:
    """The shipped CT model, checked."""
    try:
        return Shelf([MODELS]).default(Modality.CT)
    except ModelError as error:
        pytest.skip(f"no shipped model: {error.what}")


@pytest.fixture(scope="module")
def shipped(info: ModelInfo) -> Session:
    """That model, loaded and tried."""
    return Session(info, "cpu", 1)


@pytest.fixture(scope="module")
def scan() -> PhantomScan:
    """The upper abdomen of a made patient that no training saw."""
    whole = render(make_patient(SEED, 1), 0, spacing_mm=SPACING)
    middle = np.mean([at for name, at in whole.points.items() if "kidney" in name], axis=0)
    grid = whole.volume.geometry
    at, half = int(grid.to_index(middle[None])[0, 0]), int(HALF_MM / SPACING[0])
    first, last = max(0, at - half), min(grid.shape[0], at + half)
    affine = grid.affine.copy()
    affine[:3, 3] = grid.to_mm(np.array([[float(first), 0.0, 0.0]]))[0]
    array = np.ascontiguousarray(whole.volume.array[first:last])
    return replace(whole, volume=Volume(array, Geometry(array.shape, affine)))


@pytest.fixture(scope="module")
def embedded(scan: PhantomScan, shipped: Session) -> Embedding:
    """That scan, embedded."""
    return made.embedded(scan.volume, shipped)


@pytest.fixture(scope="module")
def points(scan: PhantomScan) -> np.ndarray:
    """Named places well inside the scan."""
    places = np.array(list(scan.points.values()))
    corners = scan.volume.geometry.corners_mm
    low, high = corners.min(axis=0) + 10, corners.max(axis=0) - 10
    return places[((places > low) & (places < high)).all(axis=1)]


def test_a_scan_matches_itself(info: ModelInfo, embedded: Embedding, points: np.ndarray) -> None:
    matches = made.finish(Matcher(info).match_points(embedded, embedded, points))
    places = np.array([match.at_mm or (np.nan,) * 3 for match in matches])
    assert np.median(np.linalg.norm(places - points, axis=1)) < 0.5
    found = [match.verdict is Verdict.FOUND for match in matches]
    assert np.mean(found) > 0.9


def test_paired_organs_are_not_found_in_the_mirrored_scan(
    info: ModelInfo, shipped: Session, scan: PhantomScan, embedded: Embedding
) -> None:
    flipped = Volume(np.ascontiguousarray(scan.volume.array[:, :, ::-1]), scan.volume.geometry)
    paired = [at for name, at in scan.points.items() if any(word in name for word in PAIRED)]
    assert paired
    matches = made.finish(
        Matcher(info).match_points(embedded, made.embedded(flipped, shipped), np.array(paired))
    )
    assert not any(match.verdict is Verdict.FOUND for match in matches)


def test_nifti_and_memory_give_the_same_place(
    info: ModelInfo,
    shipped: Session,
    scan: PhantomScan,
    embedded: Embedding,
    points: np.ndarray,
    tmp_path: Path,
) -> None:
    volume = scan.volume
    ras = np.diag([-1.0, -1.0, 1.0, 1.0]) @ volume.geometry.affine[:, [2, 1, 0, 3]]
    array = np.asarray(volume.array).transpose(2, 1, 0)
    # Stored from the other side, as many files are.
    turn = np.diag([-1.0, 1.0, 1.0, 1.0])
    turn[0, 3] = array.shape[0] - 1
    nibabel.save(nibabel.Nifti1Image(array[::-1].astype(np.int16), ras @ turn), tmp_path / "a.nii")
    read = made.finish(registry.open_path(tmp_path / "a.nii")).image
    other = made.embedded(read, shipped)
    one, two = (
        made.finish(Matcher(info).match_points(embedded, target, points[:8], vote=False))
        for target in (embedded, other)
    )
    apart = [
        np.linalg.norm(np.subtract(a.at_mm, b.at_mm))
        for a, b in zip(one, two, strict=True)
        if a.at_mm is not None and b.at_mm is not None
    ]
    assert len(apart) >= 6
    assert max(apart) < 0.1
