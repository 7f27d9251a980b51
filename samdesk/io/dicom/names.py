"""Names and descriptions out of DICOM's character sets, made safe to show."""

import warnings
from functools import lru_cache

from samdesk.io.dicom import tags
from samdesk.io.dicom.header import Header
from samdesk.io.text import plain

# Known without pydicom, whose import would delay the first picture.
COMMON = frozenset({"", "ISO_IR 6", "ISO_IR 100", "ISO_IR 192"})
CHARSET_TAGS = (tags.PATIENT_NAME, tags.PATIENT_ID, tags.SERIES_TEXT, tags.STUDY_TEXT)


def words(header: Header, tag: int) -> str:
    """Give a text of the header as it may be shown: decoded, no control characters, bounded."""
    return plain(_decode(header.raw(tag), header.raw(tags.CHARSET), tag == tags.PATIENT_NAME)[0])


def is_garbled(header: Header) -> bool:
    """Whether a text of the header does not follow the character set that it names."""
    charset = header.raw(tags.CHARSET)
    return any(
        not _decode(header.raw(tag), charset, tag == tags.PATIENT_NAME)[1] for tag in CHARSET_TAGS
    )


@lru_cache(maxsize=2048)
def _decode(raw: bytes, charset: bytes, is_name: bool) -> tuple[str, bool]:
    """Decode a text.

    Returns:
        The text and whether it followed its character set.
    """
    raw = raw.strip(b" \0")
    plain_ascii = all(byte < 128 and byte != 27 for byte in raw)
    names = [part.strip(b" \0").decode("ascii", "replace") for part in charset.split(b"\\")]
    if plain_ascii:
        return raw.decode("ascii"), names == [""] or _known(names)
    if not _known(names):
        return raw.decode("ascii", "replace"), False
    if names == [""]:
        return raw.decode("ascii", "replace"), False
    return _foreign(raw, names, is_name)


def _known(names: list[str]) -> bool:
    if names[0] in COMMON and len(names) == 1:
        return True
    from pydicom.charset import python_encoding

    return all(not name or name in python_encoding for name in names)


def _foreign(raw: bytes, names: list[str], is_name: bool) -> tuple[str, bool]:
    """Decode with pydicom; its warnings carry the value, so they go nowhere."""
    from pydicom.charset import convert_encodings, decode_bytes, python_encoding

    if len(names) == 1:
        try:
            return raw.decode(python_encoding[names[0]]), True
        except UnicodeDecodeError:
            return raw.decode(python_encoding[names[0]], "replace"), False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        codecs = convert_encodings(list(names))
        delimiters = {0x5E, 0x3D} if is_name else {0x5C}
        text = "=".join(decode_bytes(part, codecs, delimiters) for part in raw.split(b"="))
    return text, "\ufffd" not in text
