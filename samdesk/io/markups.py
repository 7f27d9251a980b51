"""Slicer's markups: .mrk.json and the older .fcsv.

Source:
    Slicer's markups-schema-v1.0.3.json and vtkMRMLMarkupsFiducialStorageNode.
"""

import json
import math
from typing import Any

from samdesk.errors import ReadError
from samdesk.io.written import NEEDED, VOXELS, Written, WrittenPoint, no_table, number

# Coordinate systems that older versions wrote as numbers.
_SYSTEMS = {
    "0": "right-anterior-superior",
    "1": "left-posterior-superior",
    "2": VOXELS,
    "IJK": VOXELS,
}
# The columns of .fcsv where it does not name them.
_COLUMNS = ("id", "x", "y", "z", "ow", "ox", "oy", "oz", "vis", "sel", "lock", "label", "desc")
_UNITS = ("mm", "millimeter", "millimeters")


def parse_fcsv(text: str, shown: str) -> Written:
    """Read a .fcsv: comment lines name the system and the columns, every other line is a point.

    Raises:
        ReadError: columns-unknown where the coordinate system is not named.
    """
    system = ""
    columns: tuple[str, ...] = _COLUMNS
    written = Written("")
    for line, words in enumerate(text.splitlines(), start=1):
        if words.startswith("#"):
            key, _, value = words.lstrip("# ").partition("=")
            if key.strip().lower() == "coordinatesystem":
                system = value.strip()
            elif key.strip().lower() == "columns":
                columns = tuple(name.strip().lower() for name in value.split(","))
            continue
        if not words.strip():
            continue
        cells = dict(zip(columns, words.split(","), strict=False))
        place = [number(cells.get(axis, "")) for axis in "xyz"]
        if None in place:
            written.left_out.append(line)
            continue
        x, y, z = (value or 0.0 for value in place)
        label, note = cells.get("label", "").strip(), cells.get("desc", "").strip()
        written.points.append(WrittenPoint((x, y, z), label, note=note))
    written.space = _system(system, shown)
    return written


def parse_markups(text: str, shown: str) -> Written:
    """Read a .mrk.json: the control points of all its markups.

    Raises:
        ReadError: not-recognised, too-deep, or columns-unknown where the coordinate system is
            not named, or is not the same everywhere.
    """
    try:
        whole = json.loads(text)
    except RecursionError as error:
        raise ReadError(
            f"{shown} is nested too deeply for a list of points.",
            code="too-deep",
            hint="Export the points from Slicer again.",
        ) from error
    except ValueError as error:
        raise no_table(shown, "its JSON is damaged") from error
    markups = whole.get("markups") if isinstance(whole, dict) else None
    if not isinstance(markups, list) or not all(isinstance(one, dict) for one in markups):
        raise no_table(shown, "its JSON is not that of Slicer's markups")
    systems = {_system(str(one.get("coordinateSystem", "")), shown) for one in markups}
    if len(systems) > 1:
        raise _unknown_system(shown, "several coordinate systems")
    if any(str(one.get("coordinateUnits", "mm")).lower() not in _UNITS for one in markups):
        raise _unknown_system(shown, "other units than mm")
    written = Written(systems.pop() if systems else "left-posterior-superior")
    n = 0
    for one in markups:
        points = one.get("controlPoints")
        for point in points if isinstance(points, list) else []:
            n += 1
            found = _control_point(point)
            if found is None:
                written.left_out.append(n)
            else:
                written.points.append(found)
    return written


def _control_point(point: Any) -> WrittenPoint | None:
    """Read one control point; None where it has no place."""
    if not isinstance(point, dict) or point.get("positionStatus", "defined") != "defined":
        return None
    position = point.get("position")
    if not isinstance(position, list) or len(position) != 3:
        return None
    if not all(isinstance(value, int | float) and math.isfinite(value) for value in position):
        return None
    x, y, z = (float(value) for value in position)
    label, note = str(point.get("label") or ""), str(point.get("description") or "")
    return WrittenPoint((x, y, z), label, note=note)


def _system(words: str, shown: str) -> str:
    if not words:
        raise _unknown_system(shown, "no coordinate system")
    return _SYSTEMS.get(words.upper(), words)


def _unknown_system(shown: str, what: str) -> ReadError:
    return ReadError(f"{shown} has {what}.", code="columns-unknown", hint=NEEDED)
