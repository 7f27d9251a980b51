"""`samdesk model`, on folders of its own."""

import json
from pathlib import Path

import pytest

from samdesk.app import cli, exit_codes, paths
from tests.model import made, made_flat


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have samdesk look for models in one folder of the test."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    monkeypatch.setattr(paths, "models_folders", lambda: (folder,))
    return folder


def damage(models: Path, name: str) -> None:
    """Flip one bit of a model's file."""
    (file,) = (models / name).glob("*.onnx")
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def test_an_empty_shelf_says_where_models_are_looked_for(
    models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["model", "list"]) == exit_codes.DONE
    assert f"No model is installed. They are looked for in: {models}" in capsys.readouterr().out


def test_a_list_names_each_model(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made.write_model(models / "one")
    made.write_model(models / "two")
    assert cli.run(["model", "list", "--json"]) == exit_codes.DONE
    listed = json.loads(capsys.readouterr().out)["models"]
    assert [entry["name"] for entry in listed] == ["one", "two"]
    assert cli.run(["model", "list"]) == exit_codes.DONE
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["one", "two"]


def test_a_manifest_that_cannot_be_read_is_listed_as_damaged(
    models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made.write_model(models / "one")
    (models / "one" / "manifest.toml").write_text("= not toml", encoding="utf-8")
    assert cli.run(["model", "list"]) == exit_codes.MODEL
    assert "damaged: " in capsys.readouterr().out


def test_show_gives_manifest_and_card(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    info = made.write_model(models / "one")
    (models / "one" / "card.md").write_text("# The card\n", encoding="utf-8")
    assert cli.run(["model", "show", "one"]) == exit_codes.DONE
    told = capsys.readouterr().out
    assert f"sha256: {info.sha256}" in told
    assert told.endswith("# The card\n")
    assert cli.run(["model", "show", "one", "--json"]) == exit_codes.DONE
    assert json.loads(capsys.readouterr().out)["sha256"] == info.sha256


def test_an_unknown_model_ends_with_five(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["model", "show", "none"]) == exit_codes.MODEL
    assert cli.run(["model", "verify", "none"]) == exit_codes.MODEL
    assert cli.run(["model", "verify"]) == exit_codes.MODEL
    assert capsys.readouterr().err.count("model-unknown") == 2


def test_verify_tells_the_whole_from_the_damaged(
    models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("one", "two"):
        made.write_model(models / name)
        (models / name / "card.md").write_text("# Card\n", encoding="utf-8")
    assert cli.run(["model", "verify"]) == exit_codes.DONE
    damage(models, "two")
    capsys.readouterr()
    assert cli.run(["model", "verify"]) == exit_codes.MODEL
    first, second = capsys.readouterr().out.splitlines()
    assert first.split()[:2] == ["ok", "one"]
    assert second.split()[:2] == ["damaged", "two"]
    assert cli.run(["model", "verify", "one"]) == exit_codes.DONE


def test_verify_as_json_gives_the_code(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made.write_model(models / "one")
    damage(models, "one")
    assert cli.run(["model", "verify", "one", "--json"]) == exit_codes.MODEL
    (outcome,) = json.loads(capsys.readouterr().out)["models"]
    assert (outcome["ok"], outcome["code"]) == (False, "checksum")


def test_the_version_names_the_models(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    info = made.write_model(models / "one")
    assert cli.run(["--version"]) == exit_codes.DONE
    assert f"model one {info.version} (CT, " in capsys.readouterr().out


def test_a_model_of_radiographs_is_listed_shown_and_verified(
    models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made_flat.write_model(models / "flat")
    assert cli.run(["model", "list"]) == exit_codes.DONE
    assert "DX, sam, 256 px" in capsys.readouterr().out
    assert cli.run(["model", "list", "--json"]) == exit_codes.DONE
    (listed,) = json.loads(capsys.readouterr().out)["models"]
    assert (listed["dimensions"], listed["long_side_px"]) == (2, 256)
    assert cli.run(["model", "show", "flat"]) == exit_codes.DONE
    assert "long_side_px: 256" in capsys.readouterr().out
    assert cli.run(["model", "verify"]) == exit_codes.DONE
    assert "ok" in capsys.readouterr().out
