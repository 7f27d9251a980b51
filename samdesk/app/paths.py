"""Where resources, models, settings, caches and logs are.

Paths are worked out here and handed down; no other room asks where it is.
"""

import os
import sys
from pathlib import Path

import platformdirs

NAME = "samdesk"


def _shipped(kind: str) -> Path:
    """Find a folder that ships with samdesk: in a bundle, in a wheel, or in a checkout."""
    bundle = getattr(sys, "_MEIPASS", None)
    if bundle is not None:
        return Path(bundle) / kind
    package = Path(__file__).resolve().parents[1]
    wheel = package / "_data" / kind
    return wheel if wheel.is_dir() else package.parent / kind


def _home() -> Path | None:
    """Give the one folder that SAMDESK_HOME puts everything in; None where it is not set."""
    home = os.environ.get("SAMDESK_HOME")
    return Path(home) if home else None


def resources() -> Path:
    """Icons, themes, help pages and licences."""
    return _shipped("resources")


def models_folders() -> tuple[Path, ...]:
    """Folders that hold model folders, the user's own first."""
    home = _home()
    own = (home or Path(platformdirs.user_data_dir(NAME, appauthor=False))) / "models"
    return own, _shipped("models")


def settings_file() -> Path:
    """The file of the user's settings; it may not exist yet."""
    home = _home()
    return (home or Path(platformdirs.user_config_dir(NAME, appauthor=False))) / "settings.json"


def cache_folder() -> Path:
    """Where embeddings are kept between starts; anything in it may be deleted."""
    home = _home()
    return home / "cache" if home else Path(platformdirs.user_cache_dir(NAME, appauthor=False))


def log_folder() -> Path:
    """Log and crash files; they hold no patient data."""
    home = _home()
    return home / "logs" if home else Path(platformdirs.user_log_dir(NAME, appauthor=False))
