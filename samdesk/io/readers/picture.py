"""PNG, JPEG, TIFF, GIF and BMP as radiographs in pixels.

No file of these kinds says how large a pixel is in the patient: dots per inch are those of a
printer, so millimeters stay off until a person calibrates.
"""

import io
import struct
import warnings
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from samdesk.core.ids import PatientId, StudyId
from samdesk.core.progress import Progress
from samdesk.core.radiograph import Radiograph
from samdesk.core.reading import Opened
from samdesk.core.reading_notes import Notice, Refusal
from samdesk.core.study import Series
from samdesk.core.volume import Modality
from samdesk.errors import ReadError
from samdesk.io.base import FileRef, Headers, gone
from samdesk.io.limits import MAX_PIXELS, check_room
from samdesk.io.png import check_pixels, check_start, thin
from samdesk.io.single import file_id, file_source, refs_of
from samdesk.io.sniff import format_of
from samdesk.io.text import plain
from samdesk.io.voxels import luminance

if TYPE_CHECKING:
    from PIL.Image import Image

_FORMATS = {"png": "PNG", "jpeg": "JPEG", "tiff": "TIFF", "gif": "GIF", "bmp": "BMP"}
# What Pillow raises for files that are damaged in one way or another.
_DAMAGE = (
    OSError, SyntaxError, ValueError, TypeError, ArithmeticError, LookupError, EOFError,
    AttributeError, struct.error,
)  # fmt: skip
# Channels of a grey picture differ by no more than this after JPEG.
_GREY_WITHIN = 12
_NO_SCALE = Notice(
    "no-scale", "The file does not say how large a pixel is. Millimeters are off until calibrated."
)
_AGAIN = "Copy or download the picture again."


class PictureReader:
    """Reads pictures by Pillow, the format named by our own look at the first bytes."""

    label = "picture"

    def can_read(self, head: bytes, name: str) -> bool:
        """Tell by the mark at the start."""
        return format_of(head, name) in _FORMATS

    def headers(self, files: Sequence[FileRef]) -> Generator[Progress, None, Headers]:
        """List each picture as a series of one radiograph."""
        series: list[Series] = []
        refusals: list[Refusal] = []
        for n, ref in enumerate(files):
            yield Progress(n, len(files), "Reading headers")
            try:
                width, height = _size(ref)
            except ReadError as error:
                refusals.append(Refusal(ref.shown, error.code, error.what, error.hint))
                continue
            series.append(
                Series(
                    id=file_id(self.label, ref),
                    study=StudyId(f"folder:{ref.path.parent}"),
                    patient=PatientId(""),
                    modality=Modality.OTHER,
                    label=plain(ref.name),
                    source=file_source(self.label, (ref,)),
                    shape=(1, height, width),
                    is_picture=True,
                    notices=(_NO_SCALE,),
                )
            )
        return series, refusals, []

    def read(self, series: Series) -> Generator[Progress, None, Opened]:
        """Read the picture, turned upright as its EXIF says, color as brightness.

        Raises:
            ReadError: truncated, checksum, pixels-damaged, too-large.
        """
        ref = refs_of(series.source)[0]
        shown = plain(ref.name)
        check_room(ref.size, shown)
        yield Progress(0, 2, "Reading")
        try:
            with ref.open() as stream:
                data = stream.read()
        except OSError as error:
            raise gone(ref.path, error) from error
        kind = format_of(data[:512], ref.name)
        frames = 1
        if kind == "png":
            data, frames = thin(data, shown)
        yield Progress(1, 2, "Decoding")
        try:
            array, more, is_color = _decode(data, kind, shown)
        except _DAMAGE as error:
            raise _damaged(shown, error) from error
        notices = [_NO_SCALE]
        if frames > 1 or more:
            notices.append(Notice("first-frame", f"{shown} has several pictures; the first shows."))
        if is_color:
            sentence = "The picture has colors; their brightness is shown."
            notices.append(Notice("picture-only", sentence))
        return Opened(Radiograph(array), tuple(notices))


def _size(ref: FileRef) -> tuple[int, int]:
    """Give (width, height) from the header, turned as EXIF says, and check them."""
    head, shown = ref.head(), plain(ref.name)
    kind = format_of(head, ref.name)
    if kind == "png":
        return check_start(head, shown)
    try:
        with ref.open() as stream, _open(stream, kind) as image:
            width, height = image.size
            turned = kind in ("jpeg", "tiff") and image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
    except _DAMAGE as error:
        raise _damaged(shown, error) from error
    check_pixels(width, height, shown)
    return (height, width) if turned else (width, height)


def _open(stream: object, kind: str) -> "Image":
    """Let Pillow look at the header with one format only, and no more pixels than allowed."""
    from PIL import Image  # not before a picture is met

    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return Image.open(stream, formats=[_FORMATS[kind]])  # type: ignore[arg-type]
        except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
            raise ReadError(
                f"The picture claims more than {MAX_PIXELS // 10**6} million pixels.",
                code="too-large",
                hint="Save it smaller, or cut out the part you need.",
            ) from error
        except Warning as error:
            raise ValueError(str(error)) from error


def _decode(data: bytes, kind: str, shown: str) -> tuple[NDArray[np.generic], bool, bool]:
    """Decode the first picture.

    Returns:
        (rows, columns) array, whether there are more pictures, and whether it has colors.
    """
    from PIL import ImageOps

    with _open(io.BytesIO(data), kind) as image:
        check_pixels(*image.size, shown)
        check_room(image.size[0] * image.size[1] * 16, shown)
        more = bool(getattr(image, "is_animated", False))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd EXIF; what matters raises
            image.load()
            upright = ImageOps.exif_transpose(image) if kind in ("jpeg", "tiff") else image
        array, is_color = _grey(upright)
        return array, more, is_color


def _grey(image: "Image") -> tuple[NDArray[np.generic], bool]:
    """Give the numbers of a grey picture as they are, of another its brightness."""
    if image.mode in ("L", "LA", "La"):
        return np.asarray(image.getchannel(0)), False
    if image.mode == "1":
        return np.asarray(image.convert("L")), False
    if image.mode in ("I", "F"):
        return _finite(np.asarray(image).astype(np.float32)), False
    if image.mode.startswith("I;16"):
        return np.asarray(image).astype(np.uint16), False
    # Alpha would be mixed with black; the colors under it are what was drawn.
    colors = np.asarray(image.convert("RGBA" if "A" in image.getbands() else "RGB"))[..., :3]
    apart = colors.max(axis=-1).astype(np.int16) - colors.min(axis=-1)
    if apart.max() == 0:
        return np.ascontiguousarray(colors[..., 0]), False
    return luminance(colors), bool(np.percentile(apart, 99) > _GREY_WITHIN)


def _finite(array: NDArray[np.float32]) -> NDArray[np.float32]:
    """Replace what is no number by the lowest value."""
    good = np.isfinite(array)
    if not good.any():
        raise ReadError(
            "None of the pixels is a finite number.",
            code="no-finite-voxels",
            hint="Export the picture again from where it came.",
        )
    return array if good.all() else np.where(good, array, array[good].min())


def _damaged(shown: str, error: Exception) -> ReadError:
    words = str(error).lower()
    if "truncated" in words or "end of file" in words or isinstance(error, EOFError):
        return ReadError(
            f"{shown} is cut: the picture ends before its end.", code="truncated", hint=_AGAIN
        )
    return ReadError(
        f"{shown} is damaged and cannot be decoded.", code="pixels-damaged", hint=_AGAIN
    )
