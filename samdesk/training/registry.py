"""The ways of learning that a plan may name; each is imported when it is asked for.

Their names are also in `core.runs` (METHODS and TASKS), for the command that writes plans without
the training rooms.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from samdesk.core.runs import RunEvent, RunPlan
from samdesk.errors import RunError
from samdesk.training.base import STEPS, Method

if TYPE_CHECKING:
    from samdesk.training.orders import Orders

Settings = Mapping[str, Any]
# Moves a supervised run from plan to result: obeys the orders, says its events, and at the end one
# named "result" or "exported". The worker says "ended" or "broken".
Task = Callable[[RunPlan, Path, "Orders", Callable[[RunEvent], None]], None]


def _sam(settings: Settings) -> Method[Any]:
    rest = {k: v for k, v in settings.items() if k != "dimensions"}
    dimensions = settings.get("dimensions", 3)
    if dimensions not in (2, 3):
        raise RunError(f"The method sam learns in 2 or 3 dimensions, not in {dimensions}.")
    if dimensions == 2:
        from samdesk.training.methods.sam_flat import SamFlatMethod, SamFlatSettings

        return SamFlatMethod(SamFlatSettings.from_plan(rest))
    if settings.get("modality", "CT") == "MR":
        from samdesk.training.sam_mr import MrMethod

        return MrMethod.of(rest)
    from samdesk.training.methods.sam import SamMethod, SamSettings

    rest.pop("modality", None)
    return SamMethod(SamSettings.from_plan(rest))


def _mae(settings: Settings) -> Method[Any]:
    from samdesk.training.methods.mae import MaeMethod, MaeSettings

    return MaeMethod(MaeSettings.from_plan(settings))


def _segment(
    plan: RunPlan, folder: Path, orders: "Orders", say: Callable[[RunEvent], None]
) -> None:
    from samdesk.training.transfer import segment

    segment(plan, folder, orders, say)


def _heatmap(
    plan: RunPlan, folder: Path, orders: "Orders", say: Callable[[RunEvent], None]
) -> None:
    from samdesk.training import heatmap

    heatmap.run(plan, folder, orders, say)


# Methods that learn without labels, moved by the loop.
METHODS: Mapping[str, Callable[[Settings], Method[Any]]] = {
    "sam": _sam,
    "mae": _mae,
}
# Supervised runs, which move themselves.
TASKS: Mapping[str, Task] = {
    "segment": _segment,
    "heatmap": _heatmap,
}


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
    return METHODS[name]({k: v for k, v in settings.items() if k != STEPS})
