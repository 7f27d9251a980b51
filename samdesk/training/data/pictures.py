"""Radiographs as training sees them: files, and projections of CT volumes."""

import logging
from collections.abc import Generator, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from samdesk.core.geometry import Geometry
from samdesk.core.phantom import projection
from samdesk.core.progress import Progress
from samdesk.core.radiograph import Radiograph
from samdesk.core.volume import Modality, Unit, Volume
from samdesk.errors import RunError, SamdeskError
from samdesk.io import registry
from samdesk.io.scan import scan
from samdesk.model.flat_input import BRIGHT, DARK, Frame, levels, resampled
from samdesk.model.preprocess import to_network_grid
from samdesk.training.data.scans import body_mask, sha256

logger = logging.getLogger(__name__)

# Before the path of a CT or before phantom:N in a plan's data: learn from its projections.
DRR = "drr:"
DRR_SPACING_MM = 1.6
# Degrees about the long axis: from the front, a little aside, oblique, and from both sides.
ANGLES = (0.0, -12.0, 12.0, 35.0, 90.0, 82.0, -90.0)
AIR_HU = -1000.0
# Every projected volume is this thick at least, else its picture is a stripe.
LEAST_MM = 90.0
# A pixel shows something if the grey around it differs by this part of the range.
LEAST_CONTRAST = 0.035
CONTRAST_SIDE = 25
N_PLACES = 4000


@dataclass(frozen=True, eq=False)
class TrainingPicture:
    """One radiograph in the network's size.

    Attributes:
        name: for the list of data in the card.
        values: (j, i) float32, -1000 to 1000, bone bright.
        places: (n, 2) some of the pixels (x, y) where it shows something.
        is_projected: made from a CT volume.
    """

    name: str
    values: Tensor
    places: Tensor
    is_projected: bool = False


def load(
    data: Iterable[str], long_side_px: int, cache: Path, seed: int
) -> Generator[Progress, None, list[TrainingPicture]]:
    """Read all radiographs of a plan, and project its CT volumes.

    Args:
        data: paths of radiographs, and `drr:PATH` for projections of a CT volume.
        long_side_px: of the network's input.
        cache: folder for the projections; safe to delete.
        seed: turns the projections a little, so that another run meets others.

    Raises:
        RunError: nothing of it could be used.
    """
    cache.mkdir(parents=True, exist_ok=True)
    wanted = list(data)
    pictures: list[TrainingPicture] = []
    for n, item in enumerate(wanted):
        yield Progress(n, len(wanted), f"preparing {Path(item).name}")
        try:
            if item.startswith(DRR):
                path = Path(item.removeprefix(DRR))
                for name, picture in (yield from _projections(path, cache, seed)):
                    made = prepared(name, picture, long_side_px)
                    pictures.append(replace(made, is_projected=True))
            else:
                for picture in (yield from _radiographs(Path(item))):
                    pictures.append(prepared(Path(item).name, picture, long_side_px))
        except SamdeskError as error:
            logger.warning("training.skipped code=%s", error.code)
            yield Progress(n, len(wanted), f"skipped {Path(item).name}: {error.what}")
    if not pictures:
        raise RunError("None of the pictures could be used for training.", code="nothing-to-open")
    return pictures


def _radiographs(path: Path) -> Generator[Progress, None, list[Radiograph]]:
    """Open every radiograph of a file or folder.

    Raises:
        RunError: there is none.
    """
    report = yield from scan([path])
    found: list[Radiograph] = []
    for series in report.series:
        if series.is_picture and not series.is_apart:
            opened = yield from registry.open_series(series)
            if isinstance(opened.image, Radiograph):
                found.append(opened.image)
    if not found:
        raise RunError(
            f"There is no radiograph in {path.name}.",
            hint=f"Name a CT volume {DRR}PATH to learn from its projections.",
        )
    return found


def prepared(name: str, picture: Radiograph, long_side_px: int) -> TrainingPicture:
    """Bring a radiograph to the network's size and find where it shows something."""
    rows, columns = picture.array.shape
    values = resampled(levels(picture), Frame.of((rows, columns), long_side_px))
    return TrainingPicture(name, torch.from_numpy(values), _places(values))


def _places(values: NDArray[np.float32]) -> Tensor:
    """Some pixels whose surroundings are not all one grey; of all where there are few such."""
    from scipy import ndimage

    x = values / (BRIGHT - DARK)
    mean, square = (ndimage.uniform_filter(v, CONTRAST_SIDE, mode="nearest") for v in (x, x * x))
    spread = np.sqrt(np.maximum(square - mean * mean, 0))
    found = np.argwhere(spread > LEAST_CONTRAST)
    if len(found) < values.size // 20:
        found = np.argwhere(np.ones_like(values, bool))
    return torch.from_numpy(found[:: max(1, len(found) // N_PLACES), ::-1].astype(np.float32))


def _projections(
    path: Path, cache: Path, seed: int
) -> Generator[Progress, None, list[tuple[str, Radiograph]]]:
    """Project a CT volume, or take its projections from the cache."""
    kept = cache / f"drr-{path.name.split('.')[0]}-{sha256(path)[:8] if path.is_file() else 0}.npz"
    if not kept.exists():
        opened = yield from registry.open_path(path)
        volume = opened.image
        if not isinstance(volume, Volume) or volume.unit is not Unit.HU:
            raise RunError(f"{path.name} is not a CT volume in Hounsfield units.")
        rng = np.random.default_rng(seed)
        turned = [angle + float(rng.uniform(-4, 4)) for angle in ANGLES]
        films = [film(volume, angle) for angle in turned]
        beside = kept.with_suffix(".part.npz")
        np.savez(beside, allow_pickle=False, **{f"film{n}": array for n, array in enumerate(films)})
        beside.replace(kept)
    with np.load(kept, allow_pickle=False) as arrays:
        return [
            (f"{path.name} {name}", Radiograph(arrays[name], modality=Modality.DX))
            for name in sorted(arrays.files)
        ]


def film(volume: Volume, angle_deg: float) -> NDArray[np.float32]:
    """Project a volume turned about its long axis: (j, i), bone bright, head at the top.

    Raises:
        RunError: the volume is too thin.
    """
    from scipy import ndimage

    hu, _ = to_network_grid(volume, DRR_SPACING_MM)
    if hu.shape[0] * DRR_SPACING_MM < LEAST_MM:
        raise RunError("This volume is too short to be projected.")
    # without the table: no radiograph shows one
    hu = np.where(ndimage.binary_dilation(body_mask(hu), iterations=2), hu, np.float32(AIR_HU))
    turned = ndimage.rotate(hu, angle_deg, axes=(1, 2), order=1, cval=AIR_HU)
    geometry = Geometry.aligned(turned.shape, (DRR_SPACING_MM,) * 3, np.zeros(3))
    through = projection.radiograph(Volume(turned, geometry, Modality.CT, Unit.HU)).array
    # A detector's numbers are shown by their logarithm; it is what the beam met on its way.
    path = -np.log(np.maximum(through.astype(np.float32), np.float32(1e-6)))
    used = path > 0.02 * float(path.max())
    rows, columns = np.flatnonzero(used.any(axis=1)), np.flatnonzero(used.any(axis=0))
    cut: NDArray[np.float32] = path[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return cut
