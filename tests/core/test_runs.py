"""Plans and events as services, commands and training tell them to each other."""

import json

import pytest

from samdesk.core.runs import FORMAT, RunEvent, RunPlan
from samdesk.errors import RunError


def test_a_plan_comes_back_from_its_file() -> None:
    plan = RunPlan("sam", ("scans/one.nii.gz", "scans/two"), {"lr": 0.001}, minutes=3.0)
    assert RunPlan.from_json(plan.to_json()) == plan


@pytest.mark.parametrize(
    "text", ["", "[1, 2]", "{}", '{"method": "sam"}', '{"method": "sam", "data": 3}']
)
def test_what_is_no_plan_is_refused(text: str) -> None:
    with pytest.raises(RunError, match="not a training plan") as caught:
        RunPlan.from_json(text)
    assert caught.value.code == "plan"


def test_a_plan_of_a_later_samdesk_is_refused() -> None:
    data = json.loads(RunPlan("sam", ("scans",), {}).to_json()) | {"format": FORMAT + 1}
    with pytest.raises(RunError, match=f"has format {FORMAT + 1}") as caught:
        RunPlan.from_json(json.dumps(data))
    assert caught.value.code == "newer-version"


def test_an_event_is_one_line_and_comes_back() -> None:
    event = RunEvent("step", 12, 3.5, {"loss": 0.25, "device": "cpu"})
    assert "\n" not in event.to_json()
    assert RunEvent.from_json(event.to_json()) == event
