"""The table of an alignment's places: the worst first, and struck out in words, lines and color."""

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont
from PySide6.QtWidgets import QApplication

from samdesk.core.geometry import Geometry
from samdesk.core.ids import SeriesId
from samdesk.core.warp import Warp, node_grid
from samdesk.services.registering import Aligned, Asked
from samdesk.views import theme
from samdesk.views.tables.residuals import ResidualsModel, ties


@pytest.fixture
def aligned() -> Aligned:
    nodes = node_grid(Geometry.aligned((4, 4, 4), (5.0, 5.0, 5.0)))
    fixed = np.arange(9.0).reshape(3, 3)
    return Aligned(
        Asked(SeriesId("a"), SeriesId("b")),
        Warp(np.eye(4), nodes, np.zeros((3, *nodes.shape), np.float32)),
        fixed,
        fixed + 1,
        np.array([True, False, True]),
        np.array([0.4, 31.0, 2.26]),
        0.9,
        "SAM affine",
    )


def test_the_farthest_off_comes_first_with_its_number(aligned: Aligned) -> None:
    rows = ties(aligned)
    assert [(row.number, row.is_used) for row in rows] == [(2, False), (3, True), (1, True)]
    assert rows[0].fixed_mm == (3.0, 4.0, 5.0)
    assert rows[0].moving_mm == (4.0, 5.0, 6.0)


def test_a_struck_out_place_is_said_in_words_line_and_color(
    qapp: QApplication, aligned: Aligned
) -> None:
    model = ResidualsModel()
    model.show_ties(ties(aligned))
    role = Qt.ItemDataRole
    assert (model.rowCount(), model.columnCount()) == (3, 3)
    first = [model.data(model.index(0, column)) for column in range(3)]
    assert first == ["2", "31.0 mm", "\u00d7 struck out"]
    assert model.data(model.index(1, 2)) == "\u25cb used"
    assert model.data(model.index(0, 0), role.ForegroundRole) == QColor(theme.tokens().uncertain)
    font = model.data(model.index(0, 1), role.FontRole)
    assert isinstance(font, QFont)
    assert font.strikeOut()
    for kind in (role.ForegroundRole, role.FontRole):
        assert model.data(model.index(1, 1), kind) is None
    assert model.data(model.index(0, 2), role.FontRole) is None


def test_headers_and_places_outside_of_the_table(qapp: QApplication, aligned: Aligned) -> None:
    model = ResidualsModel()
    horizontal, vertical = Qt.Orientation.Horizontal, Qt.Orientation.Vertical
    assert [model.headerData(n, horizontal) for n in range(3)] == ["Place", "Residual", "State"]
    assert model.headerData(0, vertical) is None
    assert model.data(model.index(9, 0)) is None
    model.show_ties(ties(aligned))
    assert model.rowCount(model.index(0, 0)) == model.columnCount(model.index(0, 0)) == 0


def test_the_same_places_reset_nothing(qapp: QApplication, aligned: Aligned) -> None:
    model, resets = ResidualsModel(), []
    model.modelReset.connect(lambda: resets.append(1))
    model.show_ties(ties(aligned))
    model.show_ties(ties(aligned))
    assert len(resets) == 1
