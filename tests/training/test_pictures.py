"""Radiographs for training: files, folders, projections of CT, and places that pictures share."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from samdesk.core.geometry import Geometry
from samdesk.core.progress import Progress
from samdesk.core.volume import Modality, Unit, Volume
from samdesk.errors import RunError
from samdesk.io.registry import finish
from samdesk.training.data import crossing_flat, pictures
from samdesk.training.data.crossing_flat import Crossing
from samdesk.training.data.pictures import TrainingPicture
from samdesk.training.networks.flat import FlatNetwork
from tests.app.commands.test_match import write_nifti
from tests.training.made import blob_picture


def body() -> Volume:
    """A cylinder of water with a rod of bone on the patient's left, towards the back."""
    hu = np.full((60, 60, 80), -1000, np.int16)
    j, i = np.mgrid[:60, :80]
    hu[:, ((j - 30) / 25) ** 2 + ((i - 40) / 35) ** 2 < 1] = 0
    hu[:, 40:46, 60:66] = 2500
    geometry = Geometry.aligned((60, 60, 80), (3.0, 3.0, 3.0), np.zeros(3))
    return Volume(hu, geometry, Modality.CT, Unit.HU)


def test_a_projection_shows_bone_bright_where_the_angle_puts_it() -> None:
    front = pictures.film(body(), 0.0)
    profile = front.mean(axis=0)
    # the rod lies at 60 to 65 of the 5 to 75 that the body covers, the patient's left to the right
    share = np.argmax(profile) / len(profile)
    assert 0.7 < share < 0.9
    side = pictures.film(body(), 90.0)
    assert side.shape[1] < front.shape[1]
    assert np.argmax(side.mean(axis=0)) / side.shape[1] != pytest.approx(share, abs=0.05)


def test_a_short_volume_is_not_projected() -> None:
    whole = body()
    part = Volume(
        np.asarray(whole.array)[:20],
        Geometry.aligned((20, 60, 80), (3.0, 3.0, 3.0), np.zeros(3)),
        Modality.CT,
        Unit.HU,
    )
    with pytest.raises(RunError, match="too short"):
        pictures.film(part, 0.0)


def test_files_folders_and_projections_are_loaded_and_the_rest_is_told(tmp_path: Path) -> None:
    grey = np.random.default_rng(0).integers(0, 255, (40, 30)).astype(np.uint8)
    (tmp_path / "films").mkdir()
    for n in range(2):
        Image.fromarray(grey).save(tmp_path / "films" / f"{n}.png")
    write_nifti(body(), tmp_path / "ct.nii.gz")
    data = [str(tmp_path / "films"), f"drr:{tmp_path / 'ct.nii.gz'}", str(tmp_path / "ct.nii.gz")]
    told: list[str] = []
    steps = pictures.load(data, 64, tmp_path / "cache", 0)
    while True:
        try:
            told.append(next(steps).doing)
        except StopIteration as end:
            found: list[TrainingPicture] = end.value
            break
    assert len(found) == 2 + len(pictures.ANGLES)
    assert [p.is_projected for p in found] == [False] * 2 + [True] * len(pictures.ANGLES)
    assert all(max(p.values.shape) == 64 for p in found)
    assert any("skipped ct.nii.gz" in line for line in told)
    again = finish(pictures.load(data[1:2], 64, tmp_path / "cache", 0))
    torch.testing.assert_close(again[0].values, found[2].values)


def test_nothing_to_learn_from_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("no picture", encoding="utf-8")
    with pytest.raises(RunError, match="None of the pictures"):
        finish(pictures.load([str(tmp_path / "words.txt")], 64, tmp_path / "cache", 0))


@pytest.fixture(scope="module")
def network() -> FlatNetwork:
    """Untrained; with wide maps its vectors still tell the places of one picture apart."""
    torch.manual_seed(0)
    made = FlatNetwork((16, 16, 16, 16), 32)
    with torch.no_grad():
        for _ in range(20):
            made(torch.stack([blob_picture(n, 192).values[None] / 500 for n in range(4)]))
    return made


def test_a_moved_copy_shares_its_places_with_the_picture(network: FlatNetwork) -> None:
    one = blob_picture(side=256)
    moved = TrainingPicture("moved", one.values.roll((32, 32), (0, 1)), one.places)
    found = crossing_flat.shared(network, one, moved)
    assert found is not None
    shift = found[1] - found[0]
    assert float((shift - 32.0).norm(dim=1).median()) < 4.0
    assert network.training


def test_pictures_of_other_things_share_nothing(network: FlatNetwork) -> None:
    assert crossing_flat.shared(network, blob_picture(1), blob_picture(2)) is None


def test_pairs_are_kept_and_drawn_and_projections_left_out(
    network: FlatNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = torch.rand(80, 2)
    monkeypatch.setattr(crossing_flat, "shared", lambda *_: (at, at))
    monkeypatch.setattr(crossing_flat, "POOL", 2)
    projected = TrainingPicture("drr", torch.zeros(8, 8), torch.zeros(1, 2), is_projected=True)
    crossing = Crossing([blob_picture(n) for n in range(3)] + [projected], torch.Generator())
    assert crossing.draw() is None
    found = [crossing.seek(network) for _ in range(4)]
    assert all(one is not None and not one.first.is_projected for one in found)
    drawn = {id(crossing.draw()) for _ in range(30)}
    assert drawn == {id(found[2]), id(found[3])}
    assert Crossing([projected, blob_picture()], torch.Generator()).seek(network) is None


def test_progress_names_no_folder(tmp_path: Path) -> None:
    Image.fromarray(np.eye(20, dtype=np.uint8) * 200).save(tmp_path / "eye.png")
    first = next(pictures.load([str(tmp_path / "eye.png")], 64, tmp_path / "cache", 0))
    assert first == Progress(0, 1, "preparing eye.png")
