"""`samdesk train`: write a plan, start the worker, show how it goes."""

import json
import subprocess
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

from samdesk.app import exit_codes
from samdesk.app.training_data import dimensions, expanded
from samdesk.app.worker_process import KIND_BY_CODE, PLAN, worker_command, worker_environment
from samdesk.core.runs import METHODS, RunEvent, RunPlan
from samdesk.errors import ReadError, RunError, Stopped, UsageError
from samdesk.io.atomic import write_text

MODALITIES = ("CT", "MR")
STOP_PATIENCE_S = 5.0


def train(
    method: Annotated[str, typer.Option(help=", ".join(METHODS))],
    out: Annotated[Path, typer.Option(help="The run's folder.")],
    data: Annotated[
        list[str] | None,
        typer.Option(
            help="Scans or folders of them, volumes or radiographs; phantom:N for N made patients; "
            "drr:PATH for radiographs projected from a CT volume."
        ),
    ] = None,
    config: Annotated[Path | None, typer.Option(help="A plan.json to take settings from.")] = None,
    minutes: Annotated[float | None, typer.Option(min=0.01, help="Time to train.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on in the folder --out.")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    validation: Annotated[
        list[str] | None, typer.Option(help="Held-out scans that the figures are measured on.")
    ] = None,
    modality: Annotated[
        str, typer.Option(help="CT, or MR: values without a unit, scans of any size.")
    ] = "",
) -> None:
    """Train embeddings on scans, in a process of its own; ends with a model in OUT/export."""
    if find_spec("torch") is None:
        raise UsageError(
            "Training needs torch, which is not installed.",
            hint="Install the extra train: pip install 'samdesk[train]'.",
        )
    plan_path = out / PLAN
    if resume:
        if not plan_path.exists():
            raise UsageError(f"There is no run to resume in {out}.", hint="Leave --resume away.")
        plan = _read(plan_path)
        plan = _changed(plan, minutes, device)
    else:
        if plan_path.exists():
            raise UsageError(
                f"{out} holds a run already.", hint="Name another folder, or add --resume."
            )
        plan = _new(method, data, config, minutes, device, validation, modality.upper())
    out.mkdir(parents=True, exist_ok=True)
    write_text(plan_path, plan.to_json())
    raise typer.Exit(_follow(plan_path, plan))


def _new(
    method: str,
    data: list[str] | None,
    config: Path | None,
    minutes: float | None,
    device: str,
    validation: list[str] | None,
    modality: str,
) -> RunPlan:
    if method not in METHODS:
        raise UsageError(
            f"There is no training method named {method}.",
            hint=f"This version trains {', '.join(METHODS)}.",
        )
    base = RunPlan(method=method, data=())
    if config is not None:
        if not config.is_file():
            raise UsageError(f"There is no plan {config}.")
        base = _read(config)
    scans = tuple(expanded(data)) if data else base.data
    if not scans:
        raise UsageError("There is nothing to train on.", hint="Name scans with --data.")
    values = json.loads(base.to_json())
    values |= {"method": method, "data": scans}
    if dimensions(scans) == 2:
        values["settings"] = {**values["settings"], "dimensions": 2}
    if modality:
        _check_modality(modality, values)
        values["settings"] = {**values["settings"], "modality": modality}
    if validation:
        values["validation"] = tuple(expanded(validation))
    return _changed(RunPlan(**values), minutes, device)


def _check_modality(modality: str, values: dict[str, Any]) -> None:
    """Refuse what no method learns, before a process is started for it."""
    if modality not in MODALITIES:
        raise UsageError(
            f"There is nothing that learns {modality}.",
            hint=f"--modality takes {' or '.join(MODALITIES)}.",
        )
    is_flat = values["settings"].get("dimensions", 3) == 2
    if modality == "MR" and (values["method"] != "sam" or is_flat):
        raise UsageError("MR is learned by the method sam, from volumes.")


def _read(path: Path) -> RunPlan:
    try:
        return RunPlan.from_json(path.read_text(encoding="utf-8"))
    except (RunError, UnicodeDecodeError) as error:
        raise ReadError(
            f"{path.name} is no plan of a training run.", code="not-recognised", hint=str(error)
        ) from error


def _changed(plan: RunPlan, minutes: float | None, device: str) -> RunPlan:
    values = json.loads(plan.to_json())
    if minutes is not None:
        values["minutes"] = minutes
    if device != "auto":
        values["device"] = device
    return RunPlan.from_json(json.dumps(values))


def _follow(plan_path: Path, plan: RunPlan) -> int:
    with subprocess.Popen(  # noqa: S603 - our own program, no shell
        worker_command(plan_path),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=worker_environment(),
    ) as worker:
        assert worker.stdin is not None  # noqa: S101 - both are pipes, as asked above
        assert worker.stdout is not None  # noqa: S101
        try:
            broken = _show(worker.stdout, plan)
        except KeyboardInterrupt:
            worker.stdin.close()  # its end is the order to stop
            try:
                worker.wait(STOP_PATIENCE_S)
            except subprocess.TimeoutExpired:
                worker.kill()
            raise Stopped(
                "Training was stopped; the run's folder is whole.",
                hint=f"Go on with --resume --out {plan_path.parent}.",
            ) from None
    if broken is not None:
        kind = KIND_BY_CODE.get(worker.returncode, RunError)
        raise kind(broken["what"], code=broken.get("code", "fault"), hint=broken.get("hint", ""))
    return exit_codes.DONE if worker.returncode == 0 else exit_codes.FAULT


def _show(lines: Iterable[str], plan: RunPlan) -> dict[str, str] | None:
    for line in lines:
        event = RunEvent.from_json(line)
        values = event.values
        if event.kind == "broken":
            return {k: str(v) for k, v in values.items()}
        if event.kind == "exported":
            print(values["folder"])
            continue
        words = " ".join(
            f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}" for k, v in values.items()
        )
        share = min(100.0, 100 * event.seconds / (plan.minutes * 60))
        typer.echo(f"{share:5.1f} %  step {event.step:6d}  {event.kind}  {words}", err=True)
    return None
