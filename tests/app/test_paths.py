"""Where things lie: in a checkout, in a bundle, in a folder of one's own."""

import sys
from pathlib import Path

import pytest

from samdesk.app import paths


def test_a_checkout_has_its_models_beside_the_package() -> None:
    root = Path(__file__).resolve().parents[2]
    assert paths.resources() == root / "resources"
    assert paths.models_folders()[-1] == root / "models"


def test_a_bundle_has_them_where_it_was_unpacked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path), raising=False)
    assert paths.resources() == tmp_path / "resources"
    assert paths.models_folders()[-1] == tmp_path / "models"


def test_one_variable_moves_all_that_is_the_users(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SAMDESK_HOME", str(tmp_path))
    places = (
        paths.settings_file(),
        paths.cache_folder(),
        paths.log_folder(),
        paths.models_folders()[0],
    )
    assert all(place.parent == tmp_path for place in places)


def test_without_it_each_lies_where_the_system_keeps_such_things(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SAMDESK_HOME")
    places = (paths.settings_file().parent, paths.cache_folder(), paths.models_folders()[0].parent)
    assert all(place.name == "samdesk" for place in places)
    assert len(set(places)) == 3
    assert paths.log_folder().is_relative_to(paths.log_folder().anchor)
