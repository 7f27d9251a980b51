"""All keys and what the mouse does, made from the actions so that it is never out of date."""

from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from samdesk.views.actions import ActionBook, key_words
from samdesk.views.widgets.labels import plain_label

MOUSE = (
    ("Click", "crosshair there; linked, the place is found in the other scan"),
    ("Drag", "window: to the right wider, upwards brighter"),
    ("Right drag", "zoom"),
    ("Middle drag, Shift+drag", "move the picture"),
    ("Wheel", "slices; with Shift ten, with Ctrl zoom"),
    ("Shift+move", "the crosshair follows"),
    ("Double click", "this view alone, again: all views"),
    ("Drag a ring", "correct the match by hand"),
    ("Space held", "the bare picture"),
)


class KeySheet(QDialog):
    """Two columns: what it does, and its key."""

    def __init__(self, actions: ActionBook, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys and mouse")
        self.resize(620, 640)
        inside = QWidget()
        inside.setObjectName("panel")
        grid = QGridLayout(inside)
        grid.setHorizontalSpacing(24)
        self.rows: list[tuple[str, str]] = []
        for group in dict.fromkeys(spec.group for spec in actions.specs):
            rows = [(one.text, key_words(one)) for one in actions.specs if one.group == group]
            self._add(grid, group, [row for row in rows if row[1]])
        self._add(grid, "Mouse", [(what, how) for how, what in MOUSE])
        grid.setRowStretch(grid.rowCount(), 1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(inside)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(area)
        layout.addWidget(buttons)

    def _add(self, grid: QGridLayout, group: str, rows: list[tuple[str, str]]) -> None:
        if not rows:
            return
        row = grid.rowCount()
        grid.addWidget(plain_label(group, "heading"), row, 0, 1, 2)
        for n, (what, key) in enumerate(rows, 1):
            grid.addWidget(plain_label(what), row + n, 0)
            grid.addWidget(plain_label(key, "second"), row + n, 1)
        self.rows += rows
