"""Questions and answers, in every order in which they can come."""

import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from samdesk.core.edits import AddPoint, MovePoint, RemovePoint
from samdesk.core.ids import ModelId, PointId, SeriesId
from samdesk.core.match import SimilarityMap, Verdict
from samdesk.core.matchbook import CURSOR, Matchbook
from samdesk.core.point import TemplatePoint
from samdesk.core.progress import Progress
from samdesk.core.project import Project
from samdesk.core.radiograph import Radiograph
from samdesk.core.reading import Opened
from samdesk.core.reading_notes import Notice
from samdesk.core.volume import Modality
from samdesk.errors import ModelError, ReadError
from samdesk.services import models as models_module

Until = Callable[[Callable[[], Any]], None]
A, B, C = (SeriesId(name) for name in "abc")
P1 = PointId("p1")
HERE, THERE = (1.0, 2.0, 3.0), (3.0, 2.0, 1.0)
CANCEL_S = 1.0


def add(desk: Any, at_mm: tuple[float, float, float] = HERE) -> None:
    desk.store.do(AddPoint(TemplatePoint(P1, "apex", at_mm), A))


def ask(desk: Any, at_mm: tuple[float, float, float] = HERE, follow_up: SeriesId = B) -> Any:
    question = desk.matching.question(CURSOR, at_mm, A, follow_up)
    desk.matching.ask(question)
    return question


def final(desk: Any) -> list[tuple[Any, Any]]:
    return [(question, match) for question, match, is_final in desk.of("matched") if is_final]


def embedded(desk: Any, until: Until) -> None:
    until(lambda: len(desk.of("ready")) == len(desk.volumes.ids))
    until(lambda: not desk.matching.is_busy)


def test_an_opened_scan_is_embedded_in_the_background(desk: Any, until: Until) -> None:
    desk.open("a", "b")
    embedded(desk, until)
    assert desk.of("ready") == [("a",), ("b",)]
    assert desk.matching.is_ready(A)
    assert not desk.matching.is_ready(C)
    assert desk.of("busy")[0] == (True,)
    assert desk.of("busy")[-1] == (False,)
    assert desk.of("embedding")[0][0] == "a"
    assert desk.of("device_changed") == [("CPU, 2 threads",)]
    assert desk.matching.device == "CPU, 2 threads"


def test_a_click_is_answered_quickly_and_then_with_the_vote(desk: Any, until: Until) -> None:
    desk.open("a", "b")
    embedded(desk, until)
    question = ask(desk)
    until(lambda: len(desk.of("matched")) == 2)
    assert [(one, is_final) for one, _, is_final in desk.of("matched")] == [
        (question, False),
        (question, True),
    ]
    assert desk.engine.matches == [(HERE, True), (HERE, False)]
    assert desk.engine.same == [True, True]
    assert desk.store.answer(question) is None, "the crosshair is no part of the project"


def test_a_question_may_come_before_the_scans_are_read(desk: Any, until: Until) -> None:
    ask(desk, follow_up=C)
    until(lambda: final(desk))
    assert desk.volumes.get(C) is not None
    assert desk.engine.same == [False, False]


def test_a_click_waits_for_an_embedding_that_is_being_made_and_does_not_begin_it_again(
    desk: Any, until: Until
) -> None:
    desk.open("a")
    embedded(desk, until)
    desk.engine.slow.add(id(desk.opened["b"].image))
    desk.open("b")
    assert desk.engine.running.wait(5)
    question = ask(desk)
    ask(desk, THERE)
    last = ask(desk)
    assert ask(desk) == question == last
    assert desk.of("progressed")[-1][1].doing == "computing the embedding"
    assert desk.engine.running.is_set()
    desk.engine.let_go.set()
    until(lambda: final(desk))
    assert desk.engine.passes == 1
    assert [one for one, _ in final(desk)] == [question]


def test_a_click_overtakes_the_embedding_of_a_third_scan(desk: Any, until: Until) -> None:
    desk.open("a", "b")
    embedded(desk, until)
    desk.engine.slow.add(id(desk.opened["c"].image))
    desk.open("c")
    assert desk.engine.running.wait(5)
    started = time.monotonic()
    ask(desk)
    until(lambda: final(desk))
    assert time.monotonic() - started < CANCEL_S
    until(desk.engine.running.is_set)
    desk.engine.let_go.set()
    until(lambda: desk.matching.is_ready(C))
    assert desk.engine.passes == 2


def test_only_the_last_of_several_clicks_is_answered(desk: Any, until: Until) -> None:
    desk.open("a", "b")
    embedded(desk, until)
    desk.engine.match_s = 0.05
    for x in range(10):
        last = ask(desk, (float(x % 5), 0.0, 0.0))
    until(lambda: final(desk))
    until(lambda: not desk.matching.is_busy)
    assert [question for question, _ in final(desk)] == [last]
    assert len(desk.engine.matches) < 8


def test_cancel_stops_a_pass_within_a_second_and_go_on_takes_it_up(desk: Any, until: Until) -> None:
    desk.engine.slow.add(id(desk.opened["a"].image))
    desk.open("a")
    assert desk.engine.running.wait(5)
    ask(desk)
    started = time.monotonic()
    desk.matching.cancel()
    assert not desk.matching.is_busy
    until(lambda: not desk.engine.running.is_set())
    assert time.monotonic() - started < CANCEL_S
    desk.matching.cancel()
    assert desk.of("stopped") == [()]
    desk.engine.let_go.set()
    desk.matching.go_on()
    until(lambda: desk.matching.is_ready(A))
    assert final(desk) == []


def test_a_point_of_the_project_is_asked_for_in_every_opened_scan(desk: Any, until: Until) -> None:
    desk.open("a", "b")
    add(desk)
    until(lambda: len(final(desk)) == 1)
    desk.open("c")
    until(lambda: len(final(desk)) == 2)
    assert {question.follow_up for question, _ in final(desk)} == {B, C}
    assert len(desk.store.matchbook) == 2


def test_a_point_waits_until_its_own_scan_is_open(desk: Any, until: Until) -> None:
    desk.open("b")
    add(desk)
    assert not desk.matching._open
    desk.open("a")
    until(lambda: final(desk))


def test_a_moved_point_asks_anew_and_undo_brings_the_old_answer_at_once(
    desk: Any, until: Until
) -> None:
    desk.open("a", "b")
    add(desk)
    until(lambda: len(final(desk)) == 1)
    desk.store.do(MovePoint(P1, THERE))
    until(lambda: len(final(desk)) == 2)
    n = len(desk.engine.matches)
    desk.store.undo()
    assert final(desk)[-1][0].at_mm == HERE
    assert len(desk.engine.matches) == n


def test_a_removed_point_is_not_answered_any_more(desk: Any, until: Until) -> None:
    desk.open("a", "b")
    embedded(desk, until)
    add(desk)
    desk.store.do(RemovePoint(P1))
    until(lambda: not desk.matching.is_busy)
    desk.open("c")
    embedded(desk, until)
    assert final(desk) == []
    assert len(desk.store.matchbook) == 0


def test_another_project_asks_for_its_own_points(desk: Any, until: Until) -> None:
    desk.open("a", "b")
    project = Project().with_point(TemplatePoint(PointId("p2"), "base", THERE), A)
    add(desk)
    ask(desk)
    desk.store.replace(project, Matchbook())
    until(lambda: not desk.matching.is_busy)
    assert {question.point for question, _ in final(desk)} == {PointId("p2"), CURSOR}


def test_the_similarity_map_is_made_on_request(desk: Any, until: Until) -> None:
    desk.open("a", "b")
    question = desk.matching.question(CURSOR, HERE, A, B)
    desk.matching.ask(question)
    desk.matching.ask_map(question)
    until(lambda: desk.of("mapped"))
    assert desk.of("mapped")[0][0] == question
    assert isinstance(desk.of("mapped")[0][1], SimilarityMap)
    until(lambda: final(desk))


def test_a_map_of_scans_that_cannot_be_matched_is_refused(desk: Any, made: SimpleNamespace) -> None:
    desk.opened["b"] = made.opened(Modality.MR)
    desk.open("a", "b")
    desk.matching.ask_map(desk.matching.question(CURSOR, HERE, A, B))
    assert desk.of("failed")[0][1].what == "The model knows CT; the second scan is MR."


def test_a_scan_of_another_kind_is_unknown_with_the_reason(
    desk: Any, made: SimpleNamespace
) -> None:
    desk.opened["b"] = made.opened(Modality.MR)
    desk.open("a", "b")
    question = ask(desk)
    assert final(desk)[0][0] == question
    match = final(desk)[0][1]
    assert match.verdict is Verdict.UNKNOWN
    assert match.at_mm is None
    assert match.reason == "The model knows CT; the second scan is MR."
    assert desk.matching.cannot_say(B).startswith("No installed model knows MR. `samdesk train")
    assert desk.matching.cannot_say(A) == ""
    assert desk.matching.cannot_say(C) == ""


def test_without_a_model_every_answer_is_unknown(
    desk: Any, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(_folders: object) -> Any:
        yield from ()
        return (), ()

    desk.open("a", "b")
    embedded(desk, until)
    monkeypatch.setattr(models_module, "_list", none)
    desk.models.refresh()
    until(lambda: not desk.matching.model)
    ask(desk)
    assert final(desk)[0][1].reason == "No installed model knows CT."
    assert not desk.matching.is_ready(A)


def test_another_model_embeds_and_answers_anew(
    desk: Any, made: SimpleNamespace, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    def two(_folders: object) -> Any:
        yield from ()
        return (made.info(), made.info("large")), ()

    desk.open("a", "b")
    add(desk)
    until(lambda: len(final(desk)) == 1)
    monkeypatch.setattr(models_module, "_list", two)
    desk.models.refresh()
    until(lambda: len(desk.models.models) == 2)
    desk.matching.use(ModelId("large"))
    until(lambda: len(final(desk)) == 2)
    assert [match.model for _, match in final(desk)] == ["small", "large"]
    assert desk.of("model_changed") == [("small",), ("large",)]
    assert len(desk.store.matchbook) == 2


def test_a_damaged_model_is_told_with_every_question_and_the_window_lives(
    desk: Any, until: Until
) -> None:
    key = id(desk.opened["a"].image)
    desk.engine.errors[key] = ModelError("Not the tested file.", code="checksum")
    desk.open("a", "b")
    ask(desk)
    until(lambda: desk.of("failed"))
    assert desk.of("failed")[0][1].code == "checksum"
    assert desk.of("embed_failed")[0][0] == "a"
    desk.engine.errors.clear()
    ask(desk)
    until(lambda: final(desk))


def test_a_scan_that_the_model_refuses_is_unknown_with_its_reason(desk: Any, until: Until) -> None:
    reason = "All voxels of this scan have the value 0."
    desk.engine.errors[id(desk.opened["b"].image)] = ModelError(reason, code="not-comparable")
    desk.open("a", "b")
    ask(desk)
    until(lambda: final(desk))
    ask(desk, THERE)
    assert [match.reason for _, match in final(desk)] == [reason, reason]
    assert desk.matching.cannot_say(B) == reason
    desk.volumes.close(B)
    assert desk.matching.cannot_say(B) == ""


def test_a_model_that_cannot_be_loaded_is_told_at_the_start(
    desk: Any, made: SimpleNamespace, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(_model: ModelId) -> Any:
        yield from ()
        raise ModelError("Not the tested file.", code="checksum")

    def bent(_folders: object) -> Any:
        yield from ()
        return (made.info("bent"),), ()

    monkeypatch.setattr(desk.engine, "load", damaged)
    monkeypatch.setattr(models_module, "_list", bent)
    told: list[ModelError] = []
    desk.models.failed.connect(told.append)
    desk.models.refresh()
    until(lambda: told)
    assert told[0].code == "checksum"


def test_a_scan_that_cannot_be_read_fails_its_questions(desk: Any, until: Until) -> None:
    desk.opened["b"] = ReadError("The file vanished.", code="files-missing")
    desk.open("a")
    ask(desk)
    until(lambda: desk.of("failed"))
    assert desk.of("failed")[0][1].code == "files-missing"
    until(lambda: not desk.matching.is_busy)


def test_a_match_that_goes_wrong_is_told_and_the_next_is_answered(
    desk: Any, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> Any:
        yield from ()
        raise ZeroDivisionError

    desk.open("a", "b")
    embedded(desk, until)
    with monkeypatch.context() as bent:
        bent.setattr(desk.engine, "match", broken)
        ask(desk)
        until(lambda: desk.of("failed"))
    assert desk.of("failed")[0][1].code == "fault"
    ask(desk)
    until(lambda: final(desk))


def test_a_closed_scan_takes_its_questions_and_its_embedding_along(desk: Any, until: Until) -> None:
    desk.open("a", "b")
    embedded(desk, until)
    desk.engine.slow.add(id(desk.opened["c"].image))
    desk.open("c")
    ask(desk, follow_up=C)
    assert desk.engine.running.wait(5)
    desk.volumes.close(C)
    until(lambda: not desk.matching.is_busy)
    assert not desk.matching.is_ready(C)
    assert desk.matching.is_ready(A)
    assert final(desk) == []


def test_what_should_be_known_and_stops_nothing_is_told(desk: Any, until: Until) -> None:
    notice = Notice("no-room", "There is no room for the cache.")
    desk.engine.notices.append(notice)
    desk.open("a")
    until(lambda: desk.of("noticed"))
    assert desk.of("noticed") == [(notice,)]


def test_an_answer_that_is_in_the_book_is_told_at_once(desk: Any, until: Until) -> None:
    desk.open("a", "b")
    add(desk)
    until(lambda: final(desk))
    question, match = final(desk)[0]
    desk.matching.ask(question)
    assert final(desk)[-1] == (question, match)


def test_a_question_is_put_to_the_model_of_the_scan_even_before_it_is_read(
    desk: Any, made: SimpleNamespace
) -> None:
    desk.add(made.series("mr", modality=Modality.MR), made.series("file", modality=Modality.OTHER))
    assert desk.matching.question(CURSOR, HERE, SeriesId("mr"), B).model == ""
    assert desk.matching.question(CURSOR, HERE, SeriesId("file"), B).model == "small"


def test_a_radiograph_beside_the_scans_is_not_asked(desk: Any, until: Until) -> None:
    desk.opened["c"] = Opened(Radiograph(np.zeros((4, 4), np.uint8)))
    desk.open("a", "b", "c")
    add(desk)
    until(lambda: final(desk))
    until(lambda: not desk.matching.is_busy)
    assert {question.follow_up for question, _ in final(desk)} == {B}
    assert "radiograph" in desk.matching.cannot_say(C)


def test_the_scans_on_the_screen_are_compared_before_a_click(
    desk: Any, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[tuple[Any, Any]] = []

    def prior(_model: ModelId, a: Any, b: Any) -> Any:
        yield from ()
        compared.append((a, b))

    monkeypatch.setattr(desk.engine, "prior", prior)
    a, b, c = (id(desk.opened[name].image) for name in "abc")
    desk.volumes.show({A, C})
    desk.open("a", "b", "c")
    embedded(desk, until)
    assert set(compared) == {(a, c), (c, a)}
    desk.volumes.show({A, B})
    until(lambda: not desk.matching.is_busy)
    assert set(compared[2:]) == {(a, b), (b, a)}


def test_a_comparison_that_goes_wrong_fails_the_question_that_waits_for_it(
    desk: Any, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = threading.Event()

    def broken(*_: object) -> Any:
        yield from ()
        asked.wait(10)  # on a slow machine the comparison would be over before the question
        raise ModelError("The scans cannot be compared.", code="model-incompatible")

    monkeypatch.setattr(desk.engine, "prior", broken)
    desk.open("a", "b")
    ask(desk)
    asked.set()
    until(lambda: desk.of("failed"))
    assert desk.of("failed")[0][1].what == "The scans cannot be compared."
    assert desk.of("embed_failed") == []


def test_progress_of_the_comparison_reaches_the_question(
    desk: Any, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = threading.Event()

    def prior(*_: object) -> Any:
        asked.wait(10)  # on a slow machine the comparison would be over before the question
        yield Progress(1, 3, "fitting")

    monkeypatch.setattr(desk.engine, "prior", prior)
    desk.open("a", "b")
    question = ask(desk)
    asked.set()
    until(lambda: final(desk))
    assert (question, Progress(1, 3, "fitting")) in desk.of("progressed")


def test_a_forgotten_crosshair_is_not_answered(desk: Any, until: Until) -> None:
    desk.open("a", "b")
    embedded(desk, until)
    ask(desk)
    desk.matching.forget(CURSOR)
    until(lambda: not desk.matching.is_busy)
    time.sleep(0.05)
    assert desk.of("matched") == []
