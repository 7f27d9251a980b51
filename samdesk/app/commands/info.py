"""`samdesk info`: what is there, what is odd about it, and what was not opened and why."""

import json
import re
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from samdesk.app import exit_codes
from samdesk.app.progress_bar import run_steps
from samdesk.core.progress import Progress
from samdesk.core.reading import Opened, ScanReport
from samdesk.core.reading_notes import Notice, Refusal
from samdesk.core.study import Series
from samdesk.core.volume import Volume
from samdesk.errors import ReadError, SamdeskError

UID = re.compile(r"[0-9.]{1,64}(/[0-9]+)?")


@dataclass(frozen=True)
class Seen:
    """What is told of an opened image; its pixels are let go at once.

    Attributes:
        shape: (k, j, i), or (j, i) of a picture.
        spacing: mm along the same axes; None where there are none.
        notices: all of them, the headers' included.
        unit: of a volume's values; None for pictures.
        scale: what a picture's mm rest on; None for volumes.
    """

    shape: tuple[int, ...]
    spacing: tuple[float, ...] | None
    notices: tuple[Notice, ...]
    unit: str | None = None
    scale: str | None = None


@dataclass(frozen=True)
class Looked:
    """What one run of `info` has found.

    Attributes:
        report: of the headers.
        opened: series number -> what opening showed.
        skipped: files and series that were not opened.
    """

    report: ScanReport
    opened: dict[int, Seen]
    skipped: tuple[Refusal, ...]


def info(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files, folders, zips.")],
    as_json: Annotated[bool, typer.Option("--json", help="Answer as JSON.")] = False,
    headers: Annotated[
        bool, typer.Option("--headers", help="Read headers only: quicker, fewer warnings.")
    ] = False,
    names: Annotated[
        bool, typer.Option("--names", help="Write patient names and numbers as well.")
    ] = False,
) -> None:
    """Say what is there: patients, studies, series, every warning and every skipped file."""
    looked = run_steps(look(paths, with_pixels=not headers), "info")
    if as_json:
        print(json.dumps(as_dict(looked, names=names), indent=2, ensure_ascii=False))
    else:
        for line in as_lines(looked, names=names):
            print(line)
    if not looked.report.series or not (headers or looked.opened):
        raise _nothing(looked, paths)
    if any(not path.exists() for path in paths):
        raise typer.Exit(exit_codes.PART)


def look(paths: list[Path], *, with_pixels: bool) -> Generator[Progress, None, Looked]:
    """Scan paths and open each series once, so that what only pixels show is told too."""
    from samdesk.io.registry import open_series
    from samdesk.io.scan import scan

    report = yield from scan(paths)
    opened: dict[int, Seen] = {}
    skipped = list(report.refusals)
    for series in report.series if with_pixels else ():
        try:
            opened[series.number] = _seen((yield from open_series(series)))
        except ReadError as error:
            path = series.source.paths[0]
            skipped.append(Refusal(path, error.code, error.what, error.hint))
    return Looked(report, opened, tuple(skipped))


def _seen(opened: Opened) -> Seen:
    image = opened.image
    if isinstance(image, Volume):
        spacing = tuple(round(mm, 6) for mm in image.geometry.spacing)
        return Seen(image.array.shape, spacing, opened.notices, unit=image.unit.value)
    return Seen(image.array.shape, image.pixel_mm, opened.notices, scale=image.scale.value)


def _nothing(looked: Looked, paths: list[Path]) -> SamdeskError:
    if looked.skipped:
        first = looked.skipped[0]
        return ReadError(first.reason, code=first.code, hint=first.hint)
    return ReadError(
        f"There is nothing to open in {paths[0]}.",
        code="nothing-to-open",
        hint="Choose the folder with the images.",
    )


def _warnings(looked: Looked, series: Series) -> list[Notice]:
    """List what concerns a series: its own notices, and those of everything that was named."""
    opened = looked.opened.get(series.number)
    own = list(opened.notices) if opened is not None else list(series.notices)
    return own + [notice for notice in looked.report.notices if notice not in own]


def as_dict(looked: Looked, *, names: bool) -> dict[str, Any]:
    """Put everything into one object for programs."""
    people = _numbers(looked.report.series)
    return {
        "patients": len({series.patient for series in looked.report.series}),
        "studies": len({(series.patient, series.study) for series in looked.report.series}),
        "seconds": round(looked.report.seconds, 3),
        "scans": [
            _scan(looked, series, people[str(series.patient)], names=names)
            for series in looked.report.series
        ],
        "skipped": [
            {
                "path": str(refusal.path),
                "code": refusal.code,
                "reason": refusal.reason,
                "hint": refusal.hint,
            }
            for refusal in looked.skipped
        ],
        "warnings": [_notice(notice) for notice in looked.report.notices],
    }


def _notice(notice: Notice) -> dict[str, Any]:
    return {"code": notice.code, "sentence": notice.sentence, "number": notice.number}


def _numbers(series: tuple[Series, ...]) -> dict[str, int]:
    numbers: dict[str, int] = {}
    for one in series:
        numbers.setdefault(str(one.patient), len(numbers) + 1)
    return numbers


def _scan(looked: Looked, series: Series, patient: int, *, names: bool) -> dict[str, Any]:
    seen = looked.opened.get(series.number)
    told = {
        "number": series.number,
        "id": str(series.id) if UID.fullmatch(str(series.id)) else "",
        "patient": patient,
        "study_date": series.study_date.isoformat() if series.study_date else None,
        "modality": series.modality.value,
        "label": series.label,
        "kind": "picture" if series.is_picture else "volume",
        "is_apart": series.is_apart,
        "files": len(set(zip(series.source.paths, _members(series), strict=True))),
        "slices": series.shape[0] if series.shape else None,
        "size": list(seen.shape) if seen else list(series.shape or ()) or None,
        "spacing_mm": _spacing(series, seen),
        "orientation": series.orientation,
        "unit": seen.unit if seen else None,
        "scale": seen.scale if seen else None,
        "warnings": [_notice(notice) for notice in _warnings(looked, series)],
    }
    if names:
        told |= {"patient_id": str(series.patient), "patient_name": series.patient_name}
    return told


def _spacing(series: Series, seen: Seen | None) -> list[float] | None:
    """Give mm along the axes of the size, in its order."""
    if seen is not None:
        return list(seen.spacing) if seen.spacing else None
    if series.spacing is None:
        return None
    return list(series.spacing[1:] if series.is_picture else series.spacing)


def _members(series: Series) -> tuple[str, ...]:
    return series.source.members or ("",) * len(series.source.paths)


def as_lines(looked: Looked, *, names: bool) -> Generator[str, None, None]:
    """Put everything into lines for people."""
    people = _numbers(looked.report.series)
    before = ("", "")
    for series in looked.report.series:
        here = (str(series.patient), str(series.study))
        if here[0] != before[0]:
            who = f": {series.patient_name or '?'}, {series.patient}" if names else ""
            yield f"Patient {people[here[0]]}{who}"
        if here != before:
            day = series.study_date.isoformat() if series.study_date else "without a date"
            yield f"  Study {day}"
        before = here
        yield f"    #{series.number}  {_line(looked, series)}"
        for notice in _warnings(looked, series):
            if notice not in looked.report.notices:
                yield f"        {notice.code}: {notice.sentence}"
    for notice in looked.report.notices:
        yield f"{notice.code}: {notice.sentence}"
    if looked.skipped:
        yield f"Not opened: {len(looked.skipped)}"
        for refusal in looked.skipped:
            yield f"  {refusal.path}  {refusal.code}: {refusal.reason}"


def _line(looked: Looked, series: Series) -> str:
    seen = looked.opened.get(series.number)
    shape = seen.shape if seen else (series.shape or ())
    parts = [f"{series.modality.value} {series.label}"]
    if shape:
        parts.append(" x ".join(str(n) for n in reversed(shape)))
    spacing = _spacing(series, seen)
    sizes = " x ".join(f"{mm:.4g}" for mm in reversed(spacing or []))
    parts.append(f"{sizes} mm" if sizes else "no millimetres")
    parts.append(series.orientation)
    if seen is not None:
        parts.append(f"scale: {seen.scale}" if seen.scale else seen.unit or "no unit")
    if series.is_apart:
        parts.append("apart")
    return ", ".join(part for part in parts if part)
