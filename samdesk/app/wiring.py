"""Make the services and the window, connect them, and take them apart again."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from samdesk.services.bundle import Services
from samdesk.services.jobs import JobQueue
from samdesk.services.library import LibraryService
from samdesk.services.matching import MatchingService
from samdesk.services.model_engine import ModelEngine
from samdesk.services.models import ModelService
from samdesk.services.registering import RegisteringService
from samdesk.services.relay import Relay
from samdesk.services.settings import SettingsService
from samdesk.services.store import Store
from samdesk.services.volumes import VolumeService

if TYPE_CHECKING:
    from samdesk.views.main_window import MainWindow


def make_services(
    settings_file: Path | None, models_folders: Sequence[Path], cache_folder: Path | None
) -> Services:
    """Make all services and start the worker; call from the GUI thread.

    Args:
        settings_file: where the settings are kept; None for a run that remembers nothing.
        models_folders: folders of model folders, the user's own first.
        cache_folder: where embeddings are kept between starts; None keeps them in memory only.
    """
    jobs = JobQueue(Relay())
    settings = SettingsService(settings_file)
    store = Store()
    phantom_folder = None if cache_folder is None else cache_folder / "phantom"
    library = LibraryService(jobs, settings, phantom_folder)
    volumes = VolumeService(jobs, library, settings.now.volume_bytes)
    models = ModelService(jobs, settings, models_folders)
    embeddings_folder = None if cache_folder is None else cache_folder / "embeddings"
    engine = ModelEngine(models_folders, embeddings_folder, settings.now)
    matching = MatchingService(jobs, store, library, volumes, models, engine)
    registering = RegisteringService(jobs, volumes, models, matching, engine)
    jobs.start()
    return Services(store, library, volumes, matching, models, settings, registering, jobs)


def make_window(services: Services) -> "MainWindow":
    """Make the window over the services, and have the shelf looked at once it can listen."""
    from samdesk.views.main_window import MainWindow

    window = MainWindow(services)
    window.demo_asked.connect(services.library.open_phantom)
    services.models.refresh()
    return window


def close(services: Services) -> None:
    """Stop all work, wait for the worker, and end the decode processes."""
    services.library.cancel()
    services.volumes.cancel()
    services.registering.cancel()
    services.matching.cancel()
    services.jobs.close()
