"""From what a person names to the files to look at: folders, DICOMDIR, zip; links not followed."""

import os
import stat
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from samdesk.core.progress import Progress
from samdesk.core.reading_notes import Notice, Refusal
from samdesk.errors import ReadError
from samdesk.io import zip as zip_file
from samdesk.io.base import FileRef, gone
from samdesk.io.dicom import directory
from samdesk.io.limits import MAX_DEPTH, MAX_FILES
from samdesk.io.text import plain

# What systems leave beside images; nobody asked for it, so nobody is told.
JUNK = frozenset({".ds_store", "thumbs.db", "desktop.ini", "autorun.inf", "__macosx"})
FILES_A_STEP = 500


@dataclass
class Files:
    """What was met.

    Attributes:
        refs: files to look at, each once.
        refusals: what is not looked at, and why.
        notices: links that were skipped, files that a list names and that are gone.
        containers: folders and zips that were named; one without images is refused as such.
        links: how many links were skipped.
    """

    refs: dict[FileRef, None] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    containers: list[Path] = field(default_factory=list)
    links: int = 0

    def refuse(self, path: Path, error: ReadError) -> None:
        """Note an error as the reason why a file is not shown."""
        self.refusals.append(Refusal(path, error.code, error.what, error.hint))


def files_of(paths: Sequence[Path]) -> Generator[Progress, None, Files]:
    """List the files behind paths, in steps."""
    found = Files()
    for path in paths:
        yield from _files_of_one(path, found)
    if found.links:
        found.notices.append(
            Notice(
                "link-skipped",
                f"{found.links} link(s) in the folder were not followed.",
                float(found.links),
            )
        )
    return found


def _files_of_one(path: Path, found: Files) -> Generator[Progress, None, None]:
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        lost = error if isinstance(error, OSError) else OSError(str(type(error)))
        found.refuse(path, gone(path, lost))
        return
    if stat.S_ISDIR(mode):
        found.containers.append(path)
        yield from _walk(path, found)
    elif not stat.S_ISREG(mode):
        found.refuse(path, _no_file())
    elif path.name.upper() == directory.NAME:
        yield from _listed(path, found)
    elif zip_file.is_zip(_head(path)) and not path.suffix.lower().endswith("x"):
        _members(path, found)
    else:
        found.refs[FileRef(path)] = None
    yield Progress(len(found.refs), 0, "looking for files")


def _head(path: Path) -> bytes:
    try:
        return FileRef(path).head(4)
    except ReadError:
        return b""


def _no_file() -> ReadError:
    return ReadError("This is a pipe or a device, not a file.", code="not-an-image")


def _members(path: Path, found: Files) -> None:
    found.containers.append(path)
    try:
        listing = zip_file.listing(path)
    except ReadError as error:
        found.refuse(path, error)
        return
    for name, member in listing.members.items():
        if member.size:
            found.refs[FileRef(path, name)] = None
        else:
            found.refusals.append(Refusal(path / plain(name), "empty-file", "The member is empty."))
    found.refusals += listing.refusals
    found.notices += listing.notices


def _listed(path: Path, found: Files) -> Generator[Progress, None, None]:
    """Take the files that a DICOMDIR lists; the whole folder where it lists none that is there."""
    listed = _check_directory(path, found)
    if listed is not None and listed.files:
        found.refs |= {FileRef(file): None for file in listed.files}
        return
    if listed is None or not listed.outside:
        found.containers.append(path.parent)
        yield from _walk(path.parent, found, checked=True)


def _check_directory(path: Path, found: Files) -> directory.Directory | None:
    """Read a DICOMDIR and say what is wrong with it."""
    try:
        listed = directory.read_directory(FileRef(path))
    except ReadError as error:
        found.refuse(path, error)
        return None
    if listed.outside:
        found.refusals.append(
            Refusal(
                path,
                "outside-folder",
                f"The DICOMDIR names {listed.outside} file(s) outside of its folder; they were "
                "not opened.",
                "Ask the sender for a sound copy.",
            )
        )
    if listed.missing:
        first = plain(listed.missing[0])
        sentence = (
            f"The DICOMDIR lists {len(listed.missing)} file(s) that are not there; the first is "
            f"{first}."
        )
        hint = "Copy the whole medium again."
        found.refusals.append(Refusal(path, "files-missing", sentence, hint))
        found.notices.append(Notice("files-missing", sentence, float(len(listed.missing))))
    return listed


def _walk(top: Path, found: Files, *, checked: bool = False) -> Generator[Progress, None, None]:
    """Walk a folder, its entries by name, deepest last."""
    folders = [(top, 0)]
    seen = 0
    while folders:
        folder, depth = folders.pop()
        if depth > MAX_DEPTH:
            found.refusals.append(
                Refusal(
                    folder,
                    "too-deep",
                    f"Folders more than {MAX_DEPTH} deep are not looked into.",
                    "Open the inner folder itself.",
                )
            )
            continue
        try:
            with os.scandir(folder) as entries:
                inside = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            found.refuse(folder, gone(folder, error))
            continue
        below = []
        for entry in inside:
            seen += 1
            if seen > MAX_FILES:
                found.refusals.append(_too_many(top))
                return
            if _take(entry, found, checked=checked):
                below.append((Path(entry.path), depth + 1))
            if seen % FILES_A_STEP == 0:
                yield Progress(seen, 0, "looking for files")
        folders.extend(reversed(below))


def _too_many(top: Path) -> Refusal:
    return Refusal(
        top,
        "too-large",
        f"The folder has more than {MAX_FILES} files; the rest was not looked at.",
        "Open the folder of one patient.",
    )


def _take(entry: "os.DirEntry[str]", found: Files, *, checked: bool) -> bool:
    """Note one entry of a folder; returns whether it is a folder to walk into."""
    path = Path(entry.path)
    name = entry.name.lower()
    if name in JUNK or name.startswith("._"):
        return False
    try:
        if entry.is_symlink():
            found.links += 1
            if not path.exists():
                found.refuse(path, gone(path, FileNotFoundError()))
            return False
        if entry.is_dir(follow_symlinks=False):
            return True
        if not entry.is_file(follow_symlinks=False):
            found.refuse(path, _no_file())
            return False
    except OSError as error:
        found.refuse(path, gone(path, error))
        return False
    if entry.name.upper() == directory.NAME:
        if not checked:
            _check_directory(path, found)
        return False
    found.refs[FileRef(path)] = None
    return False
