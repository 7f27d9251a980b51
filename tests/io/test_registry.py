"""Whatever a person names leads to one series, or to a sentence that says how to name one."""

from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from samdesk.core.reading import Opened, ScanReport
from samdesk.core.study import Series
from samdesk.errors import ReadError
from samdesk.io import registry
from samdesk.io.base import FileRef, finish

ARRAY = np.arange(24, dtype=np.int16).reshape(2, 3, 4)


def nifti(path: Path, values: np.ndarray[tuple[int, ...], np.dtype[np.int16]] = ARRAY) -> Path:
    nib.save(nib.Nifti1Image(values, np.eye(4)), path)
    return path


def opened(spec: str | Path) -> Opened:
    return finish(registry.open_path(spec))


def refused(spec: str | Path) -> ReadError:
    with pytest.raises(ReadError) as caught:
        opened(spec)
    assert caught.value.hint
    return caught.value


def test_a_file_is_opened_by_its_bytes(tmp_path: Path) -> None:
    path = nifti(tmp_path / "a.nii")
    path.rename(tmp_path / "a.png")
    result = opened(tmp_path / "a.png")
    np.testing.assert_array_equal(result.image.array, ARRAY.T)
    assert "wrong-extension" in {notice.code for notice in result.notices}


def test_of_several_series_one_is_named_by_number_or_id(tmp_path: Path) -> None:
    four = np.stack([ARRAY, ARRAY + 100], axis=-1)
    path = nifti(tmp_path / "a.nii", four)
    error = refused(path)
    assert error.code == "several-series"
    assert "#1" in error.what
    assert "#2" in error.what
    by_number = opened(f"{path}#2")
    np.testing.assert_array_equal(by_number.image.array, ARRAY.T + 100)
    series = finish(registry.choose(f"{path}#2"))
    assert finish(registry.choose(f"{path}#{series.id}")) == series
    assert "no series #7" in refused(f"{path}#7").what
    assert "no series #1.2.3" in refused(f"{path}#1.2.3").what


def test_a_name_with_a_hash_is_a_name(tmp_path: Path) -> None:
    path = nifti(tmp_path / "case #2.nii")
    assert opened(str(path)).image.array.shape == (4, 3, 2)


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    assert refused(tmp_path / "gone.nii").code == "files-missing"


def test_one_bad_file_is_refused_by_its_own_reason(tmp_path: Path) -> None:
    (tmp_path / "a.nii").write_bytes(b"")
    assert refused(tmp_path / "a.nii").code == "empty-file"


def test_a_folder_without_images_is_refused_by_its_name(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("no image")
    error = refused(tmp_path)
    assert error.code == "nothing-to-open"
    assert tmp_path.name in error.what


def test_files_of_all_kinds_are_sorted_and_the_rest_is_named(tmp_path: Path) -> None:
    nifti(tmp_path / "a.nii")
    Image.fromarray(ARRAY[0].astype(np.uint8)).save(tmp_path / "b.png")
    (tmp_path / "c.txt").write_text("text")
    (tmp_path / "d.dcm").write_bytes(b"")
    files = [FileRef(path) for path in sorted(tmp_path.iterdir())] + [FileRef(tmp_path / "gone")]
    series, refusals, _ = finish(registry.headers(files))
    assert {one.source.kind for one in series} == {"nifti", "picture"}
    assert [one.code for one in refusals] == ["not-recognised", "empty-file", "files-missing"]


def test_the_voxels_of_a_header_are_no_file_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.raw").write_bytes(ARRAY.tobytes())
    (tmp_path / "a.mhd").write_text(
        "ObjectType = Image\nNDims = 3\nDimSize = 4 3 2\nElementType = MET_SHORT\n"
        "ElementSpacing = 1 1 1\nElementDataFile = a.raw\n"
    )
    files = [FileRef(path) for path in sorted(tmp_path.iterdir())]
    series, refusals, _ = finish(registry.headers(files))
    assert (len(series), refusals) == (1, [])


def test_every_notice_of_a_series_is_told_once(tmp_path: Path) -> None:
    nib.save(nib.Nifti1Image(ARRAY[:, :, :1], np.eye(4)), tmp_path / "a.nii")
    codes = [notice.code for notice in opened(tmp_path / "a.nii").notices]
    assert codes.count("single-slice") == 1


def a_series(tmp_path: Path) -> Series:
    return finish(registry.choose(nifti(tmp_path / "a.nii")))


def test_what_stands_apart_is_not_taken_unasked(tmp_path: Path) -> None:
    one = a_series(tmp_path)
    apart = replace(one, number=2, is_apart=True)
    report = ScanReport((one, apart))
    assert registry.pick(report, tmp_path, "") == one
    assert registry.pick(report, tmp_path, "2") == apart
    assert registry.pick(ScanReport((apart,)), tmp_path, "") == apart


def test_a_long_list_of_series_is_cut(tmp_path: Path) -> None:
    one = a_series(tmp_path)
    many = tuple(replace(one, number=n + 1) for n in range(20))
    with pytest.raises(ReadError, match="and 8 more"):
        registry.pick(ScanReport(many), tmp_path, "")


def test_a_split_series_is_found_by_its_first_uid(tmp_path: Path) -> None:
    one = a_series(tmp_path)
    part = replace(one, id=type(one.id)("1.2.3/2"))
    assert registry.pick(ScanReport((part,)), tmp_path, "1.2.3") == part


def test_a_series_of_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    one = a_series(tmp_path)
    strange = replace(one, source=replace(one.source, kind="hologram"))
    with pytest.raises(ReadError, match="hologram"):
        finish(registry.open_series(strange))


def test_nothing_at_all_is_said() -> None:
    with pytest.raises(ReadError, match="no image"):
        registry.pick(ScanReport(()), Path("folder"), "")
