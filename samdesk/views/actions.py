"""Every action of the window once: its name, its words and its keys."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget


class Context(Enum):
    """Where the keys of an action work."""

    WINDOW = "anywhere in the window"
    PANES = "while an image has the focus"


@dataclass(frozen=True)
class Spec:
    """An action.

    Attributes:
        name: what code calls it.
        text: its words in menus and lists.
        keys: one or more; bare keys belong to PANES only, so that typing never triggers them.
        context: where the keys work.
        group: heading in the list of keys.
        is_checkable: it is on or off.
    """

    name: str
    text: str
    keys: tuple[str, ...] = ()
    context: Context = Context.PANES
    group: str = "Read"
    is_checkable: bool = False


def _window(name: str, text: str, *keys: str, group: str = "Program") -> Spec:
    return Spec(name, text, keys, Context.WINDOW, group)


SPECS = (
    _window("open", "Open files…", "Ctrl+O", group="File"),
    _window("open_folder", "Open folder…", "Ctrl+Shift+O", group="File"),
    _window("demo", "Open the phantom patient", group="File"),
    _window("quit", "Quit", "Ctrl+Q", group="File"),
    _window("undo", "Undo", "Ctrl+Z", group="Edit"),
    _window("redo", "Redo", "Ctrl+Shift+Z", "Ctrl+Y", group="Edit"),
    _window("page_start", "Start", "Ctrl+1", group="Go"),
    _window("page_read", "Read", "Ctrl+2", group="Go"),
    _window("theme_dark", "Dark", group="View"),
    _window("theme_light", "Light", group="View"),
    _window("theme_system", "As the system", group="View"),
    _window("full_screen", "Full screen", "F11", group="View"),
    _window("layout_two", "Two scans", "F5", group="View"),
    _window("layout_left", "Left scan only", "F6", group="View"),
    _window("layout_right", "Right scan only", "F7", group="View"),
    _window("align", "Align the other scan to this one", "Ctrl+R", group="Alignment"),
    _window("unalign", "Undo the alignment", "Ctrl+Shift+R", group="Alignment"),
    _window("cancel", "Cancel what runs", "Esc", group="Program"),
    _window("keys", "Keys", "F1", group="Help"),
    _window("about", "About samdesk", group="Help"),
    Spec("slice_before", "Slice before", ("Up",)),
    Spec("slice_after", "Next slice", ("Down",)),
    Spec("slices_before", "10 slices before", ("Shift+Up",)),
    Spec("slices_after", "10 slices on", ("Shift+Down",)),
    Spec("slice_first", "First slice", ("Home",)),
    Spec("slice_last", "Last slice", ("End",)),
    Spec("series_before", "Series before", ("PgUp",)),
    Spec("series_after", "Next series", ("PgDown",)),
    Spec("preset_1", "Window: soft tissue", ("1",)),
    Spec("preset_2", "Window: lung", ("2",)),
    Spec("preset_3", "Window: bone", ("3",)),
    Spec("preset_4", "Window: brain", ("4",)),
    Spec("preset_5", "Window: liver", ("5",)),
    Spec("preset_6", "Window: mediastinum", ("6",)),
    Spec("preset_0", "Window: the file's own, again: from percentiles", ("0",)),
    Spec("reset_view", "Reset zoom and place", ("Z",)),
    Spec("zoom_in", "Zoom in", ("+", "=")),
    Spec("zoom_out", "Zoom out", ("-",)),
    Spec("invert", "Turn the gray scale over", ("I",)),
    Spec("crosshair", "Crosshair", ("C",), is_checkable=True),
    Spec("center", "Center on the crosshair", ("Shift+C",)),
    Spec("overlays", "Marks and texts", ("O",), is_checkable=True),
    Spec("link", "Link: anatomy, aligned, mm, off", ("L",)),
    Spec("match", "Find this place in the other scan", ("M",)),
    Spec("heat", "Heat map", ("H",), is_checkable=True),
    Spec("heat_less", "Heat map, or the fused scan, weaker", ("[", "Ctrl+Down")),
    Spec("heat_more", "Heat map, or the fused scan, stronger", ("]", "Ctrl+Up")),
    Spec("fusion", "Fused picture: colors, blend, checkerboard, off", ("G",), group="Alignment"),
    Spec("other_1", "First alternative", ("Alt+1",)),
    Spec("other_2", "Second alternative", ("Alt+2",)),
    Spec("other_3", "Third alternative", ("Alt+3",)),
    Spec("accept", "Accept", ("A",)),
    Spec("reject", "Reject", ("X",)),
    Spec("not_here", "Not in this scan", ("D",)),
    Spec("unsure", "Unsure", ("U",)),
    Spec("remove", "Remove the point", ("Del", "Backspace")),
    Spec("maximize", "One view, again: back", ("F",)),
)


class ActionBook(QObject):
    """Makes each action once, and finds it by its name."""

    def __init__(self, parent: QObject, specs: Iterable[Spec] = SPECS) -> None:
        """Make the actions.

        Raises:
            ValueError: two actions share a key in one context, so that neither would fire.
        """
        super().__init__(parent)
        self.specs = tuple(specs)
        clash = clashes(self.specs)
        if clash:
            raise ValueError(f"Two actions share a key: {', '.join(clash)}.")
        self._actions = {spec.name: self._make(spec) for spec in self.specs}

    def __getitem__(self, name: str) -> QAction:
        return self._actions[name]

    def on(self, name: str, call: Callable[[], object]) -> None:
        """Let an action do something."""
        self._actions[name].triggered.connect(lambda _checked=False: call())

    def enable(self, name: str, reason: str = "") -> None:
        """Enable an action, or disable it with the reason that its tool tip then gives."""
        action = self._actions[name]
        action.setEnabled(not reason)
        spec = next(one for one in self.specs if one.name == name)
        action.setToolTip(reason or tip(spec))

    def attach(self, widget: QWidget, context: Context) -> None:
        """Let the keys of a context work in a widget."""
        for spec in self.specs:
            if spec.context is context:
                widget.addAction(self._actions[spec.name])

    def _make(self, spec: Spec) -> QAction:
        action = QAction(spec.text, self)
        action.setObjectName(spec.name)
        action.setShortcuts([QKeySequence(key) for key in spec.keys])
        action.setCheckable(spec.is_checkable)
        action.setToolTip(tip(spec))
        action.setShortcutContext(
            Qt.ShortcutContext.WindowShortcut
            if spec.context is Context.WINDOW
            else Qt.ShortcutContext.WidgetWithChildrenShortcut
        )
        return action


def tip(spec: Spec) -> str:
    """Write a tool tip with the key."""
    return f"{spec.text} ({key_words(spec)})" if spec.keys else spec.text


def key_words(spec: Spec) -> str:
    """Write the keys of an action as the system writes them."""
    native = QKeySequence.SequenceFormat.NativeText
    return ", ".join(QKeySequence(key).toString(native) for key in spec.keys)


def clashes(specs: Iterable[Spec]) -> list[str]:
    """Name the keys that two actions share; those of the window hold in the panes too."""
    held: dict[str, list[Spec]] = {}
    for spec in specs:
        for key in spec.keys:
            held.setdefault(QKeySequence(key).toString(), []).append(spec)
    return [key for key, sharing in held.items() if len(sharing) > 1]
