"""NIfTI-1 and -2, single files and pairs, and Analyze 7.5, packed or not.

In these files x grows to the right, y to the front and z to the head (RAS). It is turned to the
LPS of the rest of the program here and nowhere else.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samdesk.core.geometry import Geometry
from samdesk.core.progress import Progress
from samdesk.core.reading import Opened
from samdesk.core.reading_notes import Notice, Refusal
from samdesk.core.study import Series
from samdesk.core.volume import Modality, Unit, Volume
from samdesk.errors import ReadError
from samdesk.io.base import FileRef, Headers, gone, sibling
from samdesk.io.limits import in_words
from samdesk.io.nifti_header import HEADER_BYTES, NiftiHeader, parse
from samdesk.io.places import Matrix, Place, place, usable_affine
from samdesk.io.single import file_series, refs_of
from samdesk.io.sniff import format_of
from samdesk.io.text import plain
from samdesk.io.unpack import unpack, unpack_head
from samdesk.io.voxels import GLANCE_BYTES, glance, luminance, meaning, settle

# The two forms agree if the grid's corners lie closer together than this (mm).
_FORMS_AGREE_MM = 0.1


@dataclass(frozen=True)
class _Found:
    """A header with the files it belongs to."""

    ref: FileRef
    data: FileRef
    header: NiftiHeader
    place: Place

    @property
    def shown(self) -> str:
        return plain(self.ref.name)


class NiftiReader:
    """Reads NIfTI and Analyze."""

    label = "nifti"

    def can_read(self, head: bytes, name: str) -> bool:
        """Tell by size and magic of the header, also inside gzip."""
        return format_of(head, name) in ("nifti", "nifti.gz")

    def headers(self, files: Sequence[FileRef]) -> Generator[Progress, None, Headers]:
        """List each file (each volume of a 4-D file) as a series of its own."""
        series: list[Series] = []
        refusals: list[Refusal] = []
        known = set(files)
        for n, ref in enumerate(files):
            yield Progress(n, len(files), "Reading headers")
            try:
                start = _start(ref)
                if start != ref and start in known:
                    continue  # the voxels of a pair whose header is in the list
                series += _list(_find(start))
            except ReadError as error:
                refusals.append(Refusal(ref.shown, error.code, error.what, error.hint))
        return series, refusals, []

    def read(self, series: Series) -> Generator[Progress, None, Opened]:
        """Read one volume: unpack within the claim, compare checksums, settle the numbers.

        Raises:
            ReadError: truncated, checksum, too-large, no-finite-voxels, or the header changed.
        """
        found = _find(refs_of(series.source)[0])
        header = found.header
        want = header.offset + header.data_bytes
        try:
            with found.data.open() as stream:
                packing = "gzip" if stream.read(2) == b"\x1f\x8b" else "raw"
                stream.seek(0)
                unpacked = yield from unpack(stream, packing, want, found.shown)
        except OSError as error:
            raise gone(found.ref.path, error) from error
        notices = list(header.notices) + list(found.place.notices)
        if unpacked.beyond:
            sentence = f"{unpacked.beyond} or more bytes follow the voxels; they were left out."
            notices.append(Notice("trailing-bytes", sentence, unpacked.beyond))
        stored = _stored(unpacked.data, header, int(series.source.detail or 0))
        voxels, seen = settle(stored, header.rescale, found.shown)
        modality, unit = (Modality.OTHER, Unit.NONE) if header.colors else meaning(voxels)
        volume = Volume(voxels, found.place.geometry, modality, unit)
        return Opened(volume, tuple(notices + seen), header.window)


def _start(ref: FileRef) -> FileRef:
    """Give the header of a pair for its voxels, and any other file itself."""
    lower = ref.name.lower()
    for ending, header in ((".img", ".hdr"), (".img.gz", ".hdr.gz")):
        if lower.endswith(ending):
            # A single NIfTI may be called .img all the same.
            if b"n+" in ref.head()[344:348]:
                return ref
            found = sibling(ref, ending, header) or sibling(ref, ending, ".hdr")
            if found is None:
                raise _missing(ref, ending, header)
            return found
    return ref


def _find(ref: FileRef) -> _Found:
    """Read the header and find the file with its voxels; sizes are compared where they can be."""
    shown = plain(ref.name)
    try:
        with ref.open() as stream:
            raw = stream.read(HEADER_BYTES)
            is_packed = raw[:2] == b"\x1f\x8b"
            if is_packed:
                stream.seek(0)
                raw = unpack_head(stream, HEADER_BYTES)
    except OSError as error:
        raise gone(ref.path, error) from error
    if is_packed and len(raw) < 4:
        raise ReadError(
            f"{shown} is cut: nothing can be unpacked from it.",
            code="truncated",
            hint="Copy or download it again.",
        )
    header = parse(raw, shown)
    data = _voxel_file(ref) if header.is_pair else ref
    if data.head(2) != b"\x1f\x8b":
        have, want = data.size, header.offset + header.data_bytes
        if have < want:
            raise ReadError(
                f"{plain(data.name)} is cut: it has {in_words(have)} of the {in_words(want)} "
                "that its header claims.",
                code="truncated",
                hint="Copy or download it again.",
            )
    return _Found(ref, data, header, _place(header))


def _voxel_file(ref: FileRef) -> FileRef:
    ending = ".hdr.gz" if ref.name.lower().endswith(".gz") else ".hdr"
    for image in (".img", ".img.gz"):
        found = sibling(ref, ending, image)
        if found is not None and found != ref:
            return found
    raise _missing(ref, ending, ".img")


def _missing(ref: FileRef, ending: str, other: str) -> ReadError:
    stem = ref.name[: -len(ending)] if ref.name.lower().endswith(ending) else ref.name
    return ReadError(
        f"{plain(ref.name)} is half of a pair; {plain(stem + other)} is not beside it.",
        code="files-missing",
        hint="Put both files into one folder.",
    )


def _place(header: NiftiHeader) -> Place:
    """Choose between sform and qform (reliability.md rule 11) and turn the winner to LPS."""
    i, j, k = header.shape
    shape = (k, j, i)
    forms = [
        affine
        for form in (header.sform, header.qform)
        if form is not None and usable_affine(affine := _to_lps(form))
    ]
    why = "the header names no orientation"
    if header.sform is not None or header.qform is not None:
        why = "the orientation in the header cannot be used"
    di, dj, dk = header.spacing
    found = place(shape, forms[0] if forms else None, (dk, dj, di), why)
    if len(forms) < 2:
        return found
    apart = _apart(shape, forms[0], forms[1])
    if apart <= _FORMS_AGREE_MM:
        return found
    sentence = (
        f"The header's two orientations (sform, qform) lie {apart:.1f} mm apart; sform holds."
    )
    differ = Notice("sform-qform-differ", sentence, apart)
    return Place(found.geometry, found.spacing, found.orientation, (*found.notices, differ))


def _to_lps(form: Matrix) -> Matrix:
    """Turn (i, j, k) to RAS into (k, j, i) to LPS."""
    affine = form[:, [2, 1, 0, 3]].copy()
    affine[:2] *= -1.0
    return affine


def _apart(shape: tuple[int, int, int], one: Matrix, other: Matrix) -> float:
    corners = Geometry(shape, one).corners_mm - Geometry(shape, other).corners_mm
    return float(np.linalg.norm(corners, axis=1).max())


def _list(found: _Found) -> list[Series]:
    """Make the series of a file: one, or one for each volume of a 4-D file."""
    header = found.header
    files = (found.ref,) if found.data == found.ref else (found.ref, found.data)
    modality = Modality.OTHER if header.colors else _glance(found)
    return [
        file_series(
            NiftiReader.label, files, modality, found.place, header.notices, (n, header.volumes)
        )
        for n in range(header.volumes)
    ]


def _glance(found: _Found) -> Modality:
    """Judge by the first voxels whether this is CT."""
    header = found.header
    want = header.offset + min(GLANCE_BYTES, header.volume_bytes)
    try:
        with found.data.open() as stream:
            is_packed = stream.read(2) == b"\x1f\x8b"
            stream.seek(0)
            raw = unpack_head(stream, want) if is_packed else stream.read(want)
    except (OSError, ReadError):
        return Modality.OTHER  # reading will say what is wrong
    return glance(raw[header.offset :], header.dtype, header.rescale)


def _stored(data: bytearray, header: NiftiHeader, volume: int) -> NDArray[np.generic]:
    """See the bytes of one volume as (k, j, i) numbers, without a copy."""
    i, j, k = header.shape
    start = header.offset + volume * header.volume_bytes
    count = header.volume_bytes // header.dtype.itemsize
    flat = np.frombuffer(data, dtype=header.dtype, offset=start, count=count)
    if header.colors:
        return luminance(flat.reshape(k, j, i, header.colors).view(np.uint8))
    return flat.reshape(k, j, i)
