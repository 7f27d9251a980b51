"""Draw docs/pictures/phantom_beside_real.png: slices of made patients beside slices of real ones.

Run from the root of the repository: python packaging/phantom_picture.py

The real slices are of scans with a CC BY licence (see docs/method/phantom.md); the data folder is
named by SAMDESK_DATA, ../shared/data where it is not set.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from samdesk.core.geometry import Position
from samdesk.core.phantom.patient import make_patient
from samdesk.core.phantom.render import render
from samdesk.core.plane import Plane
from samdesk.core.reslice import reslice
from samdesk.core.volume import Volume
from samdesk.core.window import Window
from samdesk.io import registry
from samdesk.io.base import finish

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "docs" / "pictures" / "phantom_beside_real.png"
DATA = Path(os.environ.get("SAMDESK_DATA", ROOT.parent / "shared" / "data"))
SPACING_MM = (2.0, 1.2, 1.2)
SIZE = (300, 400)
CAPTION_PX = 20
SOFT, LUNG = Window(40, 400), Window(-600, 1500)
AXIAL, CORONAL = (0.0, 1.0, 0.0), (0.0, 0.0, -1.0)


@dataclass(frozen=True)
class Panel:
    """One slice: of which scan, through what place, along which direction, in which window."""

    volume: Volume
    at_mm: Position
    down: Position
    window: Window
    caption: str

    def drawn(self) -> Image.Image:
        """Give the slice with its caption above."""
        right = np.array((1.0, 0.0, 0.0))
        corner = np.array(self.at_mm) - right * (SIZE[1] - 1) / 2
        corner = corner - np.array(self.down) * (SIZE[0] - 1) / 2
        origin = (float(corner[0]), float(corner[1]), float(corner[2]))
        plane = Plane(origin, (1.0, 0.0, 0.0), self.down, (1.0, 1.0), SIZE)
        gray: NDArray[np.uint8] = self.window.to_gray(reslice(self.volume, plane))
        sheet = Image.new("L", (SIZE[1], SIZE[0] + CAPTION_PX))
        sheet.paste(Image.fromarray(gray), (0, CAPTION_PX))
        font = ImageFont.load_default(13)
        ImageDraw.Draw(sheet).text((6, 2), self.caption, fill=235, font=font)
        return sheet


def real(name: str) -> Volume:
    """Open a scan of the data folder."""
    image = finish(registry.open_path(DATA / "ct" / f"{name}.nii.gz")).image
    if not isinstance(image, Volume):
        raise SystemExit(f"{name} is no volume.")
    return image


def middle(volume: Volume, k: float, j: float = 0.5) -> Position:
    """Give a place in the middle of a scan, at shares k of its height and j of its depth."""
    low, high = volume.geometry.corners_mm.min(axis=0), volume.geometry.corners_mm.max(axis=0)
    x, y, z = low + (high - low) * (0.5, j, k)
    return float(x), float(y), float(z)


def made(seed: int) -> tuple[Volume, dict[str, Position]]:
    """Draw a made patient."""
    scan = render(make_patient(seed, 1), 0, spacing_mm=SPACING_MM)
    center = scan.volume.geometry.center_mm
    places = {name: (float(center[0]), float(center[1]), at[2]) for name, at in scan.points.items()}
    places["front"] = (float(center[0]), scan.points["L3"][1] - 25, scan.points["T12"][2])
    places["chest"] = (float(center[0]), scan.points["carina"][1], scan.points["T8"][2])
    return scan.volume, places


def main() -> None:
    """Draw the picture."""
    one, at = made(2024)
    two, there = made(11)
    chest, belly, lungs = real("4dlung_hm10395_40"), real("totalseg_example"), real("lungdx_a0001")
    thorax = real("nsclcrg_r01001")
    panels = [
        Panel(one, at["carina"], AXIAL, SOFT, "made, carina"),
        Panel(chest, middle(chest, 0.5), AXIAL, SOFT, "real, 4D-Lung 113"),
        Panel(two, there["T7"], AXIAL, LUNG, "made, T7, lung window"),
        Panel(lungs, middle(lungs, 0.45), AXIAL, LUNG, "real, Lung-PET-CT-Dx A0001"),
        Panel(one, at["T11"], AXIAL, SOFT, "made, T11"),
        Panel(belly, middle(belly, 0.97), AXIAL, SOFT, "real, TotalSegmentator example"),
        Panel(two, there["left_renal_hilum"], AXIAL, SOFT, "made, renal hilum"),
        Panel(belly, middle(belly, 0.8), AXIAL, SOFT, "real, TotalSegmentator example"),
        Panel(one, at["front"], CORONAL, SOFT, "made, coronal"),
        Panel(belly, middle(belly, 0.5, 0.52), CORONAL, SOFT, "real, TotalSegmentator example"),
        Panel(two, there["chest"], CORONAL, SOFT, "made, coronal"),
        Panel(thorax, middle(thorax, 0.5, 0.6), CORONAL, SOFT, "real, NSCLC Radiogenomics R01-001"),
    ]
    drawn = [panel.drawn() for panel in panels]
    width, height = drawn[0].size
    sheet = Image.new("L", (width * 4, height * 3))
    for n, picture in enumerate(drawn):
        sheet.paste(picture, (width * (n % 4), height * (n // 4)))
    OUT.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(OUT, optimize=True)
    print(OUT)


if __name__ == "__main__":
    main()
