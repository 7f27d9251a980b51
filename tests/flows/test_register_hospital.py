"""`samdesk register` on the made hospital's CD with the shipped weights: mm and sides."""

import csv
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK

from samdesk.app import cli, paths

sitk: Any = SimpleITK
MODELS = Path(__file__).parents[2] / "models"
FAR_MM = 15.0


def places(folder: Path, study: str) -> dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    with (folder / "landmarks.csv").open(encoding="utf-8", newline="") as stream:
        return {
            row["landmark"]: np.array([float(row[f"{axis}_lps_mm"]) for axis in "xyz"])
            for row in csv.DictReader(stream)
            if row["study"] == study and row["inside"] == "1"
        }


def thin_series(folder: Path, study: str) -> str:
    with (folder / "series.csv").open(encoding="utf-8", newline="") as stream:
        return next(
            row["series_uid"]
            for row in csv.DictReader(stream)
            if row["study"] == study and row["what"] == "thin CT"
        )


@pytest.mark.realdata
def test_a_tilted_follow_up_is_laid_onto_the_baseline(
    data_folder: Path, tmp_path: Path, private_folders: None
) -> None:
    if not (MODELS / "sam-ct").is_dir():
        pytest.skip("the shipped weights are not here")
    shutil.copytree(MODELS / "sam-ct", paths.models_folders()[0] / "sam-ct")
    hospital = data_folder / "hospital"
    fixed, moving = (f"{hospital / 'cd'}#{thin_series(hospital, s)}" for s in ("A1", "A3"))

    words = ["register", "--fixed", fixed, "--moving", moving, "--out", str(tmp_path / "out")]
    assert cli.run([*words, "--affine-only", "--device", "cpu"]) == 0

    transform = sitk.ReadTransform(str(tmp_path / "out" / "affine.tfm"))
    ours, theirs = places(hospital, "A1"), places(hospital, "A3")
    names = sorted(ours.keys() & theirs.keys())
    assert len(names) >= 5
    off = [
        float(np.linalg.norm(np.array(transform.TransformPoint(ours[n].tolist())) - theirs[n]))
        for n in names
    ]
    assert np.median(off) < FAR_MM
    # Left stays left: mirrored, the kidneys would be 120 mm off.
    for name, error in zip(names, off, strict=True):
        if "kidney" in name:
            assert error < 3 * FAR_MM
