"""Whole files or none: written beside, flushed to the disk, then put in place in one step.

Source:
    reliability.md rule 17; the measured loss of plain writes under kill -9 was 32 of 100.
"""

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from samdesk.errors import NoRoom, SamdeskError, UsageError
from samdesk.io.text import plain

_WHY = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "your share of the disk is full",
    errno.EROFS: "the disk is read-only",
    errno.EACCES: "this user may not write there",
    errno.EPERM: "this user may not write there",
    errno.EIO: "the disk reported a fault",
    errno.ESTALE: "the network share is gone",
    errno.ENOENT: "the folder is not there",
    errno.ENOTDIR: "the folder is not there",
    errno.ENAMETOOLONG: "the name is too long",
    errno.EISDIR: "there is a folder of that name",
}
_FOLDERS_CAN_BE_FLUSHED = os.name != "nt"
_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; what is written there takes its place at the end.

    If the block or any later step fails, `path` is as it was and the temporary file is gone.

    Args:
        path: the file to be written; its folder must be there.

    Raises:
        NoRoom: the disk is full (code no-room).
        UsageError: it cannot be written for another reason (code read-only).
    """
    path = Path(path)
    temporary: Path | None = None
    try:
        temporary = _beside(path)
        yield temporary
        _flush(temporary)
        _take_mode(path, temporary)
        temporary.replace(path)
        _flush_folder(path.parent)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        if temporary is not None:
            # Gone already if all went well; a leftover is no reason to fail.
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file whole or not at all.

    Raises:
        NoRoom: the disk is full, found before writing where it can be known.
        UsageError: it cannot be written for another reason.
    """
    path = Path(path)
    _check_free(path, len(data))
    with replacing(path) as temporary, temporary.open("wb") as stream:
        stream.write(data)


def write_text(path: Path, text: str) -> None:
    """Write a file of UTF-8 text whole or not at all; line ends stay as they are.

    Raises:
        NoRoom: the disk is full.
        UsageError: it cannot be written for another reason.
    """
    write_bytes(path, text.encode("utf-8"))


def cannot_write(path: Path, error: OSError) -> SamdeskError:
    """Make the error for a file that could not be written; the old one is whole."""
    why = _WHY.get(error.errno or 0, error.strerror or "an unknown fault")
    what = f"{plain(Path(path).name)} was not written: {why}. An older file of that name is whole."
    if error.errno in _FULL:
        return NoRoom(what, code="no-room", hint="Free some space, or choose another folder.")
    return UsageError(what, code="read-only", hint="Choose another folder.")


def _beside(path: Path) -> Path:
    """Make an empty temporary file in the same folder; its name tells nothing."""
    handle, name = tempfile.mkstemp(prefix=".samdesk-", suffix=".tmp", dir=path.parent)
    os.close(handle)
    return Path(name)


def _check_free(path: Path, n_bytes: int) -> None:
    """Say before writing that there is no room; twice the size must be free."""
    if not hasattr(os, "statvfs"):
        return
    with contextlib.suppress(OSError):
        state = os.statvfs(path.parent)
        free = state.f_bavail * state.f_frsize
        if n_bytes * 2 > free:
            raise cannot_write(path, OSError(errno.ENOSPC, "")) from None


def _take_mode(path: Path, temporary: Path) -> None:
    """Give the new file the rights of the old one, or those of any new file."""
    try:
        mode = path.stat().st_mode & 0o777
    except OSError:
        mask = os.umask(0)
        os.umask(mask)
        mode = 0o666 & ~mask
    temporary.chmod(mode)


def _flush(path: Path) -> None:
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())


def _flush_folder(folder: Path) -> None:
    """Make the new name survive a power cut; Windows has no such call and needs none."""
    if not _FOLDERS_CAN_BE_FLUSHED:
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
