"""The DICOM tags, transfer syntaxes and object classes that reading looks at."""

PIXEL_DATA = 0x7FE00010
FLOAT_PIXEL_DATA = 0x7FE00008
DOUBLE_PIXEL_DATA = 0x7FE00009
PIXELS = frozenset({PIXEL_DATA, FLOAT_PIXEL_DATA, DOUBLE_PIXEL_DATA})

META_LENGTH = 0x00020000
MEDIA_CLASS = 0x00020002
SYNTAX = 0x00020010
CHARSET = 0x00080005
IMAGE_TYPE = 0x00080008
SOP_CLASS = 0x00080016
SOP_UID = 0x00080018
STUDY_DATE = 0x00080020
MODALITY = 0x00080060
STUDY_TEXT = 0x00081030
SERIES_TEXT = 0x0008103E
PATIENT_NAME = 0x00100010
PATIENT_ID = 0x00100020
BIRTH_DATE = 0x00100030
THICKNESS = 0x00180050
ECHO_TIME = 0x00180081
TRIGGER_TIME = 0x00181060
IMAGER_SPACING = 0x00181164
CARDIAC_PERCENT = 0x00209241
B_VALUE = 0x00189087
STUDY_UID = 0x0020000D
SERIES_UID = 0x0020000E
SERIES_NUMBER = 0x00200011
ACQUISITION = 0x00200012
INSTANCE = 0x00200013
POSITION = 0x00200032
ORIENTATION = 0x00200037
FRAME_OF_REFERENCE = 0x00200052
TEMPORAL_POSITION = 0x00200100
SAMPLES = 0x00280002
PHOTOMETRIC = 0x00280004
PLANAR = 0x00280006
FRAMES = 0x00280008
ROWS = 0x00280010
COLUMNS = 0x00280011
PIXEL_SPACING = 0x00280030
BITS_ALLOCATED = 0x00280100
BITS_STORED = 0x00280101
HIGH_BIT = 0x00280102
SIGNED = 0x00280103
PADDING = 0x00280120
PADDING_LIMIT = 0x00280121
CENTER = 0x00281050
WIDTH = 0x00281051
INTERCEPT = 0x00281052
SLOPE = 0x00281053
RESCALE_TYPE = 0x00281054
LOSSY = 0x00282110
PALETTES = (0x00281201, 0x00281202, 0x00281203)
PALETTE_KINDS = (0x00281101, 0x00281102, 0x00281103)
SHARED_GROUPS = 0x52009229
FRAME_GROUPS = 0x52009230

WANTED = frozenset(
    {
        CHARSET, IMAGE_TYPE, SOP_CLASS, SOP_UID, STUDY_DATE, MODALITY, STUDY_TEXT, SERIES_TEXT,
        PATIENT_NAME, PATIENT_ID, BIRTH_DATE, THICKNESS, ECHO_TIME, TRIGGER_TIME, IMAGER_SPACING,
        CARDIAC_PERCENT, B_VALUE, STUDY_UID, SERIES_UID, SERIES_NUMBER, ACQUISITION, INSTANCE,
        POSITION, ORIENTATION, FRAME_OF_REFERENCE, TEMPORAL_POSITION, SAMPLES, PHOTOMETRIC, PLANAR,
        FRAMES, ROWS, COLUMNS, PIXEL_SPACING, BITS_ALLOCATED, BITS_STORED, HIGH_BIT, SIGNED,
        PADDING, PADDING_LIMIT, CENTER, WIDTH, INTERCEPT, SLOPE, RESCALE_TYPE, LOSSY,
        *PALETTES, *PALETTE_KINDS,
    }
)  # fmt: skip

IMPLICIT_LE = "1.2.840.10008.1.2"
EXPLICIT_LE = "1.2.840.10008.1.2.1"
DEFLATED_LE = "1.2.840.10008.1.2.1.99"
EXPLICIT_BE = "1.2.840.10008.1.2.2"
RLE = "1.2.840.10008.1.2.5"
NATIVE = frozenset({IMPLICIT_LE, EXPLICIT_LE, DEFLATED_LE, EXPLICIT_BE})

# Which decoder of decode.py a compressed transfer syntax needs (DICOM PS3.5 chapter 10).
JPEG_FAMILY = "1.2.840.10008.1.2.4."
DECODERS = {
    RLE: "rle",
    JPEG_FAMILY + "50": "jpeg",
    JPEG_FAMILY + "51": "jpeg",
    JPEG_FAMILY + "57": "jpeg",
    JPEG_FAMILY + "70": "jpeg",
    JPEG_FAMILY + "80": "jpegls",
    JPEG_FAMILY + "81": "jpegls",
    JPEG_FAMILY + "90": "jpeg2000",
    JPEG_FAMILY + "91": "jpeg2000",
    JPEG_FAMILY + "201": "htj2k",
    JPEG_FAMILY + "202": "htj2k",
    JPEG_FAMILY + "203": "htj2k",
}
# Syntaxes whose pixels always lost something; JPEG 2000 (91) tells in its own stream.
LOSSY_SYNTAXES = frozenset({JPEG_FAMILY + "50", JPEG_FAMILY + "51"})

# What cannot be opened, by name: a person should read "MPEG-4", not a number.
UNSUPPORTED_NAMES = {
    JPEG_FAMILY + "94": "JPIP (the pixels are on a server)",
    JPEG_FAMILY + "95": "JPIP (the pixels are on a server)",
    JPEG_FAMILY + "100": "MPEG-2 video",
    JPEG_FAMILY + "101": "MPEG-2 video",
    JPEG_FAMILY + "102": "MPEG-4 video",
    JPEG_FAMILY + "103": "MPEG-4 video",
    JPEG_FAMILY + "104": "MPEG-4 video",
    JPEG_FAMILY + "105": "MPEG-4 video",
    JPEG_FAMILY + "106": "MPEG-4 video",
    JPEG_FAMILY + "107": "HEVC video",
    JPEG_FAMILY + "108": "HEVC video",
}

CLASSES = "1.2.840.10008.5.1.4.1.1."
DIRECTORY_CLASS = "1.2.840.10008.1.3.10"
SEGMENTATION_CLASS = CLASSES + "66.4"
CAPTURE_CLASS = CLASSES + "7"
# Objects that are no pictures, by the beginning of their class; the longest match counts.
NOT_IMAGES = {
    CLASSES + "88": "a structured report",
    CLASSES + "88.59": "a list of key objects",
    CLASSES + "88.67": "a dose report",
    CLASSES + "104": "a document (PDF or other) inside DICOM",
    CLASSES + "11": "a presentation state",
    CLASSES + "9": "a waveform",
    CLASSES + "66": "a registration, fiducials or raw data object",
    CLASSES + "66.5": "a surface segmentation",
    CLASSES + "481.2": "a radiotherapy dose",
    CLASSES + "481.3": "a radiotherapy structure set",
    CLASSES + "481.4": "a radiotherapy treatment record",
    CLASSES + "481.5": "a radiotherapy plan",
    CLASSES + "481.8": "a radiotherapy plan",
    DIRECTORY_CLASS: "a DICOMDIR, the list of a medium",
}


def not_an_image(sop_class: str) -> str:
    """Say in words what an object is that is no picture; empty for everything else."""
    if sop_class == SEGMENTATION_CLASS:
        return ""
    parts = sop_class.split(".")
    for n in range(len(parts), 6, -1):
        words = NOT_IMAGES.get(".".join(parts[:n]))
        if words:
            return words
    return ""
