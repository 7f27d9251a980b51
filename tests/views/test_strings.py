"""Numbers and verdicts as a person reads them."""

import pytest

from samdesk.core.match import Match, Verdict
from samdesk.views.strings import counted, percent, sentence, verdict_line


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.0, "0 %"), (0.001, "1 %"), (0.5, "50 %"), (0.999, "99 %"), (1.0, "100 %")],
)
def test_what_is_not_certain_is_never_called_so(share: float, words: str) -> None:
    assert percent(share) == words


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        (Verdict.FOUND, "found 96 % · loop 1.4 mm"),
        (Verdict.UNCERTAIN, "uncertain 96 % · loop 1.4 mm"),
        (Verdict.ABSENT, "not in this scan (4 %)"),
        (Verdict.UNKNOWN, "cannot say"),
    ],
)
def test_each_verdict_has_its_words(verdict: Verdict, words: str) -> None:
    assert verdict_line(Match(verdict, None, 0.96, 0.9, 0.1, 1.4)) == words


def test_nouns_agree_with_their_numbers() -> None:
    assert counted(1, "file") == "1 file"
    assert counted(12_400, "file") == "12,400 files"
    assert counted(2, "series", "series") == "2 series"
    assert sentence("reading headers") == "Reading headers"
