"""What the Read page says about a question: banner, head of the inspector, rows and points."""

from PySide6.QtGui import QGuiApplication

from samdesk.core.ids import SeriesId
from samdesk.core.match import Match, Verdict
from samdesk.core.plane import View
from samdesk.core.project import Judgement
from samdesk.services.store import Store
from samdesk.views import strings
from samdesk.views.asking import MOST_ALTERNATIVES, Asking
from samdesk.views.marks import Kind
from samdesk.views.sides import Side
from samdesk.views.tables.matches import Place, PointLine, mark_kind

BannerWords = tuple[str, str, str, str]
# Places whose similarities differ by less look the same to the network.
ALIKE = 0.05
_JUDGED_KINDS = {Judgement.ACCEPTED: Kind.ACCEPTED, Judgement.MOVED: Kind.MOVED}


def banner(asking: Asking) -> BannerWords | None:
    """Say over the follow-up what has no mark: kind, sentence, detail, button; None for nothing."""
    if asking.judged is not None:
        is_absent = asking.judged.judgement is Judgement.NOT_HERE
        return ("absent", "Not in this scan, as you said.", "", "") if is_absent else None
    if asking.error is not None:
        error = asking.error
        return "error", error.what, error.hint, "Try again"
    if asking.is_stopped:
        return "unknown", "Stopped before there was an answer.", "", "Go on"
    match = asking.match
    if match is None:
        return _waiting(asking)
    return _answer(match)


def _waiting(asking: Asking) -> BannerWords | None:
    progress = asking.progress
    if asking.question is None or progress is None:
        return None
    doing = strings.sentence(progress.doing or "working")
    share = f" {strings.percent(progress.share)}" if progress.total > 0 else "…"
    return "unknown", f"{doing}{share}", "The place follows here when it is found.", ""


def _answer(match: Match) -> BannerWords | None:
    if match.verdict is Verdict.ABSENT:
        text = f"Not in this scan ({strings.percent(1 - match.p_present)})"
        return "absent", text, match.reason, "Go to nearest" if match.nearest_mm else ""
    if match.verdict is Verdict.UNKNOWN:
        return "unknown", "Cannot say", match.reason, ""
    if match.verdict is Verdict.UNCERTAIN:
        rivals = [one for one in match.alternatives if match.similarity - one.similarity < ALIKE]
        places = "two similar places" if rivals else "check this place"
        return "uncertain", f"Uncertain: {places}", match.reason, ""
    return None


def head(asking: Asking, where: str) -> tuple[str, str, str, str, str]:
    """Give title, place, chip, the chip's role and a detail for the inspector."""
    if asking.question is None:
        return "No place chosen", "Click in an image.", "No answer yet", "chip-muted", ""
    judged, match = asking.judged, asking.match
    if judged is not None:
        word = strings.JUDGEMENT_WORDS[judged.judgement]
        said = "" if match is None else f"The program says: {strings.verdict_line(match)}."
        return asking.name, where, word.capitalize(), "chip", said
    if match is None:
        has_none = asking.error is not None or asking.is_stopped
        return asking.name, where, "No answer" if has_none else "Looking for it…", "chip-muted", ""
    line = strings.verdict_line(match)
    took = f"Took {match.seconds:.2f} s, model {match.model}." if match.model else ""
    if match.verdict is Verdict.FOUND:
        line = f"Suggested  {strings.percent(match.p_present)} · {strings.loop(match)}"
        return asking.name, where, line, "chip", took
    detail = " ".join(part for part in (match.reason, took) if part)
    is_uncertain = match.verdict is Verdict.UNCERTAIN
    role = "chip-uncertain" if is_uncertain else "chip-muted"
    return asking.name, where, strings.sentence(line), role, detail


def places(asking: Asking, side: Side | None) -> list[Place]:
    """List the match and its alternatives."""
    match = asking.match
    if match is None or match.at_mm is None:
        return []
    rows = [(match.similarity, f"{match.cycle_error_mm:.1f} mm", match.at_mm)]
    rows += [(one.similarity, "", one.at_mm) for one in match.alternatives[:MOST_ALTERNATIVES]]
    shown = None if side is None else side.pane.shown
    return [
        Place(
            rank,
            similarity,
            loop,
            0 if shown is None else shown.number(View.AXIAL, at_mm) + 1,
            at_mm,
        )
        for rank, (similarity, loop, at_mm) in enumerate(rows, 1)
    ]


def point_lines(store: Store, follow_up: SeriesId | None) -> list[PointLine]:
    """List the points of the project with what is known of their matches in a series."""
    lines = []
    answers = dict(store.matchbook)
    for point in store.project.points.values():
        judged = None if follow_up is None else store.project.judgements.get((point.id, follow_up))
        if judged is not None:
            word = strings.JUDGEMENT_WORDS[judged.judgement]
            lines.append(PointLine(point.id, point.name, word, _JUDGED_KINDS.get(judged.judgement)))
            continue
        found = [
            match
            for question, match in answers.items()
            if (question.point, question.follow_up, question.at_mm)
            == (point.id, follow_up, point.at_mm)
        ]
        word = strings.verdict_line(found[-1]) if found else ""
        kind = mark_kind(found[-1]) if found else None
        lines.append(PointLine(point.id, point.name, word, kind))
    return lines


def copy(text: str) -> None:
    """Put a text on the clipboard."""
    QGuiApplication.clipboard().setText(text)
