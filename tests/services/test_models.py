"""The shelf as a service."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from samdesk.core.ids import ModelId
from samdesk.core.volume import Modality
from samdesk.errors import ModelError, SamdeskError
from samdesk.services import models as module

Until = Callable[[Callable[[], Any]], None]


def listing(monkeypatch: pytest.MonkeyPatch, *models: Any) -> None:
    def steps(_folders: object) -> Any:
        yield from ()
        return models, ()

    monkeypatch.setattr(module, "_list", steps)


def test_the_first_model_of_a_modality_answers_until_another_is_chosen(
    desk: Any, made: SimpleNamespace, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing(monkeypatch, made.info("one"), made.info("two"), made.info("mr", Modality.MR))
    desk.models.refresh()
    until(lambda: len(desk.models.models) == 3)
    assert desk.models.chosen(Modality.CT).id == "one"
    desk.models.choose(ModelId("two"))
    assert desk.models.chosen(Modality.CT).id == "two"
    assert desk.models.chosen(Modality.MR).id == "mr"
    assert desk.models.chosen(Modality.OTHER).id == "mr"
    assert desk.models.chosen(Modality.DX) is None
    assert desk.settings.now.models == {"CT": "two"}


def test_a_chosen_model_that_is_gone_gives_way_to_the_first(desk: Any) -> None:
    desk.settings.change(models={"CT": "gone"})
    assert desk.models.chosen(Modality.CT).id == "small"


def test_a_model_that_is_not_there_cannot_be_chosen(desk: Any) -> None:
    told: list[SamdeskError] = []
    desk.models.failed.connect(told.append)
    desk.models.choose(ModelId("none"))
    assert told[0].code == "model-unknown"


def test_a_shelf_that_cannot_be_read_is_told(
    desk: Any, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    def steps(_folders: object) -> Any:
        yield from ()
        raise ModelError("The folder of models cannot be read.")

    monkeypatch.setattr(module, "_list", steps)
    told: list[SamdeskError] = []
    desk.models.failed.connect(told.append)
    desk.models.refresh()
    until(lambda: told)
    assert told[0].what == "The folder of models cannot be read."


def test_a_model_is_verified_on_request(
    desk: Any, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    def steps(_folders: object, model: str) -> Any:
        yield from ()
        if model == "bent":
            raise ModelError("Not the tested file.", code="checksum")

    monkeypatch.setattr(module, "_verify", steps)
    told: list[tuple[str, Any]] = []
    desk.models.verified.connect(lambda *words: told.append(words))
    desk.models.verify(ModelId("small"))
    desk.models.verify(ModelId("bent"))
    until(lambda: len(told) == 2)
    assert told[0] == ("small", None)
    assert told[1][1].code == "checksum"


def test_a_folder_that_is_no_model_is_told_and_the_others_are_listed(
    desk: Any, made: SimpleNamespace, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    def steps(_folders: object) -> Any:
        yield from ()
        return (made.info("good"),), (ModelError("The manifest is damaged.", code="model-damaged"),)

    monkeypatch.setattr(module, "_list", steps)
    told: list[SamdeskError] = []
    desk.models.failed.connect(told.append)
    desk.models.refresh()
    until(lambda: told)
    assert desk.models.chosen(Modality.CT).id == "good"
    assert desk.models.broken == tuple(told)
