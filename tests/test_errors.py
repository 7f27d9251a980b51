"""Every error carries what happened, a code and a next step."""

import pytest

from samdesk import errors

KINDS = [
    errors.ReadError,
    errors.GeometryError,
    errors.ModelError,
    errors.NoRoom,
    errors.Stopped,
    errors.DisplayError,
    errors.UsageError,
    errors.RunError,
    errors.RegistrationError,
]


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_carries_what_happened_and_what_can_be_done(
    kind: type[errors.SamdeskError],
) -> None:
    error = kind("It broke.", code="truncated", hint="Copy it again.")
    assert isinstance(error, errors.SamdeskError)
    assert (error.what, error.code, error.hint) == ("It broke.", "truncated", "Copy it again.")
    assert str(error) == "It broke."


def test_an_error_without_a_code_is_a_fault() -> None:
    error = errors.SamdeskError("It broke.")
    assert (error.code, error.hint) == ("fault", "")
