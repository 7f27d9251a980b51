"""One vector for each place of a volume, from one model."""

import hashlib
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from samdesk.core.geometry import Geometry, Points
from samdesk.core.ids import ModelId
from samdesk.core.models import ModelInfo
from samdesk.core.volume import Volume
from samdesk.model.cells import interpolated

# Counts up when preprocessing or an Embedding's numbers change, so that old files are left.
MAKING = 3
# Unit vectors are kept as round(127 v): the cosine of two of them changes by about 0.002.
SCALE = 127.0

_digests: WeakKeyDictionary[Volume, bytes] = WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class Embedding:
    """The descriptors of a volume on fine and coarse cells.

    Attributes:
        key: sha256 of voxels, geometry and model.
        model: id of the model that made it.
        scan: grid of the volume itself, which says what lies in the field of view.
        fine: (c, k, j, i) int8, unit vectors times 127.
        coarse: the same on coarse cells.
        fine_cells, coarse_cells: their grids.
        body: (k, j, i) on fine cells, True where a match may lie.
        twin_mm: (n, 3) LPS mm, places spread over the body.
        twin: (n, fine + coarse) float32, what they would look like were the scan mirrored: the
            descriptors of the same tissue in a second pass with left and right swapped.
    """

    key: str
    model: ModelId
    scan: Geometry
    fine: NDArray[np.int8]
    coarse: NDArray[np.int8]
    fine_cells: Geometry
    coarse_cells: Geometry
    body: NDArray[np.bool_]
    twin_mm: Points
    twin: NDArray[np.float32]

    def __post_init__(self) -> None:
        for array in (self.fine, self.coarse, self.body, self.twin_mm, self.twin):
            array.flags.writeable = False

    @property
    def size_bytes(self) -> int:
        """Memory that the arrays take."""
        return self.fine.nbytes + self.coarse.nbytes + self.body.nbytes

    def descriptors(self, points_mm: Points) -> NDArray[np.float32]:
        """Read the descriptors at places between the cells.

        Args:
            points_mm: (n, 3) LPS mm.

        Returns:
            (n, fine + coarse) float32 of length 1, the two halves weighted alike.
        """
        fine = interpolated(self.fine, self.fine_cells, points_mm)
        coarse = interpolated(self.coarse, self.coarse_cells, points_mm)
        return joined(fine, coarse)


def joined(fine: NDArray[np.float32], coarse: NDArray[np.float32]) -> NDArray[np.float32]:
    """Put fine and coarse vectors of length 1 together to (n, fine + coarse) of length 1."""
    return np.concatenate((fine, coarse), axis=1) * np.float32(np.sqrt(0.5))


def quantized(vectors: NDArray[np.float32]) -> NDArray[np.int8]:
    """Round (c, k, j, i) vectors of length 1 to int8."""
    out: NDArray[np.int8] = np.rint(vectors * np.float32(SCALE)).clip(-127, 127).astype(np.int8)
    return out


def key_of(volume: Volume, info: ModelInfo) -> str:
    """Name the embedding of this volume by this model; the same voxels give the same name."""
    digest = _digests.get(volume)
    if digest is None:
        sha = hashlib.sha256()
        array = np.ascontiguousarray(volume.array)
        sha.update(f"{array.dtype.str}{array.shape}{volume.unit.value}".encode())
        sha.update(np.ascontiguousarray(volume.geometry.affine).tobytes())
        sha.update(array.reshape(-1).view(np.uint8).data)
        digest = sha.digest()
        _digests[volume] = digest
    return hashlib.sha256(digest + info.sha256.encode() + bytes([MAKING])).hexdigest()
