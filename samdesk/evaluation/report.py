"""A benchmark's report: report.json for machines and report.html with the worst pictures."""

import base64
import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from samdesk.evaluation.base import Section
from samdesk.evaluation.pictures import picture
from samdesk.evaluation.tables import HEAD, as_data, bar_text, number, row_cells
from samdesk.io.atomic import write_text

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1100px; margin: 2em auto; color: #222; }
table { border-collapse: collapse; margin: .6em 0; }
td, th { padding: .2em .8em; border-bottom: 1px solid #ddd; text-align: right; }
td:first-child, th:first-child { text-align: left; }
.met { color: #17693a; } .missed { color: #b3261e; font-weight: 600; }
img { max-width: 100%; } figure { margin: 1em 0; } figcaption { color: #555; }
"""


def write(folder: Path, sections: Sequence[Section], about: Mapping[str, str]) -> tuple[Path, Path]:
    """Write both reports.

    Args:
        folder: made where it is missing.
        sections: what was measured.
        about: what the numbers hold for: model, device, version.

    Returns:
        The paths of report.json and report.html.
    """
    folder.mkdir(parents=True, exist_ok=True)
    data, page = folder / "report.json", folder / "report.html"
    whole = {"about": dict(about), "sections": as_data(sections)}
    write_text(data, json.dumps(whole, indent=2) + "\n")
    write_text(page, as_html(sections, about))
    return data, page


def as_html(sections: Sequence[Section], about: Mapping[str, str]) -> str:
    """Give the whole report as one page without outside parts."""
    facts = "".join(f"<tr><td>{escape(k)}</td><td>{escape(v)}</td></tr>" for k, v in about.items())
    body = "".join(_section(section) for section in sections)
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>samdesk bench match</title>'
        f"<style>{STYLE}</style><h1>samdesk bench match</h1><table>{facts}</table>{body}</html>\n"
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
        image = base64.b64encode(picture(miss)).decode("ascii")
        caption = f"{miss.case}, {miss.name}: {number(miss.error_mm)} mm"
        parts.append(
            f'<figure><img alt="{escape(caption)}" src="data:image/png;base64,{image}">'
            f"<figcaption>{escape(caption)}</figcaption></figure>"
        )
    return "".join(parts)
