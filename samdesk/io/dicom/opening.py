"""Open one stack: pixels slice by slice from the middle outward, into a volume or radiograph."""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from samdesk.core.geometry import Geometry
from samdesk.core.progress import Progress
from samdesk.core.radiograph import Radiograph, Scale
from samdesk.core.reading import Arrived, Opened
from samdesk.core.reading_notes import Notice
from samdesk.core.volume import Modality, Unit, Volume
from samdesk.errors import ReadError
from samdesk.io.dicom import cells, resample, sentences, tags, values
from samdesk.io.dicom.frames import Frame, Kind, believable, modality_of
from samdesk.io.dicom.grouping import Stack
from samdesk.io.dicom.pixels import Picture, pictures
from samdesk.io.limits import check_room

BLOCK = 8
Reading = Generator[Progress, None, Opened]


@dataclass
class Tally:
    """What reading the pixels of a stack has shown so far.

    Attributes:
        non_finite: voxels that were no number.
        lost: (place in the stack, why) of slices that could not be read.
        is_lossy: a stream said that it lost something.
    """

    non_finite: int = 0
    lost: list[tuple[int, ReadError]] = field(default_factory=list)
    is_lossy: bool = False


def open_stack(stack: Stack, notices: Sequence[Notice]) -> Reading:
    """Read a stack.

    Args:
        stack: of grouping.
        notices: what the headers have shown.

    Raises:
        ReadError: nothing of it could be read.
    """
    if stack.layout is None:
        return (yield from _open_picture(stack, notices))
    return (yield from _open_volume(stack, notices))


def outward(count: int) -> list[int]:
    """Order the slices from the middle outward, in blocks, so that a view fills from its center.

    The middle comes alone and first, then a block above, a block below, and so on.
    """
    middle = count // 2
    order = [middle]
    above, below = middle + 1, middle
    while above < count or below > 0:
        order += range(above, min(above + BLOCK, count))
        above = min(above + BLOCK, count)
        order += range(below - 1, max(below - BLOCK, 0) - 1, -1)
        below = max(below - BLOCK, 0)
    return order


@dataclass
class Filling:
    """An array that fills with slices.

    Attributes:
        array: (n, j, i) int16, or float32 once a slice needed it.
        there: slices that have arrived.
    """

    array: NDArray[np.int16] | NDArray[np.float32]
    there: set[int] = field(default_factory=set)

    def put(self, k: int, slice_values: NDArray[np.int16] | NDArray[np.float32]) -> None:
        """Place one slice; the array widens when the slice does not fit into int16."""
        if slice_values.dtype != np.int16 and self.array.dtype == np.int16:
            self.array = self.array.astype(np.float32)
        self.array[k] = slice_values
        self.there.add(k)


def _open_volume(stack: Stack, notices: Sequence[Notice]) -> Reading:
    layout = stack.layout
    assert layout is not None  # noqa: S101 - the caller branched on it
    frames = stack.frames
    header = frames[0].header
    rows, columns = header.unsigned(tags.ROWS), header.unsigned(tags.COLUMNS)
    check_room(layout.count * rows * columns * 4, "The series")
    scalings, is_hu = _scalings(frames)
    direct = resample.is_direct(layout)
    places = [round(float(place)) for place in layout.places] if direct else range(len(frames))
    count = layout.count if direct else len(frames)
    filling = Filling(np.zeros((count, rows, columns), np.int16))
    geometry = Geometry((layout.count, rows, columns), layout.affine)
    tally = Tally()
    fresh: list[int] = []
    for done, picture in enumerate(_read(frames, tally), start=1):
        if picture is not None:
            k = places[picture.index]
            scaled, bad = values.to_values(picture.stored, scalings[picture.index], is_hu=is_hu)
            tally.non_finite += bad
            filling.put(k, scaled)
            fresh.append(k)
        if fresh and (done == 1 or done % BLOCK == 0 or done == len(frames)):
            yield from _arrived(filling, geometry, fresh, done, len(frames), direct)
            fresh = []
        elif picture is None:
            yield Progress(done, len(frames), "reading slices")
    if not filling.there:
        raise tally.lost[0][1]
    volume = _finish(stack, filling, is_hu)
    found = [*notices, *_pixel_notices(stack, tally, scalings, volume)]
    return Opened(volume, tuple(found), window_of(frames[len(frames) // 2]))


def _read(frames: list[Frame], tally: Tally) -> Iterator[Picture | None]:
    """Read frames from the middle outward; None where time passed or a slice was lost."""
    order = outward(len(frames))
    for picture in pictures([frames[n] for n in order]):
        if picture is None:
            yield None
        elif picture.error is not None:
            tally.lost.append((order[picture.index], picture.error))
            yield None
        else:
            tally.is_lossy = tally.is_lossy or picture.is_lossy
            picture.index = order[picture.index]
            yield picture


def _arrived(
    filling: Filling, geometry: Geometry, fresh: list[int], done: int, total: int, direct: bool
) -> Iterator[Progress]:
    """Say which slices have come, one range for each run of neighbors."""
    if not direct:
        yield Progress(done, total, "reading slices")
        return
    ordered = sorted(fresh)
    start = previous = ordered[0]
    for k in [*ordered[1:], None]:
        if k is not None and k == previous + 1:
            previous = k
            continue
        yield Arrived(done, total, "reading slices", start, previous, filling.array, geometry)
        if k is not None:
            start = previous = k


def _scalings(frames: list[Frame]) -> tuple[list[values.Scaling], bool]:
    """Read the scaling of each frame; one that cannot be used takes all back to stored numbers."""
    scalings = [values.scaling_of(frame) for frame in frames]
    if not all(scaling.is_valid for scaling in scalings):
        scalings = [
            values.Scaling(is_valid=False, is_given=True, padding=scaling.padding)
            for scaling in scalings
        ]
    pairs = zip(frames, scalings, strict=True)
    return scalings, all(values.is_hounsfield(frame, scaling) for frame, scaling in pairs)


def _finish(stack: Stack, filling: Filling, is_hu: bool) -> Volume:
    """Fill gaps or resample, and crop ends that could not be read."""
    layout = stack.layout
    assert layout is not None  # noqa: S101 - of a volume
    there = sorted(filling.there)
    array, affine = filling.array, np.array(layout.affine)
    if resample.is_direct(layout):
        resample.fill_gaps(array, there)
        array = array[there[0] : there[-1] + 1]
        affine[:3, 3] += there[0] * affine[:3, 0]
    else:
        array = array[there]
        if layout.shifts is not None:
            pixel_mm = stack.frames[0].pixel_mm or (1.0, 1.0)
            array = resample.straighten(array, layout.shifts[there], pixel_mm)
        array = resample.onto_grid(array, layout.places[there], layout.count)
    modality = modality_of(stack.frames[0].header)
    shape = (array.shape[0], array.shape[1], array.shape[2])
    unit = Unit.HU if is_hu else Unit.NONE
    return Volume(array, Geometry(shape, affine), modality, unit)


def _pixel_notices(
    stack: Stack, tally: Tally, scalings: list[values.Scaling], volume: Volume
) -> list[Notice]:
    notices = []
    if tally.lost:
        notices.append(sentences.left_out(len(tally.lost), tally.lost[0][1].what.rstrip(".")))
    notices += _value_notices(stack, scalings, volume.modality, volume.unit)
    low, high = float(volume.array.min()), float(volume.array.max())
    if low == high:
        notices.append(Notice("flat-image", f"All voxels have the same value, {low:g}.", low))
    notices += _common_notices(stack, tally)
    return notices


def _value_notices(
    stack: Stack, scalings: list[values.Scaling], modality: Modality, unit: Unit
) -> list[Notice]:
    if not all(scaling.is_valid for scaling in scalings):
        return [
            Notice(
                "rescale-invalid",
                "The slope or intercept of the values is no usable number; stored numbers are "
                "shown.",
            )
        ]
    if modality is Modality.CT and unit is not Unit.HU and stack.kind is Kind.SLICE:
        return [
            Notice(
                "values-not-hu",
                "The file does not say that its values are Hounsfield units; they are shown as "
                "plain numbers.",
            )
        ]
    return []


def _common_notices(stack: Stack, tally: Tally) -> list[Notice]:
    notices = []
    if tally.non_finite:
        notices.append(
            Notice(
                "non-finite",
                f"{tally.non_finite} voxels were not numbers; they were set to the lowest value.",
                float(tally.non_finite),
            )
        )
    headers = {id(frame.header): frame.header for frame in stack.frames}.values()
    if tally.is_lossy or any(
        header.ascii(tags.LOSSY) == "01" or header.syntax in tags.LOSSY_SYNTAXES
        for header in headers
    ):
        notices.append(sentences.of_header("lossy", len(headers)))
    return notices


def window_of(frame: Frame) -> tuple[float, float] | None:
    """Give the (center, width) that a file asks for, or None."""
    center, width = frame.number_of(tags.CENTER), frame.number_of(tags.WIDTH)
    return (center, width) if center is not None and width is not None and width >= 1 else None


def _open_picture(stack: Stack, notices: Sequence[Notice]) -> Reading:
    """Open the middle picture of frames that make no volume."""
    frame = stack.frames[len(stack.frames) // 2]
    check_room(frame.header.frame_bytes * 4, "The picture")
    tally = Tally()
    stored: values.Stored | None = None
    for picture in _read([frame], tally):
        yield Progress(0 if picture is None else 1, 1, "reading the picture")
        stored = picture.stored if picture is not None else stored
    if stored is None:
        raise tally.lost[0][1]
    scalings, _ = _scalings([frame])
    if stack.kind is Kind.PICTURE:
        array = cells.to_grey(stored, frame.header)
        array = array if array.dtype == np.uint8 else array.astype(np.float32)
    else:
        array, tally.non_finite = values.to_values(stored, scalings[0], is_hu=False)
    pixel_mm, scale = picture_scale(frame, stack.kind)
    found = [*notices, *_common_notices(stack, tally)]
    if not scalings[0].is_valid:
        found += _value_notices(stack, scalings, Modality.OTHER, Unit.NONE)
    if array.min() == array.max():
        found.append(Notice("flat-image", "All pixels have the same value."))
    image = Radiograph(
        array,
        pixel_mm,
        scale,
        is_inverted=frame.header.ascii(tags.PHOTOMETRIC) == "MONOCHROME1",
        modality=modality_of(frame.header),
    )
    return Opened(image, tuple(found), window_of(frame))


def picture_scale(frame: Frame, kind: Kind) -> tuple[tuple[float, float] | None, Scale]:
    """Say how large a pixel is and what that rests on.

    In projection radiographs Pixel Spacing that repeats Imager Pixel Spacing is not calibrated.

    Source:
        DICOM PS3.3 10.7.1.3.
    """
    calibrated, detector = frame.pixel_mm, believable(frame.numbers(tags.IMAGER_SPACING))
    if kind is Kind.RADIOGRAPH and detector is not None and calibrated in (None, detector):
        return detector, Scale.DETECTOR
    if calibrated is not None and kind in (Kind.RADIOGRAPH, Kind.SLICE):
        return calibrated, Scale.CALIBRATED
    return None, Scale.NONE
