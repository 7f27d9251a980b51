"""The user's settings: one frozen value in one small file."""

import json
import logging
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from samdesk.core.reading_notes import Notice
from samdesk.errors import SamdeskError

logger = logging.getLogger(__name__)

FORMAT = 1
MEBIBYTE = 2**20
LONGEST_FILE = MEBIBYTE


@dataclass(frozen=True)
class Settings:
    """One field for each setting.

    Attributes:
        theme: system, light or dark.
        mouse: "reading" (left drag is window and level) or "crosshair".
        is_wheel_reversed: the wheel towards the user goes to the slice before.
        is_first_start: the choice of mouse and theme was not offered yet.
        is_recent_allowed: paths may be remembered; folder names may be names of patients.
        recent: paths that were opened, the last one first.
        last_folder: where the file dialog begins; empty unless paths may be remembered.
        are_names_hidden: patients are called "Patient 3".
        threads: of the network; 0 = cores less one.
        device: auto, cpu or cuda.
        volume_bytes: memory for opened scans; 0 = a quarter of the machine's.
        cache_bytes: disk for embeddings.
        models: the model chosen for a modality, by the modality's name.
        format: of the file.
    """

    theme: str = "system"
    mouse: str = "reading"
    is_wheel_reversed: bool = False
    is_first_start: bool = True
    is_recent_allowed: bool = True
    recent: tuple[str, ...] = ()
    last_folder: str = ""
    are_names_hidden: bool = False
    threads: int = 0
    device: str = "auto"
    volume_bytes: int = 0
    cache_bytes: int = 2048 * MEBIBYTE
    models: Mapping[str, str] = field(default_factory=dict)
    format: int = FORMAT


CHOICES = {
    "theme": ("system", "light", "dark"),
    "mouse": ("reading", "crosshair"),
    "device": ("auto", "cpu", "cuda"),
}

# From a format to the next one: takes and gives the dictionary of the file.
UPGRADES: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}


class SettingsService(QObject):
    """Reads the settings once and writes each change at once, whole or not at all."""

    # A setting was changed.
    changed = Signal(Settings)
    # The file could not be written; the setting holds until the program ends.
    failed = Signal(SamdeskError)

    def __init__(self, path: Path | None, parent: QObject | None = None) -> None:
        """Read the settings.

        Args:
            path: the file, which need not exist; None keeps the settings in memory only.
            parent: owner in Qt.
        """
        super().__init__(parent)
        self._path = path
        self.notice: Notice | None = None
        self._now = self._read()

    @property
    def now(self) -> Settings:
        """The settings as they are."""
        return self._now

    def change(self, **values: object) -> None:
        """Change some settings by name and write the file.

        Raises:
            SamdeskError: a value is none of the choices of its setting, or of another kind.
        """
        new = _checked({**asdict(self._now), **values})
        if new == self._now:
            return
        self._now = new
        self._write()
        self.changed.emit(new)

    def _read(self) -> Settings:
        if self._path is None or not self._path.is_file():
            return Settings()
        try:
            if self._path.stat().st_size > LONGEST_FILE:
                raise ValueError("longer than any settings")
            return _checked(_upgraded(json.loads(self._path.read_text(encoding="utf-8"))))
        except (OSError, ValueError, TypeError, RecursionError, SamdeskError) as error:
            logger.warning("settings.reset kind=%s", type(error).__name__)
            kept = _keep_old(self._path)
            self.notice = Notice(
                "settings-reset",
                "The settings could not be read, so those of a first start are used. " + kept,
            )
            return Settings()

    def _write(self) -> None:
        if self._path is None:
            return
        from samdesk.io import atomic

        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            atomic.write_text(self._path, json.dumps(asdict(self._now), indent=2))
        except (OSError, SamdeskError) as error:
            cause = error.strerror if isinstance(error, OSError) else error.what
            self.failed.emit(
                SamdeskError(
                    f"The settings could not be written: {cause}",
                    code="cannot-write",
                    hint="They hold until samdesk is closed.",
                )
            )


def _keep_old(path: Path) -> str:
    backup = path.with_name(path.name + ".bak")
    try:
        shutil.copyfile(path, backup)
    except OSError:
        return "The old file could not be kept."
    return f"The old file is kept as {backup.name}."


def _upgraded(data: object) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise TypeError("settings are an object")
    version = data.get("format", 0)
    while isinstance(version, int) and version in UPGRADES:
        data = UPGRADES[version](data)
        version = data["format"]
    if version != FORMAT:
        raise ValueError("settings of another version")
    return data


def _checked(data: Mapping[str, Any]) -> Settings:
    known = {one.name: data[one.name] for one in fields(Settings) if one.name in data}
    known["recent"] = tuple(known.get("recent", ()))
    known["models"] = dict(known.get("models", {}))
    settings = replace(Settings(), **known)
    default = Settings()
    for one in fields(Settings):
        value = getattr(settings, one.name)
        if type(value) is not type(getattr(default, one.name)):
            raise SamdeskError(f'The setting "{one.name}" cannot be {value!r}.')
        if one.name in CHOICES and value not in CHOICES[one.name]:
            raise SamdeskError(
                f'The setting "{one.name}" cannot be "{value}".',
                hint=f"It is one of {', '.join(CHOICES[one.name])}.",
            )
    words = (*settings.recent, *settings.models, *settings.models.values())
    numbers = (settings.threads, settings.volume_bytes, settings.cache_bytes)
    if not all(isinstance(word, str) for word in words) or min(numbers) < 0:
        raise SamdeskError("A setting has a value that it cannot have.")
    return settings
