"""The installed models: folders with model.onnx, manifest.toml and card.md.

A model comes from outside, so it is doubted here: its file is hashed and looked through before
any library sees a byte of it.
"""

import logging
from collections.abc import Sequence
from pathlib import Path

from samdesk.core.models import ModelInfo
from samdesk.core.volume import Modality
from samdesk.errors import ModelError
from samdesk.model import manifest
from samdesk.model.fitness import next_step
from samdesk.model.weights import load_bytes

logger = logging.getLogger(__name__)

CARD = "card.md"
AGAIN = "Install the model again."
# The method that answers a click, and the ones that may be asked instead where it is missing.
MATCHING_METHODS = ("sam",)


class Shelf:
    """The models of some folders; of two with one name, the first folder's is taken."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = tuple(folders)

    def list(self) -> tuple[ModelInfo, ...]:
        """Give every model whose manifest can be read, by name; the others are logged."""
        found: dict[str, ModelInfo] = {}
        for name, folder in self._model_folders().items():
            try:
                found[name] = manifest.read(folder)
            except ModelError as error:
                logger.warning("model.unreadable code=%s", error.code)
        return tuple(found[name] for name in sorted(found))

    def broken(self) -> tuple[ModelError, ...]:
        """Give the reason for each folder whose manifest cannot be read."""
        errors = []
        for folder in self._model_folders().values():
            try:
                manifest.read(folder)
            except ModelError as error:
                errors.append(error)
        return tuple(errors)

    def get(self, name: str) -> ModelInfo:
        """Give the model of this name after checking its file.

        Raises:
            ModelError: model-unknown, files-missing, checksum, model-damaged and so on.
        """
        info = self._read(name)
        load_bytes(info)
        return info

    def verify(self, name: str) -> ModelInfo:
        """Check size, sha256, structure, card, and a trial run of the network.

        Raises:
            ModelError: what is wrong, in a sentence.
        """
        from samdesk.model.session import Session

        info = self._read(name)
        load_bytes(info)
        if not (info.folder / CARD).is_file():
            raise ModelError(
                f'The model "{name}" has no {CARD}, the page that tells where it comes from.',
                code="files-missing",
                hint=AGAIN,
            )
        Session(info, device="cpu")
        return info

    def default(self, modality: Modality = Modality.CT) -> ModelInfo:
        """Give the model that is used when none is named, checked.

        A scan that does not say what made it and is not CT is most likely MR.

        Raises:
            ModelError: model-unknown where none is installed for this modality.
        """
        wanted = Modality.MR if modality is Modality.OTHER else modality
        fitting = [
            info
            for info in self.list()
            if info.modality is wanted and info.method in MATCHING_METHODS
        ]
        if not fitting:
            broken = self.broken()
            if broken:
                raise broken[0]
            raise ModelError(
                f"No model for {wanted.value} is installed.",
                code="model-unknown",
                hint=next_step(wanted),
            )
        load_bytes(fitting[0])
        return fitting[0]

    def _read(self, name: str) -> ModelInfo:
        folder = self._model_folders().get(name)
        if folder is None:
            known = ", ".join(self._model_folders()) or "none"
            raise ModelError(
                f'There is no model named "{name}" (installed: {known}).',
                code="model-unknown",
                hint="`samdesk model list` shows the names.",
            )
        return manifest.read(folder)

    def _model_folders(self) -> dict[str, Path]:
        found: dict[str, Path] = {}
        for parent in self._folders:
            if not parent.is_dir():
                continue
            for folder in sorted(parent.iterdir()):
                if (folder / manifest.FILE).is_file():
                    found.setdefault(folder.name, folder)
        return dict(sorted(found.items()))
