"""The installed models as a service: what there is, and which one answers for a modality."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from samdesk.core.ids import ModelId
from samdesk.core.models import ModelInfo
from samdesk.core.progress import Progress
from samdesk.core.volume import Modality
from samdesk.errors import SamdeskError
from samdesk.services.faults import as_error
from samdesk.services.jobs import JobQueue, Steps, Urgency
from samdesk.services.settings import SettingsService

Listed = tuple[tuple[ModelInfo, ...], tuple[SamdeskError, ...]]


class ModelService(QObject):
    """Lists and verifies what is on the shelf, off the GUI thread."""

    # The list of installed models is there, or is another one.
    changed = Signal(object)
    # A model was verified: id, and None or the SamdeskError that says what is wrong with it.
    verified = Signal(str, object)
    # The shelf could not be read, or a model on it cannot be used.
    failed = Signal(SamdeskError)

    def __init__(
        self,
        jobs: JobQueue,
        settings: SettingsService,
        folders: Sequence[Path],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._settings = settings
        self._folders = tuple(folders)
        self._models: tuple[ModelInfo, ...] = ()
        self._broken: tuple[SamdeskError, ...] = ()

    @property
    def models(self) -> tuple[ModelInfo, ...]:
        """The installed models; empty until `changed` came for the first time."""
        return self._models

    @property
    def broken(self) -> tuple[SamdeskError, ...]:
        """Why some folders of the shelf are no models that can be used."""
        return self._broken

    def info(self, model: ModelId) -> ModelInfo | None:
        """Look up an installed model."""
        return next((one for one in self._models if one.id == model), None)

    def chosen(self, modality: Modality) -> ModelInfo | None:
        """Give the model for a modality: the user's choice, else the first that is made for it.

        A scan that does not say what made it and is not CT is most likely MR.
        """
        modality = Modality.MR if modality is Modality.OTHER else modality
        fitting = [one for one in self._models if one.modality is modality]
        wanted = self._settings.now.models.get(modality.value)
        return next((one for one in fitting if one.id == wanted), fitting[0] if fitting else None)

    def choose(self, model: ModelId) -> None:
        """Let this model answer for its modality from now on, and remember it."""
        info = self.info(model)
        if info is None:
            self.failed.emit(SamdeskError(f'There is no model "{model}".', code="model-unknown"))
            return
        models = {**self._settings.now.models, info.modality.value: str(model)}
        self._settings.change(models=models)
        self.changed.emit(self._models)

    def refresh(self) -> None:
        """Look at the shelf again."""
        self._submit(_list(self._folders), self._on_listed, self.report)

    def verify(self, model: ModelId) -> None:
        """Compare the file of a model with its manifest's sha256."""
        self._submit(
            _verify(self._folders, model),
            lambda _: self.verified.emit(model, None),
            lambda error: self.verified.emit(model, as_error(error)),
        )

    def _submit(
        self,
        steps: Steps,
        on_done: Callable[[Any], None],
        on_error: Callable[[Exception], None],
    ) -> None:
        self._jobs.submit(
            Urgency.OPEN, steps, on_progress=lambda _: None, on_done=on_done, on_error=on_error
        )

    def report(self, error: Exception) -> None:
        """Tell what is wrong with a model that was tried elsewhere."""
        self.failed.emit(as_error(error))

    def _on_listed(self, shelf: Listed) -> None:
        self._models, self._broken = shelf
        self.changed.emit(self._models)
        for error in self._broken:
            self.failed.emit(error)


def _list(folders: Sequence[Path]) -> Steps:
    yield Progress(0, 1, "looking for models")
    from samdesk.model.shelf import Shelf

    shelf = Shelf(folders)
    return shelf.list(), shelf.broken()


def _verify(folders: Sequence[Path], model: ModelId) -> Steps:
    yield Progress(0, 1, "checking the model")
    from samdesk.model.shelf import Shelf

    Shelf(folders).verify(model)
