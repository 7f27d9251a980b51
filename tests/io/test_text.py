"""Text from files is made safe to show, and tables safe to open."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samdesk.io.text import MAX_LETTERS, cell, from_cell, plain


@given(st.text(alphabet=st.characters(), max_size=400))
def test_plain_text_is_one_short_line_without_control_characters(text: str) -> None:
    shown = plain(text)
    assert len(shown) <= MAX_LETTERS
    assert not any(unicodedata.category(letter) in ("Cc", "Cs") for letter in shown)
    assert not any("\u202a" <= letter <= "\u202e" for letter in shown)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Müller^Jörg", "Müller^Jörg"),
        ("two\nlines", "two\u240alines"),
        ("a\x1b[31mred", "a\u241b[31mred"),
        ("del\x7f", "del\u2421"),
        ("txt\u202egnp.exe", "txt[RLO]gnp.exe"),
        ("\x85\ud800", "\ufffd\ufffd"),
        ("  blank ", "blank"),
        (None, ""),
        (5, "5"),
    ],
)
def test_what_cannot_be_shown_is_made_visible(text: object, shown: str) -> None:
    assert plain(text) == shown


def test_a_long_text_ends_in_an_ellipsis() -> None:
    assert plain("x" * 5000, 10) == "x" * 9 + "\u2026"


@pytest.mark.parametrize("text", ["=1+1", "+4", "-5", "@SUM(A1)"])
def test_a_formula_is_quoted_and_comes_back(text: str) -> None:
    assert cell(text) == f"'{text}"
    assert from_cell(cell(text)) == text


@pytest.mark.parametrize("text", ["T12", "'quoted'", "a=b"])
def test_other_text_is_left_alone(text: str) -> None:
    assert cell(text) == from_cell(text) == text
