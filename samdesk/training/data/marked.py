"""Radiographs with marked points as the supervised network sees them, and their augmentation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Generator, Tensor
from torch.nn import functional as F  # noqa: N812 - torch's own manual writes F

from samdesk.core.radiograph import Radiograph
from samdesk.errors import RunError
from samdesk.io.base import finish
from samdesk.io.picture_sets import read_marks
from samdesk.io.registry import open_path

# Grey values between these percentiles become -1 to 1; collimator borders and letters lie beyond.
LOW_PERCENT, HIGH_PERCENT = 1.0, 99.0
# Fixed-point steps that turn the augmentation's map round; each shrinks the error threefold.
INVERSE_STEPS = 8
KNOTS = 6


@dataclass(frozen=True, eq=False)
class MarkedPictures:
    """Pictures of one canvas with the places of their points.

    Attributes:
        names: of the pictures, as the table of marks writes them.
        array: (n, 1, j, i) float32, about -1 to 1; right of and below a picture its border goes on.
        places: (n, p, 2) pixels (x, y) of the canvas; NaN where a point is not marked.
        scales: (n, 2) canvas pixels for one pixel of the file, along (x, y).
    """

    names: tuple[str, ...]
    array: Tensor
    places: Tensor
    scales: Tensor

    def to_file(self, places: Tensor) -> Tensor:
        """Take (n, p, 2) canvas places to pixels of the files; centers of pixels, not corners."""
        scales = self.scales[:, None]
        return (places + 0.5) / scales - 0.5


def load(
    paths: Sequence[str],
    marks: Path,
    points: Sequence[str],
    long_side_px: int,
    multiple: int,
    keep_going: Callable[[], bool] = lambda: True,
) -> MarkedPictures:
    """Read pictures and lay them on one canvas.

    Args:
        paths: of the pictures; the table names them relative to its own folder.
        marks: table `image,name,x,y`.
        points: names of the points, in the order of the network's maps.
        long_side_px: the longer side of every picture after resizing.
        multiple: the canvas's sides are multiples of it.
        keep_going: asked between two pictures; where it says no, the rest is left out.

    Raises:
        ReadError: a file cannot be read.
        RunError: there are no pictures, or one is a volume.
    """
    table = read_marks(marks)
    names = [Path(path).relative_to(marks.parent).as_posix() for path in paths]
    pictures, scales, places = [], [], []
    for path, name in zip(paths, names, strict=True):
        if not keep_going():
            break
        image = finish(open_path(path)).image
        if not isinstance(image, Radiograph):
            raise RunError(f"{name} is no radiograph.", code="not-recognised")
        picture, scale = _resized(image, long_side_px)
        given = table.get(name, {})
        at = torch.tensor([given.get(point, (np.nan, np.nan)) for point in points])
        pictures.append(picture)
        scales.append(scale)
        places.append((at + 0.5) * scale - 0.5)
    if not pictures:
        raise RunError("The plan names no pictures.", code="plan")
    height, width = (
        multiple * -(-max(p.shape[axis] for p in pictures) // multiple) for axis in (0, 1)
    )
    canvas = [
        F.pad(p[None, None], (0, width - p.shape[1], 0, height - p.shape[0]), mode="replicate")
        for p in pictures
    ]
    return MarkedPictures(
        tuple(names[: len(pictures)]), torch.cat(canvas), torch.stack(places), torch.stack(scales)
    )


def _resized(image: Radiograph, long_side_px: int) -> tuple[Tensor, Tensor]:
    values = np.asarray(image.array, np.float32)
    low, high = (float(v) for v in np.percentile(values, (LOW_PERCENT, HIGH_PERCENT)))
    x = torch.from_numpy((values - low) / max(high - low, 1e-6) * 2 - 1).clamp(-1.5, 1.5)
    height, width = values.shape
    share = long_side_px / max(height, width)
    size = (max(1, round(height * share)), max(1, round(width * share)))
    out = F.interpolate(
        x[None, None], size=size, mode="bilinear", align_corners=False, antialias=share < 1
    )[0, 0]
    return out, torch.tensor([size[1] / width, size[0] / height])


@dataclass(frozen=True)
class Changes:
    """How far an augmented picture may be from its own; all are drawn evenly on both sides.

    Attributes:
        degrees: of the rotation.
        scale: part by which lengths grow or shrink, the same along both axes.
        stretch: the same, different along x and y.
        shift: part of the canvas's longer side.
        bend: part of the canvas's longer side that a knot of the elastic grid moves.
        contrast, brightness, gamma: of the grey values.
        noise: largest standard deviation.
    """

    degrees: float = 15.0
    scale: float = 0.2
    stretch: float = 0.08
    shift: float = 0.08
    bend: float = 0.012
    contrast: float = 0.35
    brightness: float = 0.3
    gamma: float = 0.4
    noise: float = 0.06


def draw(
    pictures: MarkedPictures, rows: Tensor, changes: Changes, rng: Generator
) -> tuple[Tensor, Tensor]:
    """Give augmented pictures and where their points went.

    Args:
        pictures: to draw from.
        rows: (b,) which of them.
        changes: how far.
        rng: the only source of chance.

    Returns:
        (b, 1, j, i) pictures and (b, p, 2) canvas pixels, NaN where not marked.
    """
    x, places = pictures.array[rows], pictures.places[rows]
    b, _, height, width = x.shape
    matrix = _matrices(b, changes, rng)
    side = float(max(height, width))
    shift = _evenly((b, 2), changes.shift * side, rng)
    knots = _evenly((b, 2, KNOTS, KNOTS), changes.bend * side, rng)
    bend = F.interpolate(knots, size=(height, width), mode="bicubic", align_corners=True)
    center = torch.tensor([(width - 1) / 2, (height - 1) / 2])
    jj, ii = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    grid = torch.stack([ii, jj], -1).float() - center
    # where each pixel of the new picture is taken from
    taken = grid.reshape(1, -1, 2) @ matrix.mT
    taken = taken.reshape(b, height, width, 2) + center + shift[:, None, None]
    taken = taken + bend.permute(0, 2, 3, 1)
    size = torch.tensor([width, height], dtype=torch.float32)
    out = F.grid_sample(
        x, (2 * taken + 1) / size - 1, mode="bilinear", padding_mode="border", align_corners=False
    )
    moved = _carried(places, matrix, shift, bend, center, size)
    return _recolored(out, changes, rng), moved


def _matrices(b: int, changes: Changes, rng: Generator) -> Tensor:
    angle = torch.deg2rad(_evenly((b,), changes.degrees, rng))
    turn = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], 1).reshape(b, 2, 2)
    scale = torch.exp(_evenly((b, 1), changes.scale, rng) + _evenly((b, 2), changes.stretch, rng))
    return turn * scale[:, None]


def _carried(
    places: Tensor, matrix: Tensor, shift: Tensor, bend: Tensor, center: Tensor, size: Tensor
) -> Tensor:
    """Find the pixel of the new picture that was taken from each place, by fixed-point steps."""
    back = torch.linalg.inv(matrix)
    u = places.nan_to_num(0.0)
    for _ in range(INVERSE_STEPS):
        at = ((2 * u + 1) / size - 1)[:, None]
        off = F.grid_sample(bend, at, padding_mode="border", align_corners=False)[:, :, 0].mT
        u = (places - center - shift[:, None] - off) @ back.mT + center
        u = u.nan_to_num(0.0)
    return torch.where(places.isnan(), torch.nan, u)


def _recolored(x: Tensor, changes: Changes, rng: Generator) -> Tensor:
    b = len(x)
    gamma = torch.exp(_evenly((b, 1, 1, 1), changes.gamma, rng))
    contrast = torch.exp(_evenly((b, 1, 1, 1), changes.contrast, rng))
    brightness = _evenly((b, 1, 1, 1), changes.brightness, rng)
    noise = torch.rand((b, 1, 1, 1), generator=rng) * changes.noise
    x = 2 * ((x.clamp(-1, 1) + 1) / 2) ** gamma - 1
    return x * contrast + brightness + noise * torch.randn(x.shape, generator=rng)


def _evenly(shape: tuple[int, ...], most: float, rng: Generator) -> Tensor:
    return (2 * torch.rand(shape, generator=rng) - 1) * most
