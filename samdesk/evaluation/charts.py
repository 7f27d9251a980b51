"""Box plots and curves of a report as inline SVG: no library, no outside file."""

from collections.abc import Callable, Iterable
from html import escape
from math import ceil, floor, isfinite, log10

from samdesk.evaluation.base import Boxes, Curves
from samdesk.evaluation.figures import five_numbers

LABEL_PX, PLOT_PX, ROW_PX, AXIS_PX = 260, 560, 26, 44
CURVE_PX = 340
COLORS = ("#1f5fa8", "#c2571a", "#2f7d4f", "#8a3f96", "#8c6d1f", "#b3261e", "#4a5568", "#0f8a8a")
# Whiskers end at the 5th and 95th percentile; an axis that reached the farthest miss would hide
# the boxes, so it ends here and says so.
FARTHEST_BOXES = 4.0


def boxes_svg(boxes: Boxes) -> str:
    """Draw one horizontal box a series: quartiles, median, whiskers at the 5th and 95th percentile.

    A whisker that leaves the axis ends in an arrow; answers that are missing stand beside the box.
    """
    rows = list(boxes.series.items())
    numbers = [five_numbers(values) for _, values in rows]
    high = _reach(numbers)
    ticks = _ticks(0.0, high)
    high = max(high, ticks[-1])
    height = ROW_PX * len(rows) + AXIS_PX
    parts = [_axis(ticks, 0.0, high, ROW_PX * len(rows), boxes.unit)]
    for n, ((label, values), five) in enumerate(zip(rows, numbers, strict=True)):
        parts.append(_box(label, values, five, high, ROW_PX * n + ROW_PX / 2, COLORS[n % 8]))
    return _whole(boxes.title, LABEL_PX + PLOT_PX + 110, height, parts)


def curves_svg(curves: Curves) -> str:
    """Draw lines in one pair of axes, each with its name beside the plot."""
    points = [
        p for line in curves.series.values() for p in line if isfinite(p[0]) and isfinite(p[1])
    ]
    if not points:
        return f"<h3>{escape(curves.title)}</h3><p>Nothing to draw.</p>"
    xs, ys = _span(x for x, _ in points), _span(y for _, y in points)
    left, top = 60, 10
    width, height = PLOT_PX, CURVE_PX

    def at(x: float, y: float) -> tuple[float, float]:
        across = (x - xs[0]) / (xs[-1] - xs[0])
        up = (y - ys[0]) / (ys[-1] - ys[0])
        return left + width * across, top + height * (1 - up)

    parts = [_grid(xs, ys, at, curves.x, curves.y)]
    for n, (label, line) in enumerate(curves.series.items()):
        color = COLORS[n % len(COLORS)]
        known = [at(x, y) for x, y in line if isfinite(x) and isfinite(y)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in known)
        parts.append(f'<polyline fill="none" stroke="{color}" stroke-width="2" points="{path}"/>')
        if len(known) <= 40:
            parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>' for x, y in known]
        parts.append(_text(left + width + 12, top + 18 + 18 * n, label, color=color))
    return _whole(curves.title, left + width + 240, height + 56, parts)


def _box(
    label: str,
    values: tuple[float, ...],
    five: tuple[float, float, float, float, float],
    high: float,
    y: float,
    color: str,
) -> str:
    n_missing = sum(not isfinite(value) for value in values)
    beside = f"n {len(values)}" + (f", {n_missing} none" if n_missing else "")
    parts = [
        _text(LABEL_PX - 8, y + 4, label, anchor="end"),
        _text(LABEL_PX + PLOT_PX + 8, y + 4, beside, color="#555"),
    ]
    if values and isfinite(five[0]):
        p5, p25, p50, p75, p95 = (LABEL_PX + PLOT_PX * min(v, high) / high for v in five)
        parts.append(
            f'<line x1="{p5:.1f}" x2="{p95:.1f}" y1="{y}" y2="{y}" stroke="{color}"/>'
            f'<rect x="{p25:.1f}" y="{y - 8}" width="{max(p75 - p25, 1):.1f}" height="16" '
            f'fill="{color}" fill-opacity=".25" stroke="{color}"/>'
            f'<line x1="{p50:.1f}" x2="{p50:.1f}" y1="{y - 8}" y2="{y + 8}" stroke="{color}" '
            'stroke-width="3"/>'
        )
        if five[4] > high:
            tip = LABEL_PX + PLOT_PX
            arrow = f"{tip - 8},{y - 5} {tip},{y} {tip - 8},{y + 5}"
            parts.append(f'<polygon points="{arrow}" fill="{color}"/>')
    return "".join(parts)


def _reach(numbers: list[tuple[float, float, float, float, float]]) -> float:
    """Give the end of the axis: the farthest whisker, but not many boxes beyond the boxes."""
    upper = [five[3] for five in numbers if isfinite(five[3])]
    whiskers = [five[4] for five in numbers if isfinite(five[4])]
    if not upper and not whiskers:
        return 1.0
    farthest = max(whiskers, default=max(upper, default=1.0))
    return max(min(farthest, FARTHEST_BOXES * max(upper, default=farthest)), 1e-6)


def _axis(ticks: list[float], low: float, high: float, y: float, unit: str) -> str:
    parts = []
    for tick in ticks:
        x = LABEL_PX + PLOT_PX * (tick - low) / (high - low)
        parts.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{y}" stroke="#ddd"/>'
            + _text(x, y + 16, f"{tick:g}", anchor="middle", color="#555")
        )
    parts.append(_text(LABEL_PX + PLOT_PX / 2, y + 34, unit, anchor="middle", color="#555"))
    return "".join(parts)


def _grid(
    xs: list[float],
    ys: list[float],
    at: Callable[[float, float], tuple[float, float]],
    x_name: str,
    y_name: str,
) -> str:
    parts = []
    for x in xs:
        (px, bottom), (_, top) = at(x, ys[0]), at(x, ys[-1])
        parts.append(
            f'<line x1="{px:.1f}" x2="{px:.1f}" y1="{top:.1f}" y2="{bottom:.1f}" stroke="#ddd"/>'
            + _text(px, bottom + 16, f"{x:g}", anchor="middle", color="#555")
        )
    for y in ys:
        (left, py), (right, _) = at(xs[0], y), at(xs[-1], y)
        parts.append(
            f'<line x1="{left:.1f}" x2="{right:.1f}" y1="{py:.1f}" y2="{py:.1f}" stroke="#ddd"/>'
            + _text(left - 6, py + 4, f"{y:g}", anchor="end", color="#555")
        )
    middle, bottom = at((xs[0] + xs[-1]) / 2, ys[0])
    parts.append(_text(middle, bottom + 36, x_name, anchor="middle", color="#555"))
    parts.append(_text(at(xs[0], ys[-1])[0] + 6, 24, y_name, color="#555"))
    return "".join(parts)


def _span(values: Iterable[float]) -> list[float]:
    known = list(values)
    low, high = min(known), max(known)
    if high - low < 1e-9:
        low, high = low - 0.5, high + 0.5
    return _ticks(low, high)


def _ticks(low: float, high: float) -> list[float]:
    """Give round numbers that enclose a range, four to nine of them."""
    rough = (high - low) / 5
    power = 10.0 ** floor(log10(rough))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    return [round(n * step, 12) for n in range(first, last + 1)]


def _text(x: float, y: float, words: str, *, anchor: str = "start", color: str = "#222") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{color}" '
        f'font-size="13">{escape(words)}</text>'
    )


def _whole(title: str, width: float, height: float, parts: list[str]) -> str:
    return (
        f'<h3>{escape(title)}</h3><svg role="img" aria-label="{escape(title)}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'font-family="system-ui, sans-serif">{"".join(parts)}</svg>'
    )
