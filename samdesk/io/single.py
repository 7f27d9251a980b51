"""Series that are one file (or a header and its voxels), with no patient named in it."""

from pathlib import Path

from samdesk.core.ids import PatientId, SeriesId, StudyId
from samdesk.core.reading_notes import Notice
from samdesk.core.study import Series, Source
from samdesk.core.volume import Modality
from samdesk.io.base import FileRef
from samdesk.io.places import Place
from samdesk.io.text import plain


def file_series(
    kind: str,
    files: tuple[FileRef, ...],
    modality: Modality,
    grid: Place,
    notices: tuple[Notice, ...],
    volume: tuple[int, int] = (0, 1),
) -> Series:
    """Make the series of a file.

    Args:
        kind: the reader's label.
        files: the header first, then the file of its voxels if that is another.
        modality: judged by the first values.
        grid: where the voxels lie.
        notices: of the header; those of the grid are added.
        volume: which of how many volumes of the file, from 0.
    """
    n, count = volume
    of = f", volume {n + 1} of {count}" if count > 1 else ""
    return Series(
        id=file_id(kind, files[0], n),
        study=StudyId(f"folder:{files[0].path.parent}"),
        patient=PatientId(""),
        modality=modality,
        label=plain(files[0].name) + of,
        source=file_source(kind, files, str(n) if count > 1 else ""),
        shape=grid.geometry.shape,
        spacing=grid.spacing,
        orientation=grid.orientation,
        notices=notices + grid.notices,
    )


def file_id(kind: str, ref: FileRef, volume: int = 0) -> SeriesId:
    """Name a series of a file uniquely: by its place, and its number from the second on."""
    whole = f"{kind}:{Path(ref.path).absolute()}" + (f"!{ref.member}" if ref.member else "")
    return SeriesId(f"{whole}/{volume + 1}" if volume else whole)


def file_source(kind: str, files: tuple[FileRef, ...], detail: str = "") -> Source:
    """Say where the bytes are."""
    return Source(
        kind=kind,
        paths=tuple(ref.path for ref in files),
        members=tuple(ref.member for ref in files) if files[0].member else (),
        detail=detail,
    )


def refs_of(source: Source) -> tuple[FileRef, ...]:
    """Give the files of a source, the header first."""
    members = source.members or ("",) * len(source.paths)
    return tuple(FileRef(path, member) for path, member in zip(source.paths, members, strict=True))
