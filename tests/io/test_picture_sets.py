"""Tables of sets of radiographs: what is read, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from samdesk.core.radiograph import Scale
from samdesk.errors import ReadError
from samdesk.io.base import finish
from samdesk.io.picture_sets import read_list, read_marks, read_observers


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Image.fromarray(np.arange(48, dtype=np.uint8).reshape(6, 8)).save(tmp_path / "a.png")
    (tmp_path / "manifest.csv").write_text(
        "file,split,spacing_mm,width,height,notes\na.png,train,0.7,8,6,x\nb.png,test,unknown,8,6,\n"
    )
    (tmp_path / "marks.csv").write_text(
        "image,name,x,y,observer\na.png,p,1.5,2,ann\na.png,p,2.5,2,bob\na.png,q,,3,ann\n"
    )
    return tmp_path


def test_a_list_gives_pictures_with_their_scale(folder: Path) -> None:
    first, second = read_list(folder)
    assert (first.split, first.spacing_mm, first.width, first.height) == ("train", 0.7, 8, 6)
    assert second.spacing_mm is None
    radiograph = finish(first.open())
    assert radiograph.pixel_mm == (0.7, 0.7)
    assert radiograph.scale is Scale.CALIBRATED
    assert first.size() == (8, 6)


def test_a_picture_without_a_scale_is_in_pixels(folder: Path) -> None:
    (folder / "a.png").rename(folder / "b.png")
    assert finish(read_list(folder)[1].open()).pixel_mm is None


def test_marks_are_read_by_observer_and_what_is_no_number_left_out(folder: Path) -> None:
    marks = folder / "marks.csv"
    assert read_observers(marks) == ("ann", "bob")
    assert read_marks(marks, "ann") == {"a.png": {"p": (1.5, 2.0)}}
    assert read_marks(marks, "bob") == {"a.png": {"p": (2.5, 2.0)}}


def test_missing_tables_and_columns_are_named(folder: Path) -> None:
    with pytest.raises(ReadError, match=r"no table .*nowhere\.csv") as caught:
        read_marks(folder / "nowhere.csv")
    assert caught.value.code == "files-missing"
    (folder / "manifest.csv").write_text("file,width\na.png,8\n")
    with pytest.raises(ReadError, match="height, spacing_mm, split") as caught:
        read_list(folder)
    assert caught.value.code == "columns-unknown"


def test_a_manifest_with_a_size_that_is_no_number_is_refused(folder: Path) -> None:
    (folder / "manifest.csv").write_text(
        "file,split,spacing_mm,width,height\na.png,train,0.7,wide,6\n"
    )
    with pytest.raises(ReadError, match=r"a\.png"):
        read_list(folder)


def test_a_volume_is_no_picture_of_a_set(folder: Path) -> None:
    import nibabel as nib

    nib.save(nib.Nifti1Image(np.zeros((4, 4, 4), np.int16), np.eye(4)), folder / "v.nii")
    (folder / "manifest.csv").write_text(
        "file,split,spacing_mm,width,height\nv.nii,train,0.7,4,4\n"
    )
    with pytest.raises(ReadError, match="no radiograph"):
        finish(read_list(folder)[0].open())
