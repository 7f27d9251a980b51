"""Palettes: everything can be read, and states differ for every kind of color vision."""

import itertools

import numpy as np
import pytest
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication, QPushButton

from samdesk.views import marks, theme
from samdesk.views.marks import Kind
from samdesk.views.theme import DARK, LIGHT, Tokens
from samdesk.views.widgets import crosshair

# Machado, Oliveira and Fernandes 2009, severity 1.0, on linear RGB.
VISION = {
    "normal": np.eye(3),
    "protan": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
         [-0.003882, -0.048116, 1.051998]]),
    "deutan": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
         [-0.011820, 0.042940, 0.968881]]),
    "tritan": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
         [0.004733, 0.691367, 0.303900]]),
}  # fmt: skip


def linear(color: str) -> np.ndarray:
    value = np.array([int(color[n : n + 2], 16) / 255 for n in (1, 3, 5)])
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    weights = np.array([0.2126, 0.7152, 0.0722])
    low, high = sorted((float(linear(one) @ weights), float(linear(other) @ weights)))
    return (high + 0.05) / (low + 0.05)


def lab(rgb: np.ndarray) -> np.ndarray:
    matrix = np.array(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
         [0.0193339, 0.1191920, 0.9503041]])  # fmt: skip
    xyz = matrix @ np.clip(rgb, 0, 1) / np.array([0.95047, 1.0, 1.08883])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("colors", [DARK, LIGHT], ids=["dark", "light"])
@pytest.mark.parametrize("name", ["text", "text2", "accent", "ok", "warn", "danger", "info"])
def test_every_text_reads_on_every_ground(colors: Tokens, name: str) -> None:
    grounds = (colors.window, colors.panel, colors.raised, colors.hover)
    assert min(contrast(getattr(colors, name), ground) for ground in grounds) >= 4.5


@pytest.mark.parametrize("colors", [DARK, LIGHT], ids=["dark", "light"])
def test_buttons_selections_and_borders_can_be_seen(colors: Tokens) -> None:
    assert contrast(colors.on_accent, colors.accent) >= 4.5
    assert contrast(colors.on_select, colors.select) >= 4.5
    grounds = (colors.window, colors.panel, colors.raised, colors.hover)
    assert min(contrast(colors.line_strong, ground) for ground in grounds) >= 3
    assert contrast(theme.CANVAS_TEXT_2, theme.CANVAS) >= 4.5


@pytest.mark.parametrize("vision", list(VISION))
@pytest.mark.parametrize("kind", ["planes", "marks"])
def test_planes_and_marks_differ_for_every_kind_of_color_vision(vision: str, kind: str) -> None:
    colors = {
        "planes": list(crosshair.COLORS.values()),
        "marks": [
            marks.COLORS[one]
            for one in (Kind.SOURCE, Kind.SUGGESTED, Kind.UNCERTAIN, Kind.REJECTED, Kind.WAITING)
        ],
    }[kind]
    seen = [lab(VISION[vision] @ linear(color)) for color in colors]
    least = min(float(np.linalg.norm(a - b)) for a, b in itertools.combinations(seen, 2))
    assert least >= 25


def test_a_theme_is_put_on_the_whole_program_and_changed_while_it_runs(qapp: QApplication) -> None:
    theme.apply(qapp, "light")
    assert theme.tokens() is LIGHT
    assert qapp.palette().color(QPalette.ColorRole.Window) == QColor(LIGHT.window)
    theme.apply(qapp, "dark")
    assert theme.tokens() is DARK
    disabled = qapp.palette().color(QPalette.ColorGroup.Disabled, QPalette.ColorRole.Text)
    assert disabled == QColor(DARK.disabled)


def test_a_system_that_does_not_say_is_dark(qapp: QApplication) -> None:
    assert theme.resolve("system") in theme.THEMES
    assert theme.resolve("light") == "light"


def test_a_button_is_drawn_in_the_colors_of_the_theme(qapp: QApplication) -> None:
    for colors in (LIGHT, DARK):
        theme.apply(qapp, colors.name)
        button = QPushButton("Word")
        button.resize(120, 40)
        image = button.grab().toImage()
        assert image.pixelColor(10, 20) == QColor(colors.raised)
