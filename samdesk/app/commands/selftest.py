"""`samdesk selftest`: whether the installed program is whole, a line for each check."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from samdesk.app import build, exit_codes
from samdesk.app import selftest as checks


def selftest(
    as_json: Annotated[bool, typer.Option("--json", help="Answer as JSON.")] = False,
) -> None:
    """Check libraries, devices, models, a match with known answer and a window drawn in memory."""
    outcomes = []
    for outcome in checks.run_checks():
        outcomes.append(outcome)
        if not as_json:
            mark = "ok    " if outcome.passed else "FAILED"
            print(f"{mark} {outcome.name:<10} {outcome.seconds:6.2f} s  {outcome.text}", flush=True)
    passed = all(outcome.passed for outcome in outcomes)
    if as_json:
        told = [{**asdict(o), "seconds": round(o.seconds, 3)} for o in outcomes]
        print(json.dumps({"program": build.words(), "passed": passed, "checks": told}, indent=2))
    else:
        print(checks.summary(outcomes))
    if not passed:
        raise typer.Exit(exit_codes.FAULT)
