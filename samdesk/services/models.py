"""The installed models as a service: what there is, and which one answers for a modality."""

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from samdesk.core.ids import ModelId
from samdesk.core.models import ModelInfo
from samdesk.core.progress import Progress
from samdesk.core.volume import Modality
from samdesk.errors import SamdeskError
from samdesk.services.faults import as_error
from samdesk.services.jobs import JobQueue, Steps, Urgency
from samdesk.services.settings import SettingsService

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class ModelService(QObject):
    """Lists and verifies what is on the shelf, off the GUI thread."""

    # The list of installed models is there, or is another one.
    changed = Signal(object)
    # A model was verified: id, and None or the SamdeskError that says what is wrong with it.
    verified = Signal(str, object)
    # The shelf could not be read.
    failed = Signal(SamdeskError)

    def __init__(
        self,
        jobs: JobQueue,
        settings: SettingsService,
        folders: "Sequence[Path]",
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._settings = settings
        self._folders = tuple(folders)
        self._models: tuple[ModelInfo, ...] = ()

    @property
    def models(self) -> tuple[ModelInfo, ...]:
        """The installed models; empty until `changed` came for the first time."""
        return self._models

    def info(self, model: ModelId) -> ModelInfo | None:
        """Look up an installed model."""
        return next((one for one in self._models if one.id == model), None)

    def chosen(self, modality: Modality) -> ModelInfo | None:
        """Give the model for a modality: the user's choice, else the first that is made for it."""
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
        self._submit(_list(self._folders), self._on_listed, self._on_failed)

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
        on_done: "Callable[[object], None]",
        on_error: "Callable[[Exception], None]",
    ) -> None:
        self._jobs.submit(
            Urgency.OPEN, steps, on_progress=lambda _: None, on_done=on_done, on_error=on_error
        )

    def _on_listed(self, models: object) -> None:
        assert isinstance(models, tuple)  # noqa: S101
        self._models = models
        self.changed.emit(models)

    def _on_failed(self, error: Exception) -> None:
        self.failed.emit(as_error(error))


def _list(folders: "Sequence[Path]") -> Steps:
    yield Progress(0, 1, "Looking for models")
    from samdesk.model.shelf import Shelf

    return tuple(Shelf(folders).list())


def _verify(folders: "Sequence[Path]", model: ModelId) -> Steps:
    yield Progress(0, 1, "Checking the model")
    from samdesk.model.shelf import Shelf

    Shelf(folders).verify(model)
