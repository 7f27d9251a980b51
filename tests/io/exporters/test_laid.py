"""The picture of two scans laid on each other."""

import io

import numpy as np
from PIL import Image

from samdesk.core.geometry import Geometry
from samdesk.core.volume import Modality, Unit, Volume
from samdesk.io.exporters.laid import laid_picture


def drawn(fixed: Volume, moved: Volume) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.asarray(Image.open(io.BytesIO(laid_picture(fixed, moved))))


def test_what_agrees_is_gray_and_what_does_not_is_colored() -> None:
    grid = Geometry.aligned((20, 24, 30), (3.0, 3.0, 3.0))
    one = np.full(grid.shape, -1000, np.int16)
    other = one.copy()
    one[5:15, 8:16, 10:20] = 200
    other[5:15, 8:16, 14:24] = 200
    pixels = drawn(Volume(one, grid), Volume(other, grid)).astype(int)
    axial = pixels[:48]  # 24 rows of 3 mm, as pixels of 1.5 mm
    both = axial[:, 2 * (60 + 6) : 3 * 60 + 12]
    red, green, blue = np.moveaxis(both, 2, 0)
    assert (red == blue).all()
    assert ((red > 100) & (green == 0)).any()
    assert ((green > 100) & (red == 0)).any()
    assert ((green > 100) & (red == green)).any()


def test_the_head_is_on_top_and_values_of_no_unit_are_spread() -> None:
    for flip in (1, -1):
        affine = Geometry.aligned((20, 24, 30), (3.0, 3.0, 3.0)).affine.copy()
        affine[2, 0] *= flip
        array = np.zeros((20, 24, 30), np.float32)
        array[-4 if flip > 0 else 0 :][:4] = 5.0  # the four slices next to the head
        mr = Volume(array, Geometry(array.shape, affine), Modality.MR, Unit.NONE)
        pixels = drawn(mr, mr)
        coronal = pixels[48 + 6 : 48 + 6 + 40]
        assert coronal[2, 30].min() > 200
        assert coronal[30, 30].max() < 50
