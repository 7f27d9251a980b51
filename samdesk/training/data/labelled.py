"""Scans with masks of organs, on the network's grid."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from samdesk.core.geometry import Geometry
from samdesk.core.progress import Progress
from samdesk.core.volume import Volume
from samdesk.errors import RunError, SamdeskError
from samdesk.io import registry
from samdesk.training.data import scans
from samdesk.training.data.scans import TrainingScan

# Corners of image and mask may lie apart by so many millimetres.
FITS_MM = 0.5


@dataclass(frozen=True, eq=False)
class Labelled:
    """A scan and its mask.

    Attributes:
        scan: on the network's grid.
        classes: (k, j, i) uint8 on the same grid; 0 is what belongs to no class.
        marked: (n, 3) indices of voxels of any class.
    """

    scan: TrainingScan
    classes: Tensor
    marked: Tensor


def load(
    images: Sequence[str],
    masks: Sequence[str],
    classes: Mapping[str, Sequence[int]],
    spacing_mm: float,
    cache: Path,
    intensities: str,
) -> Generator[Progress, None, list[Labelled]]:
    """Bring scans and masks onto the network's grid, in the order given.

    Args:
        images: paths of volumes.
        masks: paths of volumes; each belongs to the image of its place.
        classes: values in the masks for each class; the first class becomes 1.
        spacing_mm: of the network's input.
        cache: folder for prepared scans.
        intensities: "hu" or "percentile", see `model.intensities`.

    Raises:
        RunError: names the scan that cannot be used, or whose mask does not fit it.
    """
    if len(images) != len(masks):
        raise RunError(f"There are {len(images)} scans and {len(masks)} masks.")
    out = []
    for n, (image, mask) in enumerate(zip(images, masks, strict=True)):
        name = Path(image).name
        yield Progress(n, len(images), f"preparing {name}")
        try:
            found = yield from scans.load((image,), spacing_mm, cache, 0, intensities)
            values, geometry = yield from _mask(Path(mask))
        except SamdeskError as error:
            raise RunError(f"{name} cannot be used: {error.what}", code=error.code) from error
        out.append(_on_grid(found[0], values, geometry, classes, spacing_mm, Path(mask).name))
    return out


def _mask(path: Path) -> Generator[Progress, None, tuple[NDArray[np.int16], Geometry]]:
    opened = yield from registry.open_path(path)
    if not isinstance(opened.image, Volume):
        raise RunError(f"{path.name} is no volume.")
    return np.rint(np.asarray(opened.image.array)).astype(np.int16), opened.image.geometry


def _on_grid(
    scan: TrainingScan,
    values: NDArray[np.int16],
    geometry: Geometry,
    classes: Mapping[str, Sequence[int]],
    spacing_mm: float,
    name: str,
) -> Labelled:
    """Read the mask at every voxel of the scan, the nearest value."""
    from scipy import ndimage

    shape = (scan.hu.shape[0], scan.hu.shape[1], scan.hu.shape[2])
    grid = Geometry.aligned(shape, (spacing_mm,) * 3, scan.origin.double().numpy()[::-1])
    low = geometry.corners_mm.min(axis=0)
    high = geometry.corners_mm.max(axis=0)
    far = max(
        float(np.abs(low - grid.corners_mm.min(axis=0)).max()),
        float((grid.corners_mm.max(axis=0) - high).max()),
        float((high - grid.corners_mm.max(axis=0)).max()) - spacing_mm,
    )
    if far > FITS_MM:
        raise RunError(f"The mask {name} does not lie where {scan.name} lies ({far:.1f} mm off).")
    lookup = np.zeros(int(max(values.max(), 0)) + 1, np.uint8)
    for number, wanted in enumerate(classes.values(), start=1):
        for value in wanted:
            if value < len(lookup):
                lookup[value] = number
    matrix = np.linalg.inv(geometry.affine) @ grid.affine
    nearest = ndimage.affine_transform(
        lookup[np.maximum(values, 0)],
        matrix[:3, :3],
        matrix[:3, 3],
        output_shape=grid.shape,
        order=0,
        mode="nearest",
    )
    made = torch.from_numpy(nearest)
    return Labelled(scan, made, made.nonzero())
