"""Pictures become radiographs in pixels, upright, whole, and never with made-up millimeters."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from samdesk.core.radiograph import Radiograph, Scale
from samdesk.core.reading import Opened
from samdesk.errors import ReadError
from samdesk.io.base import FileRef, finish
from samdesk.io.readers import picture
from samdesk.io.readers.picture import PictureReader

READER = PictureReader()
GREY = (np.arange(48 * 64) % 251).astype(np.uint8).reshape(48, 64)


def opened(path: Path) -> Opened:
    series, refusals, _ = finish(READER.headers([FileRef(path)]))
    if refusals:
        raise ReadError(refusals[0].reason, code=refusals[0].code, hint=refusals[0].hint)
    result = finish(READER.read(series[0]))
    assert series[0].shape == (1, *result.image.array.shape)
    assert series[0].spacing is None
    return result


def codes(path: Path) -> set[str]:
    return {notice.code for notice in opened(path).notices}


def code_of(path: Path) -> str:
    with pytest.raises(ReadError) as caught:
        opened(path)
    assert caught.value.hint
    return caught.value.code


def saved(tmp_path: Path, image: Image.Image, name: str, **options: object) -> Path:
    image.save(tmp_path / name, **options)  # type: ignore[arg-type]
    return tmp_path / name


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.bmp", "a.gif"])
def test_grey_pictures_keep_their_numbers_and_have_no_scale(tmp_path: Path, name: str) -> None:
    path = saved(tmp_path, Image.fromarray(GREY), name)
    result = opened(path)
    np.testing.assert_array_equal(result.image.array, GREY)
    assert codes(path) == {"no-scale"}
    assert isinstance(result.image, Radiograph)
    assert result.image.scale is Scale.NONE


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_sixteen_bits_stay_sixteen_bits(tmp_path: Path, name: str) -> None:
    deep = GREY.astype(np.uint16) * 240
    path = saved(tmp_path, Image.fromarray(deep), name)
    np.testing.assert_array_equal(opened(path).image.array, deep)


def test_dots_per_inch_are_no_millimeters(tmp_path: Path) -> None:
    path = saved(tmp_path, Image.fromarray(GREY), "a.png", dpi=(300, 300))
    assert codes(path) == {"no-scale"}


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "LA"])
def test_grey_stored_as_color_is_grey(tmp_path: Path, mode: str) -> None:
    path = saved(tmp_path, Image.fromarray(GREY).convert(mode), "a.png")
    np.testing.assert_array_equal(opened(path).image.array, GREY)
    assert codes(path) == {"no-scale"}


def test_colors_are_shown_as_brightness_and_said(tmp_path: Path) -> None:
    colors = np.zeros((8, 8, 3), dtype=np.uint8)
    colors[..., 0] = 200
    path = saved(tmp_path, Image.fromarray(colors), "a.png")
    assert codes(path) == {"no-scale", "picture-only"}
    assert (opened(path).image.array == 60).all()


def test_one_bit_is_black_and_white(tmp_path: Path) -> None:
    path = saved(tmp_path, Image.fromarray(GREY > 100), "a.png")
    assert set(np.unique(opened(path).image.array)) == {0, 255}


def test_floats_keep_their_range_and_lose_what_is_not_finite(tmp_path: Path) -> None:
    values = np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)
    values[0, 3] = np.nan
    path = saved(tmp_path, Image.fromarray(values), "a.tif")
    array = opened(path).image.array
    assert array.dtype == np.float32
    assert (array.min(), array.max()) == (0.0, 1.0)
    none = saved(tmp_path, Image.fromarray(np.full((4, 4), np.nan, dtype=np.float32)), "b.tif")
    assert code_of(none) == "no-finite-voxels"


def test_a_turned_picture_is_set_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path = saved(tmp_path, Image.fromarray(GREY), "a.jpg", exif=exif, quality=95)
    array = opened(path).image.array.astype(int)
    assert array.shape == (64, 48)
    assert np.abs(array - np.rot90(GREY, -1).astype(int)).mean() < 20


@pytest.mark.parametrize("name", ["a.gif", "a.tif", "a.png"])
def test_of_several_pictures_the_first_is_shown_and_said(tmp_path: Path, name: str) -> None:
    frames = [Image.fromarray(GREY), Image.fromarray(GREY[::-1].copy())]
    path = saved(tmp_path, frames[0], name, save_all=True, append_images=frames[1:])
    assert "first-frame" in codes(path)


def png(**changed: bytes) -> bytes:
    """Give a small PNG with some chunks added or changed."""
    stream = io.BytesIO()
    Image.fromarray(GREY).save(stream, "PNG")
    raw = stream.getvalue()
    extra = b"".join(
        struct.pack(">I", len(data)) + kind.encode() + data
        + struct.pack(">I", zlib.crc32(kind.encode() + data))
        for kind, data in changed.items()
    )  # fmt: skip
    return raw[:33] + extra + raw[33:]


def test_a_bomb_in_a_text_of_a_png_is_never_opened(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png(zTXt=b"key\0\0" + zlib.compress(bytes(8 << 20))))
    np.testing.assert_array_equal(opened(path).image.array, GREY)


@pytest.mark.parametrize(
    ("at", "data", "code"),
    [
        (29, b"\0\0\0\0", "checksum"),
        (8, b"\0\0\0\x05", "header-inconsistent"),
        (60, b"\xff\xff\xff", "checksum"),
    ],
)
def test_a_damaged_png_is_refused(tmp_path: Path, at: int, data: bytes, code: str) -> None:
    raw = bytearray(png())
    raw[at : at + len(data)] = data
    path = tmp_path / "a.png"
    path.write_bytes(raw)
    assert code_of(path) == code


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif", "a.gif"])
@pytest.mark.parametrize("share", [0.1, 0.6])
def test_a_cut_picture_is_refused_and_never_half_shown(
    tmp_path: Path, name: str, share: float
) -> None:
    path = saved(tmp_path, Image.fromarray(GREY), name)
    raw = path.read_bytes()
    path.write_bytes(raw[: max(20, int(len(raw) * share))])
    assert code_of(path) in ("truncated", "pixels-damaged")


@pytest.mark.parametrize(
    ("width", "height", "code"),
    [(100_000, 100_000, "too-large"), (0, 5, "header-inconsistent"), (2**31 - 1, 9, "too-large")],
)
def test_a_png_with_impossible_sizes_is_refused_before_decoding(
    tmp_path: Path, width: int, height: int, code: str
) -> None:
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    raw = b"\x89PNG\r\n\x1a\n\0\0\0\r" + head + struct.pack(">I", zlib.crc32(head))
    (tmp_path / "a.png").write_bytes(raw)
    assert code_of(tmp_path / "a.png") == code


def test_another_format_with_too_many_pixels_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(tmp_path, Image.fromarray(GREY), "a.bmp")
    monkeypatch.setattr(picture, "MAX_PIXELS", 100)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)
    assert code_of(path) == "too-large"


def test_a_file_that_goes_away_is_said(tmp_path: Path) -> None:
    path = saved(tmp_path, Image.fromarray(GREY), "a.png")
    (series,), _, _ = finish(READER.headers([FileRef(path)]))
    path.unlink()
    with pytest.raises(ReadError) as caught:
        finish(READER.read(series))
    assert caught.value.code == "files-missing"
