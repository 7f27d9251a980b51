"""`samdesk model`: the installed models, what a manifest says, and whether the files are whole."""

import json
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from samdesk.app import exit_codes, paths
from samdesk.core.models import ModelInfo
from samdesk.errors import ModelError, UsageError
from samdesk.model.shelf import Shelf


class Action(Enum):
    """What to do with the installed models."""

    LIST = "list"
    SHOW = "show"
    VERIFY = "verify"


def model(
    action: Annotated[Action, typer.Argument(help="list, show NAME, or verify [NAME].")],
    name: Annotated[str, typer.Argument(help="Name of a model, as `list` shows it.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Answer as JSON.")] = False,
) -> None:
    """List the installed models, show what one promises, or check that the files are whole."""
    shelf = Shelf(paths.models_folders())
    if action is Action.LIST:
        _list(shelf, as_json=as_json)
    elif action is Action.SHOW:
        _show(shelf, name, as_json=as_json)
    else:
        _verify(shelf, name, as_json=as_json)


def _list(shelf: Shelf, *, as_json: bool) -> None:
    infos, broken = shelf.list(), shelf.broken()
    if as_json:
        models = [{**_brief(info)} for info in infos]
        print(json.dumps({"models": models, "damaged": [e.what for e in broken]}, indent=2))
    else:
        for info in infos:
            size = f"{info.size_bytes / 1e6:.1f} MB"
            seen = f"{info.spacing_mm:g} mm" if info.dimensions == 3 else f"{info.long_side_px} px"
            kind = f"{info.modality.value}, {info.method}, {seen}, {size}"
            print(f"{info.id}  {info.version}  {kind}")
        for error in broken:
            print(f"damaged: {error.what}")
        if not infos and not broken:
            places = ", ".join(str(folder) for folder in paths.models_folders())
            print(f"No model is installed. They are looked for in: {places}")
    if broken:
        raise typer.Exit(exit_codes.MODEL)


def _show(shelf: Shelf, name: str, *, as_json: bool) -> None:
    if not name:
        raise UsageError(
            "Which model?", code="usage", hint="samdesk model show NAME; `list` shows the names."
        )
    known = {str(info.id): info for info in shelf.list()}
    info = known.get(name) or shelf.get(name)
    words = _plain(info)
    if as_json:
        print(json.dumps(words, indent=2))
        return
    for key, value in words.items():
        if isinstance(value, dict):
            print(f"{key}:")
            for inner, figure in value.items():
                print(f"  {inner}: {figure}")
        else:
            print(f"{key}: {value}")
    card = info.folder / "card.md"
    if card.is_file():
        print(f"\n{card.read_text(encoding='utf-8').rstrip()}")


def _verify(shelf: Shelf, name: str, *, as_json: bool) -> None:
    names = [name] if name else [str(info.id) for info in shelf.list()]
    outcomes: list[dict[str, Any]] = []
    for one in names:
        try:
            shelf.verify(one)
        except ModelError as error:
            outcomes.append({"model": one, "ok": False, "code": error.code, "what": error.what})
        else:
            outcomes.append({"model": one, "ok": True, "code": "", "what": "whole"})
    if not name:
        outcomes += [
            {"model": "", "ok": False, "code": error.code, "what": error.what}
            for error in shelf.broken()
        ]
    if not outcomes:
        raise ModelError("No model is installed.", code="model-unknown")
    if as_json:
        print(json.dumps({"models": outcomes}, indent=2))
    else:
        for outcome in outcomes:
            mark = "ok     " if outcome["ok"] else "damaged"
            print(f"{mark}  {outcome['model']}  {outcome['what']}".rstrip())
    if not all(outcome["ok"] for outcome in outcomes):
        raise typer.Exit(exit_codes.MODEL)


def _brief(info: ModelInfo) -> dict[str, Any]:
    return {
        "name": str(info.id),
        "version": info.version,
        "modality": info.modality.value,
        "method": info.method,
        "spacing_mm": info.spacing_mm,
        "dimensions": info.dimensions,
        "long_side_px": info.long_side_px,
        "size_bytes": info.size_bytes,
        "folder": str(info.folder),
    }


def _plain(info: ModelInfo) -> dict[str, Any]:
    """Give a manifest as words and numbers that JSON knows."""
    words: dict[str, Any] = {}
    for field in info.__dataclass_fields__:
        value = getattr(info, field)
        if isinstance(value, Enum):
            value = value.value
        elif isinstance(value, Path):
            value = str(value)
        elif hasattr(value, "items"):
            value = dict(value)
        words[field] = value
    return words
