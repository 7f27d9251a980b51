"""The one door for images: how a path or a series is opened."""

import re
from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path

from samdesk.core.progress import Progress
from samdesk.core.reading import Opened, ScanReport
from samdesk.core.study import Series
from samdesk.errors import ReadError
from samdesk.io.base import finish
from samdesk.io.scan import scan
from samdesk.io.sorting import READERS, headers, reader_for

__all__ = ["READERS", "finish", "headers", "open_path", "open_series", "reader_for", "run"]

# The brief name of `finish`, for callers that have only the registry.
run = finish

_LISTED = 12


def open_series(series: Series) -> Generator[Progress, None, Opened]:
    """Read one series of a scan report.

    Yields:
        Progress, and `Arrived` where slices can be shown before the end.

    Raises:
        ReadError: it cannot become a volume or radiograph.
    """
    for reader in READERS:
        if reader.label == series.source.kind:
            opened = yield from reader.read(series)
            known = {notice.code for notice in opened.notices}
            kept = tuple(one for one in series.notices if one.code not in known)
            return replace(opened, notices=kept + opened.notices)
    raise ReadError(
        f"There is no reader for {series.source.kind}.",
        code="unsupported-format",
        hint="Open the file anew; it was listed by another version of samdesk.",
    )


def open_path(spec: str | Path) -> Generator[Progress, None, Opened]:
    """Open what a person names: a file, folder, DICOMDIR or zip with one series, or with `#`.

    Args:
        spec: `path`, `path#3` (the third of the list of `samdesk info`) or `path#UID`.

    Yields:
        Progress of the scan, then of the reading.

    Raises:
        ReadError: nothing there can be opened, or there are several series and none is named.
    """
    series = yield from choose(spec)
    return (yield from open_series(series))


def choose(spec: str | Path) -> Generator[Progress, None, Series]:
    """Find the one series that a SCAN of the command line names.

    Raises:
        ReadError: as `open_path`.
    """
    path, wanted = split_spec(spec)
    if not path.exists():
        raise ReadError(
            f"There is no file or folder {path}.",
            code="files-missing",
            hint="Check the path; a name with blanks needs quotes.",
        )
    report = yield from scan([path])
    return pick(report, path, wanted)


def split_spec(spec: str | Path) -> tuple[Path, str]:
    """Take `path#3` apart; a file that really has `#` in its name wins."""
    if isinstance(spec, Path) or Path(spec).exists() or "#" not in spec:
        return Path(spec), ""
    path, _, wanted = spec.rpartition("#")
    return Path(path), wanted.strip()


def pick(report: ScanReport, path: Path, wanted: str) -> Series:
    """Choose from a scan report by number, by UID, or because there is only one.

    Args:
        report: what is at the path.
        path: as the person named it, for the sentence.
        wanted: what stands behind `#`, or empty.

    Raises:
        ReadError: nothing to open, no such series, or several.
    """
    if not report.series:
        raise _nothing(report, path)
    if not wanted:
        main = [one for one in report.series if not one.is_apart] or list(report.series)
        if len(main) == 1:
            return main[0]
        raise _several(main, path)
    if re.fullmatch(r"\d{1,6}", wanted):
        chosen = [one for one in report.series if one.number == int(wanted)]
    else:
        chosen = [one for one in report.series if one.id == wanted]
        chosen = chosen or [one for one in report.series if one.id.startswith(f"{wanted}/")]
    if len(chosen) != 1:
        raise _several(chosen or list(report.series), path, wanted)
    return chosen[0]


def _nothing(report: ScanReport, path: Path) -> ReadError:
    """Make the error for a path without series; one file alone gives its own reason."""
    if len(report.refusals) == 1:
        one = report.refusals[0]
        return ReadError(one.reason, code=one.code, hint=one.hint)
    n = len(report.refusals)
    why = f"; {n} files were looked at, the first: {report.refusals[0].reason}" if n else "."
    return ReadError(
        f"There is no image to open in {path}{why}",
        code="nothing-to-open",
        hint="Choose the folder with the images; `samdesk info` lists each file's reason.",
    )


def _several(series: Sequence[Series], path: Path, wanted: str = "") -> ReadError:
    """Make the error that lists the series and says how to name one."""
    lines = [f"  #{one.number}  {one.label}" for one in series[:_LISTED]]
    if len(series) > _LISTED:
        lines.append(f"  and {len(series) - _LISTED} more")
    first = f"{path} has no series #{wanted}" if wanted else f"{path} has {len(series)} series"
    return ReadError(
        f"{first}. It has:\n" + "\n".join(lines),
        code="several-series",
        hint=f"Name one of them, as in {path}#{series[0].number}.",
    )
