"""Members of a zip are read in memory, and no name or number of it is believed."""

import struct
import zipfile
from pathlib import Path

import pytest

from samdesk.errors import ReadError
from samdesk.io import zip as zip_file
from samdesk.io.base import FileRef, sibling


def made(path: Path, members: dict[str, bytes], packing: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", packing) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return path


def code_of(path: Path) -> str:
    with pytest.raises(ReadError) as caught:
        zip_file.listing(path)
    assert caught.value.hint
    return caught.value.code


@pytest.mark.parametrize("packing", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_members_come_out_as_they_went_in(tmp_path: Path, packing: int) -> None:
    data = bytes(range(256)) * 5000
    path = made(tmp_path / "a.zip", {"CD/IM1": data, "CD/IM2": b"", ".DS_Store": b"x"}, packing)
    assert list(zip_file.listing(path).members) == ["CD/IM1", "CD/IM2"]
    ref = FileRef(path, "CD/IM1")
    assert ref.size == len(data)
    assert ref.head(4) == data[:4]
    with ref.open() as stream:
        assert stream.read() == data
    assert ref.name == "IM1"


@pytest.mark.parametrize("name", ["../x", "/x", "C:\\x", "a\\..\\..\\x", "a/../../x"])
def test_a_name_that_climbs_out_refuses_the_whole_zip(tmp_path: Path, name: str) -> None:
    assert code_of(made(tmp_path / "a.zip", {"ok": b"1", name: b"2"})) == "outside-folder"


def test_a_link_refuses_the_whole_zip(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    info = zipfile.ZipInfo("link")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(info, "/etc")
    assert code_of(path) == "outside-folder"


def test_a_bomb_is_refused_by_its_ratio(tmp_path: Path) -> None:
    assert code_of(made(tmp_path / "a.zip", {"big": bytes(6 << 20)})) == "too-large"


def test_a_small_member_may_pack_well(tmp_path: Path) -> None:
    path = made(tmp_path / "a.zip", {"zeros": bytes(1 << 20)})
    assert len(zip_file.read_member(path, "zeros")) == 1 << 20


def test_deep_folders_are_refused(tmp_path: Path) -> None:
    assert code_of(made(tmp_path / "a.zip", {"d/" * 100 + "x": b"1"})) == "too-deep"


def test_an_empty_zip_and_a_cut_one_are_told_apart(tmp_path: Path) -> None:
    assert code_of(made(tmp_path / "a.zip", {})) == "nothing-to-open"
    whole = made(tmp_path / "b.zip", {"x": b"1" * 500}).read_bytes()
    (tmp_path / "c.zip").write_bytes(whole[:60])
    assert code_of(tmp_path / "c.zip") == "truncated"


def test_too_many_members_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zip_file, "MAX_MEMBERS", 2)
    assert code_of(made(tmp_path / "a.zip", {"1": b"", "2": b"", "3": b""})) == "too-large"


def test_a_zip_that_unpacks_to_more_than_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zip_file, "MAX_ZIP_BYTES", 100)
    assert code_of(made(tmp_path / "a.zip", {"x": bytes(200)})) == "too-large"


def test_an_encrypted_zip_names_the_next_step(tmp_path: Path) -> None:
    path = made(tmp_path / "a.zip", {"x": b"secret"})
    raw = bytearray(path.read_bytes())
    raw[raw.find(b"PK\1\2") + 8] |= 1
    path.write_bytes(raw)
    with pytest.raises(ReadError, match="encrypted") as caught:
        zip_file.listing(path)
    assert "password" in caught.value.hint


@pytest.mark.parametrize(
    ("offset", "value", "code"),
    [(16, 0x12345678, "checksum"), (24, 100, "header-inconsistent"), (24, 9000, "truncated")],
)
def test_lies_of_the_directory_are_found_while_reading(
    tmp_path: Path, offset: int, value: int, code: str
) -> None:
    path = made(tmp_path / "a.zip", {"x": bytes(range(250)) * 20})
    raw = bytearray(path.read_bytes())
    struct.pack_into("<I", raw, raw.find(b"PK\1\2") + offset, value)
    path.write_bytes(raw)
    with pytest.raises(ReadError) as caught:
        zip_file.read_member(path, "x")
    assert caught.value.code == code


def test_a_damaged_stream_is_a_wrong_checksum(tmp_path: Path) -> None:
    path = made(tmp_path / "a.zip", {"x": bytes(range(250)) * 20})
    raw = bytearray(path.read_bytes())
    raw[40:60] = b"\xff" * 20
    path.write_bytes(raw)
    with pytest.raises(ReadError) as caught:
        zip_file.read_member(path, "x")
    assert caught.value.code == "checksum"


def test_a_damaged_entry_is_said(tmp_path: Path) -> None:
    path = made(tmp_path / "a.zip", {"x": b"12345"})
    raw = bytearray(path.read_bytes())
    raw[0:4] = b"ZZZZ"
    path.write_bytes(raw)
    with pytest.raises(ReadError) as caught:
        zip_file.read_member(path, "x")
    assert caught.value.code == "truncated"


def test_names_of_devices_and_doubles_are_left_out_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as file:
        for name in ("IM1", "CON", "aux.dcm", "a:stream"):
            file.writestr(name, b"x")
        with pytest.warns(UserWarning, match="Duplicate"):
            file.writestr("IM1", b"y")
    found = zip_file.listing(path)
    assert list(found.members) == ["IM1"]
    assert len(found.refusals) == 4
    assert [(one.code, one.number) for one in found.notices] == [("slices-left-out", 4)]


def test_an_unknown_packing_is_left_out(tmp_path: Path) -> None:
    path = made(tmp_path / "a.zip", {"x": b"1" * 99, "y": b"1"}, zipfile.ZIP_LZMA)
    assert not zip_file.listing(path).members


def test_a_zip_that_went_away_is_said(tmp_path: Path) -> None:
    path = made(tmp_path / "a.zip", {"x": b"1"})
    zip_file.listing(path)
    path.unlink()
    with pytest.raises(ReadError) as caught:
        FileRef(path, "x").head()
    assert caught.value.code == "files-missing"


def test_a_member_that_went_away_is_said(tmp_path: Path) -> None:
    path = made(tmp_path / "a.zip", {"x": b"1"})
    with pytest.raises(ReadError, match="no member"):
        _ = FileRef(path, "y").size


def test_a_sibling_is_found_within_the_zip(tmp_path: Path) -> None:
    path = made(tmp_path / "a.zip", {"CD/a.hdr": b"1", "CD/a.img": b"2"})
    assert sibling(FileRef(path, "CD/a.hdr"), ".hdr", ".img") == FileRef(path, "CD/a.img")
    assert sibling(FileRef(path, "CD/a.hdr"), ".hdr", ".raw") is None
    assert sibling(FileRef(path, "CD/a.hdr"), ".mhd", ".img") is None
