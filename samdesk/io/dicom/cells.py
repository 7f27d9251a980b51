"""The cells of pixels: bytes as they are stored into arrays of the right type and sign."""

import numpy as np
from numpy.typing import NDArray

from samdesk.errors import ReadError
from samdesk.io.dicom import tags
from samdesk.io.dicom.header import Header, inflate
from samdesk.io.dicom.walk import truncated

Stored = NDArray[np.generic]


def native_frame(header: Header, number: int) -> Stored:
    """Read one uncompressed frame.

    Args:
        header: of a file whose size was checked against its claims.
        number: of the frame, from 0.

    Returns:
        (j, i) or (j, i, 3), native byte order, signs extended, stray high bits cleared.

    Raises:
        ReadError: the file has become shorter, or is gone.
    """
    if header.pixels is None:
        raise truncated("its pixels")
    due = header.frame_bytes
    start = header.pixels[2] + number * due
    if header.is_deflated:
        raw = _inflated(header, start, due)
    else:
        with header.ref.open() as file:
            file.seek(start)
            raw = file.read(due)
    if len(raw) < due:
        raise truncated("its pixels")
    return from_bytes(raw, header)


def _inflated(header: Header, start: int, due: int) -> bytes:
    """Inflate up to the end of the frame and keep the frame."""
    kept = bytearray()
    at = 0
    for chunk in inflate(header.ref, header.base):
        low, high = max(start - at, 0), min(start + due - at, len(chunk))
        if low < high:
            kept += chunk[low:high]
        at += len(chunk)
        if at >= start + due:
            break
    return bytes(kept)


def from_bytes(raw: bytes, header: Header) -> Stored:
    """Make an array of the bytes of one uncompressed frame."""
    rows, columns = header.unsigned(tags.ROWS), header.unsigned(tags.COLUMNS)
    samples = header.unsigned(tags.SAMPLES, 1)
    bits = header.unsigned(tags.BITS_ALLOCATED, 16)
    if bits == 1:
        flat = np.unpackbits(np.frombuffer(raw, np.uint8), bitorder="little")
        return flat[: rows * columns].reshape(rows, columns)
    kind = "f" if header.pixels and header.pixels[0] != tags.PIXEL_DATA else "u"
    order = "<" if header.little else ">"
    array = np.frombuffer(raw, np.dtype(f"{order}{kind}{bits // 8}"))
    if samples == 3:
        if header.unsigned(tags.PLANAR) == 1:
            return np.moveaxis(array.reshape(3, rows, columns), 0, -1)
        return array.reshape(rows, columns, 3)
    array = array.reshape(rows, columns)
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    return array if kind == "f" else signed_cells(array, header)


def signed_cells(array: Stored, header: Header) -> Stored:
    """Extend the sign of signed numbers, clear stray high bits of the others.

    Old files keep overlays in the bits above BitsStored (DICOM PS3.5 8.1.1).
    """
    width = array.dtype.itemsize * 8
    stored = min(header.unsigned(tags.BITS_STORED, width), width)
    is_signed = header.unsigned(tags.SIGNED) == 1
    if is_signed:
        signed = array.view(np.dtype(f"i{width // 8}"))
        spare = width - stored
        if spare == 0:
            return signed
        extended: Stored = (signed << spare) >> spare
        return extended
    if stored == width or array.dtype.kind != "u":
        return array
    cleared: Stored = array & array.dtype.type((1 << stored) - 1)  # type: ignore[operator]
    return cleared


def to_grey(frame: Stored, header: Header) -> Stored:
    """Turn a colour frame into grey.

    Returns:
        (j, i) uint8.

    Source:
        ITU-R BT.601: Y = 0.299 R + 0.587 G + 0.114 B.
    """
    photometric = header.ascii(tags.PHOTOMETRIC)
    if photometric == "PALETTE COLOR":
        frame = _through_palette(frame, header)
    if frame.ndim == 2:
        return frame
    if photometric.startswith("YBR_FULL") and header.is_native:
        return np.ascontiguousarray(frame[..., 0])
    wide = frame.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    if frame.dtype.itemsize > 1:
        wide = wide / 257.0
    return np.round(wide).clip(0, 255).astype(np.uint8)


def _through_palette(frame: Stored, header: Header) -> Stored:
    """Look the numbers of a palette picture up (DICOM PS3.3 C.7.6.3.1.5)."""
    tables = []
    for table_tag, kind_tag in zip(tags.PALETTES, tags.PALETTE_KINDS, strict=True):
        table, kind = header.raw(table_tag), header.raw(kind_tag)
        if len(kind) < 6 or not table:
            raise ReadError("The colour table is missing.", code="unsupported-pixels")
        count, first, bits = np.frombuffer(kind[:6], "<u2" if header.little else ">u2").tolist()
        count = count or 65536
        if bits == 8 and len(table) < 2 * count:
            values = np.frombuffer(table, np.uint8)
        else:
            values = (np.frombuffer(table[: len(table) // 2 * 2], "<u2") >> (bits - 8)).astype(
                np.uint8
            )
        index = np.clip(frame.astype(np.int64) - first, 0, min(count, len(values)) - 1)
        tables.append(values[index])
    return np.stack(tables, axis=-1)
