"""NRRD and MetaImage read as SimpleITK reads them, and never beyond their folder."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from hypothesis import given
from hypothesis import strategies as st

from samdesk.core.reading import Opened
from samdesk.core.volume import Volume
from samdesk.errors import ReadError
from samdesk.io.base import FileRef, finish
from samdesk.io.readers.itk import ItkReader

READER = ItkReader()
ARRAY = (np.arange(2 * 3 * 4) - 7).reshape(2, 3, 4)
ANGLE = st.floats(min_value=-3.0, max_value=3.0)
SIZE = st.floats(min_value=0.2, max_value=8.0)
PLACE = st.floats(min_value=-900.0, max_value=900.0)


def opened(ref: Path | FileRef) -> Opened:
    ref = ref if isinstance(ref, FileRef) else FileRef(ref)
    series, refusals, _ = finish(READER.headers([ref]))
    if refusals:
        raise ReadError(refusals[0].reason, code=refusals[0].code, hint=refusals[0].hint)
    return finish(READER.read(series[0]))


def volume_of(ref: Path | FileRef) -> Volume:
    image = opened(ref).image
    assert isinstance(image, Volume)
    return image


def code_of(path: Path) -> str:
    with pytest.raises(ReadError) as caught:
        opened(path)
    assert caught.value.hint
    return caught.value.code


def codes(path: Path) -> set[str]:
    return {notice.code for notice in opened(path).notices}


@given(
    st.tuples(ANGLE, ANGLE, ANGLE),
    st.booleans(),
    st.tuples(SIZE, SIZE, SIZE),
    st.tuples(PLACE, PLACE, PLACE),
    st.sampled_from([".nrrd", ".nhdr", ".mha", ".mhd"]),
    st.booleans(),
)
def test_every_voxel_lies_where_simpleitk_says(
    tmp_path_factory: pytest.TempPathFactory,
    angles: tuple[float, float, float],
    mirrored: bool,
    spacing: tuple[float, float, float],
    origin: tuple[float, float, float],
    ending: str,
    packed: bool,
) -> None:
    turn = SimpleITK.Euler3DTransform()
    turn.SetRotation(*angles)
    matrix = np.array(turn.GetMatrix()).reshape(3, 3)
    matrix[:, 0] *= -1 if mirrored else 1
    image = SimpleITK.GetImageFromArray(ARRAY.astype(np.int16))
    image.SetDirection(matrix.ravel().tolist())
    image.SetSpacing(spacing)
    image.SetOrigin(origin)
    path = tmp_path_factory.mktemp("i") / f"a{ending}"
    SimpleITK.WriteImage(image, str(path), useCompression=packed)
    again = SimpleITK.ReadImage(str(path))
    volume = volume_of(path)
    np.testing.assert_array_equal(volume.array, SimpleITK.GetArrayFromImage(again))
    for kji in [(0, 0, 0), (1, 2, 3), (1, 0, 2)]:
        expected = again.TransformIndexToPhysicalPoint(kji[::-1])
        got = volume.geometry.to_mm(np.array([kji], dtype=np.float64))[0]
        np.testing.assert_allclose(got, expected, atol=1e-4)


@pytest.mark.parametrize("kind", ["u1", "i1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"])
@pytest.mark.parametrize("ending", [".nrrd", ".mha"])
def test_every_type_gives_its_values(tmp_path: Path, kind: str, ending: str) -> None:
    stored = np.abs(ARRAY).astype(kind)
    path = tmp_path / f"a{ending}"
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(stored), str(path))
    np.testing.assert_array_equal(volume_of(path).array, stored)


NRRD = {
    "type": "int16",
    "dimension": "3",
    "space": "left-posterior-superior",
    "sizes": "4 3 2",
    "space directions": "(1,0,0) (0,1,0) (0,0,2)",
    "endian": "little",
    "encoding": "raw",
    "space origin": "(0,0,0)",
}


def nrrd(tmp_path: Path, data: bytes | None = None, **fields: str | None) -> Path:
    """Write an NRRD by hand, some fields changed or (None) left out."""
    named = {key.replace("_", " "): value for key, value in fields.items()}
    lines = [f"{key}: {value}" for key, value in {**NRRD, **named}.items() if value is not None]
    path = tmp_path / "a.nrrd"
    head = "NRRD0004\n# a comment\nkey:=value\n" + "\n".join(lines) + "\n\n"
    if data is None:
        data = b"" if "data_file" in fields else ARRAY.astype("<i2").tobytes()
    path.write_bytes(head.encode() + data)
    return path


META = {
    "ObjectType": "Image",
    "NDims": "3",
    "BinaryData": "True",
    "BinaryDataByteOrderMSB": "False",
    "CompressedData": "False",
    "TransformMatrix": "1 0 0 0 1 0 0 0 1",
    "Offset": "0 0 0",
    "ElementSpacing": "1 1 2",
    "DimSize": "4 3 2",
    "ElementType": "MET_SHORT",
    "ElementDataFile": "LOCAL",
}


def meta(tmp_path: Path, data: bytes | None = None, **fields: str | None) -> Path:
    """Write a MetaImage by hand, some fields changed or (None) left out."""
    both = {**META, **fields}
    last = both.pop("ElementDataFile", None)
    lines = [f"{key} = {value}" for key, value in both.items() if value is not None]
    lines += [f"ElementDataFile = {last}"] if last is not None else []
    path = tmp_path / "a.mha"
    path.write_bytes(
        "\n".join(lines).encode()
        + b"\n"
        + (ARRAY.astype("<i2").tobytes() if data is None else data)
    )
    return path


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"sizes": "4 3"}, "header-inconsistent"),
        ({"sizes": "4 0 2"}, "header-inconsistent"),
        ({"sizes": "4 x 2"}, "header-inconsistent"),
        ({"sizes": None}, "header-inconsistent"),
        ({"sizes": "999999999999 999999999999 9"}, "header-inconsistent"),
        ({"sizes": "4000 3000 2000"}, "truncated"),
        ({"dimension": "17"}, "header-inconsistent"),
        ({"dimension": "4", "sizes": "4 3 2 1"}, "unsupported-pixels"),
        ({"type": "block"}, "unsupported-pixels"),
        ({"encoding": "hex"}, "unsupported-pixels"),
        ({"endian": "middle"}, "header-inconsistent"),
        ({"line_skip": "5"}, "unsupported-pixels"),
        ({"data_file": "../a.raw"}, "outside-folder"),
        ({"data_file": "/etc/hostname"}, "outside-folder"),
        ({"data_file": "C:\\a.raw"}, "outside-folder"),
        ({"data_file": "gone.raw"}, "files-missing"),
        ({"data_file": "a.nrrd"}, "header-inconsistent"),
        ({"data_file": "s%03d.raw 1 9 1"}, "files-missing"),
        ({"data_file": "LIST\ngone.raw\n../b.raw"}, "outside-folder"),
        ({"data_file": "LIST\ngone.raw"}, "files-missing"),
        ({"data_file": "LIST\nreal.raw"}, "unsupported-format"),
    ],
)
def test_an_nrrd_that_cannot_be_right_is_refused(
    tmp_path: Path, fields: dict[str, str | None], code: str
) -> None:
    (tmp_path / "real.raw").write_bytes(b"x")
    assert code_of(nrrd(tmp_path, **fields)) == code


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"NDims": "99"}, "header-inconsistent"),
        ({"NDims": "x"}, "header-inconsistent"),
        ({"DimSize": "4 3"}, "header-inconsistent"),
        ({"DimSize": "4 -3 2"}, "header-inconsistent"),
        ({"NDims": "4", "DimSize": "4 3 2 1"}, "unsupported-pixels"),
        ({"ElementType": "MET_BANANA"}, "unsupported-pixels"),
        ({"ElementNumberOfChannels": "3"}, "unsupported-pixels"),
        ({"HeaderSize": "-2"}, "header-inconsistent"),
        ({"ElementDataFile": None}, "truncated"),
        ({"ElementDataFile": "../a.raw"}, "outside-folder"),
        ({"ElementDataFile": "gone.raw"}, "files-missing"),
        ({"ElementDataFile": "a.mha"}, "header-inconsistent"),
        ({"ElementDataFile": "a%02d.raw 1 9 1"}, "files-missing"),
        ({"ElementDataFile": "LIST\n/etc/hostname"}, "outside-folder"),
        ({"BinaryData": "False"}, "truncated"),
    ],
)
def test_a_metaimage_that_cannot_be_right_is_refused(
    tmp_path: Path, fields: dict[str, str | None], code: str
) -> None:
    data = b"1 2 3 4 5 6 7 8 9 10 1 2 3" if "BinaryData" in fields else None
    assert code_of(meta(tmp_path, data, **fields)) == code


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"space": None}, {"no-orientation"}),
        ({"space": "scanner-xyz"}, {"no-orientation"}),
        ({"space_directions": None, "spacings": "1 1 2"}, {"no-orientation"}),
        ({"space_directions": None}, {"no-orientation", "no-scale"}),
        ({"space_directions": "(1,0,0) (1,0,0) (0,0,2)"}, {"no-orientation"}),
        ({"space_directions": "(1,0) (0,1) (1,1)"}, {"no-orientation", "no-scale"}),
        ({"space_directions": "(1,0,0) (0,1,0) (0,0,x)"}, {"no-orientation", "no-scale"}),
        ({"space_units": '"cm" "cm" "cm"'}, {"units"}),
        ({"space_origin": None}, set()),
    ],
)
def test_a_doubtful_nrrd_is_read_with_notices(
    tmp_path: Path, fields: dict[str, str | None], expected: set[str]
) -> None:
    path = nrrd(tmp_path, **fields)
    assert codes(path) == expected
    np.testing.assert_array_equal(volume_of(path).array, ARRAY)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"ElementSpacing": None}, {"no-orientation", "no-scale"}),
        ({"ElementSpacing": "0 1 1"}, {"no-orientation", "no-scale"}),
        ({"ElementSpacing": "x 1 1"}, {"no-orientation", "no-scale"}),
        ({"TransformMatrix": None}, {"no-orientation"}),
        ({"TransformMatrix": "1 0 0 1 0 0 0 0 1"}, {"no-orientation"}),
        ({"TransformMatrix": "2 0 0 0 1 0 0 0 1"}, {"no-orientation"}),
        ({"Offset": None}, set()),
    ],
)
def test_a_doubtful_metaimage_is_read_with_notices(
    tmp_path: Path, fields: dict[str, str | None], expected: set[str]
) -> None:
    path = meta(tmp_path, **fields)
    assert codes(path) == expected
    np.testing.assert_array_equal(volume_of(path).array, ARRAY)


def test_two_axes_are_one_slice(tmp_path: Path) -> None:
    plane = ARRAY[0].astype("<i2").tobytes()
    directions = "(1,0,0) (0,1,0)"
    path = nrrd(tmp_path, plane, dimension="2", sizes="4 3", space_directions=directions)
    assert codes(path) == {"single-slice"}
    path = meta(tmp_path, plane, NDims="2", DimSize="4 3", ElementSpacing="1 1")
    assert codes(path) == {"single-slice", "no-orientation"}


def test_voxels_written_as_text_are_read(tmp_path: Path) -> None:
    words = " ".join(str(n) for n in ARRAY.ravel()).encode()
    path = nrrd(tmp_path, words, encoding="ascii")
    np.testing.assert_array_equal(volume_of(path).array, ARRAY)
    assert code_of(nrrd(tmp_path, words.replace(b"-7", b"x7"), encoding="ascii")) == (
        "pixels-damaged"
    )


def test_voxels_at_the_end_of_a_file_beside_are_read(tmp_path: Path) -> None:
    (tmp_path / "v.raw").write_bytes(b"some header" + ARRAY.astype("<i2").tobytes())
    for path in (
        nrrd(tmp_path, b"", data_file="v.raw", byte_skip="-1"),
        meta(tmp_path, b"", ElementDataFile="v.raw", HeaderSize="-1"),
        meta(tmp_path, b"", ElementDataFile="v.raw", HeaderSize="11"),
    ):
        np.testing.assert_array_equal(volume_of(path).array, ARRAY)


def test_a_link_that_leads_out_is_not_followed(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "secret.raw").write_bytes(ARRAY.astype("<i2").tobytes())
    (inside / "v.raw").symlink_to(tmp_path / "secret.raw")
    assert code_of(nrrd(inside, b"", data_file="v.raw")) == "outside-folder"


def test_a_header_without_end_is_no_nrrd(tmp_path: Path) -> None:
    path = tmp_path / "a.nrrd"
    path.write_bytes(b"NRRD0004\n" + b"# comment\n" * 10_000)
    assert code_of(path) == "not-recognised"
    path.write_bytes(b"NRRD0004\ntype: int16\n")
    assert code_of(path) == "truncated"


def test_both_files_may_lie_in_a_zip(tmp_path: Path) -> None:
    header = nrrd(tmp_path, b"", data_file="v.raw").read_bytes()
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("CD/a.nhdr", header)
        file.writestr("CD/v.raw", ARRAY.astype("<i2").tobytes())
        file.writestr("CD/b.nhdr", header.replace(b"v.raw", b"w.raw"))
    np.testing.assert_array_equal(volume_of(FileRef(path, "CD/a.nhdr")).array, ARRAY)
    with pytest.raises(ReadError, match=r"w\.raw"):
        opened(FileRef(path, "CD/b.nhdr"))


def test_a_file_that_goes_away_is_said(tmp_path: Path) -> None:
    path = meta(tmp_path)
    (series,), _, _ = finish(READER.headers([FileRef(path)]))
    path.unlink()
    with pytest.raises(ReadError) as caught:
        finish(READER.read(series))
    assert caught.value.code == "files-missing"
