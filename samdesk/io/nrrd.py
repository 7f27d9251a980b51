"""The header of an NRRD file, read within bounds.

Source:
    teem.sourceforge.net/nrrd/format.html; fields, encodings and spaces as defined there.
"""

import re

import numpy as np

from samdesk.core.reading_notes import Notice
from samdesk.errors import ReadError
from samdesk.io.base import FileRef
from samdesk.io.limits import MAX_TEXT_HEADER
from samdesk.io.places import Matrix, Spacing, turn_to_lps
from samdesk.io.raw import (
    Claim,
    check_sizes,
    data_file,
    inconsistent,
    several_files,
    unsupported,
)
from samdesk.io.text import plain

_LARGEST_DIMENSION = 16
_TYPES = {
    "i1": ("signed char", "int8", "int8_t"),
    "u1": ("uchar", "unsigned char", "uint8", "uint8_t"),
    "i2": ("short", "short int", "signed short", "signed short int", "int16", "int16_t"),
    "u2": ("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"),
    "i4": ("int", "signed int", "int32", "int32_t"),
    "u4": ("uint", "unsigned int", "uint32", "uint32_t"),
    "i8": ("longlong", "long long", "long long int", "signed long long", "int64", "int64_t"),
    "u8": ("ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"),
    "f4": ("float",),
    "f8": ("double",),
}
_DTYPES = {word: code for code, words in _TYPES.items() for word in words}
_PACKINGS = {
    "raw": "raw", "gzip": "gzip", "gz": "gzip", "bzip2": "bzip2", "bz2": "bzip2",
    "text": "text", "txt": "text", "ascii": "text",
}  # fmt: skip
_UNITS = {"mm": 1.0, "cm": 10.0, "m": 1000.0, "um": 0.001, "micron": 0.001, "microns": 0.001}
_VECTOR = re.compile(r"\(([^()]*)\)|(none)", re.IGNORECASE)


def parse_nrrd(ref: FileRef) -> Claim:
    """Read the header and say what it claims.

    Raises:
        ReadError: not-recognised, truncated, header-inconsistent, unsupported-pixels,
            outside-folder or files-missing.
    """
    shown = plain(ref.name)
    with ref.open() as stream:
        raw = stream.read(MAX_TEXT_HEADER)
    fields, end, after = _fields(raw, ref, shown)
    dimension = _whole(fields, "dimension", shown)
    if not 1 <= dimension <= _LARGEST_DIMENSION:
        raise inconsistent(shown, f"it claims {dimension} dimensions")
    sizes = [_number(word, shown) for word in _need(fields, "sizes", shown).split()]
    if len(sizes) != dimension:
        raise inconsistent(shown, f"it has {len(sizes)} sizes and {dimension} dimensions")
    shape = check_sizes(sizes, shown)
    dtype = _dtype(fields, shown)
    encoding = _need(fields, "encoding", shown).lower()
    if encoding not in _PACKINGS:
        raise unsupported(shown, f"the encoding {plain(encoding, 40)}")
    data, offset = _data(ref, fields, end, after, shown)
    affine, spacing, notices = _axes(fields, dimension)
    return Claim(
        shape=shape,
        dtype=dtype,
        packing=_PACKINGS[encoding],
        data=data,
        offset=offset,
        affine=affine,
        spacing=spacing,
        notices=notices,
    )


def _fields(raw: bytes, ref: FileRef, shown: str) -> tuple[dict[str, str], int, list[str]]:
    """Cut the header into fields; gives also where it ends and the lines behind a file list."""
    found = re.search(rb"\r?\n\r?\n", raw)
    detached = re.search(rb"\n\s*data ?file\s*:", raw, re.IGNORECASE)
    if found is None and detached is None:
        if len(raw) >= MAX_TEXT_HEADER:
            raise ReadError(
                f"{shown} is no NRRD: its header does not end within {MAX_TEXT_HEADER // 1024} KB.",
                code="not-recognised",
                hint="Download the file again.",
            )
        raise ReadError(
            f"{shown} is cut: its header has no end.", code="truncated", hint="Copy it again."
        )
    head, end = (raw[: found.start()], found.end()) if found else (raw, len(raw))
    fields: dict[str, str] = {}
    lines = head.decode("utf-8", "replace").splitlines()[1:]
    after: list[str] = []
    for n, line in enumerate(lines):
        if line.startswith("#") or ":=" in line or ":" not in line:
            continue
        key, _, value = line.partition(":")
        fields[key.strip().lower()] = value.strip()
        if key.strip().lower() in ("data file", "datafile") and value.strip().startswith("LIST"):
            after = [*lines[n + 1 :], *raw[end:].decode("utf-8", "replace").splitlines()]
            break
    return fields, end, [line.strip() for line in after if line.strip()]


def _data(
    ref: FileRef, fields: dict[str, str], end: int, after: list[str], shown: str
) -> tuple[FileRef, int]:
    """Find the voxels: behind the header, or in the one file that it names."""
    skip = fields.get("byte skip", fields.get("byteskip", "0"))
    lines = fields.get("line skip", fields.get("lineskip", "0"))
    offset = _number(skip, shown)
    if lines not in ("", "0") or offset < -1:
        raise unsupported(shown, "skipped lines before its voxels")
    name = fields.get("data file", fields.get("datafile", ""))
    if not name:
        return ref, end + offset if offset >= 0 else -1
    if name.startswith("LIST"):
        raise several_files(ref, after)
    words = name.split()
    if "%" in name and len(words) >= 4:
        first = re.sub(r"%0?\d*d", words[1].zfill(_width(words[0])), words[0])
        raise several_files(ref, [first])
    return data_file(ref, name), offset


def _width(pattern: str) -> int:
    found = re.search(r"%0(\d{1,2})d", pattern)
    return int(found.group(1)) if found else 1


def _dtype(fields: dict[str, str], shown: str) -> np.dtype[np.generic]:
    word = _need(fields, "type", shown).lower()
    if word not in _DTYPES:
        raise unsupported(shown, f"voxels of type {plain(word, 40)}")
    endian = fields.get("endian", "little").lower()
    if endian not in ("little", "big"):
        raise inconsistent(shown, f"its byte order is {plain(endian, 40)}")
    return np.dtype(_DTYPES[word]).newbyteorder("<" if endian == "little" else ">")


def _axes(
    fields: dict[str, str], dimension: int
) -> tuple[Matrix | None, Spacing | None, tuple[Notice, ...]]:
    """Give the affine (k, j, i) to LPS mm and the spacing, each None where it is not known."""
    factor, notices = _unit(fields)
    spacings = _floats(fields.get("spacings", "")) * factor
    directions = _vectors(fields.get("space directions", ""), dimension)
    if directions is None:
        return None, _three(spacings), notices
    directions = directions * factor
    spacing = _three(np.linalg.norm(directions, axis=1)) or _three(spacings)
    turn = turn_to_lps(fields.get("space", ""))
    if turn is None:
        return None, spacing, notices
    origin = _floats(fields.get("space origin", "").strip("() ").replace(",", " ")) * factor
    if len(origin) != 3:
        origin = np.zeros(3)
    columns = [turn @ direction for direction in directions]
    if len(columns) == 2:
        normal = np.cross(columns[0], columns[1])
        columns.append(normal / (np.linalg.norm(normal) or 1.0))
    affine = np.eye(4)
    affine[:3, :3] = np.array(columns[::-1]).T
    affine[:3, 3] = turn @ origin
    return affine, spacing, notices


def _unit(fields: dict[str, str]) -> tuple[float, tuple[Notice, ...]]:
    words = re.findall(r'"([^"]*)"', fields.get("space units", ""))
    unit = words[0].strip().lower() if words else "mm"
    factor = _UNITS.get(unit, 1.0)
    if factor == 1.0:
        return 1.0, ()
    sentence = f"The file counts in {unit}; it was turned to millimeters."
    return factor, (Notice("units", sentence, factor),)


def _vectors(text: str, dimension: int) -> Matrix | None:
    """Read `(a,b,c) (d,e,f) ...`; None where it is not one vector of three numbers an axis."""
    found = _VECTOR.findall(text)
    if len(found) != dimension or any(none for _, none in found):
        return None
    vectors = [_floats(inside.replace(",", " ")) for inside, _ in found]
    if any(len(vector) != 3 for vector in vectors):
        return None
    return np.array(vectors)


def _floats(text: str) -> Matrix:
    try:
        return np.array([float(word) for word in text.split()], dtype=np.float64)
    except ValueError:
        return np.zeros(0)


def _three(along: Matrix) -> Spacing | None:
    """Turn numbers along (i, j, k) into a spacing (k, j, i); one slice gets the mean of its own."""
    if len(along) not in (2, 3) or not np.isfinite(along).all():
        return None
    i, j = float(along[0]), float(along[1])
    return (float(along[2]) if len(along) == 3 else (i + j) / 2, j, i)


def _need(fields: dict[str, str], key: str, shown: str) -> str:
    if not fields.get(key):
        raise inconsistent(shown, f"it has no field '{key}'")
    return fields[key]


def _whole(fields: dict[str, str], key: str, shown: str) -> int:
    return _number(_need(fields, key, shown), shown)


def _number(word: str, shown: str) -> int:
    if not re.fullmatch(r"[+-]?\d{1,18}", word.strip()):
        raise inconsistent(shown, f"{plain(word, 40)} is no whole number")
    return int(word)
