"""How the cursors of the two scans move together: by anatomy, by an alignment, by mm, or apart."""

from PySide6.QtCore import QObject, Signal

from samdesk.core.geometry import Position
from samdesk.views.aligning import Aligning
from samdesk.views.sides import Link, Side


class Linking(QObject):
    """Keeps the kind of link, and moves the cursor of the other scan."""

    # Another kind of link: its word.
    changed = Signal(str)

    def __init__(self, aligning: Aligning, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.link = Link.ANATOMY
        self._aligning = aligning
        aligning.switched.connect(self._on_aligning_switched)

    def choose(self, link: Link) -> None:
        """Use a kind of link."""
        if link is not self.link:
            self.link = link
            self.changed.emit(link.value)

    def next(self) -> None:
        """Go to the next kind of link; scans that are not aligned cannot be linked by that."""
        kinds = [one for one in Link if one is not Link.ALIGNED or self._aligning.is_on]
        self.choose(kinds[(kinds.index(self.link) + 1) % len(kinds)])

    def follow(self, side: Side, other: Side, before: Position) -> None:
        """Move the cursor of the other scan after that of a side.

        Args:
            side: whose cursor was moved.
            other: the other side.
            before: where its cursor was.
        """
        if other.pane.shown is None:
            return
        if self.link is Link.MM:
            steps = zip(other.pane.cursor_mm, side.pane.cursor_mm, before, strict=True)
            x, y, z = (old + new - gone for old, new, gone in steps)
            other.pane.show_cursor((x, y, z))
        elif self.link is Link.ALIGNED:
            there = self._aligning.other_place(side.series, side.pane.cursor_mm)
            if there is not None:
                other.pane.go_to(there)

    def _on_aligning_switched(self, is_on: bool) -> None:
        if is_on:
            self.choose(Link.ALIGNED)
        elif self.link is Link.ALIGNED:
            self.choose(Link.ANATOMY)
