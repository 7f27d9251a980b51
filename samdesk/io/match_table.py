"""Matches written as the table of `samdesk match`, or as markups for Slicer."""

import csv
import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from samdesk.core.match import Match, Verdict
from samdesk.errors import UsageError
from samdesk.io import atomic
from samdesk.io.text import cell, plain

COLUMNS = (
    "target", "name", "x", "y", "z", "verdict", "p_present", "similarity", "margin",
    "cycle_error_mm", "model", "seconds",
)  # fmt: skip
_LONGEST_PATH = 4096
_SCHEMA = (
    "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/"
    "Resources/Schema/markups-schema-v1.0.3.json#"
)


@dataclass(frozen=True)
class MatchRow:
    """One point in one target.

    Attributes:
        target: the target as the person named it.
        name: of the point.
        match: the answer.
    """

    target: str
    name: str
    match: Match


def write_matches(path: Path, rows: Sequence[MatchRow]) -> None:
    """Write matches whole or not at all, by the ending of the path: .csv or .mrk.json.

    Args:
        path: where to; an older file is replaced.
        rows: in the order of the input; one row for each point and target.

    Raises:
        UsageError: another ending.
        NoRoom, SamdeskError: it cannot be written; an older file is whole.
    """
    check_ending(path)
    lower = Path(path).name.lower()
    atomic.write_text(path, _markups(rows) if lower.endswith(".json") else _table(rows))


def check_ending(path: Path) -> None:
    """Say before the work that matches cannot be written to such a file.

    Raises:
        UsageError: the ending is neither .csv nor .mrk.json.
    """
    if not Path(path).name.lower().endswith((".csv", ".mrk.json")):
        raise UsageError(
            f"Matches are written as .csv or .mrk.json, not as {plain(Path(path).name)}.",
            code="usage",
            hint="Name the file matches.csv, for instance.",
        )


def _table(rows: Sequence[MatchRow]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        match = row.match
        at = match.at_mm if _has_place(match) else None
        writer.writerow(
            [
                cell(row.target, _LONGEST_PATH),
                cell(row.name),
                *(("", "", "") if at is None else (_figure(value, 3) for value in at)),
                match.verdict.value,
                _figure(match.p_present, 4),
                _figure(match.similarity, 4),
                _figure(match.margin, 4),
                _figure(match.cycle_error_mm, 2),
                cell(match.model),
                _figure(match.seconds, 3),
            ]
        )
    return out.getvalue()


def _markups(rows: Sequence[MatchRow]) -> str:
    """Write one list of points for each target, in LPS; points without a place have none."""
    targets: dict[str, list[dict[str, object]]] = {}
    for row in rows:
        points = targets.setdefault(row.target, [])
        points.append(_control_point(row, len(points) + 1))
    lists = [
        {
            "type": "Fiducial",
            "name": plain(target, _LONGEST_PATH),
            "coordinateSystem": "LPS",
            "coordinateUnits": "mm",
            "controlPoints": points,
        }
        for target, points in targets.items()
    ]
    return json.dumps({"@schema": _SCHEMA, "markups": lists}, indent=1, ensure_ascii=False) + "\n"


def _control_point(row: MatchRow, n: int) -> dict[str, object]:
    match = row.match
    p = _figure(match.p_present, 2)
    point: dict[str, object] = {
        "id": str(n),
        "label": plain(row.name),
        "description": f"{match.verdict.value}, p {p}, loop {_figure(match.cycle_error_mm, 1)} mm",
        "positionStatus": "undefined",
    }
    if _has_place(match) and match.at_mm is not None:
        point["position"] = [round(value, 3) for value in match.at_mm]
        point["positionStatus"] = "defined"
    return point


def _has_place(match: Match) -> bool:
    return match.verdict in (Verdict.FOUND, Verdict.UNCERTAIN)


def _figure(value: float, digits: int) -> str:
    """Write a number with a point; what is no finite number stays empty."""
    return f"{value:.{digits}f}" if math.isfinite(value) else ""
