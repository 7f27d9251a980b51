"""NIfTI of any orientation lands where nibabel says, and doubtful headers are told."""

import gzip
import struct
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from samdesk.core.reading import Opened
from samdesk.core.study import Series
from samdesk.core.volume import Modality, Volume
from samdesk.errors import ReadError
from samdesk.io.base import FileRef, finish
from samdesk.io.readers.nifti import NiftiReader

READER = NiftiReader()
ANGLES = st.floats(min_value=-np.pi, max_value=np.pi)
SIZES = st.floats(min_value=0.2, max_value=8.0)
PLACES = st.floats(min_value=-900.0, max_value=900.0)
ARRAY = np.arange(2 * 3 * 4, dtype=np.int16).reshape(2, 3, 4)


def listed(path: Path) -> list[Series]:
    series, refusals, _ = finish(READER.headers([FileRef(path)]))
    if refusals:
        raise ReadError(refusals[0].reason, code=refusals[0].code, hint=refusals[0].hint)
    return series


def opened(path: Path, which: int = 0) -> Opened:
    return finish(READER.read(listed(path)[which]))


def volume_of(path: Path, which: int = 0) -> Volume:
    image = opened(path, which).image
    assert isinstance(image, Volume)
    return image


def code_of(path: Path) -> str:
    with pytest.raises(ReadError) as caught:
        opened(path)
    assert caught.value.hint
    return caught.value.code


def codes(path: Path) -> set[str]:
    return {notice.code for notice in opened(path).notices}


@st.composite
def affines(draw: st.DrawFn) -> NDArray[np.float64]:
    """Draw an affine of (i, j, k): oblique, perhaps left-handed."""
    a, b, c = draw(ANGLES), draw(ANGLES), draw(ANGLES)
    turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    turn = turn @ np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    turn = turn @ np.array([[np.cos(c), 0, np.sin(c)], [0, 1, 0], [-np.sin(c), 0, np.cos(c)]])
    if draw(st.booleans()):
        turn[:, 0] *= -1
    affine = np.eye(4)
    affine[:3, :3] = turn * [draw(SIZES), draw(SIZES), draw(SIZES)]
    affine[:3, 3] = [draw(PLACES), draw(PLACES), draw(PLACES)]
    return affine


@given(affines(), st.sampled_from(["sform", "qform"]), st.booleans())
def test_every_voxel_lies_where_nibabel_says(
    tmp_path_factory: pytest.TempPathFactory,
    affine: NDArray[np.float64],
    form: str,
    second: bool,
) -> None:
    path = tmp_path_factory.mktemp("n") / "a.nii"
    image = (nib.Nifti2Image if second else nib.Nifti1Image)(ARRAY, affine)
    image.set_sform(affine, code=1 if form == "sform" else 0)
    image.set_qform(affine, code=1 if form == "qform" else 0)
    nib.save(image, path)
    volume = volume_of(path)
    for ijk in np.ndindex(ARRAY.shape):
        k, j, i = ijk[::-1]
        assert volume.array[k, j, i] == ARRAY[ijk]
    ijk = np.array(list(np.ndindex(ARRAY.shape)), dtype=np.float64)
    expected = nib.affines.apply_affine(nib.load(path).affine, ijk) * [-1, -1, 1]
    np.testing.assert_allclose(volume.geometry.to_mm(ijk[:, ::-1]), expected, atol=1e-3)


@pytest.mark.parametrize("kind", ["u1", "i1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"])
@pytest.mark.parametrize("order", "<>")
def test_every_type_and_byte_order_gives_its_values(tmp_path: Path, kind: str, order: str) -> None:
    path = tmp_path / "a.nii.gz"
    stored = ARRAY.astype(np.dtype(kind).newbyteorder(order))
    header = nib.Nifti1Header(endianness=order)
    header.set_data_dtype(stored.dtype)
    nib.save(nib.Nifti1Image(stored, np.diag([2, 2, 2, 1]), header), path)
    volume = volume_of(path)
    np.testing.assert_array_equal(volume.array, ARRAY.T)
    assert volume.array.dtype == (np.float32 if kind[0] == "f" else np.int16)


def test_slope_and_intercept_are_applied(tmp_path: Path) -> None:
    path = tmp_path / "a.nii"
    image = nib.Nifti1Image(ARRAY, np.eye(4))
    image.header.set_slope_inter(2, -1024)
    nib.save(image, path)
    volume = volume_of(path)
    np.testing.assert_allclose(volume.array, nib.load(path).get_fdata().T)


def test_every_volume_of_a_four_d_file_is_a_series(tmp_path: Path) -> None:
    path = tmp_path / "a.nii.gz"
    stored = np.stack([ARRAY, ARRAY + 100], axis=-1)
    nib.save(nib.Nifti1Image(stored, np.eye(4)), path)
    first, second = listed(path)
    assert (first.id, second.id) == (first.id, f"{first.id}/2")
    assert "volume 2 of 2" in second.label
    np.testing.assert_array_equal(volume_of(path, 1).array, ARRAY.T + 100)


def test_a_pair_is_read_from_either_half(tmp_path: Path) -> None:
    nib.save(nib.Nifti1Pair(ARRAY, np.eye(4)), tmp_path / "a.hdr")
    for name in ("a.hdr", "a.img"):
        np.testing.assert_array_equal(volume_of(tmp_path / name).array, ARRAY.T)
    both = [FileRef(tmp_path / "a.hdr"), FileRef(tmp_path / "a.img")]
    series, refusals, _ = finish(READER.headers(both))
    assert (len(series), refusals) == (1, [])


@pytest.mark.parametrize("half", ["a.hdr", "a.img"])
def test_half_of_a_pair_names_the_other(tmp_path: Path, half: str) -> None:
    nib.save(nib.Nifti1Pair(ARRAY, np.eye(4)), tmp_path / "a.hdr")
    other = "a.img" if half == "a.hdr" else "a.hdr"
    (tmp_path / other).unlink()
    with pytest.raises(ReadError, match=other) as caught:
        listed(tmp_path / half)
    assert caught.value.code == "files-missing"


def test_a_single_file_may_be_called_img(tmp_path: Path) -> None:
    nib.save(nib.Nifti1Image(ARRAY, np.eye(4)), tmp_path / "a.nii")
    (tmp_path / "a.nii").rename(tmp_path / "a.img")
    np.testing.assert_array_equal(volume_of(tmp_path / "a.img").array, ARRAY.T)


def test_analyze_has_no_orientation(tmp_path: Path) -> None:
    nib.save(nib.AnalyzeImage(ARRAY, np.eye(4)), tmp_path / "a.hdr")
    assert "no-orientation" in codes(tmp_path / "a.hdr")


def patched(tmp_path: Path, at: int, how: str, *values: float) -> Path:
    """Write a sound NIfTI with some bytes of its header changed."""
    path = tmp_path / "a.nii"
    nib.save(nib.Nifti1Image(ARRAY, np.diag([2.0, 2, 2, 1])), path)
    raw = bytearray(path.read_bytes())
    struct.pack_into(how, raw, at, *values)
    path.write_bytes(raw)
    return path


DIM, TYPE, BITS, OFFSET, SLOPE, UNITS, QCODE, SCODE, SROW = 40, 70, 72, 108, 112, 123, 252, 254, 280


@pytest.mark.parametrize(
    ("at", "how", "values", "code"),
    [
        (DIM, "<h", (9,), "header-inconsistent"),
        (DIM, "<h", (0,), "header-inconsistent"),
        (DIM + 2, "<h", (0,), "header-inconsistent"),
        (DIM, "<8h", (7, *[32000] * 7), "header-inconsistent"),
        (DIM, "<8h", (5, 2, 3, 2, 1, 2, 1, 1), "unsupported-pixels"),
        (DIM + 2, "<h", (30000,), "truncated"),
        (TYPE, "<h", (32,), "unsupported-pixels"),
        (TYPE, "<h", (9999,), "unsupported-pixels"),
        (OFFSET, "<f", (np.nan,), "header-inconsistent"),
        (OFFSET, "<f", (-5.0,), "header-inconsistent"),
        (OFFSET, "<f", (1e9,), "truncated"),
    ],
)
def test_a_header_that_cannot_be_right_is_refused(
    tmp_path: Path, at: int, how: str, values: tuple[float, ...], code: str
) -> None:
    assert code_of(patched(tmp_path, at, how, *values)) == code


@pytest.mark.parametrize(
    ("at", "how", "values", "code"),
    [
        (BITS, "<h", (64,), "header-inconsistent"),
        (OFFSET, "<f", (0.0,), "header-inconsistent"),
        (SLOPE, "<2f", (np.inf, 0.0), "rescale-invalid"),
        (SLOPE, "<2f", (1.0, np.nan), "rescale-invalid"),
        (UNITS, "<B", (3,), "units"),
        (SROW, "<f", (np.nan,), "no-orientation"),
        (SROW + 12, "<f", (1e30,), "no-orientation"),
        (SCODE, "<h", (0,), "no-orientation"),
    ],
)
def test_a_doubtful_header_is_read_with_a_notice(
    tmp_path: Path, at: int, how: str, values: tuple[float, ...], code: str
) -> None:
    path = patched(tmp_path, at, how, *values)
    # Only sform is left to tell the place.
    raw = bytearray(path.read_bytes())
    struct.pack_into("<h", raw, QCODE, 0)
    path.write_bytes(raw)
    assert code in codes(path)


def test_two_forms_that_differ_are_told_with_their_distance(tmp_path: Path) -> None:
    image = nib.Nifti1Image(ARRAY, np.eye(4))
    image.set_sform(np.eye(4), code=1)
    moved = np.eye(4)
    moved[0, 3] = 5.0
    image.set_qform(moved, code=1)
    nib.save(image, tmp_path / "a.nii")
    (notice,) = [n for n in opened(tmp_path / "a.nii").notices if n.code == "sform-qform-differ"]
    assert notice.number == pytest.approx(5.0)
    assert volume_of(tmp_path / "a.nii").geometry.affine[0, 3] == 0.0


def test_an_extension_is_skipped_and_a_false_one_is_told(tmp_path: Path) -> None:
    image = nib.Nifti1Image(ARRAY, np.eye(4))
    image.header.extensions.append(nib.nifti1.Nifti1Extension(6, b"a comment"))
    path = tmp_path / "a.nii"
    nib.save(image, path)
    assert codes(path) == set()
    raw = bytearray(path.read_bytes())
    struct.pack_into("<i", raw, 352, 2**31 - 1)
    path.write_bytes(raw)
    assert codes(path) == {"header-inconsistent"}
    np.testing.assert_array_equal(volume_of(path).array, ARRAY.T)


def test_colors_become_brightness(tmp_path: Path) -> None:
    colors = np.zeros((2, 3, 4), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    colors["G"] = 100
    nib.save(nib.Nifti1Image(colors, np.eye(4)), tmp_path / "a.nii")
    assert "picture-only" in codes(tmp_path / "a.nii")
    assert (volume_of(tmp_path / "a.nii").array == 59).all()


def test_the_window_of_the_file_is_told(tmp_path: Path) -> None:
    image = nib.Nifti1Image(ARRAY, np.eye(4))
    image.header["cal_min"], image.header["cal_max"] = -160, 240
    nib.save(image, tmp_path / "a.nii")
    assert opened(tmp_path / "a.nii").window == (40.0, 400.0)


def test_bytes_behind_the_voxels_are_told(tmp_path: Path) -> None:
    path = tmp_path / "a.nii"
    nib.save(nib.Nifti1Image(ARRAY, np.eye(4)), path)
    path.write_bytes(path.read_bytes() + b"more")
    assert codes(path) == {"trailing-bytes"}


def test_a_cut_file_is_refused_while_listing(tmp_path: Path) -> None:
    path = tmp_path / "a.nii"
    nib.save(nib.Nifti1Image(ARRAY, np.eye(4)), path)
    for n in (100, 360):
        path.write_bytes(path.read_bytes()[:n])
        with pytest.raises(ReadError) as caught:
            listed(path)
        assert caught.value.code == "truncated"


def test_ct_is_told_by_its_values_while_listing_and_reading(tmp_path: Path) -> None:
    values = np.full((16, 16, 8), -1000, dtype=np.int16)
    values[4:12, 4:12] = 40
    path = tmp_path / "a.nii.gz"
    nib.save(nib.Nifti1Image(values, np.eye(4)), path)
    assert listed(path)[0].modality is volume_of(path).modality is Modality.CT


def test_a_file_that_goes_away_between_listing_and_reading_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.nii"
    nib.save(nib.Nifti1Image(ARRAY, np.eye(4)), path)
    (series,) = listed(path)
    path.unlink()
    with pytest.raises(ReadError) as caught:
        finish(READER.read(series))
    assert caught.value.code == "files-missing"


def test_a_packed_pair_is_read(tmp_path: Path) -> None:
    nib.save(nib.Nifti1Pair(ARRAY, np.eye(4)), tmp_path / "a.hdr")
    (tmp_path / "a.img.gz").write_bytes(gzip.compress((tmp_path / "a.img").read_bytes()))
    (tmp_path / "a.img").unlink()
    np.testing.assert_array_equal(volume_of(tmp_path / "a.hdr").array, ARRAY.T)


@pytest.mark.realdata
def test_a_real_ct_is_the_same_as_nibabel_reads_it(data_folder: Path) -> None:
    path = min((data_folder / "ct").glob("*.nii.gz"), key=lambda file: file.stat().st_size)
    volume, image = volume_of(path), nib.load(path)
    np.testing.assert_array_equal(volume.array, np.asanyarray(image.dataobj).T)
    corner = np.array([image.shape], dtype=np.float64) - 1
    expected = nib.affines.apply_affine(image.affine, corner) * [-1, -1, 1]
    np.testing.assert_allclose(volume.geometry.to_mm(corner[:, ::-1]), expected, atol=1e-3)
