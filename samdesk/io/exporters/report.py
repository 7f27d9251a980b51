"""A report as one HTML file that needs nothing else: figures, pictures and a table."""

import base64
import html
import math
from collections.abc import Iterable
from dataclasses import dataclass

from samdesk.core.geometry import Position
from samdesk.core.match import Verdict
from samdesk.io.page import POLICY, RESEARCH_ONLY, STYLE

CURVE_MM = 30.0
CURVE_SIZE = (420, 190)
MARGIN_PX = 34
SUMMARY_COLUMNS = (
    "Date", "#In the scan", "#Median error, mm", "#Within 10 mm", "#Not in the scan",
    "#of these not claimed",
)  # fmt: skip
MATCH_COLUMNS = (
    "Date", "Name", "Kind", "Verdict", "#x", "#y", "#z", "#True error, mm", "#Present", "Note",
)  # fmt: skip


@dataclass(frozen=True)
class ReportRow:
    """One match and, where it is known, the truth.

    Attributes:
        date: of the target.
        name: of the point or lesion.
        kind: "point" or "lesion".
        verdict: of the match.
        at_mm: where it was found, or None.
        truth_mm: where it really is; None where that is not known.
        in_scan: whether that place lies in the target; None where that is not known.
        p_present: probability that the match gives.
        note: a few words more.
    """

    date: str
    name: str
    kind: str
    verdict: Verdict
    at_mm: Position | None
    truth_mm: Position | None
    in_scan: bool | None
    p_present: float
    note: str = ""

    @property
    def error_mm(self) -> float | None:
        """Distance from the truth; None where there is no place or no truth in the scan."""
        if self.at_mm is None or self.truth_mm is None or not self.in_scan:
            return None
        return math.dist(self.at_mm, self.truth_mm)


@dataclass(frozen=True)
class ReportPicture:
    """A PNG and what it shows."""

    png: bytes
    caption: str


@dataclass(frozen=True)
class Report:
    """All that a report says.

    Attributes:
        title: its heading.
        facts: label and value, told at the top: model, device, seconds and so on.
        rows: every match.
        pictures: shown below the table.
    """

    title: str
    facts: tuple[tuple[str, str], ...]
    rows: tuple[ReportRow, ...]
    pictures: tuple[ReportPicture, ...] = ()


def report_html(report: Report) -> str:
    """Give the report as a whole page; every word from outside is escaped."""
    title = html.escape(report.title)
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
            f"<title>{title}</title><style>{STYLE}</style></head><body>",
            f"<h1>{title}</h1>",
            f'<p class="note">{RESEARCH_ONLY}</p>',
            _facts(report.facts),
            "<h2>Summary</h2>",
            _summary(report.rows),
            _curve(report.rows),
            "<h2>Matches</h2>",
            _table(report.rows),
            *(["<h2>Pictures</h2>"] if report.pictures else []),
            *(_picture(picture) for picture in report.pictures),
            f'<p class="note">{RESEARCH_ONLY}</p>',
            "</body></html>\n",
        ]
    )


def _facts(facts: Iterable[tuple[str, str]]) -> str:
    rows = "".join(
        f"<tr><th>{html.escape(label)}</th><td>{html.escape(value)}</td></tr>"
        for label, value in facts
    )
    return f"<table>{rows}</table>"


def _errors(rows: Iterable[ReportRow]) -> list[float]:
    """Give the errors of the places that are in the scan; infinite where none was given."""
    found = []
    for row in rows:
        if row.in_scan:
            error = row.error_mm
            found.append(math.inf if error is None else error)
    return sorted(found)


def _millimetres(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.1f}" if math.isfinite(value) else "none"


def _summary(rows: tuple[ReportRow, ...]) -> str:
    body = []
    for date in dict.fromkeys(row.date for row in rows):
        own = [row for row in rows if row.date == date]
        errors = _errors(own)
        outside = [row for row in own if row.in_scan is False]
        quiet = sum(row.verdict is not Verdict.FOUND for row in outside)
        near = f"{sum(e <= 10 for e in errors) / len(errors):.0%}" if errors else ""
        median = _millimetres(errors[len(errors) // 2]) if errors else ""
        body.append((date, str(len(errors)), median, near, str(len(outside)), str(quiet)))
    return _grid(SUMMARY_COLUMNS, body)


def _curve(rows: tuple[ReportRow, ...]) -> str:
    """Draw the share of places in the scan that lie within each distance of the truth."""
    errors = _errors(rows)
    if not errors:
        return ""
    width, height = CURVE_SIZE
    wide, high = width - 2 * MARGIN_PX, height - 2 * MARGIN_PX

    def place(mm: float, share: float) -> str:
        x = MARGIN_PX + wide * min(mm, CURVE_MM) / CURVE_MM
        return f"{x:.1f},{height - MARGIN_PX - high * share:.1f}"

    steps = [place(0, 0)]
    for order, error in enumerate(e for e in errors if e <= CURVE_MM):
        steps += [place(error, order / len(errors)), place(error, (order + 1) / len(errors))]
    steps.append(place(CURVE_MM, sum(e <= CURVE_MM for e in errors) / len(errors)))
    ticks = "".join(
        f'<text x="{MARGIN_PX + wide * mm / CURVE_MM - 5:.0f}" y="{height - 14}">{mm}</text>'
        for mm in (0, 10, 20, 30)
    )
    frame = f"{MARGIN_PX},{MARGIN_PX} {MARGIN_PX},{height - MARGIN_PX} " + place(CURVE_MM, 0)
    return (
        f'<figure><svg width="{width}" height="{height}" role="img">'
        f'<polyline points="{frame}" fill="none" stroke="currentColor"/>'
        f'<polyline points="{" ".join(steps)}" fill="none" stroke="#1f77b4" stroke-width="2"/>'
        f'{ticks}<text x="2" y="{MARGIN_PX + 4}">100 %</text></svg>'
        "<figcaption>Share of places within a distance (mm) of the truth.</figcaption></figure>"
    )


def _table(rows: tuple[ReportRow, ...]) -> str:
    body = []
    for row in rows:
        x, y, z = (f"{v:.1f}" for v in row.at_mm) if row.at_mm else ("", "", "")
        error, present = _millimetres(row.error_mm), f"{row.p_present:.2f}"
        note = row.note or ("not in this scan" if row.in_scan is False else "")
        words = (row.date, row.name, row.kind, row.verdict.value)
        body.append((*words, x, y, z, error, present, note))
    return _grid(MATCH_COLUMNS, body)


def _grid(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Make a table; a column whose label begins with # holds numbers and stands on the right."""
    sides = [' class="n"' if label.startswith("#") else "" for label in columns]
    lines = ["<tr>" + _cells("th", sides, [label.lstrip("#") for label in columns]) + "</tr>"]
    lines += ["<tr>" + _cells("td", sides, row) + "</tr>" for row in rows]
    return "<table>" + "".join(lines) + "</table>"


def _cells(tag: str, sides: Iterable[str], values: Iterable[str]) -> str:
    return "".join(
        f"<{tag}{side}>{html.escape(value)}</{tag}>"
        for side, value in zip(sides, values, strict=True)
    )


def _picture(picture: ReportPicture) -> str:
    caption = html.escape(picture.caption)
    data = base64.b64encode(picture.png).decode("ascii")
    return (
        f'<figure><img alt="{caption}" src="data:image/png;base64,{data}">'
        f"<figcaption>{caption}</figcaption></figure>"
    )
