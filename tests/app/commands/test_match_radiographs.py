"""`samdesk match` with radiographs: pixels in the table, and what may not be mixed."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from samdesk.app import cli, paths
from tests.app.commands.test_match import write_nifti
from tests.model import made, made_flat

PLACES = {"upper": (60.0, 70.0), "middle": (110.0, 130.0), "lower": (150.0, 190.0)}
SHIFT = (10.0, 6.0)


def grey(shift: tuple[float, float] = (0.0, 0.0), seed: int = 1) -> Image.Image:
    array = made_flat.array(shift=shift, seed=seed)
    return Image.fromarray(np.clip((array - 1000) / 12 + 128, 0, 255).astype(np.uint8))


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A template, a shifted target, a volume and points in pixels."""
    folder = tmp_path_factory.mktemp("films")
    grey().save(folder / "template.png")
    grey(SHIFT).save(folder / "target.png")
    write_nifti(made.scan((64, 56, 60)), folder / "volume.nii.gz")
    rows = "".join(f"{name},{x},{y}\n" for name, (x, y) in PLACES.items())
    (folder / "points.csv").write_text("name,x,y\n" + rows + "outside,900,20\n")
    (folder / "places.csv").write_text("name,x,y,z\nhere,5,4,40\n")
    return folder


@pytest.fixture(autouse=True)
def installed(private_folders: None) -> None:
    """Install a model for volumes and one for radiographs where the user's own are."""
    made.write_model(paths.models_folders()[0] / "bank")
    made_flat.write_model(paths.models_folders()[0] / "flat")


def run(films: Path, *targets: str, out: Path, template: str = "template.png", model: str) -> int:
    points = "points.csv" if template.endswith("png") else "places.csv"
    words = ["match", "--template", str(films / template), "--points", str(films / points)]
    for target in targets:
        words += ["--target", str(films / target)]
    return cli.run([*words, "--out", str(out), "--device", "cpu", "--model", model])


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_points_of_a_radiograph_are_found_in_pixels(
    films: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "matches.csv"
    assert run(films, "template.png", "target.png", out=out, model="flat") == 0
    rows = rows_of(out)
    assert [row["name"] for row in rows] == [*PLACES, "outside"] * 2
    for n, row in enumerate(rows):
        if row["name"] == "outside":
            assert (row["verdict"], row["x"]) == ("unknown", "")
            continue
        moved = SHIFT if n > 3 else (0.0, 0.0)
        wanted = np.add(PLACES[row["name"]], moved)
        place = np.array([float(row["x"]), float(row["y"])])
        assert np.linalg.norm(place - wanted) < 3.0
        assert float(row["z"]) == 0.0
        assert row["verdict"] == "found"
        # a PNG does not say how large its pixels are
        assert row["cycle_error_mm"] == ""
        assert row["model"] == "flat"
    assert "lies outside the template" in capsys.readouterr().err


def test_a_volume_among_the_targets_is_refused_and_the_rest_is_done(
    films: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "matches.csv"
    assert run(films, "volume.nii.gz", "target.png", out=out, model="flat") == 4
    assert [row["verdict"] for row in rows_of(out)[:4]] == ["unknown"] * 4
    assert "is a volume and the template is a radiograph" in capsys.readouterr().err


def test_a_radiograph_is_no_target_of_a_volume(
    films: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "matches.csv"
    code = run(films, "target.png", out=out, template="volume.nii.gz", model="bank")
    assert code == 3
    assert not out.exists()
    assert "is a radiograph and the template is a volume" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("template", "model", "words"),
    [
        ("template.png", "bank", "knows volumes and the template is a radiograph"),
        ("volume.nii.gz", "flat", "knows radiographs and the template is a volume"),
    ],
)
def test_a_model_of_the_other_kind_is_refused(
    films: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    template: str,
    model: str,
    words: str,
) -> None:
    out = tmp_path / "matches.csv"
    assert run(films, template, out=out, template=template, model=model) == 5
    assert not out.exists()
    assert words in capsys.readouterr().err
