"""The list of real scans is read as its manifest says, and its benchmarks run on it."""

from pathlib import Path

import numpy as np
import pytest

from samdesk.core.volume import Volume
from samdesk.errors import ReadError
from samdesk.evaluation import real
from samdesk.evaluation.base import Section, Setting
from samdesk.evaluation.scans import real_scans
from samdesk.io.base import finish
from samdesk.io.phantom_files import write_nifti
from tests.evaluation.conftest import Fails, Knows

HEAD = "case,file,split,patient_id,pair_of,body_range,landmark_file\n"
LINES = (
    "one,one.nii.gz,test,P1,two,chest,one.csv\n"
    "two,two.nii.gz,test,P1,one,chest,\n"
    "three,three.nii.gz,test,P2,,chest crop,three.csv\n"
    "four,four.nii.gz,train,P3,,chest,\n"
)
ONE = (
    "name,x,y,z,kind,voxels,cut_by_edge,label\n"
    "carina,1,2,3,auto,,0,\nliver,5,5,5,mask,9,1,1\ntumour_GTV,9,9,9,mask,9,0,1\n"
    "heart,4,5,6,mask,9,0,2\n"
)
THREE = "name,x,y,z,kind,voxels,cut_by_edge,label\ncarina,7,8,9,auto,,0,\nheart,1,1,1,mask,9,0,2\n"


@pytest.fixture(scope="session")
def data(scan: Volume, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as ../shared/data, with the made body as every scan."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "ct").mkdir()
    (folder / "ct" / "manifest.csv").write_text(HEAD + LINES)
    (folder / "ct" / "one.csv").write_text(ONE)
    (folder / "ct" / "three.csv").write_text(THREE)
    bony = scan.array.copy()
    bony[30:40, 28:36, 28:36] = 700
    for name in ("one", "two", "three", "four"):
        write_nifti(Volume(bony, scan.geometry), folder / "ct" / f"{name}.nii.gz")
    return folder


def test_the_manifest_gives_the_wanted_splits_only(data: Path) -> None:
    assert [scan.name for scan in real_scans(data, "test")] == ["one", "two", "three"]
    assert [scan.name for scan in real_scans(data, "train", "val")] == ["four"]


def test_tumors_and_organs_cut_by_the_edge_are_no_common_places(data: Path) -> None:
    first = real_scans(data, "test")[0]
    assert first.points == {"carina": (1.0, 2.0, 3.0), "heart": (4.0, 5.0, 6.0)}


def test_a_folder_without_a_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="no list of scans"):
        real_scans(tmp_path, "test")


def test_warps_skip_crops_and_show_the_failing_baseline(data: Path) -> None:
    section = measured(real.Warps(), data)
    assert section.notes == ("Scans: one, two.",)
    assert [row.label for row in section.rows] == ["knows", "fails"]
    assert section.rows[0].figures.near_share == 1.0
    assert len(section.rows[1].failures) == 2
    assert all(bar.is_met for bar in section.bars)


def test_bone_is_matched_both_ways_and_identity_is_the_truth(data: Path) -> None:
    section = measured(real.Bone(), data)
    assert section.rows[0].figures.n == 2 * real.N_BONE_POINTS
    assert section.rows[0].figures.median_mm == 0.0
    assert set(section.values) == {"one to two, median of 60 mm", "two to one, median of 60 mm"}


def test_across_patients_asks_for_common_places_of_different_people(data: Path) -> None:
    section = measured(real.AcrossPatients(), data)
    assert section.rows[0].figures.n == 4
    assert section.values["carina, median of 2 mm"] == 0.0
    assert len(section.misses) == 4


def measured(benchmark: real.Warps | real.Bone | real.AcrossPatients, data: Path) -> Section:
    section: Section = finish(benchmark.run(Setting((Knows(),), (Fails(),), data)))
    assert np.isfinite(section.seconds)
    return section
