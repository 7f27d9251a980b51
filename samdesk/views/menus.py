"""The menus of the window: which actions are where; the actions themselves are in actions.py."""

from PySide6.QtWidgets import QMenu, QMenuBar

from samdesk.views.actions import ActionBook

# An empty name is a line between two groups.
MENUS = (
    ("&File", ("open", "open_folder", "demo", "", "quit")),
    ("&Edit", ("undo", "redo", "", "accept", "reject", "not_here", "unsure", "remove")),
    ("&View", ("layout_two", "layout_left", "layout_right", "maximize", "", "crosshair",
               "overlays", "heat", "link", "", "align", "fusion", "unalign", "", "full_screen")),
    ("&Go", ("page_start", "page_read")),
    ("&Help", ("keys", "about")),
)  # fmt: skip
VIEW = "&View"


def build(bar: QMenuBar, book: ActionBook) -> None:
    """Fill the menu bar."""
    for title, names in MENUS:
        menu = bar.addMenu(title)
        for name in names:
            menu.addAction(book[name]) if name else menu.addSeparator()
        menu.setToolTipsVisible(True)
        if title == VIEW:
            _add_themes(menu, book)


def _add_themes(menu: QMenu, book: ActionBook) -> None:
    themes = menu.addMenu("Theme")
    for name in ("dark", "light", "system"):
        themes.addAction(book[f"theme_{name}"])
