"""The damaged model files of the corpus come out with the codes of its manifest."""

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from samdesk.core.ids import ModelId
from samdesk.core.models import ModelInfo
from samdesk.errors import ModelError
from samdesk.model import manifest
from samdesk.model.session import Session
from samdesk.model.shelf import Shelf

pytestmark = pytest.mark.realdata

NAMES = [
    "control",
    "bit_flip",
    "sha_mismatch",
    "size_mismatch",
    "card_newer",
    "cut",
    "empty",
    "random",
    "html",
    "pickle_named",
    "wrong_input_shape",
    "wrong_input_type",
    "wrong_output",
    "nan_weights",
    "future_opset",
    "future_ir",
    "custom_op",
    "external_etc",
    "external_dotdot",
    "external_absent",
]


def installed(source: Path, name: str, folder: Path, like: ModelInfo) -> None:
    """Turn a card of the corpus into a model folder (decision 31)."""
    card = json.loads((source / f"{name}.onnx.json").read_text())
    folder.mkdir(parents=True)
    shutil.copy(source / f"{name}.onnx", folder / card["file"])
    import onnx

    try:
        graph = onnx.load(folder / card["file"], load_external_data=False).graph
        given, answer = graph.input[0].name, graph.output[0].name
    except Exception:  # noqa: BLE001 - a damaged file has no names
        given, answer = "x", "y"
    info = replace(
        like,
        id=ModelId(name),
        folder=folder,
        file=card["file"],
        sha256=card["sha256"],
        size_bytes=card["size"],
        input_name=given,
        fine_name=answer,
        coarse_name=answer,
        fine_stride=card["input"][2] // card["output"][2],
        coarse_stride=card["input"][2] // card["output"][2],
        fine_size=card["output"][1],
        coarse_size=card["output"][1],
    )
    path = manifest.write(info, folder)
    path.write_text(path.read_text().replace("format = 1", f"format = {card['version']}"))


@pytest.mark.parametrize("name", NAMES)
def test_a_model_of_the_corpus_has_the_code_of_its_manifest(
    data_folder: Path, tmp_path: Path, bank: ModelInfo, name: str
) -> None:
    source = data_folder / "badinputs"
    with (source / "manifest.csv").open(newline="") as stream:
        expected = {row["path"]: row["expected"] for row in csv.DictReader(stream)}
    installed(source / "model", name, tmp_path / "models" / name, bank)

    try:
        Session(Shelf([tmp_path / "models"]).get(name), "cpu", 1)
        outcome = "load-ok"
    except ModelError as error:
        outcome = f"refuse:{error.code}"

    assert outcome == expected[f"model/{name}.onnx"]
