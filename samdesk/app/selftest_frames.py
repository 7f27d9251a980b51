"""One small frame in each compression of DICOM, with a known answer, for `samdesk selftest`.

Made with imagecodecs from the ramp of `ramp()`; kept here so that the check needs no encoder.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SIDE = 8
STEP = 63  # of 4096 values: the ramp nearly fills 12 bits


@dataclass(frozen=True)
class Frame:
    """A compressed ramp.

    Attributes:
        name: of the compression, for people.
        codec: its name in io/dicom/decode.py.
        packed: the stream in base64.
        is_exact: 12 bits without loss; else 8 bits, right to one step.
    """

    name: str
    codec: str
    packed: str
    is_exact: bool = True


def ramp() -> NDArray[np.uint16]:
    """Give the (j, i) picture that every frame holds, 12 bits."""
    return (np.arange(SIDE * SIDE, dtype=np.uint16) * STEP).reshape(SIDE, SIDE)


FRAMES: tuple[Frame, ...] = (
    Frame(
        "JPEG-LS",
        "jpegls",
        "/9j/6AAgU1BJRkYAAgAAAQAAAAgAAAAIChAGAQAAASwAAAEs/+gACAAAAAH/2P/3AAsQAAgACAEBEQD/+AAN"
        "Af//ABIAQwEUAED/2gAIAQEAAAAAo+x9j7HueY+x7/hH6Pk9TxdrpH7+FyuFutlqtEfP3Wbk4uDe3J6/ZtbG"
        "tqaWhPH6s7MysjGxLt+jCwL68uri6fmtrS0srCwuQP/Z",
    ),
    Frame(
        "JPEG 2000",
        "jpeg2000",
        "/0//UQApAAAAAAAIAAAACAAAAAAAAAAAAAAACAAAAAgAAAAAAAAAAAABCwEB/1IADAAAAAEAAAQEAAH/XAAE"
        "QGD/ZAAlAAFDcmVhdGVkIGJ5IE9wZW5KUEVHIHZlcnNpb24gMi41LjT/kAAKAAAAAABlAAH/k9/hUBIrAwsL"
        "DllRhcWQAlgGscZC7dXPxqruX0N37z2oXxa28teQPneZ5ME5tGIi8ExKMaCKqw6sAAAAAAACgms4YLfwtcQS"
        "Y11bdoVwnXAOGw2Gw2Gw1//Z",
    ),
    Frame(
        "HTJ2K",
        "htj2k",
        "/0//UQApQAAAAAAIAAAACAAAAAAAAAAAAAAACAAAAAgAAAAAAAAAAAABDwEB/1AACAACAAAACv9SAAwAAgAB"
        "AAUEBEAB/1wAEyCIkJCQkJCQkJCQkJCQiIiI/2QAFwABT3BlbkpQSCBWZXIgMC4yNi4zLv+QAAoAAAAAAFoA"
        "Af+TwAAm4/UFB3QAAADAABNAABMAPv4CB3QA9vEDh3QAwAATQAATgBoaAYJ0ANqojQDDVADAACogABVgPM/z"
        "qnCCdQDuu3fv/sBCAey2AP/Z",
    ),
    Frame(
        "JPEG lossless",
        "jpeg",
        "/9j/xAAXAAEBAQEAAAAAAAAAAAAAAAAICQYM/8MACwwACAAIAQARAP/aAAgBAAAGAADn/wDf7/f7/f7/AH9+"
        "H4/H4/H4/H5fh+Px+Px+Px+X4fj8fj8fj8fl+H4/H4/H4/H5fh+Px+Px+Px+X4fj8fj8fj8fl+H4/H4/H4/H"
        "4P/Z",
    ),
    Frame(
        "RLE",
        "rle",
        "AgAAAEAAAABgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        "APwA/QH9Av0D/QT9Bf0G/Qf9CP0J/Qr9C/0M/Q39Dv4PPwA/fr38O3q5+Dd2tfQzcrHwL26t7CtqqegnZqXk"
        "I2Kh4B9endwbWpnYF1aV1BNSkdAPTo3MC0qJyAdGhcQDQoEA",
    ),
    Frame(
        "JPEG baseline",
        "jpeg",
        "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"
        "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQH/wAALCAAIAAgBAREA/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAEC"
        "AwQFBgcICQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQIDAAQRBRIhMUEGE1FhByJxFDKBkaEII0KxwRVS0fAk"
        "M2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJ"
        "ipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi4+Tl5ufo6erx8vP09fb3"
        "+Pn6/9oACAEBAAA/AOb+G/8Awbg8wf8AFB91/wCYb/8AaT/M/Wv/2Q==",
        is_exact=False,
    ),
)
