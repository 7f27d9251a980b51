"""The header of a NIfTI or Analyze file: every field doubted, none defaulted in silence."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from samdesk.core.reading_notes import Notice
from samdesk.errors import ReadError
from samdesk.io.voxels import Rescale

Matrix = NDArray[np.float64]
Order = Literal["<", ">"]

# Bytes that hold the longest header and the mark of an extension with its first two fields.
HEADER_BYTES = 544 + 8
_SIZES = (348, 540)
_LARGEST = 2**62
_DTYPES = {
    2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4",
    1024: "i8", 1280: "u8", 128: "u1", 2304: "u1",
}  # fmt: skip
_COLORS = {128: 3, 2304: 4}
_OTHER_TYPES = {32: "complex", 1792: "complex", 2048: "complex", 1: "one-bit", 1536: "128-bit"}
# xyzt_units & 7 (nifti1.h): the factor to mm and the word.
_UNITS = {1: (1000.0, "meters"), 3: (0.001, "micrometers")}
_HINT = "Export the image again from where it came."


@dataclass(frozen=True)
class NiftiHeader:
    """What a header claims, after its own numbers were compared with each other.

    Attributes:
        shape: voxels along (i, j, k), as the file counts.
        volumes: how many volumes follow each other.
        dtype: of a stored number, with its byte order.
        colors: 0 for grey values, 3 or 4 numbers a voxel for color.
        offset: where the voxels begin, in the file of the voxels.
        rescale: slope and intercept to apply.
        spacing: along (i, j, k) in mm, as pixdim says, usable or not.
        sform, qform: 4 x 4 from (i, j, k) to the file's own mm, None where not set or broken.
        is_pair: the voxels are in another file.
        window: (center, width) that the file asks for, or None.
        notices: units, rescale-invalid, header-inconsistent, four-d, picture-only.
    """

    shape: tuple[int, int, int]
    volumes: int
    dtype: np.dtype[np.generic]
    colors: int
    offset: int
    rescale: Rescale
    spacing: tuple[float, float, float]
    sform: Matrix | None
    qform: Matrix | None
    is_pair: bool
    window: tuple[float, float] | None = None
    notices: tuple[Notice, ...] = field(default=())

    @property
    def volume_bytes(self) -> int:
        """Bytes of one volume, as a Python integer that cannot overflow."""
        i, j, k = self.shape
        return i * j * k * self.dtype.itemsize * max(1, self.colors)

    @property
    def data_bytes(self) -> int:
        """Bytes of all volumes."""
        return self.volume_bytes * self.volumes


def parse(raw: bytes, shown: str) -> NiftiHeader:
    """Read a header from the first bytes of a file.

    Args:
        raw: at least the first HEADER_BYTES bytes, or all where there are fewer.
        shown: name of the file for sentences.

    Raises:
        ReadError: not-recognised, truncated, header-inconsistent or unsupported-pixels.
    """
    fields, order = _fields(raw, shown)
    magic = bytes(fields["magic"]).rstrip(b"\0")
    if magic not in (b"", b"n+1", b"ni1", b"n+2", b"ni2"):
        raise ReadError(f"{shown} is no NIfTI: its magic word is wrong.", code="not-recognised")
    is_pair = magic in (b"", b"ni1", b"ni2")
    notices: list[Notice] = []
    shape, volumes = _sizes(fields, shown)
    dtype, colors = _type(fields, order, shown, notices)
    factor, unit = _UNITS.get(int(fields["xyzt_units"]) & 7, (1.0, "mm"))
    if factor != 1.0:
        sentence = f"The file counts in {unit}; it was turned to millimeters."
        notices.append(Notice("units", sentence, factor))
    offset = _offset(fields, is_pair, shown)
    first = 544 if magic == b"n+2" else 352
    if not is_pair and offset < first:
        sentence = f"The header says that voxels begin at byte {offset}; they begin at {first}."
        notices.append(Notice("header-inconsistent", sentence, offset))
        offset = first
    elif not is_pair:
        notices += _extension(raw, order, first, offset)
    if volumes > 1:
        notices.append(Notice("four-d", f"The file has {volumes} volumes.", volumes))
    # An Analyze header has no orientation: what lies at the places of its codes means nothing.
    has_forms = magic != b""
    return NiftiHeader(
        shape=shape,
        volumes=volumes,
        dtype=dtype,
        colors=colors,
        offset=offset,
        rescale=_rescale(fields, notices) if has_forms and not colors else Rescale(),
        spacing=_spacing(fields, factor),
        sform=_sform(fields, factor) if has_forms else None,
        qform=_qform(fields, factor) if has_forms else None,
        is_pair=is_pair,
        window=_window(fields),
        notices=tuple(notices),
    )


def _fields(raw: bytes, shown: str) -> tuple[NDArray[np.void], Order]:
    """Lay nibabel's record of the header over the bytes, in the byte order of its own size."""
    from nibabel import nifti1, nifti2  # 0.2 s, so not before a NIfTI is met

    orders: tuple[tuple[Order, Literal["little", "big"]], ...] = (("<", "little"), (">", "big"))
    for order, word in orders:
        size = int.from_bytes(raw[:4], word, signed=True)
        if size in _SIZES:
            if len(raw) < size:
                raise _truncated(shown, f"its header has {len(raw)} of {size} bytes")
            record = nifti2.header_dtype if size == 540 else nifti1.header_dtype
            return np.frombuffer(raw[:size], dtype=record.newbyteorder(order))[0], order
    raise ReadError(f"{shown} is no NIfTI: its header has no such size.", code="not-recognised")


def _sizes(fields: NDArray[np.void], shown: str) -> tuple[tuple[int, int, int], int]:
    dim = [int(n) for n in fields["dim"]]
    if not 1 <= dim[0] <= 7:
        raise _inconsistent(shown, f"it claims {dim[0]} dimensions")
    used = dim[1 : dim[0] + 1] + [1] * (7 - dim[0])
    if min(used) < 1:
        raise _inconsistent(shown, f"one of its sizes is {min(used)}")
    total = 1
    for size in used:
        total *= size
    if total > _LARGEST:
        raise _inconsistent(shown, "the product of its sizes is larger than any disk")
    if max(used[4:]) > 1:
        raise ReadError(
            f"{shown} has several numbers for each voxel (a vector or tensor field).",
            code="unsupported-pixels",
            hint="Save the component you need as a volume of its own.",
        )
    return (used[0], used[1], used[2]), used[3]


def _type(
    fields: NDArray[np.void], order: Order, shown: str, notices: list[Notice]
) -> tuple[np.dtype[np.generic], int]:
    code = int(fields["datatype"])
    if code not in _DTYPES:
        kind = f"{_OTHER_TYPES[code]} voxels" if code in _OTHER_TYPES else f"voxel type {code}"
        raise ReadError(
            f"{shown} has {kind}, which samdesk does not read.",
            code="unsupported-pixels",
            hint="Save it with integer or floating-point voxels.",
        )
    dtype = np.dtype(_DTYPES[code]).newbyteorder(order)
    colors = _COLORS.get(code, 0)
    bits = dtype.itemsize * 8 * max(1, colors)
    if int(fields["bitpix"]) != bits:
        sentence = f"The header says {int(fields['bitpix'])} bits a voxel; its type has {bits}."
        notices.append(Notice("header-inconsistent", sentence, int(fields["bitpix"])))
    if colors:
        notices.append(Notice("picture-only", "The voxels are colors; their brightness is shown."))
    return dtype, colors


def _offset(fields: NDArray[np.void], is_pair: bool, shown: str) -> int:
    """Give the byte where the header says that the voxels begin."""
    claimed = float(fields["vox_offset"])
    if not np.isfinite(claimed) or claimed < 0:
        raise _inconsistent(shown, f"its voxels begin at byte {claimed:g}")
    return int(claimed)


def _extension(raw: bytes, order: Order, first: int, offset: int) -> list[Notice]:
    """Doubt the size of the first extension; none of them is read."""
    if offset == first or raw[first - 4 : first - 3] in (b"", b"\0"):
        return []
    word = raw[first : first + 4]
    size = int.from_bytes(word, "little" if order == "<" else "big", signed=True)
    if size >= 16 and size % 16 == 0 and first + size <= offset:
        return []
    sentence = f"An extension of the header claims {size} bytes; it was skipped."
    return [Notice("header-inconsistent", sentence, size)]


def _rescale(fields: NDArray[np.void], notices: list[Notice]) -> Rescale:
    """Give slope and intercept; slope 0 or NaN means none (nifti1.h)."""
    slope, intercept = float(fields["scl_slope"]), float(fields["scl_inter"])
    if slope == 0 or np.isnan(slope):
        return Rescale()
    if not np.isfinite([slope, intercept]).all():
        sentence = f"Slope {slope:g} and intercept {intercept:g} are no numbers to scale with; "
        notices.append(Notice("rescale-invalid", sentence + "the stored numbers are shown."))
        return Rescale()
    return Rescale(slope, intercept)


def _spacing(fields: NDArray[np.void], factor: float) -> tuple[float, float, float]:
    i, j, k = (float(size) * factor for size in fields["pixdim"][1:4])
    return i, j, k


def _sform(fields: NDArray[np.void], factor: float) -> Matrix | None:
    if int(fields["sform_code"]) <= 0:
        return None
    rows = [np.array(fields[f"srow_{axis}"], dtype=np.float64) for axis in "xyz"]
    return np.vstack([np.array(rows) * factor, [0.0, 0.0, 0.0, 1.0]])


def _qform(fields: NDArray[np.void], factor: float) -> Matrix | None:
    """Build the rotation from its quaternion (nifti1.h, method 2)."""
    if int(fields["qform_code"]) <= 0:
        return None
    b, c, d = (float(fields[f"quatern_{letter}"]) for letter in "bcd")
    rest = 1.0 - (b * b + c * c + d * d)
    sizes = np.array(fields["pixdim"][1:4], dtype=np.float64)
    if not np.isfinite(rest) or rest < -1e-5 or not (sizes > 0).all():
        return None
    a = np.sqrt(max(0.0, rest))
    turn = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - c * c - b * b],
        ]
    )
    # qfac: -1 turns the third axis over, anything else counts as 1.
    sizes[2] *= -1.0 if float(fields["pixdim"][0]) < 0 else 1.0
    affine = np.eye(4)
    affine[:3, :3] = turn * sizes * factor
    affine[:3, 3] = [float(fields[f"qoffset_{axis}"]) * factor for axis in "xyz"]
    return affine


def _window(fields: NDArray[np.void]) -> tuple[float, float] | None:
    low, high = float(fields["cal_min"]), float(fields["cal_max"])
    if not np.isfinite([low, high]).all() or high <= low:
        return None
    return (low + high) / 2, high - low


def _truncated(shown: str, how: str) -> ReadError:
    return ReadError(f"{shown} is cut: {how}.", code="truncated", hint="Copy or download it again.")


def _inconsistent(shown: str, how: str) -> ReadError:
    return ReadError(
        f"The header of {shown} cannot be right: {how}.", code="header-inconsistent", hint=_HINT
    )
