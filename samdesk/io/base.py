"""What every reader keeps to, and the references to files that readers are given."""

import io
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeVar

from samdesk.core.progress import Progress
from samdesk.core.reading import Opened
from samdesk.core.reading_notes import Notice, Refusal
from samdesk.core.study import Series
from samdesk.errors import ReadError
from samdesk.io import zip as zip_file
from samdesk.io.limits import HEAD_BYTES
from samdesk.io.text import plain

Result = TypeVar("Result")

# What the headers of some files tell: series, files that are not shown and why, and what
# concerns no single series.
Headers = tuple[list[Series], list[Refusal], list[Notice]]


@dataclass(frozen=True)
class FileRef:
    """A regular file, or a member of a zip, that may be read.

    Attributes:
        path: the file; for a member the zip.
        member: the name within the zip, or empty.
    """

    path: Path
    member: str = ""

    @property
    def name(self) -> str:
        """Last part of the name, for hints by its ending only."""
        return self.member.replace("\\", "/").rsplit("/", 1)[-1] if self.member else self.path.name

    @property
    def shown(self) -> Path:
        """What to call it in a refusal: the path, with the member after it."""
        return self.path / plain(self.member) if self.member else self.path

    @property
    def size(self) -> int:
        """Bytes; for a member those it claims to unpack to.

        Raises:
            ReadError: the file is gone or may not be read.
        """
        if self.member:
            return zip_file.size_of(self.path, self.member)
        try:
            return self.path.stat().st_size
        except OSError as error:
            raise gone(self.path, error) from error

    def open(self) -> BinaryIO:
        """Open for reading; a member is unpacked into memory within the limits of zip.py.

        Raises:
            ReadError: the file is gone, may not be read, or the member is damaged.
        """
        if self.member:
            return io.BytesIO(zip_file.read_member(self.path, self.member))
        try:
            return self.path.open("rb")
        except OSError as error:
            raise gone(self.path, error) from error

    def head(self, n: int = HEAD_BYTES) -> bytes:
        """Give the first bytes, at most `n`.

        Raises:
            ReadError: as `open`.
        """
        if self.member:
            return zip_file.read_head(self.path, self.member, n)
        with self.open() as stream:
            try:
                return stream.read(n)
            except OSError as error:
                raise gone(self.path, error) from error


class Reader(Protocol):
    """One kind of file: recognizes it, tells what is in it, and reads it.

    Attributes:
        label: "dicom", "nifti", "itk" or "picture"; the `kind` of its sources.
    """

    @property
    def label(self) -> str:
        """Name of the reader in `Source.kind`."""
        ...

    def can_read(self, head: bytes, name: str) -> bool:
        """Tell by the first 512 bytes whether this reader knows such a file.

        Args:
            head: the first bytes of the file.
            name: the file's name; decides only where a format has no mark of its own.
        """
        ...

    def headers(self, files: Sequence[FileRef]) -> Generator[Progress, None, Headers]:
        """Read the headers of some files and list what can be opened, numbers left at 1."""
        ...

    def read(self, series: Series) -> Generator[Progress, None, Opened]:
        """Read one series, yielding `Progress` or `Arrived`.

        Raises:
            ReadError: it cannot become a volume or radiograph.
        """
        ...


def finish(generator: Generator[Any, Any, Result]) -> Result:
    """Move a generator to its end and give what it returns."""
    while True:
        try:
            next(generator)
        except StopIteration as end:
            result: Result = end.value
            return result


def sibling(ref: FileRef, ending: str, other: str) -> FileRef | None:
    """Find the file beside `ref` whose name ends in `other` in place of `ending`.

    Capital letters of the ending are kept as a second try (.HDR beside .IMG).

    Raises:
        ReadError: the zip that holds `ref` cannot be read.
    """
    name = ref.member or ref.path.name
    if not name.lower().endswith(ending):
        return None
    stem = name[: -len(ending)]
    for candidate in (stem + other, stem + other.upper()):
        if ref.member:
            if candidate in zip_file.listing(ref.path).members:
                return FileRef(ref.path, candidate)
        elif ref.path.with_name(candidate).is_file():
            return FileRef(ref.path.with_name(candidate))
    return None


def gone(path: Path, error: OSError) -> ReadError:
    """Make the error for a file that the system will not give."""
    if isinstance(error, FileNotFoundError):
        return ReadError(
            f"{plain(path.name)} is not there any more.",
            code="files-missing",
            hint="Check that the drive is still connected, then open the folder again.",
        )
    if isinstance(error, PermissionError):
        return ReadError(
            f"{plain(path.name)} may not be read by this user.",
            code="files-missing",
            hint="Ask for the right to read it, or copy it to a folder of your own.",
        )
    return ReadError(
        f"{plain(path.name)} could not be read: {error.strerror or 'input/output error'}.",
        code="files-missing",
        hint="Copy the file to a local disk and try again.",
    )
