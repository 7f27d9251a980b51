"""What is printed and written of the sections."""

import json
import struct
import zlib
from pathlib import Path

import numpy as np

from samdesk.core.volume import Volume
from samdesk.evaluation import report, tables
from samdesk.evaluation.base import Bar, Miss, Row, Section
from samdesk.evaluation.figures import summarize
from samdesk.evaluation.pictures import picture, png


def section(scan: Volume) -> Section:
    place = np.array([0.0, 0.0, 0.0])
    nowhere = np.full(3, np.nan)
    return Section(
        "made", "Made <cases>",
        rows=(
            Row("samdesk", summarize([1.0, 2.0, 30.0]), 1.25),
            Row("affine", summarize([np.inf, np.inf]), 4.0, ("case: it gave up",)),
        ),
        values={"share, %": 12.5, "missing": float("nan")},
        bars=(Bar("median", 2.0, 3.5, unit="mm"), Bar("AUC", 0.8, 0.92, at_least=True)),
        misses=(Miss("made", "carina", 30.0, scan, scan, place, place + 5, nowhere),),
    )  # fmt: skip


def test_a_promise_stands_beside_its_number_met_or_not(scan: Volume) -> None:
    text = tables.as_text([section(scan)])
    assert "met  median: 2.00 mm (bar <= 3.50 mm)" in text
    assert "NOT met  AUC: 0.800 (bar >= 0.920)" in text
    assert "failed: affine: case: it gave up" in text
    assert "made, carina: 30.0 mm" in text


def test_a_number_that_is_missing_meets_no_promise() -> None:
    assert not Bar("x", None, 5.0).is_met
    assert not Bar("x", float("nan"), 5.0).is_met
    assert Bar("x", 5.0, 5.0).is_met
    assert not Bar("x", float("inf"), 5.0).is_met


def test_json_holds_no_infinite_numbers(scan: Volume) -> None:
    data = json.loads(json.dumps(tables.as_data([section(scan)]), allow_nan=False))
    assert data[0]["rows"][1]["median_mm"] is None
    assert data[0]["rows"][0]["within_10_mm_share"] == round(2 / 3, 4)
    assert data[0]["bars"][0]["met"] is True


def test_the_report_shows_the_worst_with_pictures_and_escapes_words(
    scan: Volume, tmp_path: Path
) -> None:
    data, page = report.write(tmp_path / "out", [section(scan)], {"model": "bank <1>"})
    text = page.read_text(encoding="utf-8")
    assert text.count("data:image/png;base64,") == 1
    assert "Made &lt;cases&gt;" in text
    assert "bank &lt;1&gt;" in text
    assert json.loads(data.read_text(encoding="utf-8"))["about"] == {"model": "bank <1>"}


def test_a_png_holds_the_pixels_it_was_given() -> None:
    pixels = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    data = png(pixels)
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", data[16:24]) == (3, 2)
    (length,) = struct.unpack(">I", data[33:37])
    rows = np.frombuffer(zlib.decompress(data[41 : 41 + length]), np.uint8).reshape(2, 10)
    assert np.array_equal(rows[:, 1:].reshape(2, 3, 3), pixels)


def test_the_picture_marks_the_true_place_in_green_and_the_answer_in_red(scan: Volume) -> None:
    place = np.array([0.0, 0.0, 0.0])
    miss = Miss("made", "a", 20.0, scan, scan, place, place, place + 20)
    assert len(picture(miss)) > 1000
