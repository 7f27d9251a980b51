"""The MR sets: which scans are asked, and the places known in them.

Of masks: the middles of parts, and the ends along the patient's axes. Of heads: listed landmarks.
Of the knee, which is one scan: known warps.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from samdesk.core.geometry import Geometry, Points
from samdesk.core.volume import Modality, Unit, Volume
from samdesk.errors import ReadError
from samdesk.evaluation.arms import Asked, digest
from samdesk.evaluation.base import Case
from samdesk.evaluation.warps import make_case
from samdesk.io import registry
from samdesk.io.base import finish
from samdesk.model.intensities import Scale

HIPPOCAMPUS, HEARTS, HEADS, KNEE = "hippocampus", "la2018", "heads_afids", "knee_pymskt"
# What lies within the outermost part of a mask along an axis is its end; a single voxel is noise.
END_SHARE = 0.01
# Known warps are meant for bodies; a knee is about half as large, so all lengths are halved.
KNEE_RATIO = 2.0
N_WARP_POINTS = 40
KNEE_SEEDS = (1, 2)
PARTS: Mapping[str, Mapping[str, tuple[int, ...]]] = {
    HIPPOCAMPUS: {"anterior_middle": (1,), "posterior_middle": (2,), "whole_middle": (1, 2)},
    HEARTS: {"atrium_middle": (1,)},
}
# Names of the ends, lower then higher, along x, y and z; hearts do not say how they lie.
ENDS: Mapping[str, tuple[tuple[str, str], ...]] = {
    HIPPOCAMPUS: (("right_end", "left_end"), ("front_end", "back_end"), ("low_end", "high_end")),
    HEARTS: (("x_low_end", "x_high_end"), ("y_low_end", "y_high_end"), ("z_low_end", "z_high_end")),
}


@dataclass(frozen=True)
class Marked:
    """A scan of a set with its mask.

    Attributes:
        set: its folder.
        name: of the subject.
        image, mask: files.
    """

    set: str
    name: str
    image: Path
    mask: Path

    @cached_property
    def volume(self) -> Volume:
        """The scan, as MR."""
        return as_mr(read(self.image))

    @cached_property
    def places(self) -> dict[str, Points]:
        """Places by name, (3,) LPS mm each.

        Raises:
            ReadError: the mask lies on another grid, or shows nothing.
        """
        mask = read(self.mask)
        if mask.array.shape != self.volume.array.shape:
            raise ReadError(
                f"The mask {self.mask.name} has {mask.array.shape} voxels, its scan "
                f"{self.volume.array.shape}.",
                code="files-missing",
            )
        labels = np.rint(np.asarray(mask.array)).astype(int)
        return known_places(labels, self.volume.geometry, self.set)


def known_places(
    labels: NDArray[np.int_], geometry: Geometry, name_of_set: str
) -> dict[str, Points]:
    """Give middles of parts and ends of the whole, by name, (3,) LPS mm each.

    Args:
        labels: (k, j, i) numbers of parts.
        geometry: of the mask's grid.
        name_of_set: which parts and ends there are.

    Raises:
        ReadError: a part is missing.
    """
    found = {}
    for name, numbers in PARTS[name_of_set].items():
        index = np.argwhere(np.isin(labels, numbers)).astype(np.float64)
        if not len(index):
            raise ReadError(f"A mask of {name_of_set} has no {name}.", code="files-missing")
        found[name] = geometry.to_mm(index).mean(axis=0)
    mm = geometry.to_mm(np.argwhere(labels > 0).astype(np.float64))
    for axis, names in enumerate(ENDS[name_of_set]):
        low, high = np.quantile(mm[:, axis], (END_SHARE, 1 - END_SHARE))
        for name, part in zip(names, (mm[:, axis] <= low, mm[:, axis] >= high), strict=True):
            found[name] = mm[part].mean(axis=0)
    return found


def marked(data: Path, name_of_set: str, split: str) -> list[Marked]:
    """List the scans of a split that have a mask.

    Args:
        data: folder with mr/.
        name_of_set: folder in it.
        split: "train", "val" or "test".
    """
    folder = data / "mr" / name_of_set
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as stream:
        lines = [line for line in csv.DictReader(stream) if line["split"] == split]
    return [
        Marked(name_of_set, line["subject"], folder / line["file"], folder / line["label_file"])
        for line in lines
        if line["label_file"]
    ]


def pairs(scans: list[Marked], most: int) -> list[tuple[Marked, Marked]]:
    """Pair each scan with the next, then with the one after that; at most so many, one way."""
    n = len(scans)
    found = [(scans[a], scans[(a + step) % n]) for step in range(1, n) for a in range(n)]
    seen: set[frozenset[str]] = set()
    kept = []
    for a, b in found:
        both = frozenset((a.name, b.name))
        if len(both) == 2 and both not in seen:
            seen.add(both)
            kept.append((a, b))
    return kept[:most]


def across(a: Marked, b: Marked) -> Asked:
    """Ask for all places of one scan in another."""

    def make() -> Case:
        names = tuple(sorted(a.places.keys() & b.places.keys()))
        return Case(
            f"{a.name} to {b.name}", a.volume, b.volume,
            np.array([a.places[name] for name in names]),
            np.array([b.places[name] for name in names]), names,
        )  # fmt: skip

    version = digest(*(one.places[name] for one in (a, b) for name in sorted(one.places)))
    return Asked(f"{a.name} to {b.name}", version, make)


def heads(data: Path) -> list[Asked]:
    """Ask for the 32 landmarks of each head in the other."""
    folder = data / "mr" / HEADS
    volumes: dict[str, Volume] = {}
    places: dict[str, dict[str, Points]] = {}
    with (folder / "landmarks.csv").open(encoding="utf-8", newline="") as stream:
        for line in csv.DictReader(stream):
            image = line["image"]
            if image not in volumes:
                volumes[image] = as_mr(read(folder / image))
            index = np.array([[float(line["z"]), float(line["y"]), float(line["x"])]])
            mm = volumes[image].geometry.to_mm(index)[0]
            places.setdefault(image, {})[line["name"]] = mm
    asked = []
    for one in sorted(places):
        for other in sorted(places):
            names = tuple(sorted(places[one].keys() & places[other].keys()))
            if one == other or not names:
                continue
            case = Case(
                f"{Path(one).name.split('.')[0]} to {Path(other).name.split('.')[0]}",
                volumes[one], volumes[other],
                np.array([places[one][name] for name in names]),
                np.array([places[other][name] for name in names]), names,
            )  # fmt: skip
            asked.append(_asked(case))
    return asked


def knee(data: Path, seeds: tuple[int, ...] = KNEE_SEEDS) -> list[Asked]:
    """Ask for places of the knee in bent, cropped, recolored copies of it."""
    volume = read(data / "mr" / KNEE)
    return [_warp_asked(volume, seed) for seed in seeds]


def _warp_asked(volume: Volume, seed: int) -> Asked:
    def make() -> Case:
        return warped(f"knee, warp {seed}", volume, seed)

    return Asked(f"knee, warp {seed}", digest(volume.geometry.affine, seed), make)


def warped(name: str, volume: Volume, seed: int, n: int = N_WARP_POINTS) -> Case:
    """Make a warped copy of MR with exact places; lengths of the warp are half those of a body's.

    The values are brought to the fixed numbers first, since the changes of grey are in HU.
    """
    fixed = np.rint(Scale.of(volume).fixed(np.asarray(volume.array, np.float32)))
    body = Volume(fixed.astype(np.int16), times(volume.geometry, KNEE_RATIO))
    case = make_case(name, body, seed, n)
    copy = Volume(
        case.target.array, times(case.target.geometry, 1 / KNEE_RATIO), Modality.MR, Unit.NONE
    )
    return replace(
        case,
        name=name,
        template=as_mr(volume),
        target=copy,
        places=case.places / KNEE_RATIO,
        truth=case.truth / KNEE_RATIO,
        absent=None,
    )


def read(path: Path) -> Volume:
    """Read a volume.

    Raises:
        ReadError: it cannot be read, or is none.
    """
    opened = finish(registry.open_path(path))
    if not isinstance(opened.image, Volume):
        raise ReadError(f"{path.name} is no volume.", code="not-a-volume")
    return opened.image


def as_mr(volume: Volume) -> Volume:
    """Say of a volume that it is MR, which a NIfTI file cannot."""
    return replace(volume, modality=Modality.MR, unit=Unit.NONE)


def as_ct(volume: Volume) -> Volume:
    """Pretend that MR is CT: its values at the fixed numbers, called HU."""
    fixed = np.rint(Scale.of(volume).fixed(np.asarray(volume.array, np.float32)))
    return Volume(fixed.astype(np.int16), volume.geometry, Modality.CT, Unit.HU)


def times(geometry: Geometry, ratio: float) -> Geometry:
    """Give a grid with all its millimetres times `ratio`."""
    affine = geometry.affine.copy()
    affine[:3] *= ratio
    return Geometry(geometry.shape, affine)


def _asked(case: Case) -> Asked:
    return Asked(case.name, digest(case.places, case.truth), lambda: case)
