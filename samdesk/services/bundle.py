"""All services of the program in one value, for the window to be built from."""

from dataclasses import dataclass

from samdesk.services.jobs import JobQueue
from samdesk.services.library import LibraryService
from samdesk.services.matching import MatchingService
from samdesk.services.models import ModelService
from samdesk.services.registering import RegisteringService
from samdesk.services.settings import SettingsService
from samdesk.services.store import Store
from samdesk.services.volumes import VolumeService


@dataclass(frozen=True)
class Services:
    """One of each, already connected with one another by `app/wiring.py`."""

    store: Store
    library: LibraryService
    volumes: VolumeService
    matching: MatchingService
    models: ModelService
    settings: SettingsService
    registering: RegisteringService
    jobs: JobQueue
