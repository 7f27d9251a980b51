"""The facts of the corpus's manifest ("n_slices=15 gap at z=20"), compared with what was read."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from samdesk.core.geometry import Geometry
from samdesk.core.point import TemplatePoint
from samdesk.core.radiograph import Radiograph
from samdesk.core.reading import Opened
from samdesk.core.reading_notes import Notice
from samdesk.core.study import Series
from samdesk.core.volume import Volume

# Lengths hold to 1 %, the bead to 1.5 mm, a tilt to 0.2 degrees (reliability.md 5).
LENGTH, BEAD_MM, TILT = 0.01, 1.5, 0.2
# Values carry noise of a few tens.
VALUE = 60.0
NUMBER = r"-?\d+(?:\.\d+)?(?:e-?\d+)?"


@dataclass
class Read:
    """What came of a case: outcome, messages and everything that was opened."""

    codes: set[str] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    series: list[Series] = field(default_factory=list)
    opened: list[Opened] = field(default_factory=list)
    points: list[TemplatePoint] | None = None

    @property
    def volumes(self) -> list[Volume]:
        return [one.image for one in self.opened if isinstance(one.image, Volume)]

    @property
    def first(self) -> Volume | Radiograph:
        return self.opened[0].image

    def number(self, code: str) -> float | None:
        return next((one.number for one in self.notices if one.code == code), None)


Check = Callable[[Read, re.Match[str]], bool]


def complaints(fact: str, read: Read) -> tuple[list[str], int]:
    """Compare a fact with what was read; gives what does not hold, and how much was compared."""
    wrong, compared = [], 0
    for pattern, check in CHECKS:
        for found in re.finditer(pattern, fact):
            compared += 1
            if not check(read, found):
                wrong.append(found.group(0))
    return wrong, compared


def sound(read: Read) -> list[str]:
    """Say which arrays are not finite, or not in the machine's own byte order."""
    wrong = []
    for one in read.opened:
        array = one.image.array
        if not array.dtype.isnative:
            wrong.append("byte order is not native")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            wrong.append("there are values that are not finite")
        if isinstance(one.image, Volume) and array.dtype not in (np.int16, np.float32):
            wrong.append(f"the type is {array.dtype}")
    return wrong


def bead_of(volume: Volume) -> NDArray[np.float64]:
    """Find the middle of the bright bead, (3,) in mm."""
    array = np.asarray(volume.array, dtype=np.float64)
    high, low = np.percentile(array, 99.98), np.percentile(array, 2)
    over = np.clip(array - (high - 0.14 * (high - low)), 0.0, None)
    index = np.argwhere(over > 0).astype(np.float64)
    weights = over[over > 0]
    middle = (index * weights[:, None]).sum(axis=0) / weights.sum()
    mm: NDArray[np.float64] = volume.geometry.to_mm(middle[None])[0]
    return mm


def _numbers(text: str) -> list[float]:
    return [float(word) for word in re.findall(NUMBER, text)]


def _close(got: float | None, want: float, share: float = LENGTH) -> bool:
    return got is not None and abs(got - want) <= share * abs(want) + 1e-9


def _spacing(read: Read, found: re.Match[str]) -> bool:
    want = _numbers(found.group(1))
    image = read.first
    if isinstance(image, Radiograph):
        return image.pixel_mm is not None and all(_close(s, want[0]) for s in image.pixel_mm)
    got = read.series[0].spacing
    if got is None:
        return False
    xyz = got[::-1]
    if len(want) == 1 and image.array.shape[0] == 1:
        xyz = xyz[:2]
    want = want * 3 if len(want) == 1 else want
    return all(_close(g, w) for g, w in zip(xyz, want, strict=False))


def _along(axis: int) -> Check:
    def check(read: Read, found: re.Match[str]) -> bool:
        want = _numbers(found.group(1))
        got = [one.spacing[axis] for one in read.series if one.spacing is not None]
        return all(any(_close(g, w) for g in got) for w in want)

    return check


def _slices(read: Read, found: re.Match[str]) -> bool:
    """Count the slices that were there, not those that fill a gap."""
    want = [int(n) for n in found.group(2).split(",")]
    got = sorted((one.shape[0] for one in read.series if one.shape is not None), reverse=True)
    if found.group(1) == ">=":
        return got[0] >= want[0]
    if len(want) == 1:
        return want[0] in got
    return sorted(want, reverse=True) == got[: len(want)]


def _stacks(read: Read, found: re.Match[str]) -> bool:
    return sum(not one.is_apart for one in read.series) == int(found.group(1))


def _series(read: Read, found: re.Match[str]) -> bool:
    return len({one.id.split("/")[0] for one in read.series}) == int(found.group(1))


def _bead(read: Read, found: re.Match[str]) -> bool:
    want = np.array(_numbers(found.group(1)))
    return bool(np.linalg.norm(bead_of(read.volumes[0]) - want) <= BEAD_MM)


def _bead_value(read: Read, found: re.Match[str]) -> bool:
    want = float(found.group(1))
    volume = read.volumes[0]
    k, j, i = volume.geometry.to_index(np.array([[12.0, -6.0, 20.0]]))[0].round().astype(int)
    near = volume.array[max(k - 1, 0) : k + 2, j - 1 : j + 2, i - 1 : i + 2]
    return abs(float(np.median(near)) - want) <= VALUE + LENGTH * abs(want)


def _air(read: Read, found: re.Match[str]) -> bool:
    image = read.first.array
    corner = image[..., :3, :3] if image.ndim == 3 else image[:3, :3]
    want = float(found.group(1))
    return abs(float(np.median(corner)) - want) <= VALUE + 0.02 * abs(want)


def _shape(read: Read, found: re.Match[str]) -> bool:
    want = tuple(int(n) for n in found.group(1).split("x"))[::-1]
    return any(one.image.array.shape[-len(want) :] == want for one in read.opened)


def _tilt(read: Read, found: re.Match[str]) -> bool:
    got = read.number("gantry-tilt") or 0.0
    return abs(abs(got) - float(found.group(1))) <= TILT


def _step(read: Read, found: re.Match[str]) -> bool:
    axes = read.volumes[0].geometry.affine[:3, :3]
    normal = np.cross(axes[:, 2], axes[:, 1])
    step = abs(float(axes[:, 0] @ normal)) / float(np.linalg.norm(normal))
    return _close(step, float(found.group(1)))


def _said(read: Read, found: re.Match[str]) -> bool:
    """Look for the telling words of a message; the rest may be said otherwise."""
    words = [word for word in found.group(1).lower().split() if len(word) > 3] or [found.group(1)]
    return any(word in message.lower() for message in read.messages for word in words)


def _line(read: Read, found: re.Match[str]) -> bool:
    return any(found.group(1) in message.lower() for message in read.messages)


def _gap(read: Read, found: re.Match[str]) -> bool:
    place = f"{float(found.group(1)):g}"
    said = [one.sentence for one in read.notices if one.code in GAPS]
    return any(re.search(rf"(?<![\d.]){re.escape(place)}(\.0)?(?![\d])", one) for one in said)


def _lost(read: Read, found: re.Match[str]) -> bool:
    number = read.number("slices-left-out") or read.number("four-d-incomplete")
    return _close(number, float(found.group(1)))


def _point_count(read: Read, found: re.Match[str]) -> bool:
    return read.points is not None and len(read.points) == int(found.group(1))


def _point_at(read: Read, found: re.Match[str]) -> bool:
    want = np.array(_numbers(found.group(1)))
    points = read.points or []
    return any(np.allclose(point.at_mm, want, atol=1e-6) for point in points)


def _counted(read: Read, found: re.Match[str]) -> bool:
    return _close(read.number("non-finite"), float(found.group(1)))


def _largest(read: Read, found: re.Match[str]) -> bool:
    return _close(float(read.first.array.max()), float(found.group(1)), 0.06)


def _labels(read: Read, found: re.Match[str]) -> bool:
    return set(np.rint(np.unique(read.first.array))) == {float(n) for n in _numbers(found.group(1))}


def _range(read: Read, _: re.Match[str]) -> bool:
    array = read.first.array
    return float(array.min()) >= 0.0 and 0.5 < float(array.max()) <= 1.0


def _patients(read: Read, found: re.Match[str]) -> bool:
    return len({one.patient for one in read.series}) == int(found.group(1))


def _named(read: Read, found: re.Match[str]) -> bool:
    return any(point.name == found.group(1) for point in read.points or [])


GAPS = ("missing-slices", "gap-between-slices", "slices-left-out", "non-uniform-spacing")
CHECKS: tuple[tuple[str, Check], ...] = (
    (r"(?<![\w_])spacing=\(?((?:\d[\d.e-]*)(?:,\d[\d.e-]*)*)", _spacing),
    (r"spacings?_(?:z|through)=([\d.,]+)", _along(0)),
    (r"spacing_y=([\d.]+)", _along(1)),
    (r"spacing_x=([\d.]+)", _along(2)),
    (r"n_slices(>?=)(\d+(?:,\d+)*)", _slices),
    (r"n_(?:stacks|volumes)=(\d+)", _stacks),
    (r"n_series=(\d+)", _series),
    (r"n_patients=(\d+)", _patients),
    (r"bead_lps=\(([^)]*)\)", _bead),
    (rf"bead=({NUMBER})", _bead_value),
    (rf"air=({NUMBER})", _air),
    (r"shape=(\d+x\d+x\d+)", _shape),
    (r"(?<![\w=x.,])(\d+x\d+)(?![\dx])", _shape),
    (rf"tilt=({NUMBER})", _tilt),
    (rf"step_along_normal=({NUMBER})", _step),
    (rf"gap at z=({NUMBER})", _gap),
    (r"left_out=(\d+)", _lost),
    (r"message says:? ([\w ]+)", _said),
    (r"message names (not_there\.raw|MPEG-4)", _said),
    (r"(line \d+) named", _line),
    (r"^n=(\d+)", _point_count),
    (r"bead at (?:LPS )?\(([^)]*)\)", _point_at),
    (r"bead=\(([^)]*)\)", _point_at),
    (r"named (point 1)", _named),
    (r"^(\d+) (?:NaN )?counted", _counted),
    (r"max=(?:about )?(\d+)", _largest),
    (r"labels=([\d,]+)", _labels),
    (r"range 0\.\.1 kept", _range),
)


def geometry_of(opened: Opened) -> Geometry:
    """Give the grid of what was opened."""
    assert isinstance(opened.image, Volume)
    return opened.image.geometry
