"""What is drawn over an image: marks, letters, texts and the scale bar, each with a black halo.

No mark covers its own center, because a filled disc once hid the nodule that it marked.
"""

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import (
    QBrush,
    QColor,
    QFont,
    QFontMetricsF,
    QPainter,
    QPainterPath,
    QPen,
    QPolygonF,
)

from samdesk.views.marks import COLORS, Kind, Mark
from samdesk.views.theme import CANVAS_TEXT, SMALL_POINT_SIZE

HALO = 1.5
RING = 12.0
# Places of an alignment are many, so they are small.
SMALL_RING, SMALL_FREE = 9.5, 6.5
# Nothing is drawn nearer to a mark's center than this, in logical pixels.
FREE = 10.0
FAR_ALPHA = 0.45


def halo(painter: QPainter, path: QPainterPath, pen: QPen) -> None:
    """Draw lines with a black rim, so that they show on bone and on air alike."""
    rim = QPen(QColor(0, 0, 0, 220), pen.widthF() + 2 * HALO, Qt.PenStyle.SolidLine)
    if pen.style() is Qt.PenStyle.CustomDashLine:
        # Dashes count in widths of the pen; a rim without gaps would look like a second ring.
        shorter = pen.widthF() / rim.widthF()
        rim.setDashPattern([length * shorter for length in pen.dashPattern()])
        rim.setCapStyle(Qt.PenCapStyle.FlatCap)
    else:
        rim.setCapStyle(Qt.PenCapStyle.RoundCap)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(rim)
    painter.drawPath(path)
    painter.setPen(pen)
    painter.drawPath(path)


def mark_path(kind: Kind, center: QPointF) -> QPainterPath:
    """Give the outline of a mark; it leaves its center free."""
    path = QPainterPath()
    x, y = center.x(), center.y()
    if kind is Kind.SOURCE:
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            path.moveTo(x + dx * FREE, y + dy * FREE)
            path.lineTo(x + dx * (RING + 5), y + dy * (RING + 5))
    elif kind is Kind.MOVED:
        path.addRect(QRectF(x - RING, y - RING, 2 * RING, 2 * RING))
    elif kind in (Kind.UNCERTAIN, Kind.OTHER):
        size = RING + 4 if kind is Kind.UNCERTAIN else RING + 2
        corners = [(0, -size), (size, 0), (0, size), (-size, 0), (0, -size)]
        path.addPolygon(QPolygonF([QPointF(x + dx, y + dy) for dx, dy in corners]))
    elif kind in (Kind.REJECTED, Kind.STRUCK):
        inner, outer = (FREE, RING) if kind is Kind.REJECTED else (SMALL_FREE, FREE + 1)
        for dx, dy in ((1, 1), (-1, -1), (1, -1), (-1, 1)):
            path.moveTo(x + dx * inner, y + dy * inner)
            path.lineTo(x + dx * outer, y + dy * outer)
    elif kind is Kind.TIE:
        path.addEllipse(center, SMALL_RING, SMALL_RING)
    else:
        path.addEllipse(center, RING, RING)
    return path


def mark_pen(kind: Kind) -> QPen:
    """Give the line of a mark: dashed says "suggested", solid says "a person said so"."""
    is_said = kind in (Kind.ACCEPTED, Kind.MOVED, Kind.SOURCE)
    pen = QPen(QColor(COLORS[kind]), 3.0 if is_said else 2.0)
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    if kind is Kind.SUGGESTED:
        pen.setDashPattern([3.0, 2.0])
    elif kind is Kind.WAITING:
        pen.setDashPattern([1.0, 2.0])
    return pen


def draw_mark(
    painter: QPainter, mark: Mark, center: QPointF, bounds: QRectF, *, is_near: bool = True
) -> None:
    """Draw a mark with its badge and text; fainter and bare where it lies in another slice."""
    painter.save()
    painter.setOpacity(1.0 if is_near else FAR_ALPHA)
    halo(painter, mark_path(mark.kind, center), mark_pen(mark.kind))
    if is_near and mark.kind in (Kind.ACCEPTED, Kind.MOVED):
        painter.setPen(QPen(QColor("#000000"), HALO))
        painter.setBrush(QColor(COLORS[mark.kind]))
        painter.drawEllipse(center + QPointF(RING * 0.85, -RING * 0.85), 4.5, 4.5)
    if is_near and mark.text:
        away = RING - 4 if mark.kind is Kind.OTHER else RING
        draw_plate(painter, mark.text, center + QPointF(away + 4, 4 - away), bounds)
    painter.restore()


def overlay_font(base: QFont, *, is_bold: bool = False) -> QFont:
    """Make the font of texts on images."""
    font = QFont(base)
    font.setPointSizeF(SMALL_POINT_SIZE)
    font.setBold(is_bold)
    return font


def draw_plate(painter: QPainter, text: str, left_bottom: QPointF, bounds: QRectF) -> QRectF:
    """Draw a text on a dark plate, kept within `bounds`; gives where it lies."""
    font = overlay_font(painter.font(), is_bold=True)
    metrics = QFontMetricsF(font)
    size = metrics.size(Qt.TextFlag.TextSingleLine, text)
    plate = QRectF(
        left_bottom.x(), left_bottom.y() - size.height(), size.width() + 8, size.height()
    )
    plate.moveLeft(max(bounds.left(), min(plate.left(), bounds.right() - plate.width())))
    plate.moveTop(max(bounds.top(), min(plate.top(), bounds.bottom() - plate.height())))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(0, 0, 0, 165))
    painter.drawRoundedRect(plate, 3, 3)
    painter.setFont(font)
    painter.setPen(QColor("#FFFFFF"))
    painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, text)
    return plate


def draw_text(
    painter: QPainter,
    text: str,
    box: QRectF,
    alignment: Qt.AlignmentFlag,
    color: str = CANVAS_TEXT,
    *,
    is_bold: bool = False,
) -> None:
    """Draw a text with a dark rim and no plate."""
    font = overlay_font(painter.font(), is_bold=is_bold)
    painter.setFont(font)
    painter.setPen(QColor(0, 0, 0, 230))
    for dx, dy in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        painter.drawText(box.translated(dx, dy), alignment, text)
    painter.setPen(QColor(color))
    painter.drawText(box, alignment, text)


def draw_hatch(painter: QPainter, box: QRectF) -> None:
    """Hatch what has not been read."""
    painter.save()
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(0, 0, 0))
    painter.drawRect(box)
    painter.setBrush(QBrush(QColor("#4A545F"), Qt.BrushStyle.BDiagPattern))
    painter.drawRect(box)
    painter.restore()


def nice_length(most: float) -> float:
    """Give the largest of 1, 2, 5, 10, 20, 50 and so on that is not above `most`."""
    if most <= 0:
        return 0.0
    power = 1e-3
    while power * 10 <= most:
        power *= 10
    return max(step * power for step in (1, 2, 5) if step * power <= most)


def draw_scale_bar(painter: QPainter, right_bottom: QPointF, length_px: float, text: str) -> None:
    """Draw a bar with ticks at its ends and its length above."""
    x, y = right_bottom.x(), right_bottom.y()
    path = QPainterPath(QPointF(x - length_px, y - 4))
    for point in (QPointF(x - length_px, y), QPointF(x, y), QPointF(x, y - 4)):
        path.lineTo(point)
    halo(painter, path, QPen(QColor(CANVAS_TEXT), 1.5))
    box = QRectF(x - max(length_px, 80.0), y - 22, max(length_px, 80.0), 16)
    draw_text(painter, text, box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
