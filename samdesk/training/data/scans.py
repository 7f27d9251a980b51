"""Scans as training sees them: on the network's grid, in memory, with corresponding points."""

import hashlib
import logging
from collections.abc import Generator, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from samdesk.core.phantom import patient as made
from samdesk.core.phantom import render
from samdesk.core.progress import Progress
from samdesk.core.volume import Modality, Volume
from samdesk.errors import RunError, SamdeskError
from samdesk.io import registry
from samdesk.model.intensities import BODY_ABOVE, HU
from samdesk.model.preprocess import to_network_grid

logger = logging.getLogger(__name__)

# Points shared by all made patients: enough that any two patches have hundreds in common.
N_SHARED_POINTS = 60_000
# Training phantoms use seeds from here; tests and benchmarks use others.
FIRST_SEED = 10_000


@dataclass(frozen=True, eq=False)
class TrainingScan:
    """One scan on the network's grid. Positions are (z, y, x) mm.

    Attributes:
        name: for the list of data in the card; no patient name.
        hu: (k, j, i) float32.
        origin: (3,) mm of voxel (0, 0, 0).
        body: (n, 3) mm of body voxels, shuffled.
        shared: (m, 3) mm of the shared canonical points, NaN outside the scan; None in real scans.
        patient: number of the made patient, or -1.
    """

    name: str
    hu: Tensor
    origin: Tensor
    body: Tensor
    shared: Tensor | None = None
    patient: int = -1

    def to(self, device: torch.device) -> "TrainingScan":
        """Give the scan with its tensors on the device."""
        shared = None if self.shared is None else self.shared.to(device)
        return replace(
            self,
            hu=self.hu.to(device),
            origin=self.origin.to(device),
            body=self.body.to(device),
            shared=shared,
        )


def sha256(path: Path) -> str:
    """Hash a file, for the card."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def load(
    data: Iterable[str], spacing_mm: float, cache: Path, seed: int, intensities: str = HU
) -> Generator[Progress, None, list[TrainingScan]]:
    """Bring all scans of a plan onto the network's grid, through a cache that is safe to delete.

    Args:
        data: paths, or `phantom:N` for N made patients.
        spacing_mm: of the network's input.
        cache: folder for prepared scans.
        seed: moves the made patients' seeds, so that another run meets others.
        intensities: "hu" for CT; "percentile" for MR, whose values are brought to fixed numbers.

    Raises:
        RunError: nothing of it could be used.
    """
    cache.mkdir(parents=True, exist_ok=True)
    wanted = list(data)
    scans: list[TrainingScan] = []
    for n, item in enumerate(wanted):
        yield Progress(n, len(wanted), f"preparing {item}")
        if item.startswith("phantom:"):
            yield from _phantoms(int(item.removeprefix("phantom:")), spacing_mm, cache, seed, scans)
            continue
        try:
            scans.append((yield from _real(Path(item), spacing_mm, cache, intensities)))
        except SamdeskError as error:
            logger.warning("training.skipped code=%s", error.code)
            yield Progress(n, len(wanted), f"skipped {Path(item).name}: {error.what}")
    if not scans:
        raise RunError("None of the scans could be used for training.", code="nothing-to-open")
    return scans


def _real(
    path: Path, spacing_mm: float, cache: Path, intensities: str
) -> Generator[Progress, None, TrainingScan]:
    kind = "" if intensities == HU else f"-{intensities}"
    kept = cache / f"{path.name.split('.')[0]}{kind}-{spacing_mm}.npz"
    if not kept.exists():
        opened = yield from registry.open_path(path)
        volume = opened.image
        if not isinstance(volume, Volume):
            raise RunError(f"{path.name} is a picture; this method learns from volumes.")
        wanted = Modality.CT if intensities == HU else Modality.MR
        if volume.modality not in (wanted, Modality.OTHER) or min(volume.array.shape) < 8:
            raise RunError(f"{path.name} is not {_a(wanted)} volume of at least 8 slices.")
        hu, grid = to_network_grid(volume, spacing_mm, intensities=intensities)
        _keep(kept, hu, grid.affine[2::-1, 3], None, BODY_ABOVE[intensities])
    return _read(kept, path.name, -1)


def _a(modality: Modality) -> str:
    return f"an {modality.value}" if modality is Modality.MR else f"a {modality.value}"


def _phantoms(
    count: int, spacing_mm: float, cache: Path, seed: int, scans: list[TrainingScan]
) -> Generator[Progress, None, None]:
    canonical: NDArray[np.float64] | None = None
    for n in range(count):
        number = FIRST_SEED + 1000 * seed + n
        patient = made.make_patient(number, n_timepoints=2)
        for date in range(2):
            yield Progress(n, count, f"making patient {n + 1} of {count}")
            kept = cache / f"phantom-{number}-{date}-{spacing_mm}.npz"
            if not kept.exists():
                if canonical is None:
                    canonical = shared_points(spacing_mm)
                rng = np.random.default_rng((number, date))
                shuffle = rng if rng.random() < 0.5 else None
                scan = render.render(
                    patient, date, spacing_mm=_spacing(rng, spacing_mm), tissue_shuffle=shuffle
                )
                hu, grid = to_network_grid(scan.volume, spacing_mm)
                mm = render.dense_map(patient, date).from_canonical(canonical)
                mm[scan.volume.geometry.outside_mm(mm) > 0] = np.nan
                _keep(kept, hu, grid.affine[2::-1, 3], mm[:, ::-1])
            scans.append(_read(kept, f"phantom {number} date {date}", number))


def _spacing(rng: np.random.Generator, spacing_mm: float) -> tuple[float, float, float]:
    """Slices of 1.5 to 5 mm: a phantom that is always drawn on the network's grid is too easy."""
    slices = float(rng.choice([1.0, 1.0, 2.0])) * spacing_mm
    return slices, spacing_mm * 0.8, spacing_mm * 0.8


def shared_points(spacing_mm: float) -> NDArray[np.float64]:
    """Draw points in the body of canonical space, (m, 3) mm (x, y, z); the same in every run."""
    rng = np.random.default_rng(0)
    patient = made.make_patient(FIRST_SEED - 1, n_timepoints=1)
    volume = render.render(patient, 0, spacing_mm=(2 * spacing_mm,) * 3).volume
    body = np.argwhere(body_mask(np.asarray(volume.array, np.float32)))
    picked = body[rng.integers(0, len(body), N_SHARED_POINTS)] + rng.random((N_SHARED_POINTS, 3))
    mm = volume.geometry.to_mm(picked - 0.5)
    return np.asarray(render.dense_map(patient, 0).to_canonical(mm), np.float64)


def body_mask(hu: NDArray[np.float32], above: float = BODY_ABOVE[HU]) -> NDArray[np.bool_]:
    """Tell the body, lungs included, from the air around it and the table: (k, j, i)."""
    from scipy import ndimage

    solid = ndimage.binary_opening(hu > above, iterations=2)
    labels, n = ndimage.label(solid)
    if n == 0:
        return np.asarray(hu > above)
    largest = labels == 1 + np.argmax(np.bincount(labels.ravel())[1:])
    # slice by slice, since lungs are open at the ends of a chest scan
    filled = [ndimage.binary_fill_holes(plane) for plane in largest]
    return np.asarray(filled, dtype=np.bool_)


def _keep(
    path: Path,
    hu: NDArray[np.float32],
    origin: NDArray[np.float64],
    shared: NDArray[np.float64] | None,
    above: float = BODY_ABOVE[HU],
) -> None:
    beside = path.with_suffix(".part.npz")
    np.savez(
        beside,
        hu=np.clip(np.round(hu), -1024, 3071).astype(np.int16),
        origin=origin,
        body=np.argwhere(body_mask(hu, above)).astype(np.int16),
        shared=np.zeros((0, 3)) if shared is None else shared,
    )
    beside.replace(path)


def _read(path: Path, name: str, patient: int) -> TrainingScan:
    with np.load(path, allow_pickle=False) as kept:
        hu = torch.from_numpy(kept["hu"].astype(np.float32))
        origin = torch.from_numpy(kept["origin"].astype(np.float32).copy())
        body = torch.from_numpy(kept["body"].astype(np.float32))
        shared = torch.from_numpy(kept["shared"].astype(np.float32).copy())
    spacing_mm = float(path.stem.rsplit("-", 1)[1])
    return TrainingScan(
        name, hu, origin, origin + body * spacing_mm, shared if len(shared) else None, patient
    )
