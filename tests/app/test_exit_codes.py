"""The numbers are a promise to scripts."""

from samdesk.app import exit_codes
from samdesk.app.exit_codes import ExitCode


def test_the_numbers_are_those_of_the_contract() -> None:
    assert {code.name: int(code) for code in ExitCode} == {
        "DONE": 0,
        "FAULT": 1,
        "USAGE": 2,
        "REFUSED": 3,
        "PART": 4,
        "MODEL": 5,
        "NO_DISPLAY": 6,
        "NO_ROOM": 7,
        "STOPPED": 130,
    }


def test_each_code_has_a_short_name() -> None:
    assert all(getattr(exit_codes, code.name) is code for code in ExitCode)
