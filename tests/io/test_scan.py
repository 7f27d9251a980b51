"""Folders, lists of media and zips into one report: what is there, what is not, and why."""

import os
import zipfile
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset

from samdesk.core.reading import ScanReport
from samdesk.io.base import finish
from samdesk.io.folders import files_of
from samdesk.io.scan import scan
from tests.io.dicom import made
from tests.io.dicom.made import ct_slice, group, write


def report(*paths: Path) -> ScanReport:
    return finish(scan(paths))


def codes(told: ScanReport) -> set[str]:
    own = {notice.code for series in told.series for notice in series.notices}
    return own | {notice.code for notice in told.notices}


def stack(n: int = 5, **elements: Any) -> list[Dataset]:
    return [ct_slice(k, **elements) for k in range(n)]


def test_series_are_numbered_by_patient_study_and_size(tmp_path: Path) -> None:
    write(tmp_path / "b", stack(3, series="2.1", StudyDate="20250101", StudyInstanceUID="5.1"))
    write(tmp_path / "c", stack(6, series="2.2", StudyDate="20250101", StudyInstanceUID="5.1"))
    write(tmp_path / "a", stack(4, series="2.3", StudyDate="20260101", StudyInstanceUID="5.2"))
    told = report(tmp_path)
    assert [str(one.id) for one in told.series] == ["2.2", "2.1", "2.3"]
    assert [one.number for one in told.series] == [1, 2, 3]
    assert codes(told) == {"several-series"}
    assert told.refusals == ()


def test_a_damaged_slice_is_refused_by_name_and_missed_in_its_series(tmp_path: Path) -> None:
    write(tmp_path, stack(6))
    whole = (tmp_path / "IM003").read_bytes()
    (tmp_path / "IM003").write_bytes(whole[:-50])
    told = report(tmp_path)
    assert [(r.path.name, r.code) for r in told.refusals] == [("IM003", "truncated")]
    assert codes(told) == {"slices-left-out", "missing-slices"}


@pytest.mark.parametrize("content", [b"", os.urandom(600)])
def test_a_file_named_like_a_slice_counts_as_one_that_is_lost(
    tmp_path: Path, content: bytes
) -> None:
    write(tmp_path, stack(6))
    (tmp_path / "IM002").write_bytes(content)
    assert "slices-left-out" in codes(report(tmp_path))


def test_what_systems_leave_beside_images_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path, stack())
    for name in (".DS_Store", "Thumbs.db", "._IM001", "AUTORUN.INF"):
        (tmp_path / name).write_bytes(b"junk")
    (tmp_path / "README.TXT").write_text("a viewer CD\n")
    told = report(tmp_path)
    assert codes(told) == set()
    assert [refusal.path.name for refusal in told.refusals] == ["README.TXT"]


def test_a_damaged_file_beside_two_series_belongs_to_neither(tmp_path: Path) -> None:
    both = stack(4, series="2.1") + stack(3, series="2.2")
    write(tmp_path, both)
    (tmp_path / "IM009").write_bytes(made.as_bytes(ct_slice(9))[:-9])
    told = report(tmp_path)
    assert "slices-left-out" in {notice.code for notice in told.notices}
    assert all(not one.notices for one in told.series)


def test_links_are_not_followed(tmp_path: Path) -> None:
    folder = write(tmp_path / "in", stack())
    outside = write(tmp_path / "out", stack(3, series="2.2"))
    (folder / "out").symlink_to(outside)
    (folder / "again").symlink_to(".")
    told = report(folder)
    assert len(told.series) == 1
    assert codes(told) == {"link-skipped"}


def test_pipes_and_dangling_links_are_said_and_never_opened(tmp_path: Path) -> None:
    write(tmp_path, stack())
    os.mkfifo(tmp_path / "IM008")
    (tmp_path / "IM009").symlink_to("gone")
    told = report(tmp_path)
    assert {refusal.path.name for refusal in told.refusals} == {"IM008", "IM009"}
    assert "slices-left-out" in codes(told)


def test_nothing_to_open_is_said_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing here\n")
    told = report(tmp_path)
    assert told.series == ()
    assert (told.refusals[0].path, told.refusals[0].code) == (tmp_path, "nothing-to-open")
    empty = tmp_path / "empty"
    empty.mkdir()
    assert report(empty).refusals[0].code == "nothing-to-open"


def test_a_path_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert [refusal.code for refusal in report(tmp_path / "none").refusals] == ["files-missing"]


def test_a_file_is_looked_at_once_however_often_it_is_named(tmp_path: Path) -> None:
    folder = write(tmp_path, stack())
    told = report(folder, folder / "IM001", folder)
    assert [one.shape for one in told.series] == [(5, 12, 10)]
    assert codes(told) == set()


def test_folders_too_deep_are_named(tmp_path: Path) -> None:
    deep = tmp_path
    for _ in range(70):
        deep = deep / "d"
    deep.mkdir(parents=True)
    found = finish(files_of([tmp_path]))
    assert [refusal.code for refusal in found.refusals] == ["too-deep"]


def test_the_scan_comes_up_for_air(tmp_path: Path) -> None:
    write(tmp_path, stack(120))
    steps = list(scan([tmp_path]))
    assert len(steps) >= 3


def directory(folder: Path, *ids: list[str]) -> Path:
    ds = Dataset()
    ds.SOPClassUID, ds.FileSetID = "1.2.840.10008.1.3.10", "CD"
    ds.DirectoryRecordSequence = [
        group(DirectoryRecordType="PATIENT", PatientID="T-1"),
        *[group(DirectoryRecordType="IMAGE", ReferencedFileID=parts) for parts in ids],
    ]
    path = folder / "DICOMDIR"
    data = made.as_bytes(ds)
    path.write_bytes(data)
    return path


def test_a_dicomdir_opens_what_it_lists(tmp_path: Path) -> None:
    write(tmp_path / "cd" / "a", stack(4))
    write(tmp_path / "cd" / "b", stack(3, series="2.2"))
    path = directory(tmp_path / "cd", *[["A", f"IM00{k}"] for k in range(4)])
    told = report(path)
    assert [one.shape for one in told.series] == [(4, 12, 10)]
    assert told.refusals == ()
    whole = report(tmp_path / "cd")
    assert len(whole.series) == 2


def test_a_dicomdir_that_lists_what_is_gone_names_it(tmp_path: Path) -> None:
    write(tmp_path / "IM", stack(3))
    path = directory(tmp_path, ["IM", "IM000"], ["IM", "GONE1"])
    told = report(path)
    assert [refusal.code for refusal in told.refusals] == ["files-missing"]
    assert "GONE1" in told.refusals[0].reason
    assert "files-missing" in codes(told)
    assert len(told.series) == 1


def test_a_dicomdir_that_lists_nothing_that_is_there_falls_back_to_its_folder(
    tmp_path: Path,
) -> None:
    write(tmp_path / "IM", stack(3))
    assert len(report(directory(tmp_path, ["GONE"])).series) == 1


@pytest.mark.parametrize("parts", [["..", "..", "ETC", "PASSWD"], ["/etc/passwd"]])
def test_a_dicomdir_cannot_lead_outside(tmp_path: Path, parts: list[str]) -> None:
    told = report(directory(tmp_path, parts))
    assert told.series == ()
    assert [refusal.code for refusal in told.refusals] == ["outside-folder"]


def test_a_zip_is_read_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "cd.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for k in range(4):
            file.writestr(f"CD/IM{k}", made.as_bytes(ct_slice(k)))
        file.writestr("CD/empty", b"")
    told = report(path)
    assert [one.shape for one in told.series] == [(4, 12, 10)]
    assert [refusal.code for refusal in told.refusals] == ["empty-file"]
    assert list(tmp_path.iterdir()) == [path]
