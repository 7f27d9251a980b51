"""The ways of learning that a plan may name; each is imported when it is asked for.

Their names are also in `core.runs` (METHODS and TASKS), for the command that writes plans without
the training rooms.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from samdesk.core.runs import RunEvent, RunPlan
from samdesk.errors import RunError
from samdesk.training.base import Method

if TYPE_CHECKING:
    from samdesk.training.orders import Orders

Settings = Mapping[str, Any]
# Moves a supervised run from plan to result: obeys the orders, says its events, and at the end one
# named "result" or "exported". The worker says "ended" or "broken".
Task = Callable[[RunPlan, Path, "Orders", Callable[[RunEvent], None]], None]


def _sam(settings: Settings) -> Method[Any]:
    rest = {k: v for k, v in settings.items() if k != "dimensions"}
    dimensions = settings.get("dimensions", 3)
    if dimensions != 3:
        raise RunError(f"The method sam learns in 3 dimensions, not in {dimensions}.")
    from samdesk.training.methods.sam import SamMethod, SamSettings

    return SamMethod(SamSettings.from_plan(rest))


# Methods that learn without labels, moved by the loop.
METHODS: Mapping[str, Callable[[Settings], Method[Any]]] = {
    "sam": _sam,
}
# Supervised runs, which move themselves.
TASKS: Mapping[str, Task] = {}


def method(name: str, settings: Settings) -> Method[Any]:
    """Build the method of a plan.

    Raises:
        RunError: there is none of that name, or a setting is not its own.
    """
    if name not in METHODS:
        raise RunError(
            f"There is no training method named {name}.",
            hint=f"This version trains {', '.join(METHODS)}.",
        )
    return METHODS[name](settings)
