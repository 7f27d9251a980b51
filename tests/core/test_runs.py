"""What the window and a training process tell each other."""

import pytest

from samdesk.core.runs import FORMAT, RunEvent, RunPlan
from samdesk.errors import RunError


def test_a_plan_comes_back_from_its_text() -> None:
    plan = RunPlan("sam", ("a.nii", "phantom:2"), {"tau": 0.1}, validation=("b.nii",), seed=4)
    assert RunPlan.from_json(plan.to_json()) == plan


def test_an_event_comes_back_from_its_line() -> None:
    event = RunEvent("stepped", 20, 1.5, {"loss": 2.25})
    assert "\n" not in event.to_json()
    assert RunEvent.from_json(event.to_json()) == event


@pytest.mark.parametrize("text", ["", "[]", '{"method": "sam"}', '{"method": 1, "surprise": 2}'])
def test_what_is_no_plan_is_refused(text: str) -> None:
    with pytest.raises(RunError, match="not a training plan"):
        RunPlan.from_json(text)


def test_a_plan_of_a_later_format_is_refused() -> None:
    text = RunPlan("sam", ()).to_json().replace(f'"format": {FORMAT}', f'"format": {FORMAT + 1}')
    with pytest.raises(RunError, match="reads up to") as told:
        RunPlan.from_json(text)
    assert told.value.code == "newer-version"
