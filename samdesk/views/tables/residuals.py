"""The matched places of an alignment as a table: how far off each is, and which do not count."""

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor, QFont
from PySide6.QtWidgets import QWidget

from samdesk.core.geometry import Position
from samdesk.services.registering import Aligned
from samdesk.views import theme

HEADERS = ("Place", "Residual", "State")
# Glyphs are those of the marks in the images.
USED_WORDS, STRUCK_WORDS = "\u25cb used", "\u00d7 struck out"

_Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True)
class Tie:
    """One row: a place of one scan and its match in the other.

    Attributes:
        number: in the order of the lattice, from 1.
        fixed_mm, moving_mm: where it is in both scans.
        residual_mm: distance from where the alignment takes it to its match.
        is_used: False where it was struck out.
    """

    number: int
    fixed_mm: Position
    moving_mm: Position
    residual_mm: float
    is_used: bool


def ties(aligned: Aligned) -> tuple[Tie, ...]:
    """List the places of an alignment, the farthest off first."""
    rows = [
        Tie(n + 1, _position(fixed), _position(moving), float(residual), bool(is_used))
        for n, (fixed, moving, residual, is_used) in enumerate(
            zip(aligned.fixed_mm, aligned.moving_mm, aligned.residual_mm, aligned.used, strict=True)
        )
    ]
    return tuple(sorted(rows, key=lambda tie: -tie.residual_mm))


class ResidualsModel(QAbstractTableModel):
    """The places with their residuals, the farthest off first."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows: tuple[Tie, ...] = ()

    def show_ties(self, rows: tuple[Tie, ...]) -> None:
        """Show other places."""
        if rows == self.rows:
            return
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def rowCount(self, parent: _Index | None = None) -> int:
        """Number of places."""
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def columnCount(self, parent: _Index | None = None) -> int:
        """Number, residual and whether it counts."""
        return 0 if parent is not None and parent.isValid() else len(HEADERS)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Words, color and font of a cell."""
        if not index.isValid():
            return None
        tie = self.rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            state = USED_WORDS if tie.is_used else STRUCK_WORDS
            return (str(tie.number), f"{tie.residual_mm:.1f} mm", state)[index.column()]
        if role == Qt.ItemDataRole.ForegroundRole and not tie.is_used:
            return QColor(theme.tokens().uncertain)
        if role == Qt.ItemDataRole.FontRole and not tie.is_used and index.column() < 2:
            font = QFont()
            font.setStrikeOut(True)
            return font
        return None

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        """Words of the headers."""
        if role == Qt.ItemDataRole.DisplayRole and orientation is Qt.Orientation.Horizontal:
            return HEADERS[section]
        return None


def _position(mm: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> Position:
    x, y, z = (float(value) for value in mm)
    return x, y, z
