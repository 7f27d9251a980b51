"""Embeddings that were made before, in memory and on disk, within bounds.

A disk file is one .npy of bytes: it can be mapped, it holds nothing that could run, and a damaged
one costs one scan. A cache that cannot be written is a notice and never a failure.
"""

import json
import logging
import os
import shutil
import tempfile
import zlib
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from samdesk.core.geometry import Geometry
from samdesk.core.ids import ModelId
from samdesk.core.reading_notes import Notice
from samdesk.errors import SamdeskError
from samdesk.model.embedding import Embedding

logger = logging.getLogger(__name__)

MEMORY_BYTES = 1_000_000_000
DISK_BYTES = 5_000_000_000
# Left free on the disk, so that the cache never takes the room of the user's own work.
LEFT_FREE_BYTES = 500_000_000
FORMAT = 2
HEAD_BYTES = 8


class EmbeddingCache:
    """Embeddings by their key; least recently used ones go first.

    Args:
        folder: where files are kept, or None for memory only.
        memory_bytes, disk_bytes: bounds.
    """

    def __init__(
        self,
        folder: Path | None = None,
        memory_bytes: int = MEMORY_BYTES,
        disk_bytes: int = DISK_BYTES,
    ) -> None:
        self._folder = folder
        self._memory_bytes = memory_bytes
        self._disk_bytes = disk_bytes
        self._held: OrderedDict[str, Embedding] = OrderedDict()
        self._lock = Lock()
        self._notices: dict[str, Notice] = {}

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What went wrong with the disk, each kind once."""
        return tuple(self._notices.values())

    @property
    def held_bytes(self) -> int:
        """Memory that the held embeddings take."""
        return sum(embedding.size_bytes for embedding in self._held.values())

    def get(self, key: str) -> Embedding | None:
        """Give the embedding of this key, or None; a damaged file is removed."""
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                return self._held[key]
        embedding = self._read(key)
        if embedding is not None:
            self._hold(embedding)
        return embedding

    def put(self, embedding: Embedding) -> None:
        """Keep an embedding in memory and, where there is room, on disk."""
        self._hold(embedding)
        self._write(embedding)

    def clear(self) -> None:
        """Forget everything, on disk too."""
        with self._lock:
            self._held.clear()
        for path in self._files():
            with suppress(OSError):
                path.unlink()

    def _hold(self, embedding: Embedding) -> None:
        with self._lock:
            self._held[embedding.key] = embedding
            self._held.move_to_end(embedding.key)
            while len(self._held) > 1 and self.held_bytes > self._memory_bytes:
                self._held.popitem(last=False)

    def _path(self, key: str) -> Path | None:
        return None if self._folder is None else self._folder / f"{key}.npy"

    def _files(self) -> list[Path]:
        return [] if self._folder is None else sorted(self._folder.glob("*.npy"))

    def _read(self, key: str) -> Embedding | None:
        path = self._path(key)
        if path is None or not path.is_file():
            return None
        try:
            data = np.load(path, allow_pickle=False)
            embedding = unpacked(data, key)
        except (OSError, ValueError, EOFError, KeyError, TypeError, SamdeskError):
            logger.warning("cache.damaged")
            self._quietly(path.unlink)
            return None
        self._quietly(lambda: os.utime(path))
        return embedding

    def _write(self, embedding: Embedding) -> None:
        path = self._path(embedding.key)
        if path is None or self._folder is None:
            return
        data = packed(embedding)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if data.nbytes > self._disk_bytes:
                return
            self._make_room(data.nbytes)
            if shutil.disk_usage(self._folder).free < data.nbytes + LEFT_FREE_BYTES:
                self._note("no-room", "There is no room on the disk to keep what was computed; ")
                return
            _write_whole(path, data)
        except OSError as error:
            logger.warning("cache.unwritable errno=%s", error.errno)
            self._note("read-only", "The folder for what was computed cannot be written; ")

    def _make_room(self, size_bytes: int) -> None:
        ages = sorted((path.stat().st_mtime, path.stat().st_size, path) for path in self._files())
        total = sum(size for _, size, _ in ages) + size_bytes
        for _, size, path in ages:
            if total <= self._disk_bytes:
                return
            path.unlink(missing_ok=True)
            total -= size

    def _note(self, code: str, sentence: str) -> None:
        self._notices.setdefault(
            code, Notice(code, sentence + "it will be computed again the next time.")
        )

    @staticmethod
    def _quietly(step: Callable[[], None]) -> None:
        with suppress(OSError):
            step()


def packed(embedding: Embedding) -> NDArray[np.uint8]:
    """Put an embedding into one row of bytes: length of the head, JSON head, arrays."""
    body = np.packbits(embedding.body.reshape(-1))
    twin_mm = np.asarray(embedding.twin_mm, dtype=np.float32)
    parts = [embedding.fine, embedding.coarse, body, twin_mm, embedding.twin]
    payload = np.concatenate([np.ascontiguousarray(p).reshape(-1).view(np.uint8) for p in parts])
    head = json.dumps(
        {
            "format": FORMAT,
            "key": embedding.key,
            "model": embedding.model,
            "fine": embedding.fine.shape,
            "coarse": embedding.coarse.shape,
            "twin": len(embedding.twin),
            "grids": [
                [list(grid.shape), grid.affine.tolist()]
                for grid in (embedding.scan, embedding.fine_cells, embedding.coarse_cells)
            ],
            "crc32": zlib.crc32(payload.data),
        }
    ).encode()
    start = np.frombuffer(len(head).to_bytes(HEAD_BYTES, "little") + head, np.uint8)
    return np.concatenate((start, payload))


def unpacked(data: NDArray[np.uint8], key: str) -> Embedding:
    """Take apart what `packed` put together.

    Raises:
        ValueError: it is damaged, of another format, or the embedding of something else.
    """
    if data.dtype != np.uint8 or data.ndim != 1 or data.size < HEAD_BYTES:
        raise ValueError("not an embedding")
    length = int.from_bytes(data[:HEAD_BYTES].tobytes(), "little")
    head = json.loads(data[HEAD_BYTES : HEAD_BYTES + length].tobytes())
    payload = data[HEAD_BYTES + length :]
    if head["format"] != FORMAT or head["key"] != key:
        raise ValueError("of something else")
    if zlib.crc32(np.ascontiguousarray(payload).data) != head["crc32"]:
        raise ValueError("damaged")
    scan, fine_cells, coarse_cells = (
        Geometry(tuple(shape), np.array(affine)) for shape, affine in head["grids"]
    )
    n_fine, n_coarse = int(np.prod(head["fine"])), int(np.prod(head["coarse"]))
    fine = payload[:n_fine].view(np.int8).reshape(head["fine"])
    coarse = payload[n_fine : n_fine + n_coarse].view(np.int8).reshape(head["coarse"])
    n_cells = int(np.prod(fine_cells.shape))
    first = n_fine + n_coarse
    last = first + -(-n_cells // 8)
    bits = np.unpackbits(payload[first:last], count=n_cells)
    n_twin, size = head["twin"], head["fine"][0] + head["coarse"][0]
    floats = np.frombuffer(payload[last:].tobytes(), np.float32)
    return Embedding(
        key=key,
        model=ModelId(head["model"]),
        scan=scan,
        fine=fine,
        coarse=coarse,
        fine_cells=fine_cells,
        coarse_cells=coarse_cells,
        body=bits.astype(bool).reshape(fine_cells.shape),
        twin_mm=floats[: 3 * n_twin].reshape(n_twin, 3).astype(np.float64),
        twin=floats[3 * n_twin :].reshape(n_twin, size).copy(),
    )


def _write_whole(path: Path, data: NDArray[np.uint8]) -> None:
    """Write beside, flush to the disk, then take the name: a file is whole or not there."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".part-", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as stream:
            np.save(stream, data, allow_pickle=False)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
