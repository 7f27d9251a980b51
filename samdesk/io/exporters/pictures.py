"""Pictures of a match for reports: the place in both scans, with rings, letters and a caption."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

from samdesk.core.geometry import Position
from samdesk.core.plane import Plane
from samdesk.core.reslice import reslice
from samdesk.core.volume import Volume
from samdesk.core.window import Window

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont, ImageFont

AXIAL_SIZE = (280, 400)
CORONAL_SIZE = (240, 400)
PIXEL_MM = 1.0
CAPTION_PX = 22
RING_PX = 11
LETTER_PX = 13
SOFT_TISSUE = Window(40, 400)
LUNG = Window(-550, 1500)
LUNG_BELOW_HU = -300.0
AROUND_MM = 18.0
# A mark further than this from the plane is drawn dashed: it lies in another slice.
NEAR_MM = 4.0


class Sign(Enum):
    """What a mark says: the color and the shape it is drawn in."""

    TEMPLATE = "template"
    FOUND = "found"
    UNCERTAIN = "uncertain"
    TRUTH = "truth"


COLORS = {
    Sign.TEMPLATE: (76, 201, 240),
    Sign.FOUND: (90, 208, 122),
    Sign.UNCERTAIN: (255, 190, 70),
    Sign.TRUTH: (255, 255, 255),
}


@dataclass(frozen=True)
class Mark:
    """A place in a picture."""

    at_mm: Position
    sign: Sign


@dataclass(frozen=True, eq=False)
class Side:
    """One scan of a picture.

    Attributes:
        volume: the scan.
        through_mm: the place that both planes go through.
        marks: drawn over it.
        caption: above the scan, as a few words.
    """

    volume: Volume
    through_mm: Position
    marks: tuple[Mark, ...]
    caption: str


def match_picture(template: Side, target: Side) -> bytes:
    """Draw two scans beside each other, axial above coronal, as PNG.

    Both are drawn in the radiological convention, the patient's right on the left.
    """
    from PIL import Image

    columns = [_column(side) for side in (template, target)]
    width = sum(c.width for c in columns) + 4
    sheet = Image.new("RGB", (width, columns[0].height), (0, 0, 0))
    sheet.paste(columns[0], (0, 0))
    sheet.paste(columns[1], (columns[0].width + 4, 0))
    out = io.BytesIO()
    sheet.save(out, format="PNG", optimize=True)
    return out.getvalue()


def _column(side: Side) -> "Image":
    from PIL import Image, ImageDraw

    window = _window(side)
    rows = [_panel(side, plane, window) for plane in _planes(side)]
    height = CAPTION_PX + sum(r.height for r in rows) + 4
    column = Image.new("RGB", (rows[0].width, height), (0, 0, 0))
    draw = ImageDraw.Draw(column)
    draw.text((6, 3), side.caption, fill=(235, 235, 235), font=_font(LETTER_PX))
    column.paste(rows[0], (0, CAPTION_PX))
    column.paste(rows[1], (0, CAPTION_PX + rows[0].height + 4))
    return column


def _window(side: Side) -> Window:
    """Show lungs in the window of lungs, all else in that of soft tissue."""
    geometry = side.volume.geometry
    index = geometry.to_index(np.array([side.through_mm]))[0]
    reach = AROUND_MM / np.array(geometry.spacing)
    low = np.clip(np.floor(index - reach), 0, np.array(geometry.shape) - 1).astype(int)
    high = np.clip(np.ceil(index + reach), 1, np.array(geometry.shape)).astype(int)
    around = side.volume.array[
        tuple(slice(a, max(b, a + 1)) for a, b in zip(low, high, strict=True))
    ]
    return LUNG if float(np.mean(around)) < LUNG_BELOW_HU else SOFT_TISSUE


def _planes(side: Side) -> tuple[Plane, Plane]:
    x, y, _ = (float(v) for v in side.volume.geometry.center_mm)
    z = side.through_mm[2]
    axial = _plane((x, y, z), (0.0, 1.0, 0.0), AXIAL_SIZE)
    coronal = _plane((x, side.through_mm[1], z), (0.0, 0.0, -1.0), CORONAL_SIZE)
    return axial, coronal


def _plane(center: Position, down: Position, size: tuple[int, int]) -> Plane:
    corner = (
        np.array(center)
        - np.array(down) * (size[0] - 1) / 2 * PIXEL_MM
        - np.array((1.0, 0.0, 0.0)) * (size[1] - 1) / 2 * PIXEL_MM
    )
    origin = (float(corner[0]), float(corner[1]), float(corner[2]))
    return Plane(origin, (1.0, 0.0, 0.0), down, (PIXEL_MM, PIXEL_MM), size)


def _panel(side: Side, plane: Plane, window: Window) -> "Image":
    from PIL import Image, ImageDraw

    image = Image.fromarray(window.to_gray(reslice(side.volume, plane))).convert("RGB")
    draw = ImageDraw.Draw(image)
    for mark in side.marks:
        row, column = plane.to_pixel(np.array([mark.at_mm]))[0]
        far = abs(float(plane.distance_mm(np.array([mark.at_mm]))[0])) > NEAR_MM
        _draw_mark(draw, (float(column), float(row)), mark.sign, dashed=far)
    _draw_letters(draw, plane)
    return image


def _draw_mark(draw: "ImageDraw", at: tuple[float, float], sign: Sign, *, dashed: bool) -> None:
    x, y = at
    color = COLORS[sign]
    if sign is Sign.TRUTH:
        arm = RING_PX - 4
        draw.line((x - arm, y, x + arm, y), fill=color, width=1)
        draw.line((x, y - arm, x, y + arm), fill=color, width=1)
        return
    box = (x - RING_PX, y - RING_PX, x + RING_PX, y + RING_PX)
    for start in range(0, 360, 30):
        draw.arc(box, start, start + (15 if dashed else 31), fill=color, width=2)


def _draw_letters(draw: "ImageDraw", plane: Plane) -> None:
    rows, columns = plane.size
    left, right, top, bottom = plane.edge_letters
    places: Sequence[tuple[str, float, float]] = (
        (left, 4, rows / 2 - 8),
        (right, columns - 14, rows / 2 - 8),
        (top, columns / 2 - 4, 2),
        (bottom, columns / 2 - 4, rows - 18),
    )
    for letter, x, y in places:
        draw.text((x, y), letter, fill=(255, 220, 120), font=_font(LETTER_PX))


def _font(size: int) -> "FreeTypeFont | ImageFont":
    from PIL.ImageFont import load_default

    return load_default(size)
