"""Named points from CSV tables and from Slicer's markups.

Every variant is recognized by what stands in the file: separator, byte order mark, names of the
columns, coordinate system. Axes are never guessed; what cannot be told is refused.
"""

import csv
import uuid
from dataclasses import replace
from pathlib import Path

import numpy as np

from samdesk.core.geometry import Geometry, Points
from samdesk.core.ids import PointId
from samdesk.core.point import TemplatePoint
from samdesk.core.reading_notes import Notice
from samdesk.errors import ReadError
from samdesk.io.base import gone
from samdesk.io.limits import MAX_POINTS
from samdesk.io.markups import parse_fcsv, parse_markups
from samdesk.io.places import turn_to_lps
from samdesk.io.text import from_cell, plain
from samdesk.io.written import NEEDED, VOXELS, Written, WrittenPoint, no_table, number

_MAX_BYTES = 32 * 1024 * 1024
_MAX_LINE = 10_000
_NAMED = 5
# The columns that hold a place, and the space (or voxels) that they count in.
_COLUMNS = (
    (("x", "y", "z"), "left-posterior-superior"),
    (("l", "p", "s"), "left-posterior-superior"),
    (("r", "a", "s"), "right-anterior-superior"),
    (("i", "j", "k"), VOXELS),
)


def read_points(
    path: Path, geometry: Geometry | None = None, *, is_picture: bool = False
) -> tuple[list[TemplatePoint], tuple[Notice, ...]]:
    """Read named points.

    Args:
        path: .csv, .tsv, .txt, Slicer .fcsv or .mrk.json.
        geometry: grid of the template; needed for voxel indices, and to say which points lie
            outside. None where it is not known.
        is_picture: the template is a radiograph; the columns are name,x,y in pixels.

    Returns:
        Points in LPS mm (pixels in a radiograph) in the order of the file, each with an id of
        its own, and notices: charset, points-left-out, duplicate-names, points-outside,
        voxel-indices, no-points.

    Raises:
        ReadError: empty-file, not-recognised, columns-unknown, ambiguous-numbers,
            too-many-points, too-deep, too-large or files-missing.
    """
    path = Path(path)
    shown = plain(path.name)
    text, notices = _text(path, shown)
    lower = path.name.lower()
    if lower.endswith(".json"):
        written = parse_markups(text, shown)
    elif lower.endswith(".fcsv"):
        written = parse_fcsv(text, shown)
    else:
        written = _table(text, shown, is_picture=is_picture)
    if len(written.points) > MAX_POINTS:
        raise ReadError(
            f"{shown} has {len(written.points)} points; at most {MAX_POINTS} are read.",
            code="too-many-points",
            hint="Split it into smaller files.",
        )
    places, said = _in_patient(written, geometry, shown)
    points, renamed = _named(written, places)
    notices += said + _left_out(written) + renamed
    if geometry is not None and points and not is_picture:
        notices += _outside(points, geometry)
    return points, tuple(notices)


def _text(path: Path, shown: str) -> tuple[str, list[Notice]]:
    """Decode the file: UTF-8 with or without mark, UTF-16 with mark, else Latin-1 and say so."""
    try:
        size = path.stat().st_size
        if size > _MAX_BYTES:
            raise ReadError(
                f"{shown} is too large for a list of points.",
                code="too-large",
                hint="Split it into smaller files.",
            )
        raw = path.read_bytes()
    except OSError as error:
        raise gone(path, error) from error
    if not raw:
        raise ReadError(f"{shown} is empty (0 bytes).", code="empty-file", hint="Copy it again.")
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16", "replace"), []
    if any(byte in raw for byte in range(32) if byte not in (9, 10, 12, 13, 27)):
        raise no_table(shown, "it holds bytes that are no text")
    try:
        return raw.decode("utf-8-sig"), []
    except UnicodeDecodeError:
        sentence = "The file is not UTF-8; it was read as Latin-1, so letters may be wrong."
        return raw.decode("latin-1"), [Notice("charset", sentence)]


def _table(text: str, shown: str, *, is_picture: bool) -> Written:
    """Read a table by the names of its columns."""
    lines = text.splitlines()
    long = [n for n, line in enumerate(lines, start=1) if len(line) > _MAX_LINE]
    for n in long:
        lines[n - 1] = ""
    first = next((line for line in lines if line.strip()), "")
    # Without any separator the line has one column, and is refused for it below.
    separator = max("\t;,", key=first.count)
    rows = _rows(lines, separator, shown)
    if not rows:
        raise no_table(shown, "it has no line")
    header = [name.strip().lower() for name in rows[0][1]]
    columns, space = _columns(header, shown, is_picture=is_picture)
    written = Written(space, left_out=long)
    for line, row in rows[1:]:
        # A blank cell behind a last separator is no number too many.
        while len(row) > len(header) and not row[-1].strip():
            row.pop()
        if len(row) > len(header):
            raise ReadError(
                f"Line {line} of {shown} has {len(row)} values and the first line {len(header)} "
                "names; a comma may stand for a decimal point.",
                code="ambiguous-numbers",
                hint="Use points in numbers, or semicolons between the columns.",
            )
        _take(written, line, dict(zip(header, row, strict=False)), columns, separator)
    return written


def _rows(lines: list[str], separator: str, shown: str) -> list[tuple[int, list[str]]]:
    """Split lines into cells; gives (number of the first line, cells) of rows that hold any."""
    rows = []
    reader = csv.reader(lines, delimiter=separator, strict=True, skipinitialspace=True)
    start = 1
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append((start, row))
            start = reader.line_num + 1
    except csv.Error as error:
        raise no_table(shown, f"a quote in line {start} does not end as it should") from error
    return rows


def _columns(header: list[str], shown: str, *, is_picture: bool) -> tuple[tuple[str, ...], str]:
    """Find the columns of a place, and what they count in."""
    if is_picture and {"x", "y"} <= set(header):
        return ("x", "y"), "left-posterior-superior"
    if "name" in header or "label" in header:
        for names, space in _COLUMNS:
            if set(names) <= set(header):
                return names, space
    raise ReadError(f"The columns of {shown} are not known.", code="columns-unknown", hint=NEEDED)


def _take(
    written: Written, line: int, cells: dict[str, str], columns: tuple[str, ...], separator: str
) -> None:
    """Keep the point of a row, or note the line."""
    comma = separator != ","
    place = [number(cells.get(name, ""), comma=comma) for name in columns]
    if any(value is None for value in place):
        written.left_out.append(line)
        return
    x, y, z = (*(value or 0.0 for value in place), 0.0)[:3]
    size = number(cells.get("diameter_mm", ""), comma=comma)
    has_name = "name" in cells
    written.points.append(
        WrittenPoint(
            place=(x, y, z),
            name=from_cell(cells.get("name" if has_name else "label", "").strip()),
            diameter_mm=size if size and size > 0 else None,
            label=from_cell(cells.get("label", "").strip()) if has_name else "",
            note=from_cell(cells.get("note", "").strip()),
        )
    )


def _in_patient(
    written: Written, geometry: Geometry | None, shown: str
) -> tuple[Points, list[Notice]]:
    """Turn places into LPS mm, (n, 3)."""
    places = np.array([point.place for point in written.points], dtype=np.float64).reshape(-1, 3)
    if written.space != VOXELS:
        turn = turn_to_lps(written.space)
        if turn is None:
            raise ReadError(
                f"{shown} counts in '{plain(written.space, 40)}', which samdesk does not know.",
                code="columns-unknown",
                hint="Save it in LPS.",
            )
        turned: Points = places @ turn.T
        return turned, []
    if geometry is None:
        raise ReadError(
            f"{shown} holds voxel indices, which mean nothing without their scan.",
            code="columns-unknown",
            hint=NEEDED,
        )
    sentence = "The places are voxel indices (i, j, k); they were turned to mm by the scan's grid."
    return geometry.to_mm(places[:, ::-1]), [Notice("voxel-indices", sentence)]


def _named(written: Written, places: Points) -> tuple[list[TemplatePoint], list[Notice]]:
    """Make the points; a name that is empty or taken becomes one of its own."""
    points: list[TemplatePoint] = []
    taken: set[str] = set()
    renamed = 0
    for n, (point, place) in enumerate(zip(written.points, places, strict=True), start=1):
        wanted = plain(point.name) or f"point {n}"
        name, copy = wanted, 1
        while name in taken:
            copy += 1
            name = f"{wanted} ({copy})"
        renamed += copy > 1
        taken.add(name)
        x, y, z = (float(value) for value in place)
        made = TemplatePoint(PointId(f"point-{uuid.uuid4().hex[:12]}"), name, (x, y, z))
        points.append(
            replace(
                made,
                diameter_mm=point.diameter_mm,
                label=plain(point.label),
                note=plain(point.note),
            )
        )
    notices: list[Notice] = []
    if renamed:
        sentence = f"{renamed} name(s) came twice; a number in brackets tells them apart."
        notices.append(Notice("duplicate-names", sentence, renamed))
    if not points:
        notices.append(Notice("no-points", "The file has no points.", 0))
    return points, notices


def _left_out(written: Written) -> list[Notice]:
    lines = sorted(written.left_out)
    if not lines:
        return []
    first = ", ".join(str(line) for line in lines[:_NAMED])
    more = f" and {len(lines) - _NAMED} more" if len(lines) > _NAMED else ""
    sentence = (
        f"{len(lines)} point(s) were left out, as their places are no numbers: line {first}{more}."
    )
    return [Notice("points-left-out", sentence, len(lines))]


def _outside(points: list[TemplatePoint], geometry: Geometry) -> list[Notice]:
    far = geometry.outside_mm(np.array([point.at_mm for point in points]))
    n = int(np.count_nonzero(far > 0))
    if not n:
        return []
    sentence = f"{n} point(s) lie outside of the scan, the farthest by {far.max():.0f} mm."
    return [Notice("points-outside", sentence, n)]
