"""Models come from outside, so they are checked before anything runs them."""

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from samdesk.core.models import ModelInfo
from samdesk.core.volume import Modality
from samdesk.errors import ModelError
from samdesk.model import manifest, shelf, weights
from samdesk.model.shelf import Shelf


def test_models_are_listed_by_name_and_the_first_folder_wins(
    own_model: ModelInfo, tmp_path: Path
) -> None:
    second = tmp_path / "second"
    shutil.copytree(own_model.folder, second / "own")
    shutil.copytree(own_model.folder, second / "another")

    listed = Shelf([own_model.folder.parent, second, tmp_path / "absent"]).list()

    assert [info.id for info in listed] == ["another", "own"]
    assert listed[1].folder == own_model.folder


def test_a_flipped_bit_is_found_before_the_library_sees_it(own_model: ModelInfo) -> None:
    path = own_model.folder / own_model.file
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)

    with pytest.raises(ModelError, match="is not the one that was tested") as error:
        Shelf([own_model.folder.parent]).get("own")
    assert error.value.code == "checksum"


def test_an_unknown_name_is_told_with_the_known_ones(own_model: ModelInfo) -> None:
    with pytest.raises(ModelError, match=r"no model named \"owm\" \(installed: own\)") as error:
        Shelf([own_model.folder.parent]).get("owm")
    assert error.value.code == "model-unknown"


def test_a_model_whose_file_is_gone_is_told(own_model: ModelInfo) -> None:
    (own_model.folder / own_model.file).unlink()
    with pytest.raises(ModelError, match=r"has no file model\.onnx") as error:
        Shelf([own_model.folder.parent]).get("own")
    assert error.value.code == "files-missing"


def test_an_empty_file_is_told(own_model: ModelInfo) -> None:
    (own_model.folder / own_model.file).write_bytes(b"")
    with pytest.raises(ModelError, match="is empty") as error:
        weights.load_bytes(own_model)
    assert error.value.code == "empty-file"


def test_a_folder_in_place_of_the_file_is_told(own_model: ModelInfo) -> None:
    path = own_model.folder / own_model.file
    path.unlink()
    path.mkdir()
    with pytest.raises(ModelError, match="cannot be read"):
        weights.load_bytes(own_model)


def test_a_file_beyond_all_models_is_not_read(
    own_model: ModelInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "LARGEST_BYTES", 10)
    with pytest.raises(ModelError, match="more than a model may have"):
        weights.load_bytes(own_model)


def test_the_default_is_the_model_for_the_modality(own_model: ModelInfo) -> None:
    models = Shelf([own_model.folder.parent])
    assert models.default(Modality.CT).id == "own"
    with pytest.raises(ModelError, match="No model for MR is installed"):
        models.default(Modality.MR)


def test_a_damaged_manifest_is_listed_apart(own_model: ModelInfo) -> None:
    (own_model.folder / manifest.FILE).write_text("kind = 3")
    models = Shelf([own_model.folder.parent])
    assert models.list() == ()
    assert [error.code for error in models.broken()] == ["model-damaged"]
    with pytest.raises(ModelError) as error:
        models.default(Modality.CT)
    assert error.value.code == "model-damaged"


def test_verify_runs_the_network_and_wants_the_card(own_model: ModelInfo) -> None:
    models = Shelf([own_model.folder.parent])
    assert models.verify("own").id == "own"
    (own_model.folder / shelf.CARD).unlink()
    with pytest.raises(ModelError, match=r"has no card\.md"):
        models.verify("own")


def test_a_page_saved_as_a_model_is_no_model(own_model: ModelInfo) -> None:
    data = b"<html>not found</html>"
    (own_model.folder / own_model.file).write_bytes(data)
    info = replace(own_model, sha256=hashlib.sha256(data).hexdigest(), size_bytes=len(data))
    with pytest.raises(ModelError, match="is not a whole ONNX model") as error:
        weights.load_bytes(info)
    assert error.value.code == "model-damaged"
