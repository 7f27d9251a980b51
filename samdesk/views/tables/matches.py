"""The ranked places of a match, and the points of the project, as tables."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import (
    QAbstractListModel,
    QAbstractTableModel,
    QModelIndex,
    QPersistentModelIndex,
    Qt,
)
from PySide6.QtWidgets import QWidget

from samdesk.core.geometry import Position
from samdesk.core.ids import PointId
from samdesk.core.match import Match, Verdict
from samdesk.views.marks import Kind

HEADERS = ("#", "Similarity", "Loop", "Slice")

_Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True)
class Place:
    """One row: a place that looks like the one asked for.

    Attributes:
        number: its rank; 1 is the match.
        similarity: cosine, -1 to 1.
        loop: cycle error in words; only the match itself has one.
        slice_number: of the axial slice, from 1; 0 where the scan is not there.
        at_mm: where.
    """

    number: int
    similarity: float
    loop: str
    slice_number: int
    at_mm: Position


class PlacesModel(QAbstractTableModel):
    """Ranked places, best first."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.places: tuple[Place, ...] = ()

    def show_places(self, places: Sequence[Place]) -> None:
        """Show other places."""
        if tuple(places) == self.places:
            return
        self.beginResetModel()
        self.places = tuple(places)
        self.endResetModel()

    def rowCount(self, parent: _Index | None = None) -> int:
        """Number of places."""
        return 0 if parent is not None and parent.isValid() else len(self.places)

    def columnCount(self, parent: _Index | None = None) -> int:
        """Rank, similarity, loop and slice."""
        return 0 if parent is not None and parent.isValid() else len(HEADERS)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Words of a cell."""
        if not index.isValid() or role != Qt.ItemDataRole.DisplayRole:
            return None
        place = self.places[index.row()]
        number = str(place.slice_number) if place.slice_number else ""
        return (str(place.number), f"{place.similarity:.2f}", place.loop, number)[index.column()]

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        """Words of the headers."""
        if role == Qt.ItemDataRole.DisplayRole and orientation is Qt.Orientation.Horizontal:
            return HEADERS[section]
        return None


@dataclass(frozen=True)
class PointLine:
    """One row of the list of points.

    Attributes:
        point: its id.
        name: as the user calls it.
        state: what is known of its match, in words.
        kind: the mark that its match has; None where there is none.
    """

    point: PointId
    name: str
    state: str
    kind: Kind | None = None


class PointsModel(QAbstractListModel):
    """The points of the project with the state of their matches."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.lines: tuple[PointLine, ...] = ()

    def show_lines(self, lines: Sequence[PointLine]) -> None:
        """Show other points."""
        if tuple(lines) == self.lines:
            return
        self.beginResetModel()
        self.lines = tuple(lines)
        self.endResetModel()

    def rowCount(self, parent: _Index | None = None) -> int:
        """Number of points."""
        return 0 if parent is not None and parent.isValid() else len(self.lines)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Words of a row."""
        if not index.isValid() or role != Qt.ItemDataRole.DisplayRole:
            return None
        line = self.lines[index.row()]
        return f"{line.name}   {line.state}"


def mark_kind(match: Match) -> Kind | None:
    """Give the mark for what the program says; None where it says that there is no place."""
    return {Verdict.FOUND: Kind.SUGGESTED, Verdict.UNCERTAIN: Kind.UNCERTAIN}.get(match.verdict)
