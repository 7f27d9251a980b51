"""The built-in patient: three dates of CT, and every point and lesion matched against the truth."""

import time
from collections.abc import Generator
from dataclasses import dataclass

import numpy as np

from samdesk.core.geometry import Position
from samdesk.core.match import Match, Verdict
from samdesk.core.phantom.patient import Patient, make_patient
from samdesk.core.phantom.render import PhantomScan, render
from samdesk.core.progress import Progress
from samdesk.io.exporters.pictures import Mark, Side, Sign, match_picture
from samdesk.io.exporters.report import Report, ReportPicture, ReportRow
from samdesk.io.match_table import MatchRow
from samdesk.model.embedder import Embedding, embed
from samdesk.model.matcher import Matcher
from samdesk.model.session import Session

DEMO_SEED = 2024
DATES = 3
SPACING_MM = (3.0, 1.7, 1.7)
# Shown as pictures beside the lesions: places that people click and that are easy to judge.
PICTURED = ("carina", "aortic_arch_top", "left_renal_hilum", "L3")


@dataclass(frozen=True)
class Question:
    """A place of the first date: its name, what it is, and where."""

    name: str
    kind: str
    at_mm: Position


@dataclass(frozen=True)
class Demonstration:
    """What the built-in patient gave.

    Attributes:
        rows: of the table of matches.
        report: the page.
        pictures: file name to PNG.
    """

    rows: tuple[MatchRow, ...]
    report: Report
    pictures: dict[str, bytes]


def demo_patient() -> Patient:
    """Give the built-in patient."""
    return make_patient(DEMO_SEED, DATES)


def questions(scan: PhantomScan) -> list[Question]:
    """List the points and lesions that are in a scan."""
    found = [Question(name, "point", at) for name, at in scan.points.items()]
    found += [
        Question(name, "lesion", lesion.at_mm)
        for name, lesion in scan.lesions.items()
        if lesion.diameter_mm > 0
    ]
    return [question for question in found if is_inside(scan, question.at_mm)]


def is_inside(scan: PhantomScan, at_mm: Position) -> bool:
    """Tell whether a place lies in the field of view of a scan."""
    return bool(scan.volume.geometry.outside_mm(np.array([at_mm]))[0] == 0)


def demonstrate(
    patient: Patient,
    session: Session,
    spacing_mm: tuple[float, float, float] = SPACING_MM,
) -> Generator[Progress, None, Demonstration]:
    """Match all places of the first date on the other dates, and compare with the truth.

    Args:
        patient: a made patient with two dates or more.
        session: of the model to be shown.
        spacing_mm: of the scans (k, j, i).

    Returns:
        Table, report and pictures.
    """
    began = time.perf_counter()
    total = 3 * len(patient.timepoints)
    scans: list[PhantomScan] = []
    embeddings: list[Embedding] = []
    for number in range(len(patient.timepoints)):
        yield Progress(2 * number, total, f"drawing date {number + 1}")
        scans.append(render(patient, number, spacing_mm=spacing_mm))
        yield Progress(2 * number + 1, total, f"embedding date {number + 1}")
        embeddings.append((yield from embed(scans[-1].volume, session)))
    asked = questions(scans[0])
    places = np.array([question.at_mm for question in asked])
    matcher = Matcher(session.info)
    table: list[MatchRow] = []
    rows: list[ReportRow] = []
    pictures: dict[str, bytes] = {}
    captions: list[ReportPicture] = []
    for number, scan in list(enumerate(scans))[1:]:
        date = _day(patient.timepoints[number].date)
        matches = yield from matcher.match_points(
            embeddings[0],
            embeddings[number],
            places,
            same_patient=True,
            volumes=(scans[0].volume, scan.volume),
        )
        table += [MatchRow(date, q.name, m) for q, m in zip(asked, matches, strict=True)]
        for question, match in zip(asked, matches, strict=True):
            row = _row(date, question, match, scan)
            rows.append(row)
            if row.in_scan and (question.kind == "lesion" or question.name in PICTURED):
                yield Progress(total - 1, total, "drawing pictures")
                png = _picture(scans[0], scan, question, row)
                pictures[f"{date}_{question.name}.png"] = png
                captions.append(ReportPicture(png, _caption(row)))
    seconds = time.perf_counter() - began
    report = Report(
        "samdesk: the built-in patient",
        _facts(patient, scans, session, len(asked), seconds),
        tuple(rows),
        tuple(captions),
    )
    return Demonstration(tuple(table), report, pictures)


def _day(date: str) -> str:
    return f"{date[:4]}-{date[4:6]}-{date[6:]}"


def _row(date: str, question: Question, match: Match, scan: PhantomScan) -> ReportRow:
    lesion = scan.lesions.get(question.name)
    truth = lesion.at_mm if lesion else scan.points[question.name]
    inside = is_inside(scan, truth)
    note = match.reason
    if lesion and inside:
        size = f"{lesion.diameter_mm:.1f} mm" if lesion.diameter_mm > 0 else "vanished"
        note = f"{size}. {note}".strip()
    return ReportRow(
        date, question.name, question.kind, match.verdict, match.at_mm, truth, inside,
        match.p_present, note,
    )  # fmt: skip


def _caption(row: ReportRow) -> str:
    error = "no place was given" if row.error_mm is None else f"true error {row.error_mm:.1f} mm"
    return f"{row.name.replace('_', ' ')}, {row.date}: {row.verdict.value}, {error}"


def _picture(first: PhantomScan, scan: PhantomScan, question: Question, row: ReportRow) -> bytes:
    truth = row.truth_mm or question.at_mm
    marks = [Mark(truth, Sign.TRUTH)]
    if row.at_mm is not None:
        sign = Sign.FOUND if row.verdict is Verdict.FOUND else Sign.UNCERTAIN
        marks.insert(0, Mark(row.at_mm, sign))
    name = question.name.replace("_", " ")
    error = "no place given" if row.error_mm is None else f"error {row.error_mm:.1f} mm"
    template = Side(
        first.volume,
        question.at_mm,
        (Mark(question.at_mm, Sign.TEMPLATE),),
        f"baseline: {name}",
    )
    target = Side(
        scan.volume,
        row.at_mm or truth,
        tuple(marks),
        f"{row.date}: {row.verdict.value}, {error} (cross: truth)",
    )
    return match_picture(template, target)


def _facts(
    patient: Patient, scans: list[PhantomScan], session: Session, asked: int, seconds: float
) -> tuple[tuple[str, str], ...]:
    dates = ", ".join(
        f"{_day(date.date)} ({date.phase.value}, {' x '.join(map(str, scan.volume.array.shape))})"
        for date, scan in zip(patient.timepoints, scans, strict=True)
    )
    return (
        ("Patient", f"made by samdesk, number {patient.seed}; nobody was scanned"),
        ("Scans", dates),
        ("Asked", f"{asked} points and lesions of the first date"),
        ("Model", f"{session.info.id} {session.info.version}"),
        ("Computed on", session.device_words),
        ("Time", f"{seconds:.1f} s for drawing, embedding and matching"),
    )
