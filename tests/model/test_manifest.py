"""A manifest is read whole or refused with the reason."""

from dataclasses import replace
from pathlib import Path

import pytest

from samdesk.core.models import ModelInfo
from samdesk.errors import ModelError
from samdesk.model import manifest


def edited(info: ModelInfo, old: str, new: str) -> str:
    text = (info.folder / manifest.FILE).read_text()
    assert old in text
    return text.replace(old, new)


def test_what_was_written_is_read_back(own_model: ModelInfo, tmp_path: Path) -> None:
    info = replace(
        own_model,
        calibration={"bias": 0.25, "w_margin": -1.5},
        figures={"median_mm": 3.4},
        licence="Apache-2.0",
        data="26 phantoms",
        command="samdesk train",
        commit="453ab0e",
    )
    folder = tmp_path / info.id
    folder.mkdir()

    manifest.write(info, folder)
    back = manifest.read(folder)

    assert dict(back.calibration) == {"bias": 0.25, "w_margin": -1.5}
    assert dict(back.figures) == {"median_mm": 3.4}
    same = replace(back, folder=info.folder, calibration={}, figures={})
    assert same == replace(info, calibration={}, figures={})
    assert [path.name for path in folder.iterdir()] == [manifest.FILE]


def test_a_folder_without_a_manifest_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"has no manifest\.toml") as error:
        manifest.read(tmp_path)
    assert error.value.code == "files-missing"


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("format = 1", "format = 99", "newer-version"),
        ("format = 1", "format = true", "model-damaged"),
        ("format = 1", "format = 0", "model-damaged"),
        ('kind = "samdesk-model"', 'kind = "other"', "model-damaged"),
        ('kind = "samdesk-model"', "kind = = 3", "model-damaged"),
        ('modality = "CT"', 'modality = "XX"', "model-damaged"),
        ("spacing_mm = 2.5", "spacing_mm = 0.0", "model-damaged"),
        ("spacing_mm = 2.5", "width = 2.5", "model-damaged"),
        ("multiple_of = 16", "multiple_of = 6", "model-damaged"),
        ('name = "model.onnx"', 'name = "../model.onnx"', "outside-folder"),
        ('name = "model.onnx"', 'name = "..\\\\model.onnx"', "outside-folder"),
        ('name = "model.onnx"', 'name = "/etc/passwd"', "outside-folder"),
    ],
)
def test_a_manifest_that_says_nonsense_is_refused(
    own_model: ModelInfo, old: str, new: str, code: str
) -> None:
    with pytest.raises(ModelError) as error:
        manifest.from_text(edited(own_model, old, new), own_model.folder)
    assert error.value.code == code


def test_a_manifest_that_is_no_text_is_refused(own_model: ModelInfo) -> None:
    (own_model.folder / manifest.FILE).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ModelError, match="cannot be read"):
        manifest.read(own_model.folder)


def test_a_manifest_of_a_megabyte_is_not_read(own_model: ModelInfo) -> None:
    (own_model.folder / manifest.FILE).write_bytes(b"#" * (manifest.LARGEST_BYTES + 1))
    with pytest.raises(ModelError, match="1000001 bytes"):
        manifest.read(own_model.folder)
