"""The program's own icons: line drawings in a box of 24, in any color."""

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

DRAWINGS = {
    "start": '<path d="M4 11 12 4l8 7M6 9.5V20h4.5v-6h3v6H18V9.5"/>',
    "read": (
        '<rect x="4" y="4" width="7" height="7" rx="1"/><rect x="13" y="4" width="7" height="7" '
        'rx="1"/><rect x="4" y="13" width="7" height="7" rx="1"/><rect x="13" y="13" width="7" '
        'height="7" rx="1"/>'
    ),
    "drop": (
        '<path d="M12 3v11M7.5 9.5 12 14l4.5-4.5"/><path d="M4 15v4a1.5 1.5 0 0 0 1.5 1.5h13A1.5 '
        '1.5 0 0 0 20 19v-4"/>'
    ),
    "link": (
        '<path d="M10 14a4 4 0 0 0 6 .4l2.6-2.6a4 4 0 0 0-5.7-5.7l-1.3 1.3M14 10a4 4 0 0 0-6-.4'
        'l-2.6 2.6a4 4 0 0 0 5.7 5.7l1.3-1.3"/>'
    ),
    "warn": '<path d="M12 4 2.8 20h18.4zM12 10v4.5M12 17v.6"/>',
    "info": '<circle cx="12" cy="12" r="8.5"/><path d="M12 11v5.5M12 7.4v.6"/>',
    "close": '<path d="m6 6 12 12M18 6 6 18"/>',
}


def icon(name: str, color: str, size: int = 24) -> QIcon:
    """Draw an icon.

    Args:
        name: one of DRAWINGS.
        color: of its lines, as #RRGGBB.
        size: edge in logical pixels; drawn at three times as many for fine screens.
    """
    return QIcon(pixmap(name, color, size))


def pixmap(name: str, color: str, size: int = 24) -> QPixmap:
    """Draw an icon as a picture of `size` logical pixels."""
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" '
        f'stroke="{color}" stroke-width="1.7" stroke-linecap="round" stroke-linejoin="round">'
        f"{DRAWINGS[name]}</svg>"
    )
    ratio = 3
    drawn = QPixmap(size * ratio, size * ratio)
    drawn.fill(Qt.GlobalColor.transparent)
    painter = QPainter(drawn)
    QSvgRenderer(QByteArray(svg.encode())).render(painter, QRectF(0, 0, size * ratio, size * ratio))
    painter.end()
    drawn.setDevicePixelRatio(ratio)
    return drawn
