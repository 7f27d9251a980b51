"""Which reader a file gets: by its first bytes, each kind together, the rest refused by name."""

from collections.abc import Generator, Iterable, Sequence
from dataclasses import replace
from time import monotonic

from samdesk.core.progress import Progress
from samdesk.core.reading_notes import Notice, Refusal
from samdesk.core.study import Series
from samdesk.errors import ReadError
from samdesk.io.base import FileRef, Headers, Reader
from samdesk.io.readers.dicom import DicomReader
from samdesk.io.readers.itk import ItkReader
from samdesk.io.readers.nifti import NiftiReader
from samdesk.io.readers.picture import PictureReader
from samdesk.io.sniff import refusal, wrong_extension

# In the order in which they are asked; a DICOM file may begin with the bytes of a TIFF.
READERS: tuple[Reader, ...] = (DicomReader(), NiftiReader(), ItkReader(), PictureReader())

_YIELD_SECONDS = 0.1


def reader_for(head: bytes, name: str) -> Reader | None:
    """Give the reader that knows a file with these first bytes, or None."""
    return next((reader for reader in READERS if reader.can_read(head, name)), None)


def headers(files: Iterable[FileRef]) -> Generator[Progress, None, Headers]:
    """Sniff some files, read their headers, and refuse by name what no reader knows.

    Yields:
        How many files were looked at.

    Returns:
        Series (all with number 1), refusals, and notices about no single series.
    """
    sorted_files, refusals, endings = yield from _sort(list(files))
    series: list[Series] = []
    notices: list[Notice] = []
    for reader in READERS:
        mine = sorted_files[reader.label]
        if not mine:
            continue
        found, refused, said = yield from reader.headers(mine)
        series += [_with_endings(one, endings) for one in found]
        refusals += refused
        notices += said
    parts = {path for one in series for path in one.source.paths}
    # The voxels of a pair are no image of their own, and no file that was left out either.
    return series, [one for one in refusals if one.path not in parts], notices


def _sort(
    files: Sequence[FileRef],
) -> Generator[
    Progress, None, tuple[dict[str, list[FileRef]], list[Refusal], dict[FileRef, Notice]]
]:
    """Give each file to the reader that knows it."""
    sorted_files: dict[str, list[FileRef]] = {reader.label: [] for reader in READERS}
    refusals: list[Refusal] = []
    endings: dict[FileRef, Notice] = {}
    last = monotonic()
    for n, file in enumerate(files):
        if monotonic() - last > _YIELD_SECONDS:
            yield Progress(n, len(files), "Looking at files")
            last = monotonic()
        try:
            head = file.head()
        except ReadError as error:
            refusals.append(Refusal(file.shown, error.code, error.what, error.hint))
            continue
        reader = reader_for(head, file.name)
        if reader is None:
            refusals.append(Refusal(file.shown, *refusal(head, file.name)))
            continue
        sorted_files[reader.label].append(file)
        ending = wrong_extension(head, file.name)
        if ending is not None:
            endings[file] = ending
    return sorted_files, refusals, endings


def _with_endings(series: Series, endings: dict[FileRef, Notice]) -> Series:
    """Add the notice of a wrong ending to the series that the file became."""
    if not endings:
        return series
    source = series.source
    members = source.members or ("",) * len(source.paths)
    for path, member in zip(source.paths, members, strict=False):
        notice = endings.get(FileRef(path, member))
        if notice is not None:
            return replace(series, notices=(*series.notices, notice))
    return series
