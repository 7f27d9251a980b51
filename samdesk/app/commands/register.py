"""`samdesk register`: one scan laid onto another, started from matches, as files."""

import json
import sys
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import typer

from samdesk.app import paths
from samdesk.app.commands.match import Device
from samdesk.app.progress_bar import run_steps
from samdesk.core.progress import Progress
from samdesk.core.reading_notes import Notice
from samdesk.core.volume import Modality, Volume
from samdesk.errors import ModelError, ReadError, RegistrationError, UsageError

if TYPE_CHECKING:
    from samdesk.core.models import ModelInfo
    from samdesk.io.exporters.registration import RegistrationReport
    from samdesk.registration.aligned import Alignment

AFFINE, DEFORMABLE, RESAMPLED = "affine.tfm", "deformable.h5", "resampled.nii.gz"


@dataclass(frozen=True, eq=False)
class _Scan:
    """A scan of the command line, opened."""

    spec: str
    volume: Volume
    notices: tuple[Notice, ...]


@dataclass(frozen=True, eq=False)
class _Done:
    """What was found, before anything is written."""

    fixed: _Scan
    moving: _Scan
    alignment: "Alignment"
    moved: Volume
    model: "ModelInfo"
    seconds: dict[str, float]


def register(
    fixed: Annotated[str, typer.Option(help="Scan that stays where it is.")],
    moving: Annotated[str, typer.Option(help="Scan that is laid onto it.")],
    out: Annotated[Path, typer.Option(help="Folder for the transforms, the image, the report.")],
    model: Annotated[str, typer.Option(help="Name of a model, as `model list` shows it.")] = "",
    device: Annotated[Device, typer.Option(help="What computes.")] = Device.AUTO,
    affine_only: Annotated[
        bool, typer.Option("--affine-only", help="Stop after the affine of the matches.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Answer as JSON.")] = False,
) -> None:
    """Lay one scan onto another, started from matched places."""
    from samdesk.io.exporters import registration as exporter

    _check_out(out, affine_only=affine_only)
    done = run_steps(_steps(fixed, moving, model, device, affine_only), "register")
    report = run_steps(_written(out, done, affine_only=affine_only), "register")
    for note in report.notes:
        _tell(note)
    if as_json:
        print(json.dumps(exporter.as_data(report), indent=2))
        return
    figures = report.figures
    print(
        f"{figures['used']} matched places used, {figures['struck_out']} struck out; residual "
        f"median {figures['median_mm']:.1f} mm, 95 % below {figures['p95_mm']:.1f} mm."
    )
    print(f"Smallest change of volume {report.least_jacobian:.2f}; nothing folds.")
    print(f"Written to {out}: {report.facts['files']}")


def _check_out(out: Path, *, affine_only: bool) -> None:
    """Refuse a folder that could not be written or would mix two runs, before any work."""
    if out.exists() and not out.is_dir():
        raise UsageError(f'"{out}" is a file.', code="usage", hint="Name a folder.")
    if affine_only and (out / DEFORMABLE).exists():
        raise UsageError(
            f'"{out}" holds {DEFORMABLE} of another run.',
            code="usage",
            hint="Name another folder, so that the files of one run stay together.",
        )


def _steps(
    fixed: str, moving: str, name: str, device: Device, affine_only: bool
) -> Generator[Progress, None, _Done]:
    from samdesk.model.cache import EmbeddingCache
    from samdesk.model.embedder import embed
    from samdesk.model.fitness import taken_for
    from samdesk.model.lattice import matched_lattice
    from samdesk.model.matcher import Matcher
    from samdesk.model.session import Session
    from samdesk.model.shelf import Shelf
    from samdesk.registration.aligned import align, resampled

    started = perf_counter()
    first = yield from _scan(fixed)
    second = yield from _scan(moving)
    kinds = taken_for(first.volume), taken_for(second.volume)
    _check_kinds(kinds)
    shelf = Shelf(paths.models_folders())
    info = shelf.get(name) if name else shelf.default(kinds[0])
    for scan in (first, second):
        _check_fit(scan, info)
    opened = perf_counter()
    yield Progress(0, 0, "loading the model")
    session = Session(info, device.value)
    if session.is_fallback:
        _tell(f"The graphics card cannot be used here; {session.device_words} computes instead.")
    cache = EmbeddingCache(paths.cache_folder())
    one = yield from embed(first.volume, session, cache)
    other = yield from embed(second.volume, session, cache)
    matches = yield from matched_lattice(Matcher(info), one, other)
    matched = perf_counter()
    alignment = yield from align(
        first.volume, second.volume, matches, is_deformable=not affine_only
    )
    registered = perf_counter()
    yield Progress(0, 0, "drawing the moving scan on the fixed grid")
    moved = resampled(second.volume, first.volume.geometry, alignment.registration)
    seconds = {
        "opening": opened - started,
        "embedding and matching": matched - opened,
        "registering": registered - matched,
        "resampling": perf_counter() - registered,
    }
    return _Done(first, second, alignment, moved, info, seconds)


def _scan(spec: str) -> Generator[Progress, None, _Scan]:
    """Open a scan that must be a volume."""
    from samdesk.io import registry

    series = yield from registry.choose(spec)
    opened = yield from registry.open_series(series)
    for notice in opened.notices:
        _tell(f"{spec}: {notice.code}: {notice.sentence}")
    if not isinstance(opened.image, Volume):
        raise ReadError(
            f'"{spec}" is a radiograph; only volumes can be laid onto each other.',
            code="not-a-volume",
            hint="Name a CT or MR series.",
        )
    return _Scan(spec, opened.image, opened.notices)


def _check_kinds(kinds: tuple[Modality, Modality]) -> None:
    """Refuse two scans of which a model knows one at most."""
    one, other = kinds
    if one is not other and Modality.OTHER not in kinds:
        raise RegistrationError(
            f"The fixed scan is {one.value} and the moving scan is {other.value}; scans of "
            "different kinds cannot be matched, so there is nothing to start from.",
            code="other-modality",
            hint="Choose two scans of one kind.",
        )


def _check_fit(scan: _Scan, info: "ModelInfo") -> None:
    from samdesk.model.fitness import reason_against

    reason = reason_against(scan.volume, info, scan.notices)
    if reason:
        raise ModelError(f"{scan.spec}: {reason}", code="not-comparable")


def _written(
    out: Path, done: _Done, *, affine_only: bool
) -> Generator[Progress, None, "RegistrationReport"]:
    """Write everything, each file whole or not at all, the reports last."""
    from samdesk.io.exporters import registration as exporter
    from samdesk.io.exporters.laid import laid_picture
    from samdesk.registration.aligned import linear_transform

    found = done.alignment
    files = [AFFINE, *([] if affine_only else [DEFORMABLE]), RESAMPLED]
    total = len(files) + 1
    yield Progress(0, total, "writing")
    out.mkdir(parents=True, exist_ok=True)
    exporter.write_transform(out / AFFINE, linear_transform(found.affine))
    if not affine_only:
        yield Progress(1, total, "writing")
        exporter.write_transform(out / DEFORMABLE, found.registration.inner)
    yield Progress(total - 2, total, "writing")
    exporter.write_volume(out / RESAMPLED, done.moved)
    yield Progress(total - 1, total, "writing")
    report = exporter.RegistrationReport(
        fixed=done.fixed.spec,
        moving=done.moving.spec,
        facts={
            "model": f"{done.model.id} {done.model.version}",
            "model sha256": done.model.sha256,
            "method": found.registration.method,
            "places asked": str(found.n_asked),
            "files": ", ".join([*files, "report.html", "report.json"]),
        },
        affine=found.affine,
        fixed_mm=found.fixed_mm,
        moving_mm=found.moving_mm,
        used=found.used,
        residual_mm=found.residual_mm,
        least_jacobian=found.least_jacobian,
        seconds=done.seconds,
        notes=found.notes,
        picture=laid_picture(done.fixed.volume, done.moved),
    )
    exporter.write_reports(out, report)
    return report


def _tell(line: str) -> None:
    if sys.stderr is not None:
        sys.stderr.write(line + "\n")
