"""`samdesk match`: the template's points in the targets, as a table."""

import sys
from collections.abc import Generator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from samdesk.app import exit_codes, matching_radiographs, paths
from samdesk.app.progress_bar import run_steps
from samdesk.core.match import Match, Verdict
from samdesk.core.models import ModelInfo
from samdesk.core.point import TemplatePoint
from samdesk.core.progress import Progress
from samdesk.core.radiograph import Radiograph
from samdesk.core.reading import Opened
from samdesk.core.reading_notes import Notice
from samdesk.core.study import Series
from samdesk.core.volume import Modality, Volume
from samdesk.errors import GeometryError, ModelError, NoRoom, ReadError, UsageError

if TYPE_CHECKING:
    from samdesk.io.match_table import MatchRow
    from samdesk.model.cache import EmbeddingCache
    from samdesk.model.embedding import Embedding
    from samdesk.model.matcher import Matcher
    from samdesk.model.session import Session
    from samdesk.model.shelf import Shelf


class Device(Enum):
    """What computes."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


@dataclass(frozen=True, eq=False)
class Scan:
    """A scan of the command line, opened, and what a model makes of it.

    Attributes:
        spec: as it was typed.
        series: what was chosen there.
        opened: what was read.
        embedding: None where the model cannot be asked.
        reason: why not, as a sentence; empty where it can.
    """

    spec: str
    series: Series
    opened: Opened
    embedding: "Embedding | None"
    reason: str


@dataclass(frozen=True, eq=False)
class Result:
    """The table, and which targets were refused, with the reason."""

    rows: "list[MatchRow]"
    refused: tuple[tuple[str, ReadError | GeometryError | NoRoom], ...]


def match(
    template: Annotated[str, typer.Option(help="Scan in which the points are placed.")],
    points: Annotated[Path, typer.Option(help="Points: .csv, .mrk.json or .fcsv.")],
    target: Annotated[list[str], typer.Option(help="Scan to search; may be repeated.")],
    out: Annotated[Path, typer.Option(help="Table to write: .csv or .mrk.json.")],
    model: Annotated[str, typer.Option(help="Name of a model, as `model list` shows it.")] = "",
    device: Annotated[Device, typer.Option(help="What computes.")] = Device.AUTO,
) -> None:
    """Find the points of one scan in other scans."""
    from samdesk.io.match_table import write_matches

    _check_out(out)
    result = run_steps(_steps(template, points, target, model, device), "match")
    if len(result.refused) == len(target):
        _tell_refused(result.refused[:-1])
        raise result.refused[-1][1]
    out.parent.mkdir(parents=True, exist_ok=True)
    write_matches(out, result.rows)
    _tell_unknown(result.rows)
    _tell_refused(result.refused)
    if result.refused:
        raise typer.Exit(exit_codes.PART)


def _check_out(out: Path) -> None:
    """Refuse a table that could not be written, before anything is computed."""
    from samdesk.io.match_table import check_ending

    check_ending(out)
    if out.is_dir():
        raise UsageError(f'"{out}" is a folder.', code="usage", hint="Name a file in it.")


def _steps(
    template: str, points: Path, targets: list[str], model: str, device: Device
) -> Generator[Progress, None, Result]:
    from samdesk.io.match_table import MatchRow
    from samdesk.model.cache import EmbeddingCache
    from samdesk.model.matcher import unknown
    from samdesk.model.scaled import matcher_for
    from samdesk.model.session import Session
    from samdesk.model.shelf import Shelf

    shelf = Shelf(paths.models_folders())
    named = shelf.get(model) if model else None
    if named is None:
        shelf.default()  # a program without its own model says so before it reads anything
    read = yield from _read(template)
    info = named or _usual(shelf, read[1].image)
    is_radiograph = isinstance(read[1].image, Radiograph)
    matching_radiographs.check_model(info, is_radiograph=is_radiograph)
    yield Progress(0, 0, "loading the model")
    session = Session(info, device.value)
    if session.is_fallback:
        _tell(f"The graphics card cannot be used here; {session.device_words} computes instead.")
    if is_radiograph:
        return (yield from _radiographs(read[1], points, targets, session))
    cache = EmbeddingCache(paths.cache_folder())
    matcher = matcher_for(info)
    first = yield from _scan(template, *read, session, cache)
    wanted = _points(points, first.opened)
    rows: list[MatchRow] = []
    refused: list[tuple[str, ReadError | GeometryError | NoRoom]] = []
    for spec in targets:
        try:
            if first.reason:
                matches = [unknown(first.reason, info.id)] * len(wanted)
            else:
                read = yield from _read(spec)
                second = yield from _scan(spec, *read, session, cache)
                matches = yield from _matches(matcher, first, second, wanted)
        except (ReadError, GeometryError, NoRoom) as error:
            refused.append((spec, error))
            matches = [unknown(error.what, info.id)] * len(wanted)
        rows += [
            MatchRow(target=spec, name=point.name, match=match)
            for point, match in zip(wanted, matches, strict=True)
        ]
    _tell_notices("cache", cache.notices)
    return Result(rows, tuple(refused))


def _radiographs(
    template: Opened, points: Path, targets: list[str], session: "Session"
) -> Generator[Progress, None, Result]:
    """Match in pixels, where the template is a radiograph."""
    from samdesk.io.match_table import MatchRow

    def opened(spec: str) -> Generator[Progress, None, Opened]:
        return (yield from _read(spec))[1]

    assert isinstance(template.image, Radiograph)  # noqa: S101 - the caller looked
    wanted = _points(points, template)
    answers = yield from matching_radiographs.steps(
        template.image, wanted, targets, session, opened
    )
    rows = [
        MatchRow(target=one.target, name=point.name, match=match)
        for one in answers
        for point, match in zip(wanted, one.matches, strict=True)
    ]
    return Result(rows, tuple((one.target, one.refused) for one in answers if one.refused))


def _usual(shelf: "Shelf", image: Volume | Radiograph) -> ModelInfo:
    """Give the model for what the template is; CT's where there is none, which then says why."""
    from samdesk.model.fitness import taken_for

    if isinstance(image, Radiograph):
        return shelf.default(Modality.DX)
    try:
        return shelf.default(taken_for(image))
    except ModelError as error:
        if error.code != "model-unknown":
            raise
        return shelf.default(Modality.CT)


def _read(spec: str) -> Generator[Progress, None, tuple[Series, Opened]]:
    """Choose the scan of an argument and open it."""
    from samdesk.io import registry

    series = yield from registry.choose(spec)
    opened = yield from registry.open_series(series)
    _tell_notices(spec, opened.notices)
    return series, opened


def _scan(
    spec: str, series: Series, opened: Opened, session: "Session", cache: "EmbeddingCache"
) -> Generator[Progress, None, Scan]:
    """Embed a scan where the model can be asked about it."""
    from samdesk.model.embedder import embed
    from samdesk.model.fitness import reason_against

    if not isinstance(opened.image, Volume):
        raise ReadError(
            f"{spec} is a radiograph and the template is a volume.",
            code="not-comparable",
            hint="Name volumes as targets.",
        )
    reason = reason_against(opened.image, session.info, opened.notices)
    if reason:
        return Scan(spec, series, opened, None, reason)
    embedding = yield from embed(opened.image, session, cache)
    return Scan(spec, series, opened, embedding, "")


def _points(path: Path, template: Opened) -> list[TemplatePoint]:
    """Read the points file against the template's grid."""
    from samdesk.io.points import read_points

    if isinstance(template.image, Volume):
        points, notices = read_points(path, template.image.geometry)
    else:
        points, notices = read_points(path, is_picture=True)
    _tell_notices(str(path), notices)
    return points


def _matches(
    matcher: "Matcher", first: Scan, second: Scan, points: list[TemplatePoint]
) -> Generator[Progress, None, list[Match]]:
    from samdesk.model.matcher import unknown

    if first.embedding is None or second.embedding is None:
        reason = first.reason or second.reason
        return [unknown(reason, matcher.info.id)] * len(points)
    images = first.opened.image, second.opened.image
    volumes = tuple(image for image in images if isinstance(image, Volume))
    return (
        yield from matcher.match_points(
            first.embedding,
            second.embedding,
            np.array([point.at_mm for point in points], dtype=np.float64).reshape(-1, 3),
            same_patient=_is_same_patient(first.series, second.series),
            volumes=(volumes[0], volumes[1]),
        )
    )


def _is_same_patient(one: Series, other: Series) -> bool:
    """Tell whether the headers say so; only DICOM has the words."""
    kinds = {one.source.kind, other.source.kind}
    return kinds == {"dicom"} and bool(one.patient) and one.patient == other.patient


def _tell_unknown(rows: "list[MatchRow]") -> None:
    """Say once for each target why it has no answer; equal reasons are counted."""
    counts: dict[tuple[str, str], int] = {}
    for row in rows:
        if row.match.verdict is Verdict.UNKNOWN:
            key = row.target, row.match.reason
            counts[key] = counts.get(key, 0) + 1
    for (target, reason), n in counts.items():
        _tell(f"{target}: unknown for {n} point{'s' if n > 1 else ''}: {reason}")


def _tell_refused(
    refused: "tuple[tuple[str, ReadError | GeometryError | NoRoom], ...]",
) -> None:
    for spec, error in refused:
        _tell(f"{spec}: skipped: {error.code}: {error.what}")


def _tell_notices(spec: str, notices: tuple[Notice, ...]) -> None:
    for notice in notices:
        _tell(f"{spec}: {notice.code}: {notice.sentence}")


def _tell(line: str) -> None:
    if sys.stderr is not None:
        sys.stderr.write(line + "\n")
