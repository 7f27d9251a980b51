"""Sections as lines of text and as plain data for JSON."""

from collections.abc import Iterable, Sequence
from typing import Any

from samdesk.evaluation.base import Bar, Boxes, Row, Section, Table
from samdesk.evaluation.figures import five_numbers

HEAD = ("", "n", "answered", "median mm", "p95 mm", "<= 10 mm", "s a case")


def as_text(sections: Iterable[Section]) -> str:
    """Lay all sections out for a terminal, each promise beside its number."""
    return "\n\n".join(_section_text(section) for section in sections)


def as_data(sections: Iterable[Section]) -> list[dict[str, Any]]:
    """Give all sections as lists, texts and numbers; what is infinite or missing becomes null."""
    return [_section_data(section) for section in sections]


def number(value: float | None, digits: int = 1) -> str:
    """Write a number for people; a missing one is a dash."""
    if value is None or value != value:
        return "-"
    if value in (float("inf"), float("-inf")):
        return "none"
    return f"{value:.{digits}f}"


def bar_text(bar: Bar) -> str:
    """Write a promise beside its number."""
    sign = ">=" if bar.at_least else "<="
    unit = f" {bar.unit}" if bar.unit else ""
    digits = 3 if bar.limit < 1 else 2 if bar.unit in ("mm", "s") else 1
    state = "met" if bar.is_met else "NOT met"
    got = number(bar.measured, digits)
    return f"{state:>7}  {bar.text}: {got}{unit} (bar {sign} {number(bar.limit, digits)}{unit})"


def row_cells(row: Row) -> tuple[str, ...]:
    """Give the cells of a line of the table, in the order of `HEAD`."""
    figures = row.figures
    near = "-" if figures.near_share != figures.near_share else f"{100 * figures.near_share:.1f} %"
    return (
        row.label,
        str(figures.n),
        str(figures.n_answered),
        number(figures.median_mm, 2),
        number(figures.p95_mm),
        near,
        number(row.seconds, 1),
    )


def _section_text(section: Section) -> str:
    lines = [section.title, "-" * len(section.title)]
    if section.rows:
        lines += _table([HEAD, *(row_cells(row) for row in section.rows)])
        failures = [f"{row.label}: {text}" for row in section.rows for text in row.failures]
        lines += [f"  failed: {text}" for text in failures]
    for table in section.tables:
        lines += ["", f"  {table.title}", *_table([table.head, *table.rows])]
        lines += [f"  {table.note}"] if table.note else []
    width = max((len(name) for name in section.values), default=0)
    lines += [f"  {name:<{width}}  {number(value, 2)}" for name, value in section.values.items()]
    lines += [bar_text(bar) for bar in section.bars]
    lines += [f"  {note}" for note in section.notes]
    if section.misses:
        lines.append("  worst: " + "; ".join(
            f"{miss.case}, {miss.name}: {number(miss.error_mm)} mm" for miss in section.misses[:10]
        ))  # fmt: skip
    if section.pictures:
        lines.append("  worst: " + "; ".join(it.caption for it in section.pictures[:10]))
    lines.append(f"  ({section.seconds:.0f} s)")
    return "\n".join(lines)


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    return [
        "  "
        + "  ".join(
            cell.ljust(width) if n == 0 else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _section_data(section: Section) -> dict[str, Any]:
    return {
        "name": section.name,
        "title": section.title,
        "rows": [
            {
                "who": row.label,
                "n": row.figures.n,
                "answered": row.figures.n_answered,
                "median_mm": _plain(row.figures.median_mm),
                "p95_mm": _plain(row.figures.p95_mm),
                "mean_of_answered_mm": _plain(row.figures.mean_mm),
                "within_10_mm_share": _plain(row.figures.near_share),
                "seconds_a_case": _plain(row.seconds),
                "failures": list(row.failures),
            }
            for row in section.rows
        ],
        "values": {name: _plain(value) for name, value in section.values.items()},
        "bars": [
            {
                "text": bar.text,
                "measured": _plain(bar.measured),
                "limit": _plain(bar.limit),
                "at_least": bar.at_least,
                "unit": bar.unit,
                "met": bar.is_met,
            }
            for bar in section.bars
        ],
        "notes": list(section.notes),
        "worst": [
            {"case": miss.case, "name": miss.name, "error_mm": _plain(miss.error_mm)}
            for miss in section.misses
        ],
        "pictures": [picture.caption for picture in section.pictures],
        "seconds": round(section.seconds, 2),
        **_plots_data(section),
    }


def _plots_data(section: Section) -> dict[str, Any]:
    return {
        "tables": [_table_data(table) for table in section.tables],
        "boxes": [_boxes_data(boxes) for boxes in section.boxes],
        "curves": [
            {
                "title": curves.title,
                "x": curves.x,
                "y": curves.y,
                "series": {
                    label: [[_plain(x), _plain(y)] for x, y in line]
                    for label, line in curves.series.items()
                },
            }
            for curves in section.curves
        ],
    }


def _table_data(table: Table) -> dict[str, Any]:
    return {
        "title": table.title,
        "head": list(table.head),
        "rows": [list(row) for row in table.rows],
        "note": table.note,
    }


def _boxes_data(boxes: Boxes) -> dict[str, Any]:
    names = ("p5", "p25", "median", "p75", "p95")
    return {
        "title": boxes.title,
        "unit": boxes.unit,
        "series": {
            label: {
                "n": len(values),
                **{n: _plain(v) for n, v in zip(names, five_numbers(values), strict=True)},
                "values": [_plain(value) for value in values],
            }
            for label, values in boxes.series.items()
        },
    }


def _plain(value: float | None) -> float | None:
    is_number = value is not None and value == value and abs(value) != float("inf")
    return round(float(value), 4) if is_number and value is not None else None
