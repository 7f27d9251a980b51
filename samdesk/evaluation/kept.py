"""What a long evaluation has finished, so that one that was stopped goes on where it was.

One JSON file for each finished case of each contender. A key names everything the value depends
on: the case, the contender, the model's sha256 and the settings; so nothing stale is ever used.
"""

import json
import re
from hashlib import sha256
from pathlib import Path
from typing import Any

from samdesk.io.atomic import write_text

FORMAT = 1
NAMED = 60


class Kept:
    """Finished cases in a folder.

    Args:
        folder: made with the first value.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)

    def get(self, key: str) -> dict[str, Any] | None:
        """Give what was put under a key; None where nothing was, or where the file is damaged.

        Numbers that JSON cannot hold come back as Python writes them (NaN, Infinity).
        """
        try:
            stored = json.loads(self._path(key).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        is_ours = isinstance(stored, dict) and stored.get("format") == FORMAT
        if not is_ours or stored.get("key") != key or not isinstance(stored.get("value"), dict):
            return None
        value: dict[str, Any] = stored["value"]
        return value

    def put(self, key: str, value: dict[str, Any]) -> None:
        """Keep a finished case, whole or not at all.

        Args:
            key: names case, contender, model sha256 and settings.
            value: lists, texts, numbers and bools.

        Raises:
            NoRoom, UsageError: it cannot be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        stored = {"format": FORMAT, "key": key, "value": value}
        write_text(self._path(key), json.dumps(stored) + "\n")

    def _path(self, key: str) -> Path:
        """Give a name that a person can read and no two keys share."""
        words = re.sub(r"[^a-z0-9]+", "-", key.lower()).strip("-")[:NAMED]
        return self.folder / f"{words}-{sha256(key.encode()).hexdigest()[:16]}.json"
