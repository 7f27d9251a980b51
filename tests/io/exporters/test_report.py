"""A report is one page that needs nothing else and trusts no word."""

import math

import pytest

from samdesk.core.match import Verdict
from samdesk.io.exporters.report import Report, ReportPicture, ReportRow, report_html


def row(name: str = "carina", **more) -> ReportRow:
    told = {
        "date": "2024-04-01", "name": name, "kind": "point", "verdict": Verdict.FOUND,
        "at_mm": (1.0, 2.0, 3.0), "truth_mm": (1.0, 2.0, 7.0), "in_scan": True, "p_present": 0.9,
    }  # fmt: skip
    return ReportRow(**{**told, **more})


def page(*rows: ReportRow, pictures: tuple[ReportPicture, ...] = ()) -> str:
    return report_html(Report("A page", (("Model", "sam-ct 1"), ("Time", "3.0 s")), rows, pictures))


def test_the_error_is_the_distance_from_the_truth() -> None:
    assert row().error_mm == pytest.approx(4)
    assert row(at_mm=None).error_mm is None
    assert row(in_scan=False).error_mm is None
    assert row(truth_mm=None, in_scan=None).error_mm is None


def test_the_page_says_research_use_the_model_and_the_seconds() -> None:
    text = page(row())
    assert "Research use only" in text
    assert "sam-ct 1" in text
    assert "3.0 s" in text


def test_each_match_stands_beside_its_true_error() -> None:
    text = page(row(), row("L3", at_mm=None, verdict=Verdict.ABSENT))
    assert '<td>carina</td><td>point</td><td>found</td><td class="n">1.0</td>' in text
    assert '<td class="n">4.0</td>' in text
    assert "<td>absent</td>" in text


def test_a_place_in_the_scan_that_was_not_found_counts_as_wrong() -> None:
    text = page(row(), row(at_mm=None, verdict=Verdict.UNCERTAIN))
    assert '<td class="n">50%</td>' in text


def test_a_place_outside_the_scan_that_is_not_claimed_counts_as_right() -> None:
    outside = row(at_mm=None, verdict=Verdict.ABSENT, in_scan=False)
    text = page(row(), outside, row(in_scan=False))
    assert '<td class="n">2</td><td class="n">1</td></tr>' in text
    assert "not in this scan" in text


def test_words_from_outside_cannot_become_markup() -> None:
    text = page(row("<script>alert(1)</script>", note='"><img src=x onerror=alert(1)>'))
    assert "<script>" not in text
    assert "<img src=x" not in text
    assert "default-src 'none'" in text


def test_pictures_are_inside_the_page_and_nothing_is_fetched() -> None:
    text = page(row(), pictures=(ReportPicture(b"\x89PNG", "carina: 4 mm"),))
    assert 'src="data:image/png;base64,iVBORw=="' in text
    assert "http://" not in text.replace("http-equiv", "")
    assert "https://" not in text


def test_the_curve_reaches_the_share_that_was_found() -> None:
    assert "<svg" in page(row())
    assert "<svg" not in page(row(in_scan=False))
    assert not math.isnan(row().error_mm or math.nan)
