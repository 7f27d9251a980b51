"""The bytes of a model's file, doubted before any library sees them."""

import hashlib

from samdesk.core.models import ModelInfo
from samdesk.errors import ModelError
from samdesk.model import onnx_file

AGAIN = "Install the model again."
# Far above any network of this program (32-d S1 is 16 MB); keeps a wrong file from filling memory.
LARGEST_BYTES = 2_000_000_000


def load_bytes(info: ModelInfo) -> bytes:
    """Read a model's file and check size, sha256 and structure before anything else sees it.

    Raises:
        ModelError: files-missing, checksum, empty-file, model-damaged and so on.
    """
    path = info.folder / info.file
    try:
        size = path.stat().st_size
        if size > LARGEST_BYTES:
            raise ModelError(
                f'The file of the model "{info.id}" has {size} bytes, more than a model may have.',
                code="too-large",
            )
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise ModelError(
            f'The model "{info.id}" has no file {info.file}.', code="files-missing", hint=AGAIN
        ) from error
    except OSError as error:
        raise ModelError(
            f'The file of the model "{info.id}" cannot be read ({type(error).__name__}).',
            code="model-damaged",
        ) from error
    if not data:
        onnx_file.check(data, info.id)
    if len(data) != info.size_bytes or hashlib.sha256(data).hexdigest() != info.sha256:
        raise ModelError(
            f'The file of the model "{info.id}" is not the one that was tested: '
            f"its size is {len(data)} bytes, {info.size_bytes} were expected, "
            "or its sha256 differs.",
            code="checksum",
            hint=AGAIN,
        )
    onnx_file.check(data, info.id)
    return data
