"""Headers of whatever a person names, put together into one report: what is there, what is not."""

import re
from collections import Counter, defaultdict
from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path
from time import monotonic

from samdesk.core.progress import Progress
from samdesk.core.reading import ScanReport
from samdesk.core.reading_notes import Notice, Refusal
from samdesk.core.study import Series
from samdesk.io import sorting
from samdesk.io.dicom.sentences import LEFT_OUT, left_out
from samdesk.io.folders import Files, files_of

# Reasons that say nothing of a folder but that it holds other things than images.
OTHER_THINGS = frozenset({"not-recognised", "unsupported-format", "not-an-image", "empty-file"})
# Reasons that mean a picture was meant and cannot be used.
DAMAGE = frozenset(
    {
        "checksum", "files-missing", "header-inconsistent", "no-pixels", "pixels-damaged",
        "too-deep", "too-large", "truncated", "unsupported-pixels", "unsupported-syntax",
    }
)  # fmt: skip


def scan(paths: Sequence[Path]) -> Generator[Progress, None, ScanReport]:
    """Read the headers behind paths: files, folders, DICOMDIR, zips, in any mixture.

    Yields:
        Progress every 50 to 500 files; nothing is decoded.

    Returns:
        Series numbered from 1, patient by patient, study by study, the largest first and what
        stands apart last; every file that is not shown with its reason; notices.
    """
    start = monotonic()
    files = yield from files_of(paths)
    series, refusals, notices = yield from sorting.headers(files.refs)
    refusals = files.refusals + refusals
    series, said = _say_left_out(series, refusals)
    notices = [*files.notices, *notices, *said, *_several_series(series)]
    refusals = _nothing_to_open(files, series, refusals) + refusals
    numbered = tuple(
        replace(one, number=number) for number, one in enumerate(_sorted(series), start=1)
    )
    return ScanReport(numbered, tuple(refusals), tuple(notices), monotonic() - start)


def _sorted(series: list[Series]) -> list[Series]:
    """Order by patient and study as they were met, studies by date."""
    patients = {one.patient: n for n, one in reversed(list(enumerate(series)))}

    def key(one: Series) -> tuple[int, str, str, bool, int]:
        k, j, i = one.shape or (0, 0, 0)
        date = one.study_date.isoformat() if one.study_date else "9"
        return patients[one.patient], date, str(one.study), one.is_apart, -k * j * i

    return sorted(series, key=key)


def _several_series(series: Sequence[Series]) -> list[Notice]:
    count = len({one.id.split("/")[0] for one in series})
    if count < 2:
        return []
    return [Notice("several-series", f"There are {count} series.", float(count))]


def _nothing_to_open(
    files: Files, series: Sequence[Series], refusals: Sequence[Refusal]
) -> list[Refusal]:
    """Refuse a folder or zip that holds no image, by its own name."""
    if series or any(refusal.code not in OTHER_THINGS for refusal in refusals):
        return []
    return [
        Refusal(
            path,
            "nothing-to-open",
            f"There is no image in {path.name}; {len(refusals)} file(s) were looked at.",
            "Choose the folder or zip that holds the images.",
        )
        for path in files.containers[:1]
    ]


def _say_left_out(
    series: list[Series], refusals: Sequence[Refusal]
) -> tuple[list[Series], list[Notice]]:
    """Say on a series that files beside its slices could not be used.

    Returns:
        The series, and a notice for files beside several series, which may belong to any.
    """
    names: defaultdict[Path, set[str]] = defaultdict(set)
    owners: defaultdict[Path, set[int]] = defaultdict(set)
    for n, one in enumerate(series):
        for place, name in _files(one):
            names[place].add(_likeness(name))
            if not one.is_apart:
                owners[place].add(n)
    notices: list[Notice] = []
    for place, count in _lost_beside(refusals, names).items():
        notice = left_out(count, "their files cannot be read")
        if len(owners[place]) == 1:
            (n,) = owners[place]
            series[n] = replace(series[n], notices=(*series[n].notices, notice))
        else:
            notices.append(notice)
    return series, notices


def _lost_beside(refusals: Sequence[Refusal], names: dict[Path, set[str]]) -> Counter[Path]:
    """Count the refused files in each folder or zip that were meant to be slices."""
    lost: Counter[Path] = Counter()
    for refusal in refusals:
        place = next((parent for parent in refusal.path.parents if parent in names), None)
        if place is not None and _is_slice_like(refusal, names[place]):
            lost[place] += 1
    return lost


def _files(series: Series) -> list[tuple[Path, str]]:
    """Give (folder or zip, name) of each file of a series."""
    source = series.source
    if source.members:
        return list(zip(source.paths, source.members, strict=True))
    return [(path.parent, path.name) for path in source.paths]


def _likeness(name: str) -> str:
    """Reduce a file name to its letters before the number, and its ending."""
    stem, dot, ending = name.rsplit("/", 1)[-1].rpartition(".")
    if not dot or ending.isdigit():
        stem, ending = name.rsplit("/", 1)[-1], ""
    return re.sub(r"[0-9].*$", "", stem).lower() + "." + ending.lower()


def _is_slice_like(refusal: Refusal, names: set[str]) -> bool:
    """Whether a refused file was meant to be one of the slices beside it."""
    if refusal.reason.startswith(LEFT_OUT):
        return False  # its series has said so already
    if refusal.code in DAMAGE and refusal.path.name.upper() != "DICOMDIR":
        return True
    return refusal.code in OTHER_THINGS and _likeness(refusal.path.name) in names
