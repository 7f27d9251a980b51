"""Colors, type and spacing of the window: two palettes, put on Qt's Fusion style."""

from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

PROPERTY = "samdeskTheme"

# Images lie on black in both palettes.
CANVAS = "#000000"
CANVAS_TEXT = "#DCE3EA"
CANVAS_TEXT_2 = "#A9B3BF"

# Sizes in logical pixels.
RAIL = 86
CONTROL = 30
NAVIGATOR = 190
INSPECTOR = 300
SMALLEST = (1024, 700)

POINT_SIZE = 10.0
SMALL_POINT_SIZE = 9.0
TITLE_POINT_SIZE = 13.0


@dataclass(frozen=True)
class Tokens:
    """One color for each use; every text color reads at 4.5:1 on each of the four grounds."""

    name: str
    window: str
    panel: str
    raised: str
    hover: str
    line: str
    line_strong: str
    text: str
    text2: str
    disabled: str
    accent: str
    on_accent: str
    select: str
    on_select: str
    ok: str
    warn: str
    danger: str
    info: str
    focus: str
    suggested: str
    uncertain: str
    rejected: str
    absent: str


DARK = Tokens(
    "dark", "#16191D", "#1E2227", "#2A3038", "#343B45", "#3A424D", "#7B8794", "#E8EBEF", "#A9B3BF",
    "#7C8793", "#5AB0FF", "#06131F", "#1F4B77", "#FFFFFF", "#35C78F", "#F2B134", "#FF8A80",
    "#8CC8FF", "#FFD24A", "#2F8FE0", "#F5A623", "#FF6F61", "#9AA4AF",
)  # fmt: skip
LIGHT = Tokens(
    "light", "#F3F5F7", "#FFFFFF", "#E8ECF0", "#DCE2E8", "#C4CCD4", "#717D8A", "#15191D", "#47525E",
    "#79838E", "#0A5FBF", "#FFFFFF", "#CFE4FB", "#0A2440", "#0A6B41", "#855700", "#B3261E",
    "#0A5FBF", "#9A5B00", "#0A5FBF", "#9A5B00", "#B3261E", "#5C6773",
)  # fmt: skip
THEMES = {"dark": DARK, "light": LIGHT}

# What a system that does not say counts as: reading rooms are dark.
UNKNOWN_SYSTEM = "dark"


def tokens() -> Tokens:
    """Give the colors in use."""
    app = QApplication.instance()
    name = app.property(PROPERTY) if app is not None else None
    return THEMES.get(str(name), DARK)


def resolve(choice: str) -> str:
    """Turn the setting system, light or dark into the name of a palette."""
    if choice in THEMES:
        return choice
    scheme = QGuiApplication.styleHints().colorScheme()
    return {Qt.ColorScheme.Light: "light", Qt.ColorScheme.Dark: "dark"}.get(scheme, UNKNOWN_SYSTEM)


def apply(app: QApplication, choice: str) -> Tokens:
    """Put a palette on the whole program; widgets get a PaletteChange and repaint.

    Args:
        app: the program.
        choice: system, light or dark.
    """
    colors = THEMES[resolve(choice)]
    app.setProperty(PROPERTY, colors.name)
    app.setStyle("Fusion")
    font = QFont(app.font())
    font.setPointSizeF(POINT_SIZE)
    app.setFont(font)
    app.setPalette(palette(colors))
    app.setStyleSheet(style_sheet(colors))
    return colors


def palette(colors: Tokens) -> QPalette:
    """Make Qt's palette, the group of disabled things included."""
    made = QPalette()
    role = QPalette.ColorRole
    for one, color in {
        role.Window: colors.window,
        role.WindowText: colors.text,
        role.Base: colors.panel,
        role.AlternateBase: colors.raised,
        role.ToolTipBase: colors.raised,
        role.ToolTipText: colors.text,
        role.Text: colors.text,
        role.PlaceholderText: colors.text2,
        role.Button: colors.raised,
        role.ButtonText: colors.text,
        role.BrightText: colors.danger,
        role.Link: colors.accent,
        role.LinkVisited: colors.accent,
        role.Highlight: colors.select,
        role.HighlightedText: colors.on_select,
        role.Accent: colors.accent,
        role.Light: colors.hover,
        role.Midlight: colors.raised,
        role.Mid: colors.line,
        role.Dark: colors.line,
        role.Shadow: colors.line_strong,
    }.items():
        made.setColor(one, QColor(color))
    for one in (role.WindowText, role.Text, role.ButtonText, role.HighlightedText):
        made.setColor(QPalette.ColorGroup.Disabled, one, QColor(colors.disabled))
    return made


def style_sheet(colors: Tokens) -> str:
    """Write what the palette cannot say, from the same colors."""
    c = colors
    return f"""
QMainWindow, QDialog, QWidget#page {{ background: {c.window}; }}
QWidget#panel, QFrame#panel {{ background: {c.panel}; }}
QFrame#card {{ background: {c.panel}; border: 1px solid {c.line}; border-radius: 6px; }}
QLabel {{ background: transparent; }}
QLabel[role="title"] {{ font-size: {TITLE_POINT_SIZE}pt; font-weight: 600; }}
QLabel[role="heading"] {{ font-weight: 600; }}
QLabel[role="second"] {{ color: {c.text2}; font-size: {SMALL_POINT_SIZE}pt; }}
QLabel[role="warn"] {{ color: {c.warn}; }}
QLabel[role="danger"] {{ color: {c.danger}; }}
QLabel[role="ok"] {{ color: {c.ok}; }}
QPushButton, QComboBox, QToolButton[role="chip"] {{
    background: {c.raised}; color: {c.text}; border: 1px solid {c.line_strong};
    border-radius: 4px; padding: 4px 12px; min-height: {CONTROL - 12}px;
}}
QPushButton:hover, QComboBox:hover, QToolButton[role="chip"]:hover {{ background: {c.hover}; }}
QPushButton:focus, QComboBox:focus, QToolButton[role="chip"]:focus {{
    border: 2px solid {c.focus}; padding: 3px 11px;
}}
QPushButton:disabled, QComboBox:disabled, QToolButton[role="chip"]:disabled {{
    color: {c.disabled}; border-color: {c.line};
}}
QPushButton[role="primary"] {{
    background: {c.accent}; color: {c.on_accent}; border-color: {c.accent}; font-weight: 600;
}}
QPushButton[role="primary"]:disabled {{
    background: {c.raised}; color: {c.disabled}; border-color: {c.line};
}}
QPushButton[role="primary"]:focus {{ border: 2px solid {c.focus}; }}
QPushButton[role="link"] {{
    background: transparent; color: {c.accent}; border: none; padding: 2px 4px; text-align: left;
}}
QPushButton[role="link"]:focus {{ border: 2px solid {c.focus}; }}
QPushButton:checked {{ background: {c.select}; color: {c.on_select}; }}
QToolButton[role="rail"] {{
    background: transparent; color: {c.text2}; border: none; border-left: 3px solid transparent;
    min-width: {RAIL - 12}px; min-height: 56px; padding: 2px 0;
}}
QToolButton[role="rail"]:hover {{ background: {c.hover}; }}
QToolButton[role="rail"]:checked {{
    background: {c.raised}; color: {c.text}; border-left: 3px solid {c.accent};
}}
QToolButton[role="rail"]:focus {{ border-left: 3px solid {c.focus}; }}
QFrame#rail {{ background: {c.panel}; border-right: 1px solid {c.line}; }}
QTreeView, QTableView, QListView {{
    background: {c.panel}; alternate-background-color: {c.raised}; border: 1px solid {c.line};
    selection-background-color: {c.select}; selection-color: {c.on_select};
}}
QTreeView#navigator {{ border: none; }}
QTreeView:focus, QTableView:focus, QListView:focus {{ border: 2px solid {c.focus}; }}
QTreeView::item, QListView::item {{ padding: 3px 2px; }}
QHeaderView::section {{
    background: {c.raised}; color: {c.text2}; border: none; border-bottom: 1px solid {c.line};
    padding: 4px 6px; font-weight: 600;
}}
QCheckBox {{ padding: 2px; border: 1px solid transparent; border-radius: 3px; }}
QCheckBox:focus {{ border: 1px solid {c.focus}; }}
QCheckBox::indicator:unchecked {{
    width: 12px; height: 12px; border: 1px solid {c.line_strong}; border-radius: 3px;
    background: {c.panel};
}}
QStatusBar, QFrame#status {{ background: {c.panel}; border-top: 1px solid {c.line}; }}
QProgressBar {{
    background: {c.raised}; border: 1px solid {c.line_strong}; border-radius: 3px;
    color: {c.text}; text-align: center; min-height: 18px;
}}
QProgressBar::chunk {{ background: {c.select}; border-radius: 2px; }}
QFrame#strip {{ background: {c.raised}; border-top: 1px solid {c.line}; }}
QFrame#strip[kind="warn"] {{ border-left: 4px solid {c.warn}; }}
QFrame#strip[kind="danger"] {{ border-left: 4px solid {c.danger}; }}
QFrame#strip[kind="info"] {{ border-left: 4px solid {c.info}; }}
QMenuBar {{ background: {c.panel}; color: {c.text}; }}
QMenuBar::item:selected, QMenu::item:selected {{ background: {c.select}; color: {c.on_select}; }}
QMenu {{ background: {c.panel}; color: {c.text}; border: 1px solid {c.line_strong}; }}
QMenu::item:disabled {{ color: {c.disabled}; }}
QSplitter::handle {{ background: {c.line}; }}
QToolTip {{ background: {c.raised}; color: {c.text}; border: 1px solid {c.line_strong}; }}
QScrollArea, QScrollArea > QWidget > QWidget#panel {{ border: none; background: {c.panel}; }}
QFrame#drop {{ background: {c.panel}; border: 2px dashed {c.line_strong}; border-radius: 10px; }}
QFrame#drop[role="over"] {{ border: 2px solid {c.accent}; background: {c.raised}; }}
QFrame#canvas {{ background: {CANVAS}; }}
QLabel[role="canvas"] {{ color: {CANVAS_TEXT}; }}
QLabel[role="canvas-second"] {{ color: {CANVAS_TEXT_2}; font-size: {SMALL_POINT_SIZE}pt; }}
QLabel[role="canvas-danger"] {{ color: {DARK.danger}; font-weight: 600; }}
QLabel[role="reading"] {{
    background: rgba(0, 0, 0, 165); color: {CANVAS_TEXT}; padding: 2px 8px; border-radius: 3px;
}}
QLabel[role="drop"] {{
    background: rgba(10, 40, 70, 150); color: #FFFFFF; border: 2px solid {c.accent};
    font-size: {TITLE_POINT_SIZE}pt; qproperty-alignment: AlignCenter;
}}
QFrame#banner {{
    background: rgba(24, 28, 33, 235); border: 1px solid #3A424D; border-radius: 5px;
    border-left: 4px solid {DARK.absent};
}}
QFrame#banner[role="uncertain"] {{ border-left: 4px solid {DARK.uncertain}; }}
QFrame#banner[role="error"] {{ border-left: 4px solid {DARK.danger}; }}
QLabel[role="banner"] {{ color: #FFFFFF; font-weight: 600; }}
QLabel[role="banner-second"] {{ color: {CANVAS_TEXT_2}; font-size: {SMALL_POINT_SIZE}pt; }}
QPushButton[role="banner"] {{
    background: {DARK.raised}; color: {DARK.text}; border-color: {DARK.line_strong};
}}
QLabel[role="chip"] {{
    background: {c.select}; color: {c.on_select}; border-radius: 4px; padding: 3px 10px;
    font-weight: 600;
}}
QLabel[role="chip-uncertain"] {{
    background: {c.raised}; color: {c.warn}; border-radius: 4px; padding: 3px 10px;
    font-weight: 600;
}}
QLabel[role="chip-muted"] {{
    background: {c.raised}; color: {c.text}; border-radius: 4px; padding: 3px 10px;
    font-weight: 600;
}}
"""
