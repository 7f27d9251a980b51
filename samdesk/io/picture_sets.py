"""Sets of radiographs with marked points: a manifest.csv and tables `image,name,x,y[,observer]`.

Places are pixels (x, y) of the picture named; 0, 0 is the centre of the first pixel.
"""

import csv
import math
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path

from samdesk.core.progress import Progress
from samdesk.core.radiograph import Radiograph, Scale
from samdesk.errors import ReadError
from samdesk.io.base import finish
from samdesk.io.registry import choose, open_path

MANIFEST = "manifest.csv"
_LIST_COLUMNS = frozenset({"file", "split", "spacing_mm", "width", "height"})
_MARK_COLUMNS = frozenset({"image", "name", "x", "y"})

# place of a point by the point's name
Marks = Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class ListedPicture:
    """A line of a set's manifest.

    Attributes:
        file: name within the set's folder, as the tables of marks write it.
        path: of the picture.
        split: "train", "val", "test", or a word that leaves the picture out.
        spacing_mm: distance of pixel centres, None where it is not known.
        width, height: in pixels, as the manifest says.
    """

    file: str
    path: Path
    split: str
    spacing_mm: float | None
    width: int
    height: int

    def open(self) -> Generator[Progress, None, Radiograph]:
        """Read the picture, with its spacing.

        Raises:
            ReadError: it cannot be read, or is a volume.
        """
        opened = yield from open_path(self.path)
        image = opened.image
        if not isinstance(image, Radiograph):
            raise ReadError(f"{self.file} is no radiograph.", code="not-recognised")
        if self.spacing_mm is None:
            return image
        return Radiograph(image.array, (self.spacing_mm, self.spacing_mm), Scale.CALIBRATED)

    def size(self) -> tuple[int, int]:
        """Look in the file's header for (width, height).

        Raises:
            ReadError: the file is no picture.
        """
        shape = finish(choose(self.path)).shape
        if shape is None or len(shape) != 3:
            raise ReadError(f"{self.file} is no radiograph.", code="not-recognised")
        return shape[2], shape[1]


def read_list(folder: Path) -> list[ListedPicture]:
    """List the pictures of a set, in the order of its manifest.

    Raises:
        ReadError: files-missing where there is no manifest, columns-unknown where it lacks some.
    """
    rows = _rows(folder / MANIFEST, _LIST_COLUMNS)
    odd = [row["file"] for row in rows if not (row["width"] + row["height"]).isdecimal()]
    if odd:
        raise ReadError(
            f"{folder.name}/{MANIFEST} gives no width and height for {', '.join(odd[:8])}.",
            code="columns-unknown",
        )
    return [
        ListedPicture(
            file=row["file"],
            path=folder / row["file"],
            split=row["split"],
            spacing_mm=_positive(row["spacing_mm"]),
            width=int(row["width"]),
            height=int(row["height"]),
        )
        for row in rows
    ]


def read_marks(path: Path, observer: str = "") -> dict[str, dict[str, tuple[float, float]]]:
    """Read the marked points of a set.

    Args:
        path: table `image,name,x,y`, with `observer` where several people marked.
        observer: whose marks to read; empty for all rows.

    Returns:
        Places (x, y) in pixels by picture and name of the point; a place that is no number is
        left out, as a point that was not marked.

    Raises:
        ReadError: files-missing where there is no table, columns-unknown where it lacks some.
    """
    needed = _MARK_COLUMNS | ({"observer"} if observer else frozenset())
    marks: dict[str, dict[str, tuple[float, float]]] = {}
    for row in _rows(path, needed):
        if observer and row["observer"] != observer:
            continue
        x, y = _number(row["x"]), _number(row["y"])
        if math.isfinite(x) and math.isfinite(y):
            marks.setdefault(row["image"], {})[row["name"]] = (x, y)
    return marks


def read_observers(path: Path) -> tuple[str, ...]:
    """Name those who marked, in order of their names.

    Raises:
        ReadError: as `read_marks`.
    """
    return tuple(sorted({row["observer"] for row in _rows(path, frozenset({"observer"}))}))


def _rows(path: Path, needed: frozenset[str]) -> list[dict[str, str]]:
    shown = f"{path.parent.name}/{path.name}"
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            table = csv.DictReader(stream)
            missing = sorted(needed - set(table.fieldnames or ()))
            if missing:
                raise ReadError(
                    f"{shown} has no column named {', '.join(missing)}.", code="columns-unknown"
                )
            return list(table)
    except OSError as error:
        raise ReadError(
            f"There is no table {shown}.",
            code="files-missing",
            hint="Name the folder that holds the pictures and their tables with --data.",
        ) from error


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return math.nan


def _positive(cell: str) -> float | None:
    value = _number(cell)
    return value if math.isfinite(value) and value > 0 else None
