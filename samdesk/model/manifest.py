"""The manifest of a model folder, `manifest.toml`, to and from a ModelInfo."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from samdesk.core.ids import ModelId
from samdesk.core.models import ModelInfo
from samdesk.core.volume import Modality
from samdesk.errors import ModelError
from samdesk.model.intensities import HU, KINDS

FILE = "manifest.toml"
KIND = "samdesk-model"
FORMAT = 1
# A manifest is a page of text; a larger file is something else.
LARGEST_BYTES = 1_000_000
LONGEST_SIDE_PX = 4096
AGAIN = "Install the model again."


def read(folder: Path) -> ModelInfo:
    """Read the manifest of a model folder; the ONNX file itself is not opened.

    Raises:
        ModelError: files-missing, model-damaged, newer-version or outside-folder.
    """
    return from_text(_text(folder), folder)


def from_text(text: str, folder: Path) -> ModelInfo:
    """Make a ModelInfo of the text of a manifest that lies in `folder`.

    Raises:
        ModelError: model-damaged, newer-version or outside-folder.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _damaged(folder, f"it is not TOML ({error})") from error
    if data.get("kind") != KIND:
        raise _damaged(folder, f'it does not say kind = "{KIND}"')
    _check_format(data.get("format"), folder)
    try:
        info = _info(data, folder)
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(folder, f"{type(error).__name__} at {error}") from error
    _check_numbers(info)
    _check_file(info)
    return info


def write(info: ModelInfo, folder: Path) -> Path:
    """Write the manifest of `info` into `folder`, whole or not at all, and give its path."""
    import os

    import tomli_w

    path = folder / FILE
    beside = path.with_name(FILE + ".part")
    with beside.open("wb") as stream:
        tomli_w.dump(_data(info), stream)
        stream.flush()
        os.fsync(stream.fileno())
    beside.replace(path)
    return path


def _text(folder: Path) -> str:
    path = folder / FILE
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise _damaged(folder, f"it has {path.stat().st_size} bytes")
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ModelError(
            f'The model folder "{folder.name}" has no {FILE}.', code="files-missing", hint=AGAIN
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise _damaged(folder, f"it cannot be read ({type(error).__name__})") from error


def _check_format(number: object, folder: Path) -> None:
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise _damaged(folder, "its format number is missing")
    if number > FORMAT:
        raise ModelError(
            f'The model "{folder.name}" has manifest format {number}; '
            f"this samdesk reads up to {FORMAT}.",
            code="newer-version",
            hint="Install a newer samdesk.",
        )


def _info(data: Mapping[str, Any], folder: Path) -> ModelInfo:
    file, source = data["file"], data.get("source", {})
    given, fine, coarse = data["input"], data["output"]["fine"], data["output"]["coarse"]
    return ModelInfo(
        id=ModelId(folder.name),
        version=str(data["version"]),
        method=str(data["method"]),
        modality=Modality(data["modality"]),
        folder=folder,
        file=str(file["name"]),
        sha256=str(file["sha256"]).lower(),
        size_bytes=int(file["size_bytes"]),
        spacing_mm=float(given["spacing_mm"]),
        multiple_of=int(given["multiple_of"]),
        windows=tuple(_window(w) for w in given["windows"]),
        air_hu=float(given.get("air_hu", -1000.0)),
        intensities=str(given.get("intensities", HU)),
        dimensions=int(given.get("dimensions", 3)),
        long_side_px=int(given.get("long_side_px", 0)),
        input_name=str(given["name"]),
        fine_name=str(fine["name"]),
        coarse_name=str(coarse["name"]),
        fine_stride=int(fine["stride"]),
        coarse_stride=int(coarse["stride"]),
        fine_size=int(fine["size"]),
        coarse_size=int(coarse["size"]),
        calibration=_numbers(data.get("calibration", {})),
        licence=str(source.get("licence", "")),
        data=str(source.get("data", "")),
        command=str(source.get("command", "")),
        commit=str(source.get("commit", "")),
        figures=_numbers(data.get("figures", {})),
    )


def _data(info: ModelInfo) -> dict[str, Any]:
    return {
        "kind": KIND,
        "format": FORMAT,
        "version": info.version,
        "method": info.method,
        "modality": info.modality.value,
        "file": {"name": info.file, "sha256": info.sha256, "size_bytes": info.size_bytes},
        "input": {
            "name": info.input_name,
            "spacing_mm": info.spacing_mm,
            "multiple_of": info.multiple_of,
            "air_hu": info.air_hu,
            "intensities": info.intensities,
            "dimensions": info.dimensions,
            "long_side_px": info.long_side_px,
            "windows": [[float(n) for n in window] for window in info.windows],
        },
        "output": {
            "fine": {"name": info.fine_name, "stride": info.fine_stride, "size": info.fine_size},
            "coarse": {
                "name": info.coarse_name,
                "stride": info.coarse_stride,
                "size": info.coarse_size,
            },
        },
        "calibration": {name: float(n) for name, n in info.calibration.items()},
        "figures": {name: float(n) for name, n in info.figures.items()},
        "source": {
            "licence": info.licence,
            "data": info.data,
            "command": info.command,
            "commit": info.commit,
        },
    }


def _window(numbers: Any) -> tuple[float, float, float, float]:
    low, high, center, divisor = (float(n) for n in numbers)
    return low, high, center, divisor


def _numbers(table: Mapping[str, Any]) -> Mapping[str, float]:
    return MappingProxyType({str(name): float(n) for name, n in table.items()})


def _check_numbers(info: ModelInfo) -> None:
    """Refuse numbers that no network could have."""
    strides = (info.fine_stride, info.coarse_stride)
    sane = (
        0.1 <= info.spacing_mm <= 50
        and 1 <= info.multiple_of <= 256
        and 1 <= len(info.windows) <= 16
        and all(low < high and divisor > 0 for low, high, _, divisor in info.windows)
        and all(1 <= s <= info.multiple_of and info.multiple_of % s == 0 for s in strides)
        and all(1 <= n <= 4096 for n in (info.fine_size, info.coarse_size))
        and len(info.sha256) == 64
        and info.intensities in KINDS
        and (info.dimensions, info.long_side_px == 0) in ((2, False), (3, True))
        and 0 <= info.long_side_px <= LONGEST_SIDE_PX
        and info.size_bytes >= 0
    )
    if not sane:
        raise _damaged(info.folder, "its numbers describe no network")


def _check_file(info: ModelInfo) -> None:
    """Refuse a file name that leads out of the model's folder."""
    if not info.file or Path(info.file).name != info.file or "\\" in info.file:
        raise ModelError(
            f'The manifest of the model "{info.id}" names a file outside its folder.',
            code="outside-folder",
            hint=AGAIN,
        )


def _damaged(folder: Path, why: str) -> ModelError:
    return ModelError(
        f'The manifest of the model "{folder.name}" is damaged: {why}.',
        code="model-damaged",
        hint=AGAIN,
    )
