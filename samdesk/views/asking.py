"""What the Read page asks: a place, its match, and what a person says of that match."""

import uuid

from PySide6.QtCore import QObject, Signal

from samdesk.core.edits import JudgeMatch, RemovePoint
from samdesk.core.geometry import Position
from samdesk.core.ids import PointId, SeriesId
from samdesk.core.marking import MarkPlace
from samdesk.core.match import Match, SimilarityMap
from samdesk.core.matchbook import CURSOR, Question
from samdesk.core.point import TemplatePoint
from samdesk.core.progress import Progress
from samdesk.core.project import Judged, Judgement
from samdesk.errors import SamdeskError
from samdesk.services.bundle import Services
from samdesk.views.marks import Kind, Mark
from samdesk.views.strings import percent
from samdesk.views.tables.matches import mark_kind
from samdesk.views.widgets.heat import HeatMap

MOST_ALTERNATIVES = 3
_JUDGED_KINDS = {
    Judgement.ACCEPTED: Kind.ACCEPTED,
    Judgement.MOVED: Kind.MOVED,
    Judgement.REJECTED: Kind.REJECTED,
    Judgement.UNSURE: Kind.UNCERTAIN,
}


class Asking(QObject):
    """Holds the one question that the page is about, and puts the person's word into the store."""

    # Something about the question is different: draw it anew.
    changed = Signal()
    # The first answer to a new question is there: Match.
    landed = Signal(object)

    def __init__(self, services: Services, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store = services.store
        self._matching = services.matching
        self.question: Question | None = None
        self.match: Match | None = None
        self.progress: Progress | None = None
        self.error: SamdeskError | None = None
        self.heat: HeatMap | None = None
        self.is_heat_wanted = False
        self.is_stopped = False
        matching = services.matching
        matching.matched.connect(self._on_matching_matched)
        matching.mapped.connect(self._on_matching_mapped)
        matching.progressed.connect(self._on_matching_progressed)
        matching.failed.connect(self._on_matching_failed)
        matching.stopped.connect(self._on_matching_stopped)
        matching.model_changed.connect(self._on_matching_model_changed)
        services.store.changed.connect(self._on_store_changed)
        services.store.replaced.connect(self.forget)

    # -- asking ----------------------------------------------------------------------------

    def ask(self, at_mm: Position, baseline: SeriesId, follow_up: SeriesId) -> None:
        """Ask for the place of a click."""
        self._begin(self._matching.question(CURSOR, at_mm, baseline, follow_up))

    def choose(self, point: PointId, follow_up: SeriesId) -> None:
        """Turn to a point of the project and its match in a series."""
        project = self._store.project
        if point not in project.points:
            return
        baseline = project.placed_in[point]
        at_mm = project.points[point].at_mm
        self._begin(self._matching.question(point, at_mm, baseline, follow_up))

    def again(self) -> None:
        """Ask the same once more, after a stop or an error."""
        if self.question is not None:
            old = self.question
            new = self._matching.question(old.point, old.at_mm, old.baseline, old.follow_up)
            self._begin(new)

    def forget(self) -> None:
        """Let the question go."""
        self._matching.forget(CURSOR)
        self._clear()
        self.question = None
        self.changed.emit()

    def show_heat(self, is_wanted: bool) -> None:
        """Show the similarity map of the question, or take it away."""
        self.is_heat_wanted = is_wanted
        self.heat = None
        self._ask_heat()
        self.changed.emit()

    # -- what a person says ----------------------------------------------------------------

    @property
    def judged(self) -> Judged | None:
        """What a person said of the match; None where nobody did."""
        if self.question is None:
            return None
        return self._store.project.judgements.get((self.question.point, self.question.follow_up))

    @property
    def name(self) -> str:
        """What the place is called."""
        if self.question is None:
            return ""
        point = self._store.project.points.get(self.question.point)
        return "This place" if point is None else point.name

    @property
    def at_mm(self) -> Position | None:
        """Where the place is in the follow-up: as a person said, else as the program says."""
        judged = self.judged
        if judged is not None and judged.at_mm is not None:
            return judged.at_mm
        return None if self.match is None else self.match.at_mm

    def judge(self, judgement: Judgement, at_mm: Position | None = None) -> None:
        """Write down what the person says; a click becomes a point of the project by it."""
        question = self.question
        if question is None or (judgement is Judgement.ACCEPTED and self.at_mm is None):
            return
        if at_mm is None and judgement in (Judgement.ACCEPTED, Judgement.UNSURE):
            at_mm = self.at_mm
        if question.point != CURSOR:
            self._store.do(JudgeMatch(question.point, question.follow_up, judgement, at_mm))
            return
        point = TemplatePoint(PointId(uuid.uuid4().hex), self._next_name(), question.at_mm)
        kept = self._matching.question(
            point.id, question.at_mm, question.baseline, question.follow_up
        )
        if self.match is not None:
            # The answer is the same: the point need not be asked for again.
            self._store.matchbook.record(kept, self.match)
        self.question = kept
        self._store.do(MarkPlace(point, question.baseline, question.follow_up, judgement, at_mm))

    def remove(self) -> None:
        """Take the point out of the project."""
        if self.question is not None and self.question.point in self._store.project.points:
            self._store.do(RemovePoint(self.question.point))

    # -- what is drawn ---------------------------------------------------------------------

    def marks(self, series: SeriesId) -> tuple[Mark, ...]:
        """Give the marks of a series: the question's, and those of the project's other points."""
        marks = list(self._other_marks(series))
        question = self.question
        if question is None:
            return tuple(marks)
        if series == question.baseline:
            text = self.name if question.point != CURSOR else ""
            marks.append(Mark(Kind.SOURCE, question.at_mm, text))
        if series == question.follow_up:
            marks += self._answer_marks()
        return tuple(marks)

    def _answer_marks(self) -> list[Mark]:
        match, judged, at_mm = self.match, self.judged, self.at_mm
        marks = []
        if match is not None and judged is None:
            for rank, one in enumerate(match.alternatives[:MOST_ALTERNATIVES], 2):
                marks.append(Mark(Kind.OTHER, one.at_mm, str(rank)))
        kind = None if match is None else mark_kind(match)
        if judged is not None:
            kind = _JUDGED_KINDS.get(judged.judgement)
            at_mm = at_mm or (None if match is None else match.at_mm)
        if kind is not None and at_mm is not None:
            text = percent(match.p_present) if match is not None and judged is None else ""
            marks.append(Mark(kind, at_mm, text, is_movable=True))
        return marks

    def _other_marks(self, series: SeriesId) -> list[Mark]:
        project = self._store.project
        marks = []
        for point in project.points.values():
            if self.question is not None and point.id == self.question.point:
                continue
            if project.placed_in[point.id] == series:
                marks.append(Mark(Kind.SOURCE, point.at_mm, point.name))
            judged = project.judgements.get((point.id, series))
            kind = None if judged is None else _JUDGED_KINDS.get(judged.judgement)
            if judged is not None and judged.at_mm is not None and kind is not None:
                marks.append(Mark(kind, judged.at_mm, point.name))
        return marks

    # -- inside ----------------------------------------------------------------------------

    def _begin(self, question: Question) -> None:
        self._clear()
        self.question = question
        self._matching.ask(question)
        self._ask_heat()
        self.changed.emit()

    def _clear(self) -> None:
        self.match = None
        self.progress = None
        self.error = None
        self.heat = None
        self.is_stopped = False

    def _ask_heat(self) -> None:
        if self.is_heat_wanted and self.question is not None:
            self._matching.ask_map(self.question)

    def _next_name(self) -> str:
        names = {point.name for point in self._store.project.points.values()}
        number = 1
        while f"Point {number}" in names:
            number += 1
        return f"Point {number}"

    def _is_mine(self, question: object) -> bool:
        mine = self.question
        if mine is None or not isinstance(question, Question):
            return False
        return (question.at_mm, question.baseline, question.follow_up, question.model) == (
            mine.at_mm,
            mine.baseline,
            mine.follow_up,
            mine.model,
        )

    def _on_matching_matched(self, question: object, match: Match, is_final: bool) -> None:
        if not self._is_mine(question):
            return
        is_first = self.match is None
        self.match = match
        self.error = None
        if is_final:
            self.progress = None
        self.changed.emit()
        if is_first or is_final:
            self.landed.emit(match)

    def _on_matching_mapped(self, question: object, similarity: SimilarityMap) -> None:
        if self._is_mine(question) and self.is_heat_wanted:
            self.heat = HeatMap(similarity)
            self.changed.emit()

    def _on_matching_progressed(self, question: object, progress: Progress) -> None:
        if self._is_mine(question):
            self.progress = progress
            self.changed.emit()

    def _on_matching_failed(self, question: object, error: SamdeskError) -> None:
        if self._is_mine(question) and self.match is None:
            self.progress = None
            self.error = error
            self.changed.emit()

    def _on_matching_stopped(self) -> None:
        if self.question is not None and self.match is None:
            self.progress = None
            self.is_stopped = True
            self.changed.emit()

    def _on_matching_model_changed(self, _model: str) -> None:
        self.again()

    def _on_store_changed(self, _changes: object) -> None:
        question, project = self.question, self._store.project
        if question is not None and question.point != CURSOR:
            point = project.points.get(question.point)
            if point is None:
                # Undone or removed: the click itself is still what the page is about.
                self.question = self._matching.question(
                    CURSOR, question.at_mm, question.baseline, question.follow_up
                )
            elif point.at_mm != question.at_mm:
                self.choose(question.point, question.follow_up)
                return
        self.changed.emit()
