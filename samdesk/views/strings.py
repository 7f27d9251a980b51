"""Sentences that appear in more than one place, and numbers as people read them."""

from samdesk.core.match import Match, Verdict
from samdesk.core.project import Judgement
from samdesk.core.reading_notes import Refusal

RESEARCH = "Research use only. Suggestions must be checked by a person."
FORMATS = (
    "DICOM files, folders, DICOMDIR and zip; NIfTI, NRRD and MetaImage; radiographs as DICOM, "
    "PNG, JPEG or TIFF."
)
DROP_HERE = "Drop scans, folders or zip files here"

VERDICT_WORDS = {
    Verdict.FOUND: "found",
    Verdict.UNCERTAIN: "uncertain",
    Verdict.ABSENT: "not in this scan",
    Verdict.UNKNOWN: "cannot say",
}
JUDGEMENT_WORDS = {
    Judgement.ACCEPTED: "accepted",
    Judgement.MOVED: "moved by hand",
    Judgement.REJECTED: "rejected",
    Judgement.NOT_HERE: "not here",
    Judgement.UNSURE: "unsure",
}


def percent(share: float) -> str:
    """Write a share as percents; never 100 % or 0 % of a probability that is not certain."""
    number = round(share * 100)
    if number >= 100 and share < 1:
        number = 99
    if number <= 0 < share:
        number = 1
    return f"{number} %"


def loop(match: Match) -> str:
    """Write the cycle error."""
    return f"loop {match.cycle_error_mm:.1f} mm"


def verdict_line(match: Match) -> str:
    """Write a match in one line, as in the chip of the inspector."""
    if match.verdict is Verdict.UNKNOWN:
        return "cannot say"
    if match.verdict is Verdict.ABSENT:
        return f"not in this scan ({percent(1 - match.p_present)})"
    word = VERDICT_WORDS[match.verdict]
    return f"{word} {percent(match.p_present)} · {loop(match)}"


def counted(number: int, one: str, many: str = "") -> str:
    """Write a number with its noun: 1 file, 2 files, 12,400 files."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def refusal_line(refusal: Refusal) -> str:
    """Write why a file is not shown, with its name once."""
    name = refusal.path.name
    return refusal.reason if name in refusal.reason else f"{name}: {refusal.reason}"


def sentence(words: str) -> str:
    """Begin with a capital letter."""
    return words[:1].upper() + words[1:]
