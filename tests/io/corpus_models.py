"""The model rows of the corpus: its cards become model folders (decision 31)."""

import json
import shutil
import uuid
from pathlib import Path

from samdesk.core.ids import ModelId
from samdesk.core.models import ModelInfo
from samdesk.core.volume import Modality
from samdesk.errors import SamdeskError
from samdesk.model import manifest
from samdesk.model.session import Session
from samdesk.model.shelf import Shelf
from tests.io.corpus_facts import Read

ABSENT = {
    ".safetensors": "checkpoints are opened by training, not as models",
    ".npy": "arrays are no models",
    ".npz": "arrays are no models",
    ".pkl": "pickles are no models",
    ".pt": "pickles are no models",
    ".json": "the card is not that of samdesk",
}


def model(corpus: Path, path: str, folder: Path) -> tuple[Read, str]:
    """Install a model of the corpus and load it; gives also why there is no such part."""
    source = corpus / path
    if source.suffix in ABSENT:
        return Read(), ABSENT[source.suffix]
    read = Read()
    shelf = folder / f"models-{uuid.uuid4().hex}"
    card = Path(f"{source}.json")
    try:
        if card.is_file():
            _install(source, json.loads(card.read_text(encoding="utf-8")), shelf / source.stem)
        Session(Shelf([shelf]).get(source.stem), "cpu", 1)
        read.points = []  # loaded
    except SamdeskError as error:
        read.refused.append(error.code)
        read.messages += [error.what, error.hint]
    return read, ""


def _install(source: Path, card: dict[str, object], folder: Path) -> None:
    folder.mkdir(parents=True)
    shutil.copy(source, folder / source.name)
    given, answer = card["input"], card["output"]
    assert isinstance(given, list)
    assert isinstance(answer, list)
    stride = given[2] // answer[2]
    info = ModelInfo(
        id=ModelId(source.stem),
        version="1",
        method="sam",
        modality=Modality.CT,
        folder=folder,
        file=str(card["file"]),
        sha256=str(card["sha256"]),
        size_bytes=int(str(card["size"])),
        spacing_mm=2.0,
        multiple_of=int(given[2]),
        windows=((-1000.0, 1000.0, 0.0, 500.0),),
        input_name="x",
        fine_name="y",
        coarse_name="y",
        fine_stride=stride,
        coarse_stride=stride,
        fine_size=int(answer[1]),
        coarse_size=int(answer[1]),
    )
    path = manifest.write(info, folder)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("format = 1", f"format = {card['version']}"), encoding="utf-8")
