"""NRRD and MetaImage: our own header check, then numpy; no library sees a byte of them.

SimpleITK would read more variants, but also any file that such a header names; the tests
compare every voxel and millimeter with it.
"""

from collections.abc import Generator, Sequence

from samdesk.core.progress import Progress
from samdesk.core.reading import Opened
from samdesk.core.reading_notes import Refusal
from samdesk.core.study import Series
from samdesk.core.volume import Modality, Volume
from samdesk.errors import ReadError
from samdesk.io.base import FileRef, Headers, gone
from samdesk.io.metaimage import parse_metaimage
from samdesk.io.nrrd import parse_nrrd
from samdesk.io.places import Place, place
from samdesk.io.raw import Claim, check_claim, first_bytes, read_claim
from samdesk.io.single import file_series, refs_of
from samdesk.io.sniff import format_of
from samdesk.io.text import plain
from samdesk.io.voxels import GLANCE_BYTES, Rescale, glance, meaning, settle


class ItkReader:
    """Reads NRRD and MetaImage, with their voxels behind the header or in a file beside it."""

    label = "itk"

    def can_read(self, head: bytes, name: str) -> bool:
        """Tell by the word NRRD, or by the first field of a MetaImage."""
        return format_of(head, name) in ("nrrd", "meta")

    def headers(self, files: Sequence[FileRef]) -> Generator[Progress, None, Headers]:
        """List each file as a series."""
        series: list[Series] = []
        refusals: list[Refusal] = []
        for n, ref in enumerate(files):
            yield Progress(n, len(files), "Reading headers")
            try:
                claim = _claim(ref)
                grid = _place(claim)
                series.append(
                    file_series(
                        self.label,
                        (ref,) if claim.data == ref else (ref, claim.data),
                        _glance(claim),
                        grid,
                        claim.notices,
                    )
                )
            except ReadError as error:
                refusals.append(Refusal(ref.shown, error.code, error.what, error.hint))
        return series, refusals, []

    def read(self, series: Series) -> Generator[Progress, None, Opened]:
        """Read the voxels.

        Raises:
            ReadError: truncated, checksum, too-large, no-finite-voxels, or the header changed.
        """
        ref = refs_of(series.source)[0]
        shown = plain(ref.name)
        claim = _claim(ref)
        try:
            stored, beyond = yield from read_claim(claim, shown)
        except OSError as error:
            raise gone(claim.data.path, error) from error
        voxels, seen = settle(stored, Rescale(), shown)
        grid = _place(claim)
        modality, unit = meaning(voxels)
        volume = Volume(voxels, grid.geometry, modality, unit)
        return Opened(volume, (*claim.notices, *grid.notices, *beyond, *seen))


def _claim(ref: FileRef) -> Claim:
    """Read the header by its kind and compare it with the size of the file."""
    try:
        is_nrrd = format_of(ref.head(), ref.name) == "nrrd"
        claim = parse_nrrd(ref) if is_nrrd else parse_metaimage(ref)
    except OSError as error:
        raise gone(ref.path, error) from error
    check_claim(claim, plain(claim.data.name))
    return claim


def _place(claim: Claim) -> Place:
    return place(claim.shape, claim.affine, claim.spacing, claim.why)


def _glance(claim: Claim) -> Modality:
    try:
        raw = first_bytes(claim, min(GLANCE_BYTES, claim.n_bytes))
    except (OSError, ReadError):
        return Modality.OTHER  # reading will say what is wrong
    return glance(raw, claim.dtype, Rescale())
