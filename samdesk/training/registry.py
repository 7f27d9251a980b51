"""The ways of learning that a plan may name."""

from collections.abc import Callable, Mapping

from samdesk.errors import RunError
from samdesk.training.methods.sam import SamMethod, SamSettings


def _sam(settings: Mapping[str, object]) -> SamMethod:
    return SamMethod(SamSettings.from_plan(settings))


METHODS: Mapping[str, Callable[[Mapping[str, object]], SamMethod]] = {
    "sam": _sam,
}


def method(name: str, settings: Mapping[str, object]) -> SamMethod:
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
