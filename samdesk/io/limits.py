"""How much a file may ask for, checked before anything is allocated."""

import os
import sys
from pathlib import Path

from samdesk.errors import ReadError

# Bytes that decide which reader a file gets.
HEAD_BYTES = 512
# A text header (NRRD, MetaImage) longer than this is none.
MAX_TEXT_HEADER = 64 * 1024
# Part of the free memory that one image may take.
MEMORY_SHARE = 0.6
# A walk through folders.
MAX_DEPTH = 64
MAX_FILES = 100_000
# Members of a zip: what they unpack to beside what they are packed in, their number, their sum.
MAX_RATIO = 200
MAX_MEMBERS = 100_000
MAX_ZIP_BYTES = 16 * 1024**3
# A picture; the largest digital mammograms have 24 million pixels.
MAX_PIXELS = 100_000_000
# Points of one file.
MAX_POINTS = 10_000

# Where the system does not tell, this much is taken for free.
_UNKNOWN_FREE = 2 * 1024**3


def free_memory() -> int:
    """Give the bytes that this process could still get, also within its own address limit."""
    free = _system_free()
    limit = _address_room()
    return free if limit is None else min(free, limit)


def check_room(n_bytes: int, what: str) -> None:
    """Refuse an image that does not fit into the free memory, before it is allocated.

    Args:
        n_bytes: product of the sizes and the bytes of a voxel, as a Python integer.
        what: the file, as the sentence should name it.

    Raises:
        ReadError: code too-large.
    """
    bound = int(free_memory() * MEMORY_SHARE)
    if n_bytes > bound:
        raise ReadError(
            f"{what} asks for {in_words(n_bytes)} of memory; {in_words(bound)} may be used now.",
            code="too-large",
            hint="Close other scans or programs, or use a machine with more memory.",
        )


def in_words(n_bytes: int) -> str:
    """Write a number of bytes as a person would: 512 B, 64 KB, 3.4 GB."""
    if n_bytes < 1000:
        return f"{n_bytes} B"
    size = float(n_bytes)
    for unit in ("KB", "MB", "GB", "TB"):
        size /= 1000
        if size < 1000:
            return f"{size:.0f} {unit}" if size >= 10 else f"{size:.1f} {unit}"
    return "more than 1000 TB"


def _system_free() -> int:
    """Memory that is free or can be freed, by the system's own figure."""
    if sys.platform == "win32":
        return _windows_free()
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return min(int(line.split()[1]) * 1024, _container_free())
    except (OSError, ValueError, IndexError):
        pass
    try:
        # macOS tells no free memory here; half of all of it is a careful stand-in.
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (OSError, ValueError):
        return _UNKNOWN_FREE


def _container_free() -> int:
    """What the control group of a container leaves, or a very large number without one."""
    group = Path("/sys/fs/cgroup")
    try:
        limit = (group / "memory.max").read_text(encoding="ascii").strip()
        used = int((group / "memory.current").read_text(encoding="ascii"))
        stat = (group / "memory.stat").read_text(encoding="ascii").split()
        cached = int(stat[stat.index("inactive_file") + 1])
        return max(0, int(limit) - used + cached)
    except (OSError, ValueError, IndexError):
        return sys.maxsize


def _address_room() -> int | None:
    """Bytes left below RLIMIT_AS; None where the process has no such limit."""
    if sys.platform == "win32":
        return None
    import resource  # absent on Windows

    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit in (resource.RLIM_INFINITY, -1):
        return None
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return limit
    return max(0, limit - pages * resource.getpagesize())


def _windows_free() -> int:
    """Ask GlobalMemoryStatusEx for the available physical memory."""
    import ctypes

    class Status(ctypes.Structure):
        _fields_ = [
            ("length", ctypes.c_ulong),
            ("load", ctypes.c_ulong),
            *((f"figure{n}", ctypes.c_ulonglong) for n in range(7)),
        ]

    status = Status(length=ctypes.sizeof(Status))
    library = getattr(ctypes, "windll", None)
    if library is None or not library.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
        return _UNKNOWN_FREE
    # figure0 is all physical memory, figure1 what is available of it.
    return int(status.figure1)
