"""A benchmark's report: report.json for machines and report.html with the worst pictures."""

import base64
import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from samdesk.evaluation.base import Section, Table
from samdesk.evaluation.charts import boxes_svg, curves_svg
from samdesk.evaluation.pictures import picture
from samdesk.evaluation.tables import HEAD, as_data, bar_text, number, row_cells
from samdesk.io.atomic import write_text

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1100px; margin: 2em auto; color: #222; }
table { border-collapse: collapse; margin: .6em 0; }
td, th { padding: .2em .8em; border-bottom: 1px solid #ddd; text-align: right; }
td:first-child, th:first-child { text-align: left; }
.met { color: #17693a; } .missed { color: #b3261e; font-weight: 600; }
p.note { color: #555; max-width: 80ch; } svg { max-width: 100%; }
img { max-width: 100%; } figure { margin: 1em 0; } figcaption { color: #555; }
"""


def write(
    folder: Path,
    sections: Sequence[Section],
    about: Mapping[str, str],
    title: str = "samdesk bench match",
) -> tuple[Path, Path]:
    """Write both reports.

    Args:
        folder: made where it is missing.
        sections: what was measured.
        about: what the numbers hold for: model, device, version.
        title: the command.

    Returns:
        The paths of report.json and report.html.
    """
    folder.mkdir(parents=True, exist_ok=True)
    data, page = folder / "report.json", folder / "report.html"
    whole = {"about": dict(about), "sections": as_data(sections)}
    write_text(data, json.dumps(whole, indent=2) + "\n")
    write_text(page, as_html(sections, about, title))
    return data, page


def as_html(
    sections: Sequence[Section], about: Mapping[str, str], title: str = "samdesk bench match"
) -> str:
    """Give the whole report as one page without outside parts."""
    facts = "".join(f"<tr><td>{escape(k)}</td><td>{escape(v)}</td></tr>" for k, v in about.items())
    body = "".join(_section(section) for section in sections)
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        f"<title>{escape(title)}</title><style>{STYLE}</style><h1>{escape(title)}</h1>"
        f"<table>{facts}</table>{body}</html>\n"
    )


def _section(section: Section) -> str:
    parts = [f"<h2>{escape(section.title)}</h2>"]
    if section.rows:
        head = "".join(f"<th>{escape(name)}</th>" for name in HEAD)
        rows = "".join(
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row_cells(row)) + "</tr>"
            for row in section.rows
        )
        parts.append(f"<table><tr>{head}</tr>{rows}</table>")
    for bar in section.bars:
        mark = "met" if bar.is_met else "missed"
        parts.append(f'<p class="{mark}">{escape(bar_text(bar).strip())}</p>')
    parts += [_table(table) for table in section.tables]
    parts += [boxes_svg(boxes) for boxes in section.boxes]
    parts += [curves_svg(curves) for curves in section.curves]
    if section.values:
        lines = "".join(
            f"<tr><td>{escape(name)}</td><td>{number(value, 2)}</td></tr>"
            for name, value in section.values.items()
        )
        parts.append(f"<table>{lines}</table>")
    failures = [f"{row.label}: {text}" for row in section.rows for text in row.failures]
    parts += [f"<p>{escape(text)}</p>" for text in (*section.notes, *failures)]
    if section.misses:
        parts.append(
            "<h3>Worst answers</h3><p>Left: the given place. Middle: the true place (green). "
            "Right: the answer (red), empty where there was none.</p>"
        )
    for miss in section.misses:
        caption = f"{miss.case}, {miss.name}: {number(miss.error_mm)} mm"
        parts.append(_figure(picture(miss), caption))
    if section.pictures:
        parts.append("<h3>Worst cases</h3>")
    parts += [_figure(it.png, it.caption) for it in section.pictures]
    return "".join(parts)


def _figure(png: bytes, caption: str) -> str:
    image = base64.b64encode(png).decode("ascii")
    return (
        f'<figure><img alt="{escape(caption)}" src="data:image/png;base64,{image}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def _table(table: Table) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in table.head)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in table.rows
    )
    note = f'<p class="note">{escape(table.note)}</p>' if table.note else ""
    return f"<h3>{escape(table.title)}</h3><table><tr>{head}</tr>{rows}</table>{note}"
