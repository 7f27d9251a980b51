"""From a volume to its embedding: one pass of the network, or slabs beyond a memory bound."""

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samdesk.core.geometry import Geometry, Points
from samdesk.core.models import ModelInfo
from samdesk.core.progress import Progress
from samdesk.core.volume import Volume
from samdesk.errors import ModelError, NoRoom, Stopped
from samdesk.model import preprocess
from samdesk.model.cache import EmbeddingCache
from samdesk.model.cells import cells_of, interpolated
from samdesk.model.embedding import Embedding, joined, key_of, quantized
from samdesk.model.fitness import reason_against
from samdesk.model.intensities import AIR_BELOW, HU
from samdesk.model.session import Session

__all__ = ["Embedding", "Slab", "body_cells", "embed", "slabs_of"]

Array = NDArray[np.float32]

# Memory of a pass for each input voxel: 53 measured with the arena off, and what others may need.
PASS_BYTES_A_VOXEL = 90
PASS_BYTES = 2_000_000_000
SHORTEST_SLAB_MM = 256.0
OVERLAP_MM = 64.0
# Bowel gas and the trachea are air inside the body: they are filled, then two cells are added.
GROWN_CELLS = 2
# The mirrored pass needs the asymmetric organs only, not the length of a whole body.
TWIN_MM = 280.0
TWIN_PLACES = 250


@dataclass(frozen=True)
class Slab:
    """A part of the grid along k: what is passed, and what of it is kept (voxels, end not in)."""

    start: int
    stop: int
    keep_start: int
    keep_stop: int


def embed(
    volume: Volume,
    session: Session,
    cache: EmbeddingCache | None = None,
    pass_bytes: int = PASS_BYTES,
) -> Generator[Progress, None, Embedding]:
    """Make the embedding of a volume, or take it from the cache.

    A pass that is ended by `Session.terminate` is begun again at the next step, so a click may
    overtake an embedding; who wants to cancel closes the generator.

    Raises:
        ModelError: not-comparable, where the model cannot be asked about this volume.
        NoRoom: one slab alone is beyond the bound.
    """
    info = session.info
    key = key_of(volume, info)
    yield Progress(0, 1, "looking for what is computed already")
    if cache is not None and (known := cache.get(key)) is not None:
        return known
    reason = reason_against(volume, info)
    if reason:
        raise ModelError(reason, code="not-comparable")
    grid = preprocess.network_grid(volume.geometry, info.spacing_mm, info.multiple_of)
    slabs = slabs_of(grid.shape, info, pass_bytes)
    total = len(slabs) + 3
    yield Progress(0, total, "resampling the scan")
    hu, grid = preprocess.to_network_grid(
        volume, info.spacing_mm, info.multiple_of, info.intensities
    )
    fine_cells, coarse_cells = (cells_of(grid, s) for s in (info.fine_stride, info.coarse_stride))
    fine = np.zeros((info.fine_size, *fine_cells.shape), np.int8)
    coarse = np.zeros((info.coarse_size, *coarse_cells.shape), np.int8)
    done = 0
    while done < len(slabs):
        yield Progress(done + 1, total, "computing the embedding")
        try:
            _pass(session, hu, slabs[done], fine, coarse)
        except Stopped:
            continue
        done += 1
    yield Progress(total - 2, total, "finding the body")
    body = body_cells(hu, info.fine_stride, info.intensities)
    twin: tuple[Points, Array] | None = None
    while twin is None:
        yield Progress(total - 1, total, "looking at left and right")
        try:
            twin = _twin(session, hu, grid, body)
        except Stopped:
            continue
    embedding = Embedding(
        key, info.id, volume.geometry, fine, coarse, fine_cells, coarse_cells, body, *twin
    )
    if cache is not None:
        cache.put(embedding)
    return embedding


def slabs_of(
    shape: tuple[int, int, int], info: ModelInfo, pass_bytes: int = PASS_BYTES
) -> tuple[Slab, ...]:
    """Plan the passes: one where it fits, else slabs along k whose middles are kept.

    Args:
        shape: voxels of the padded network grid, (k, j, i).
        info: the model.
        pass_bytes: memory that a pass may take.

    Raises:
        NoRoom: the shortest slab is beyond the bound.
    """
    step = info.multiple_of
    fits = int(pass_bytes / (PASS_BYTES_A_VOXEL * shape[1] * shape[2])) // step * step
    if shape[0] <= fits:
        return (Slab(0, shape[0], 0, shape[0]),)
    half = _up(OVERLAP_MM / info.spacing_mm / 2, step)
    shortest = _up(SHORTEST_SLAB_MM / info.spacing_mm, step)
    if fits < shortest:
        size = tuple(round(n * info.spacing_mm) for n in shape)
        needed = PASS_BYTES_A_VOXEL * shortest * shape[1] * shape[2] / 1e9
        raise NoRoom(
            f"This scan covers {size[0]} x {size[1]} x {size[2]} mm; "
            f"the network would need {needed:.1f} GB for a part of it.",
            code="no-room",
            hint="Open a smaller part of the scan.",
        )
    middle = fits - 2 * half
    slabs = []
    for start in range(0, shape[0], middle):
        stop = min(start + middle, shape[0])
        slabs.append(Slab(max(0, start - half), min(shape[0], stop + half), start, stop))
    return tuple(slabs)


def body_cells(hu: Array, stride: int, intensities: str = HU) -> NDArray[np.bool_]:
    """Mark the cells where a match may lie: the body with its gas, and a rim of two cells.

    Args:
        hu: (k, j, i) on the network's grid, sides multiples of `stride`.
        stride: voxels a cell.
        intensities: what the values of `hu` are.

    Returns:
        (k, j, i) on cells. Air beside the patient can never win a search (sam.md 6, trap 5).
    """
    from scipy import ndimage

    k, j, i = (n // stride for n in hu.shape)
    mean = hu.reshape(k, stride, j, stride, i, stride).mean(axis=(1, 3, 5))
    full = mean > AIR_BELOW[intensities]
    for slice_ in full:
        ndimage.binary_fill_holes(slice_, output=slice_)
    grown: NDArray[np.bool_] = ndimage.binary_dilation(full, iterations=GROWN_CELLS)
    return grown


def spread_places(body: NDArray[np.bool_], cells: Geometry, n_places: int) -> Points:
    """Give about `n_places` places spread evenly over the body less its grown rim, (n, 3) mm."""
    from scipy import ndimage

    inner = ndimage.binary_erosion(body, iterations=GROWN_CELLS, border_value=1)
    index = np.argwhere(inner if inner.any() else body)
    step = max(1, round((len(index) / n_places) ** (1 / 3)))
    chosen = index[(index % step == step // 2).all(axis=1)]
    if len(chosen) < n_places // 2:
        chosen = index[:: max(1, len(index) // n_places)]
    return cells.to_mm(chosen.astype(np.float64))


def _twin(
    session: Session, hu: Array, grid: Geometry, body: NDArray[np.bool_]
) -> tuple[Points, Array]:
    """Read what the body's places would look like in the mirrored scan.

    The sides of the grid are whole cells, so a mirrored cell is a cell, and the answer of the pass
    is turned back onto the places it belongs to.
    """
    info = session.info
    step = info.multiple_of
    length = min(hu.shape[0], _up(TWIN_MM / info.spacing_mm, step))
    start = (hu.shape[0] - length) // 2 // step * step
    part = np.ascontiguousarray(hu[start : start + length, :, ::-1])
    outputs = session.run(preprocess.channels(part, info.windows)[None])
    affine = grid.affine.copy()
    affine[:3, 3] += affine[:3, 0] * start
    sub = Geometry((length, *hu.shape[1:]), affine)
    cells = cells_of(sub, info.fine_stride)
    first = start // info.fine_stride
    points = spread_places(body[first : first + cells.shape[0]], cells, TWIN_PLACES)
    halves = [
        interpolated(quantized(outputs[name][0, ..., ::-1]), cells_of(sub, stride), points)
        for name, stride in (
            (info.fine_name, info.fine_stride),
            (info.coarse_name, info.coarse_stride),
        )
    ]
    return points, joined(*halves)


def _pass(
    session: Session, hu: Array, slab: Slab, fine: NDArray[np.int8], coarse: NDArray[np.int8]
) -> None:
    """Run one slab and put the kept part of its vectors in their place."""
    info = session.info
    x = preprocess.channels(hu[slab.start : slab.stop], info.windows)
    outputs = session.run(x[None])
    for name, stride, into in (
        (info.fine_name, info.fine_stride, fine),
        (info.coarse_name, info.coarse_stride, coarse),
    ):
        first, last = slab.keep_start // stride, slab.keep_stop // stride
        offset = slab.start // stride
        kept = outputs[name][0, :, first - offset : last - offset]
        if not np.isfinite(kept).all():
            raise ModelError(
                f'The model "{info.id}" answers with values that are no numbers.',
                code="model-incompatible",
                hint="Install the model again.",
            )
        into[:, first:last] = quantized(kept)


def _up(n: float, step: int) -> int:
    return int(-(-n // step) * step)
