"""Settings survive, and a damaged file does not stop the program."""

import json
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QCoreApplication

from samdesk.errors import NoRoom, SamdeskError
from samdesk.services import settings as module
from samdesk.services.settings import Settings, SettingsService


@pytest.fixture
def file(tmp_path: Path, qapp: QCoreApplication) -> Path:
    return tmp_path / "deep" / "settings.json"


def put(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def test_without_a_file_the_settings_are_those_of_a_first_start(file: Path) -> None:
    service = SettingsService(file)
    assert service.now == Settings()
    assert service.notice is None
    assert not file.exists()


def test_a_change_is_told_written_and_read_again(file: Path) -> None:
    service, told = SettingsService(file), list[Settings]()
    service.changed.connect(told.append)
    service.change(theme="dark", recent=("/a", "/b"), models={"CT": "small"})
    service.change(theme="dark")
    assert [one.theme for one in told] == ["dark"]
    again = SettingsService(file).now
    assert again == service.now
    assert again.recent == ("/a", "/b")
    assert again.models == {"CT": "small"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"format": 99}',
        '{"format": "1"}',
        '{"format": 1, "theme": "pink"}',
        '{"format": 1, "threads": "two"}',
        '{"format": 1, "threads": -1}',
        '{"format": 1, "threads": true}',
        '{"format": 1, "recent": [1]}',
        '{"format": 1, "recent": 5}',
        '{"format": 1, "models": [1]}',
        "[" * 100_000,
        "\x00\x01",
        " " * (2**20 + 1),
    ],
)
def test_a_damaged_file_gives_defaults_a_notice_and_is_kept(file: Path, text: str) -> None:
    put(file, text)
    service = SettingsService(file)
    assert service.now == Settings()
    assert service.notice is not None
    assert service.notice.code == "settings-reset"
    assert file.with_name("settings.json.bak").read_text(encoding="utf-8") == text


def test_a_setting_of_a_later_version_is_left_out(file: Path) -> None:
    put(file, '{"format": 1, "theme": "light", "telepathy": true}')
    assert SettingsService(file).now == Settings(theme="light")


def test_an_old_file_is_upgraded(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def upgrade(data: dict[str, Any]) -> dict[str, Any]:
        return {"theme": "dark" if data["night"] else "light", "format": 1}

    monkeypatch.setattr(module, "UPGRADES", {0: upgrade})
    put(file, json.dumps({"night": True}))
    service = SettingsService(file)
    assert service.now.theme == "dark"
    assert service.notice is None


def test_a_value_that_is_no_choice_is_refused_and_changes_nothing(file: Path) -> None:
    service = SettingsService(file)
    with pytest.raises(SamdeskError, match="theme") as raised:
        service.change(theme="pink")
    assert "system, light, dark" in raised.value.hint
    assert service.now == Settings()


def test_a_file_that_cannot_be_written_is_told_and_the_setting_holds(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    service, told = SettingsService(blocked / "settings.json"), list[SamdeskError]()
    service.failed.connect(told.append)
    service.change(theme="dark")
    assert service.now.theme == "dark"
    assert len(told) == 1
    assert told[0].what.startswith("The settings could not be written")


def test_a_full_disk_is_told_and_the_old_file_stays(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_path: Path, _text: str) -> None:
        raise NoRoom("the disk is full", code="no-room")

    service, told = SettingsService(file), list[SamdeskError]()
    service.change(threads=1)
    service.failed.connect(told.append)
    monkeypatch.setattr("samdesk.io.atomic.write_text", full)
    service.change(threads=2)
    assert told[0].what == "The settings could not be written: the disk is full"
    assert SettingsService(file).now.threads == 1


def test_without_a_path_nothing_is_written(qapp: QCoreApplication) -> None:
    service = SettingsService(None)
    service.change(threads=3)
    assert service.now.threads == 3


def test_an_old_file_that_cannot_be_kept_is_said(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_: object) -> None:
        raise OSError(28, "No space left on device")

    put(file, "{")
    monkeypatch.setattr(module.shutil, "copyfile", no_room)
    service = SettingsService(file)
    assert service.notice is not None
    assert "could not be kept" in service.notice.sentence
