"""What a file is, by its first 512 bytes; the ending of its name never decides against them."""

import zlib

from samdesk.core.reading_notes import Notice
from samdesk.io.text import plain
from samdesk.io.zip import is_zip

# Marks at the start of a file, and the format they stand for.
_IMAGES = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"GIF8", "gif"),
    (b"BM", "bmp"),
    (b"NRRD000", "nrrd"),
)
_OTHERS = (
    (b"%PDF", "a PDF document"),
    (b"MZ", "a Windows program"),
    (b"\x7fELF", "a program"),
    (b"L\0\0\0\x01\x14\x02\0", "a Windows shortcut"),
    (b"[InternetShortcut]", "an internet shortcut"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"CDF\x01", "a NetCDF file"),
    (b"CDF\x02", "a NetCDF file"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\xfd7zXZ\0", "an XZ archive"),
    (b"BZh", "a bzip2 archive"),
    (b"SQLite format 3\0", "a database"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Office document"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\0\0\0\x0cjP  \r\n", "a JPEG 2000 picture outside DICOM"),
    (b"<?xml", "an XML document"),
    (b"<svg", "an SVG drawing"),
    (b"\0\0\0\x01", "a FreeSurfer volume"),
)
_ARCHIVES = ("archive", "gzip file")
_OFFICE = (".xlsx", ".docx", ".pptx", ".ods", ".odt", ".odp", ".jar", ".apk", ".npz")
# Endings that promise a format; an ending that is not here promises nothing.
_ENDINGS = {
    ".nii.gz": "nifti.gz", ".nii": "nifti", ".nrrd": "nrrd", ".nhdr": "nrrd",
    ".mha": "meta", ".mhd": "meta", ".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg",
    ".tif": "tiff", ".tiff": "tiff", ".gif": "gif", ".bmp": "bmp", ".dcm": "dicom", ".zip": "zip",
}  # fmt: skip
_WORDS = {
    "nifti.gz": "a packed NIfTI", "nifti": "a NIfTI", "nrrd": "an NRRD", "meta": "a MetaImage",
    "png": "a PNG picture", "jpeg": "a JPEG picture", "tiff": "a TIFF picture",
    "gif": "a GIF picture", "bmp": "a BMP picture", "dicom": "a DICOM file", "zip": "a zip",
}  # fmt: skip
# Bytes of a NIfTI header that tell what it is.
_NIFTI_1, _NIFTI_2 = 348, 540


def format_of(head: bytes, name: str) -> str:
    """Name the format of a file: "nifti", "nifti.gz", "nrrd", "meta", "png" and so on.

    Args:
        head: the first 512 bytes.
        name: the file's name, used only for Analyze pairs and damaged NIfTI, which have no mark.

    Returns:
        The format, or an empty string where samdesk has no reader by these bytes.
    """
    if head[128:132] == b"DICM":
        return "dicom"
    for mark, kind in _IMAGES:
        if head.startswith(mark):
            return kind
    if is_zip(head):
        return "" if name.lower().endswith(_OFFICE) else "zip"
    if is_meta(head):
        return "meta"
    if head[:2] == b"\x1f\x8b":
        return "nifti.gz" if _is_nifti_inside(head, name) else ""
    return "nifti" if is_nifti(head, name) else ""


def is_meta(head: bytes) -> bool:
    """Tell a MetaImage by its first field, which is always text with an equals sign."""
    first = head[:64].lstrip().split(b"=", 1)
    return len(first) == 2 and first[0].strip() in (b"ObjectType", b"NDims", b"Comment")


def is_nifti(head: bytes, name: str) -> bool:
    """Tell a NIfTI by its header's size and magic, an Analyze pair by its size and ending."""
    ending = name.lower()
    sizes = (head[:4], head[3::-1])
    if _NIFTI_2.to_bytes(4, "little") in sizes:
        return head[4:7] in (b"n+2", b"ni2")
    if _NIFTI_1.to_bytes(4, "little") in sizes:
        magic = head[344:348]
        if magic in (b"n+1\0", b"ni1\0"):
            return True
        # Too short to have a magic: a cut NIfTI. No magic at all: Analyze 7.5.
        return len(head) < _NIFTI_1 or (magic == b"\0\0\0\0" or ending.endswith(".hdr"))
    return ending.endswith(".img") and not unsupported(head, name)


def wrong_extension(head: bytes, name: str) -> Notice | None:
    """Say that the ending of a file's name promises another format than its bytes hold."""
    ending, promised = _promise(name)
    found = format_of(head, name)
    if not promised or not found or found == promised:
        return None
    return Notice(
        "wrong-extension",
        f"{plain(name)} ends in {ending}, but it is {_WORDS[found]}; it was opened as that.",
    )


def unsupported(head: bytes, name: str) -> str:
    """Name a known kind of file that is no image samdesk reads; empty where it is not known."""
    for mark, words in _OTHERS:
        if head.startswith(mark):
            return words
    if head[257:262] == b"ustar":
        return "a tar archive"
    if head[:2] == b"\x1f\x8b" and not _is_nifti_inside(head, name):
        return "a gzip file"
    if is_zip(head) and name.lower().endswith(_OFFICE):
        return "an Office document"
    return ""


def refusal(head: bytes, name: str) -> tuple[str, str, str]:
    """Say why no reader takes a file: its code, a reason and the next step."""
    shown = plain(name)
    if not head:
        return "empty-file", f"{shown} is empty (0 bytes).", "Copy or download it again."
    start = head[:256].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head")):
        return (
            "not-recognised",
            f"{shown} is a web page, perhaps a login page that was saved in place of the file.",
            "Download the file again while signed in.",
        )
    kind = unsupported(head, name)
    if kind:
        archive = any(word in kind for word in _ARCHIVES)
        hint = "Unpack it and open the folder." if archive else "Export it as DICOM or NIfTI."
        return "unsupported-format", f"{shown} is {kind}, which samdesk does not read.", hint
    if name.lower().endswith(".gz"):
        return "not-recognised", f"{shown} is not packed by gzip, nor a NIfTI.", _AGAIN
    return "not-recognised", f"{shown} is no image that samdesk knows.", _AGAIN


_AGAIN = "If it should be an image, copy it again from where it came."


def _promise(name: str) -> tuple[str, str]:
    """Give the ending of a name and the format that it promises."""
    lower = name.lower()
    for ending, kind in _ENDINGS.items():
        if lower.endswith(ending):
            return ending, kind
    return "", ""


def _is_nifti_inside(head: bytes, name: str) -> bool:
    """Look through gzip; what is too damaged to look at is believed by its ending."""
    try:
        inside = zlib.decompressobj(31).decompress(head, _NIFTI_2)
    except zlib.error:
        inside = b""
    if len(inside) < _NIFTI_1:
        return name.lower().endswith((".nii.gz", ".hdr.gz"))
    return is_nifti(inside, name.lower().removesuffix(".gz"))
