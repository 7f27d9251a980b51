"""Requests for evaluations in tests."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

from samdesk.core.models import ModelInfo
from samdesk.core.progress import Progress
from samdesk.core.runs import RunPlan
from samdesk.errors import RunError
from samdesk.evaluation.evaluations import Request
from samdesk.evaluation.kept import Kept


def no_worker(plan: RunPlan, folder: Path) -> Generator[Progress, None, dict[str, Any]]:
    """Crash as a training process would."""
    yield Progress(0, 1, plan.method)
    raise RunError(f"The training in {folder.name} crashed.")


def request_for(
    folder: Path, info: ModelInfo, data: Path | None = None, *, is_quick: bool = False
) -> Request:
    """Ask with the model in `info.folder`, keeping cases below `folder`."""
    return Request(
        data=data,
        out=folder / "out",
        model=info.id,
        models=(info.folder.parent,),
        device="cpu",
        method="sam",
        is_quick=is_quick,
        seeds=0,
        kept=Kept(folder / "out" / "kept"),
        run_worker=no_worker,
        is_made_only=data is None,
    )
