"""The crosshair: where the other two planes cut this one, with a gap around the place itself."""

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen

from samdesk.core.plane import View

# Logical pixels around the center that stay free; lines once hid a nodule of 4 mm.
GAP = 16.0
COLORS = {View.AXIAL: "#F0E442", View.CORONAL: "#2FD6A3", View.SAGITTAL: "#B79CFF"}
DASHES = {View.AXIAL: [], View.CORONAL: [5.0, 4.0], View.SAGITTAL: [1.5, 3.0]}

# For each view, the view whose plane is the vertical line and that of the horizontal one.
LINES = {
    View.AXIAL: (View.SAGITTAL, View.CORONAL),
    View.CORONAL: (View.SAGITTAL, View.AXIAL),
    View.SAGITTAL: (View.CORONAL, View.AXIAL),
}


def pen(view: View) -> QPen:
    """Give the line of a plane: color and dash both tell which one it is."""
    made = QPen(QColor(COLORS[view]), 1.5)
    made.setCapStyle(Qt.PenCapStyle.FlatCap)
    if DASHES[view]:
        made.setDashPattern(DASHES[view])
    return made


def draw(painter: QPainter, view: View, center: QPointF, box: QRectF) -> None:
    """Draw the crosshair of a view.

    Args:
        painter: of the view.
        view: the one that is drawn in.
        center: of the crosshair, in the painter's pixels.
        box: the whole view; lines reach its edges.
    """
    upright, level = LINES[view]
    x, y = center.x(), center.y()
    for plane, ends in (
        (upright, ((x, box.top(), x, y - GAP), (x, y + GAP, x, box.bottom()))),
        (level, ((box.left(), y, x - GAP, y), (x + GAP, y, box.right(), y))),
    ):
        path = QPainterPath()
        for x1, y1, x2, y2 in ends:
            path.moveTo(x1, y1)
            path.lineTo(x2, y2)
        # A thin dark line beneath keeps the dashes readable on bone.
        painter.setPen(QPen(QColor(0, 0, 0, 140), 3.0))
        painter.drawPath(path)
        painter.setPen(pen(plane))
        painter.drawPath(path)
