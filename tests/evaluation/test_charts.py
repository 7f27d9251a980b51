"""Plots of a report: inline SVG whose marks lie where the numbers say."""

import re
from xml.etree import ElementTree as ET

import pytest

from samdesk.evaluation.base import Boxes, Curves
from samdesk.evaluation.charts import LABEL_PX, PLOT_PX, boxes_svg, curves_svg


def parsed(page: str) -> ET.Element:
    found = re.search(r"<svg.*</svg>", page, re.DOTALL)
    assert found
    return ET.fromstring(found.group())  # noqa: S314 - our own drawing


def test_a_box_spans_the_quartiles_on_the_axis() -> None:
    values = tuple(float(n) for n in range(101))
    root = parsed(boxes_svg(Boxes("Errors", "mm", {"a < b": values})))
    (rect,) = root.iter("rect")
    assert float(rect.attrib["x"]) == pytest.approx(LABEL_PX + 0.25 * PLOT_PX, abs=0.2)
    assert float(rect.attrib["width"]) == pytest.approx(0.5 * PLOT_PX, abs=0.2)
    words = [text.text for text in root.iter("text")]
    assert "a < b" in words
    assert "n 101" in words
    assert not list(root.iter("polygon"))


def test_what_leaves_the_axis_is_an_arrow_and_what_is_missing_is_counted() -> None:
    far = (*[1.0] * 8, *[900.0] * 2)
    missing = (1.0, 2.0, float("inf"))
    root = parsed(boxes_svg(Boxes("Errors", "mm", {"far": far, "none": missing})))
    assert len(list(root.iter("polygon"))) == 2
    assert "n 3, 1 none" in [text.text for text in root.iter("text")]


def test_a_series_of_nothing_leaves_its_row_empty() -> None:
    root = parsed(boxes_svg(Boxes("Errors", "mm", {"nothing": (), "lost": (float("inf"),)})))
    assert not list(root.iter("rect"))


def test_curves_are_joined_in_their_order_within_the_axes() -> None:
    line = ((0.0, 0.0), (0.5, 1.0), (1.0, 0.25))
    root = parsed(
        curves_svg(Curves("C", "x", "y", {"one": line, "gap": ((0, 1), (1, float("nan")))}))
    )
    first = next(root.iter("polyline")).attrib["points"].split()
    places = [tuple(float(v) for v in point.split(",")) for point in first]
    assert [x for x, _ in places] == sorted(x for x, _ in places)
    assert places[1][1] < places[2][1] < places[0][1]
    assert len(list(root.iter("circle"))) == 4


def test_one_point_alone_can_be_drawn_and_nothing_is_said() -> None:
    assert "<circle" in curves_svg(Curves("C", "x", "y", {"one": ((2.0, 3.0),)}))
    assert "Nothing to draw" in curves_svg(Curves("C", "x", "y", {"one": ()}))
