"""The marked radiographs that templates, networks and registrations are judged on."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from samdesk.core.progress import Progress
from samdesk.core.radiograph import Radiograph
from samdesk.errors import ReadError
from samdesk.io import picture_sets
from samdesk.io.picture_sets import ListedPicture

Floats = NDArray[np.float64]
FOLDER = "xray"
# Of the contours of lungs and heart every so many points is asked for: neighbors say the same.
CONTOUR_STEP = 4
NAMED = 8
# A mark on the border may lie this far beyond the outermost pixel's center; pixels are rounded.
BORDER_PX = 1.0


@dataclass(frozen=True)
class SetSpec:
    """Where a set's files are, and which of its points count.

    Attributes:
        name: of its folder.
        title: for people.
        marks: table of the true places.
        key: table whose points form the first group; empty where all points form one.
        contours: beginnings of the names of points that form the second group.
        observed: table with several observers' marks; empty where one person marked.
        is_own_judged: whether the claim is judged by SAM trained on the set's own pictures, as the
            shipped model has seen none of the kind.
        alone: title of the group where there is one only, or of the first.
    """

    name: str
    title: str
    marks: str
    alone: str
    key: str = ""
    contours: tuple[str, ...] = ()
    observed: str = ""
    is_own_judged: bool = False


SETS: tuple[SetSpec, ...] = (
    SetSpec(
        "jsrt",
        "Chest radiographs (JSRT)",
        "landmarks.csv",
        "key points",
        key="landmarks_key.csv",
        contours=("right_lung", "left_lung", "heart"),
    ),
    SetSpec(
        "ceph",
        "Cephalograms",
        "landmarks_mean.csv",
        "19 points",
        observed="landmarks.csv",
        is_own_judged=True,
    ),
    SetSpec("hand", "Hands", "landmarks.csv", "37 points", is_own_judged=True),
)


@dataclass(frozen=True, eq=False)
class PictureSet:
    """A set that was read.

    Attributes:
        spec: what it is.
        folder: of its files.
        points: names of the landmarks, in the order of every array of places.
        groups: which of them are reported together, by the group's title.
        pictures: by split: "train", "val", "test".
        marks: true places by picture and point.
        incomplete: pictures of any split that lack points, with how many.
    """

    spec: SetSpec
    folder: Path
    points: tuple[str, ...]
    groups: Mapping[str, tuple[int, ...]]
    pictures: Mapping[str, tuple[ListedPicture, ...]]
    marks: Mapping[str, picture_sets.Marks]
    incomplete: Mapping[str, int]

    @property
    def templates(self) -> tuple[ListedPicture, ...]:
        """Training pictures on which every point is marked."""
        return tuple(p for p in self.pictures["train"] if p.file not in self.incomplete)

    def truth(self, picture: ListedPicture) -> Floats:
        """Give the true places, (n, 2) pixels (x, y); NaN where a point is not marked."""
        return _places(self.marks.get(picture.file, {}), self.points)


def read_sets(data: Path) -> list[PictureSet]:
    """Read the lists and marks of all sets; no picture is decoded.

    Raises:
        ReadError: files are missing, or marks do not fit their pictures; all of it is named.
    """
    sets, problems = [], []
    for spec in SETS:
        folder = data / FOLDER / spec.name
        try:
            found = _read(spec, folder)
        except ReadError as error:
            problems.append(error.what)
            continue
        problems += _problems(found)
        sets.append(found)
    if problems:
        many = f"{len(problems)} things are missing or do not fit. " if len(problems) > 1 else ""
        raise ReadError(
            many + " ".join(problems),
            code="files-missing",
            hint="Name the folder that holds the sets of radiographs (xray/jsrt and others) "
            "with --data, or mend the tables.",
        )
    return sets


def observer_places(chosen: PictureSet) -> dict[str, dict[str, Floats]]:
    """Give each observer's places of the test pictures, by observer and picture; may be empty."""
    if not chosen.spec.observed:
        return {}
    table = chosen.folder / chosen.spec.observed
    out: dict[str, dict[str, Floats]] = {}
    for who in picture_sets.read_observers(table):
        marks = picture_sets.read_marks(table, who)
        out[who] = {
            p.file: _places(marks.get(p.file, {}), chosen.points) for p in chosen.pictures["test"]
        }
    return out


class Pictures:
    """Opens pictures and remembers them; a set of this size fits in memory."""

    def __init__(self) -> None:
        self._open: dict[Path, Radiograph] = {}

    def of(self, picture: ListedPicture) -> Generator[Progress, None, Radiograph]:
        """Give the radiograph of a listed picture.

        Raises:
            ReadError: it cannot be read.
        """
        if picture.path not in self._open:
            self._open[picture.path] = yield from picture.open()
        return self._open[picture.path]


def _read(spec: SetSpec, folder: Path) -> PictureSet:
    listed = picture_sets.read_list(folder)
    marks = picture_sets.read_marks(folder / spec.marks)
    pictures = {
        split: tuple(p for p in listed if p.split == split) for split in ("train", "val", "test")
    }
    points, groups = _points(spec, folder, marks)
    lacking = {
        p.file: sum(point not in marks.get(p.file, {}) for point in points)
        for split in pictures.values()
        for p in split
    }
    incomplete = {name: count for name, count in lacking.items() if count}
    return PictureSet(spec, folder, points, groups, pictures, marks, incomplete)


def _points(
    spec: SetSpec, folder: Path, marks: Mapping[str, picture_sets.Marks]
) -> tuple[tuple[str, ...], dict[str, tuple[int, ...]]]:
    """Name the points and their groups, in the order of the tables."""
    every = tuple(dict.fromkeys(name for places in marks.values() for name in places))
    if not spec.key:
        return every, {spec.alone: tuple(range(len(every)))}
    by_picture = picture_sets.read_marks(folder / spec.key).values()
    key = tuple(dict.fromkeys(name for places in by_picture for name in places))
    contour = tuple(
        name
        for name in every
        if name not in key
        and name.startswith(spec.contours)
        and int(name.rpartition("_")[2]) % CONTOUR_STEP == 0
    )
    n = len(key)
    groups = {
        spec.alone: tuple(range(n)),
        "heart and lung contours": tuple(range(n, n + len(contour))),
    }
    return key + contour, groups


def _problems(found: PictureSet) -> list[str]:
    """Say in sentences what of a set's files is missing or does not fit."""
    name, out = found.spec.name, []
    everything = [p for split in found.pictures.values() for p in split]
    for split in ("train", "val", "test"):
        if not found.pictures[split]:
            out.append(f"{name}: there is no picture of split {split}.")
    gone = [p.file for p in everything if not p.path.is_file()]
    if gone:
        out.append(f"{name}: pictures are missing: {_some(gone)}.")
    unscaled = [p.file for p in everything if p.spacing_mm is None]
    if unscaled:
        out.append(f"{name}: the manifest gives no pixel size for {_some(unscaled)}.")
    resized = [p.file for p in everything if p.path.is_file() and not _fits(p)]
    if resized:
        out.append(f"{name}: pictures have another size than the manifest says: {_some(resized)}.")
    unmarked = [p.file for p in everything if p.file not in found.marks]
    if unmarked:
        out.append(f"{name}: {found.spec.marks} marks nothing on {_some(unmarked)}.")
    outside = [
        f"{p.file} ({', '.join(points[:3])})" for p in everything if (points := _outside(found, p))
    ]
    if outside:
        out.append(f"{name}: marks lie outside their pictures: {_some(outside)}.")
    if found.pictures["train"] and not found.templates:
        lacking = [f"{file} ({count})" for file, count in found.incomplete.items()]
        out.append(
            f"{name}: no training picture has all {len(found.points)} points, so none can be the "
            f"template; points are missing on {_some(lacking)}."
        )
    return out


def _fits(picture: ListedPicture) -> bool:
    try:
        return picture.size() == (picture.width, picture.height)
    except ReadError:
        return False


def _outside(found: PictureSet, picture: ListedPicture) -> list[str]:
    places = found.truth(picture)
    size = np.array([picture.width, picture.height])
    out = np.flatnonzero(((places < -BORDER_PX) | (places > size - 1 + BORDER_PX)).any(axis=1))
    return [found.points[n] for n in out]


def _places(marks: picture_sets.Marks, points: Sequence[str]) -> Floats:
    rows = [marks.get(point, (np.nan, np.nan)) for point in points]
    return np.array(rows, dtype=np.float64).reshape(-1, 2)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
