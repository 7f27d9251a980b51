"""DICOMDIR: the list of files on a medium. Only names inside its own folder are believed."""

from dataclasses import dataclass
from pathlib import Path

from samdesk.errors import ReadError
from samdesk.io.base import FileRef
from samdesk.io.dicom.header import inconsistent, read_header
from samdesk.io.dicom.library import pydicom

NAME = "DICOMDIR"
MOST_PARTS = 16


@dataclass(frozen=True)
class Directory:
    """What a DICOMDIR lists.

    Attributes:
        files: that are there.
        missing: names that are not, as the list writes them.
        outside: how many names lead out of the folder.
    """

    files: tuple[Path, ...] = ()
    missing: tuple[str, ...] = ()
    outside: int = 0


def read_directory(ref: FileRef) -> Directory:
    """Read the list and look for its files beside it, whatever the case of their letters.

    Raises:
        ReadError: the list itself is damaged.

    Source:
        DICOM PS3.3 F.3.2.2 (Referenced File ID), PS3.10 8.2.
    """
    files: dict[Path, None] = {}
    missing: list[str] = []
    outside = 0
    folders: dict[Path, dict[str, str]] = {}
    for parts in _file_ids(ref):
        if not _is_inside(parts):
            outside += 1
            continue
        found = _find(ref.path.parent, parts, folders)
        if found is None:
            missing.append("/".join(parts))
        else:
            files[found] = None
    return Directory(tuple(files), tuple(missing), outside)


def _file_ids(ref: FileRef) -> list[tuple[str, ...]]:
    read_header(ref)  # its checks come before any library sees the file
    try:
        with ref.open() as file:
            dataset = pydicom().dcmread(file, force=True, stop_before_pixels=True)
        ids = [
            record.get("ReferencedFileID") for record in dataset.get("DirectoryRecordSequence", [])
        ]
    except (ReadError, OSError):
        raise
    except Exception as error:
        raise inconsistent("the list of files cannot be read") from error
    return [
        (part,) if isinstance(part, str) else tuple(str(name) for name in part)
        for part in ids
        if part
    ]


def _is_inside(parts: tuple[str, ...]) -> bool:
    return len(parts) <= MOST_PARTS and all(
        part.strip() not in ("", ".", "..") and not set(part) & set("/\\:\0") for part in parts
    )


def _find(folder: Path, parts: tuple[str, ...], folders: dict[Path, dict[str, str]]) -> Path | None:
    """Walk down the parts; links are not followed."""
    at = folder
    for part in parts:
        if at not in folders:
            try:
                folders[at] = {entry.name.upper(): entry.name for entry in at.iterdir()}
            except OSError:
                folders[at] = {}
        exact = at / part
        name = part if exact.exists() else folders[at].get(part.strip().upper())
        if name is None:
            return None
        at = at / name
        if at.is_symlink():
            return None
    return at if at.is_file() else None
