"""The header of a MetaImage (.mha, .mhd), read within bounds.

Source:
    itk.org/Wiki/MetaIO/Documentation; rows of TransformMatrix are the axes i, j, k in LPS.
"""

import re

import numpy as np

from samdesk.errors import ReadError
from samdesk.io.base import FileRef
from samdesk.io.limits import MAX_TEXT_HEADER
from samdesk.io.places import Matrix, Spacing, usable_spacing
from samdesk.io.raw import (
    Claim,
    check_sizes,
    data_file,
    inconsistent,
    several_files,
    unsupported,
)
from samdesk.io.text import plain

_LARGEST_DIMENSION = 10
_DTYPES = {
    "MET_CHAR": "i1", "MET_UCHAR": "u1", "MET_SHORT": "i2", "MET_USHORT": "u2",
    "MET_INT": "i4", "MET_UINT": "u4", "MET_LONG": "i4", "MET_ULONG": "u4",
    "MET_LONG_LONG": "i8", "MET_ULONG_LONG": "u8", "MET_FLOAT": "f4", "MET_DOUBLE": "f8",
}  # fmt: skip
# A row of the matrix is a direction; its length may be off from 1 by rounding only.
_UNIT_LENGTH = 1e-3


def parse_metaimage(ref: FileRef) -> Claim:
    """Read the header and say what it claims.

    Raises:
        ReadError: not-recognised, truncated, header-inconsistent, unsupported-pixels,
            outside-folder or files-missing.
    """
    shown = plain(ref.name)
    with ref.open() as stream:
        raw = stream.read(MAX_TEXT_HEADER)
    fields, end, after = _fields(raw, shown)
    dimension = _number(fields.get("NDims", ""), shown)
    if not 1 <= dimension <= _LARGEST_DIMENSION:
        raise inconsistent(shown, f"it claims {dimension} dimensions")
    sizes = [_number(word, shown) for word in fields.get("DimSize", "").split()]
    if len(sizes) != dimension:
        raise inconsistent(shown, f"it has {len(sizes)} sizes and {dimension} dimensions")
    shape = check_sizes(sizes, shown)
    if fields.get("ElementNumberOfChannels", "1") != "1":
        raise unsupported(shown, "several numbers for each voxel")
    element = fields.get("ElementType", "")
    if element not in _DTYPES:
        raise unsupported(shown, f"voxels of type {plain(element, 40)}")
    is_big = _says(fields, "BinaryDataByteOrderMSB") or _says(fields, "ElementByteOrderMSB")
    data, offset = _data(ref, fields, end, after, shown)
    affine, spacing, why = _axes(fields, dimension)
    return Claim(
        shape=shape,
        dtype=np.dtype(_DTYPES[element]).newbyteorder(">" if is_big else "<"),
        packing=_packing(fields),
        data=data,
        offset=offset,
        affine=affine,
        spacing=spacing,
        why=why,
    )


def _fields(raw: bytes, shown: str) -> tuple[dict[str, str], int, list[str]]:
    """Cut the header into fields up to ElementDataFile; gives where it ends and what follows."""
    found = re.search(rb"(?:^|\n)\s*ElementDataFile\s*=([^\n]*)(\n|$)", raw)
    if found is None:
        code = "not-recognised" if len(raw) >= MAX_TEXT_HEADER else "truncated"
        raise ReadError(
            f"{shown} is cut: its header does not name the voxels.",
            code=code,
            hint="Copy or download it again.",
        )
    fields: dict[str, str] = {}
    for line in raw[: found.end()].decode("utf-8", "replace").splitlines():
        key, equals, value = line.partition("=")
        if equals:
            fields[key.strip()] = value.strip()
    after = raw[found.end() :].decode("utf-8", "replace").splitlines()
    return fields, found.end(), [line.strip() for line in after if line.strip()]


def _data(
    ref: FileRef, fields: dict[str, str], end: int, after: list[str], shown: str
) -> tuple[FileRef, int]:
    """Find the voxels: behind the header, or in the one file that it names."""
    name = fields["ElementDataFile"]
    header = _number(fields.get("HeaderSize", "0") or "0", shown)
    if header < -1:
        raise inconsistent(shown, f"its HeaderSize is {header}")
    if name in ("LOCAL", "Local", "local"):
        return ref, end
    if name.startswith("LIST"):
        raise several_files(ref, after[:1000])
    words = name.split()
    if "%" in name and len(words) >= 3:
        raise several_files(ref, [re.sub(r"%0?\d*d", words[1], words[0])])
    return data_file(ref, name), header


def _packing(fields: dict[str, str]) -> str:
    if fields.get("BinaryData", "True").lower() == "false":
        return "text"
    return "zlib" if _says(fields, "CompressedData") else "raw"


def _axes(fields: dict[str, str], dimension: int) -> tuple[Matrix | None, Spacing | None, str]:
    """Give the affine (k, j, i) to LPS mm, the spacing, and why there is no affine."""
    along = _floats(fields, ("ElementSpacing", "ElementSize"))
    spacing: Spacing | None = None
    if len(along) == dimension and dimension in (2, 3):
        last = along[2] if dimension == 3 else along.mean()
        spacing = usable_spacing((float(last), float(along[1]), float(along[0])))
    if spacing is None:
        return None, None, "the header has no usable size of a voxel"
    rows = _floats(fields, ("TransformMatrix", "Rotation", "Orientation"))
    origin = _floats(fields, ("Offset", "Position", "Origin"))
    if len(rows) != 9 or dimension != 3:
        return None, spacing, "the header has no matrix of its axes"
    matrix = rows.reshape(3, 3)
    if not np.allclose(np.linalg.norm(matrix, axis=1), 1.0, atol=_UNIT_LENGTH):
        return None, spacing, "the axes in the header are no directions"
    affine = np.eye(4)
    # Row n of the matrix is axis n of (i, j, k); the columns of the affine are (k, j, i).
    affine[:3, :3] = matrix[::-1].T * np.array(spacing)
    affine[:3, 3] = origin if len(origin) == 3 else np.zeros(3)
    return affine, spacing, "the axes in the header cannot be used"


def _floats(fields: dict[str, str], keys: tuple[str, ...]) -> Matrix:
    text = next((fields[key] for key in keys if key in fields), "")
    try:
        return np.array([float(word) for word in text.split()], dtype=np.float64)
    except ValueError:
        return np.zeros(0)


def _says(fields: dict[str, str], key: str) -> bool:
    return fields.get(key, "False").lower() in ("true", "1")


def _number(word: str, shown: str) -> int:
    if not re.fullmatch(r"[+-]?\d{1,18}", word.strip()):
        raise inconsistent(shown, f"'{plain(word, 40)}' is no whole number")
    return int(word)
