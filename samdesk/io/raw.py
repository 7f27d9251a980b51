"""What a text header (NRRD, MetaImage) claims of voxels, and the reading of those voxels."""

from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from samdesk.core.progress import Progress
from samdesk.core.reading_notes import Notice
from samdesk.errors import ReadError
from samdesk.io import zip as zip_file
from samdesk.io.base import FileRef
from samdesk.io.limits import check_room, in_words
from samdesk.io.places import Matrix, Spacing
from samdesk.io.text import plain
from samdesk.io.unpack import unpack, unpack_head

# Characters that one voxel written as text may take, its blank included.
_LETTERS = 64
_LARGEST = 2**62
# Of a list of files no more are looked for; such files are refused in any case.
_LOOKED_AT = 1000
_AGAIN = "Copy or download the file again."
_HINT = "Export the image again from where it came."


@dataclass(frozen=True)
class Claim:
    """What the header says.

    Attributes:
        shape: (k, j, i).
        dtype: of a stored number, with its byte order.
        packing: "raw", "gzip", "zlib", "bzip2" or "text".
        data: the file of the voxels, checked to lie beside the header.
        offset: byte where they begin in it; -1 where they end with the file.
        affine: 4 x 4 from (k, j, i) to LPS mm, None where the header gives none.
        spacing: mm along (k, j, i) for use without an affine, usable or not.
        why: what is lacking for an affine, as the end of a sentence.
        notices: units.
    """

    shape: tuple[int, int, int]
    dtype: np.dtype[np.generic]
    packing: str
    data: FileRef
    offset: int
    affine: Matrix | None
    spacing: Spacing | None
    why: str = "the header names no patient axes"
    notices: tuple[Notice, ...] = field(default=())

    @property
    def n_bytes(self) -> int:
        """Bytes of all voxels, unpacked."""
        k, j, i = self.shape
        return k * j * i * self.dtype.itemsize


def check_sizes(sizes: list[int], shown: str) -> tuple[int, int, int]:
    """Turn sizes along (i, j, k) into a shape (k, j, i).

    Raises:
        ReadError: header-inconsistent (a size below 1, a product beyond any disk) or
            unsupported-pixels (more than three axes).
    """
    total = 1
    for size in sizes:
        total *= size
    if not sizes or min(sizes) < 1 or total > _LARGEST:
        raise inconsistent(shown, f"its sizes are {' '.join(str(size) for size in sizes[:8])}")
    if len(sizes) > 3:
        raise ReadError(
            f"{shown} has {len(sizes)} axes: vectors, colors or several volumes.",
            code="unsupported-pixels",
            hint="Save the volume you need as a file of its own.",
        )
    i, j, k = (*sizes, 1, 1)[:3]
    return k, j, i


def data_file(header: FileRef, name: str) -> FileRef:
    """Find the file of the voxels; it must be a regular file in the header's folder or below.

    Raises:
        ReadError: outside-folder (nothing outside is ever opened), files-missing, or
            header-inconsistent where the header names itself.
    """
    shown = plain(header.name)
    slashed = name.replace("\\", "/")
    if _leads_out(name):
        raise _outside(shown, name)
    if header.member:
        member = str(PurePosixPath(header.member).parent / slashed)
        found = FileRef(header.path, member)
        if member not in zip_file.listing(header.path).members:
            raise _absent(shown, name)
    else:
        folder = header.path.resolve().parent
        path = folder / slashed
        try:
            real = path.resolve()
            if not real.is_relative_to(folder):
                raise _outside(shown, name)
            if not real.is_file():
                raise _absent(shown, name)
        except (OSError, ValueError) as error:
            raise _absent(shown, name) from error
        found = FileRef(header.path.parent / slashed)
    if found == header:
        raise inconsistent(shown, "it names itself as the file of its voxels")
    return found


def _leads_out(name: str) -> bool:
    slashed = name.replace("\\", "/")
    parts = PurePosixPath(slashed).parts
    return slashed.startswith("/") or slashed[1:2] == ":" or ".." in parts or not parts


def several_files(header: FileRef, names: list[str]) -> ReadError:
    """Make the error for voxels spread over files, the first bad name deciding which."""
    for name in sorted(names, key=_leads_out, reverse=True)[:_LOOKED_AT]:
        try:
            data_file(header, name)
        except ReadError as error:
            return error
    return ReadError(
        f"{plain(header.name)} spreads its voxels over several files.",
        code="unsupported-format",
        hint="Save it as one file.",
    )


def check_claim(claim: Claim, shown: str) -> None:
    """Compare the claim with the size of the file, before anything is read.

    Raises:
        ReadError: truncated.
    """
    have = claim.data.size
    start = max(0, claim.offset)
    want = start + (claim.n_bytes if claim.packing == "raw" else 1)
    if claim.packing == "text":
        want = start + claim.n_bytes // claim.dtype.itemsize
    if have < want:
        raise ReadError(
            f"{shown} is cut: {in_words(have)} of {in_words(want)} are there.",
            code="truncated",
            hint=_AGAIN,
        )


def read_claim(
    claim: Claim, shown: str
) -> Generator[Progress, None, tuple[NDArray[np.generic], list[Notice]]]:
    """Read the voxels as (k, j, i) in the file's own numbers.

    Raises:
        ReadError: truncated, checksum, too-large, pixels-damaged.
    """
    with claim.data.open() as stream:
        if claim.offset < 0:
            stream.seek(max(0, claim.data.size - claim.n_bytes))
        else:
            stream.seek(claim.offset)
        if claim.packing == "text":
            return _from_text(stream, claim, shown), []
        unpacked = yield from unpack(stream, _real_packing(stream, claim), claim.n_bytes, shown)
    notices = []
    if unpacked.beyond:
        sentence = f"{unpacked.beyond} or more bytes follow the voxels; they were left out."
        notices.append(Notice("trailing-bytes", sentence, unpacked.beyond))
    return np.frombuffer(unpacked.data, dtype=claim.dtype).reshape(claim.shape), notices


def first_bytes(claim: Claim, n: int) -> bytes:
    """Give the first bytes of the voxels, unpacked; none where that is not cheap."""
    if claim.packing not in ("raw", "gzip", "zlib"):
        return b""
    with claim.data.open() as stream:
        stream.seek(claim.offset if claim.offset >= 0 else claim.data.size - claim.n_bytes)
        return stream.read(n) if claim.packing == "raw" else unpack_head(stream, n)


def inconsistent(shown: str, how: str) -> ReadError:
    """Make the error for a header that contradicts itself."""
    return ReadError(
        f"The header of {shown} cannot be right: {how}.", code="header-inconsistent", hint=_HINT
    )


def unsupported(shown: str, what: str) -> ReadError:
    """Make the error for voxels that samdesk does not read."""
    return ReadError(
        f"{shown} has {what}, which samdesk does not read.",
        code="unsupported-pixels",
        hint="Save it with integer or floating-point voxels, unpacked or packed by gzip.",
    )


def _real_packing(stream: BinaryIO, claim: Claim) -> str:
    """MetaImage says only "compressed": both zlib and gzip are met."""
    if claim.packing != "zlib":
        return claim.packing
    at = stream.tell()
    mark = stream.read(2)
    stream.seek(at)
    return "gzip" if mark == b"\x1f\x8b" else "zlib"


def _from_text(stream: BinaryIO, claim: Claim, shown: str) -> NDArray[np.generic]:
    k, j, i = claim.shape
    count = k * j * i
    check_room(count * _LETTERS, shown)
    words = stream.read(count * _LETTERS).split()[:count]
    if len(words) < count:
        raise ReadError(
            f"{shown} is cut: {len(words)} of {count} voxels are there.",
            code="truncated",
            hint=_AGAIN,
        )
    try:
        numbers = np.array(words).astype(np.float64)
    except ValueError as error:
        raise ReadError(
            f"{shown} has voxels that are no numbers.", code="pixels-damaged", hint=_HINT
        ) from error
    with np.errstate(invalid="ignore", over="ignore"):
        return numbers.astype(claim.dtype).reshape(claim.shape)


def _outside(shown: str, name: str) -> ReadError:
    return ReadError(
        f"{shown} names voxels outside of its folder ({plain(name, 80)}); they were not opened.",
        code="outside-folder",
        hint="Put both files into one folder and correct the name in the header.",
    )


def _absent(shown: str, name: str) -> ReadError:
    return ReadError(
        f"{shown} keeps its voxels in {plain(name, 80)}, which is not beside it.",
        code="files-missing",
        hint="Put both files into one folder.",
    )
