"""The real scans beside the repository: which there are, and what is marked in them."""

import csv
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from samdesk.core.geometry import Position
from samdesk.core.progress import Progress
from samdesk.core.volume import Volume
from samdesk.errors import ReadError
from samdesk.io import registry

# Where a tumor lies says nothing of where another patient's lies.
OF_ONE_PATIENT = ("tumor", "tumour", "lesion", "ln_")


@dataclass(frozen=True)
class RealScan:
    """A line of the manifest.

    Attributes:
        name: of the scan, without anything of a person.
        path: of the volume.
        split: "train", "val" or "test".
        patient: who it shows; pairs of one patient are no pairs across patients.
        pair_of: name of another scan of the same sitting, or empty.
        part: of the body, in words.
        points: marked places by name, whole organs only, LPS mm.
    """

    name: str
    path: Path
    split: str
    patient: str
    pair_of: str
    part: str
    points: dict[str, Position]

    @property
    def is_whole(self) -> bool:
        """Whether the scan shows the body's outline, not a block cut out of it."""
        return "crop" not in self.part

    def open(self) -> Generator[Progress, None, Volume]:
        """Read the volume.

        Raises:
            ReadError: it cannot be read.
        """
        opened = yield from registry.open_path(str(self.path))
        if not isinstance(opened.image, Volume):
            raise ReadError(f"{self.name} is no volume.", code="not-a-volume")
        return opened.image


def real_scans(data: Path, *splits: str) -> list[RealScan]:
    """List the scans of some splits, in the order of the manifest.

    Args:
        data: folder with ct/manifest.csv.
        splits: "train", "val", "test".

    Raises:
        ReadError: there is no manifest.
    """
    folder = data / "ct"
    try:
        with (folder / "manifest.csv").open(encoding="utf-8", newline="") as stream:
            lines = list(csv.DictReader(stream))
    except OSError as error:
        raise ReadError(
            f"There is no list of scans at {folder / 'manifest.csv'}.",
            code="files-missing",
            hint="Name the folder of the scans with --data, or leave it out.",
        ) from error
    return [
        RealScan(
            name=line["case"],
            path=folder / line["file"],
            split=line["split"],
            patient=line["patient_id"],
            pair_of=line["pair_of"],
            part=line["body_range"],
            points=_points(folder, line["landmark_file"]),
        )
        for line in lines
        if line["split"] in splits
    ]


def _points(folder: Path, name: str) -> dict[str, Position]:
    """Read marked places; those of organs that the edge of the scan cuts are left out."""
    if not name:
        return {}
    with (folder / name).open(encoding="utf-8", newline="") as stream:
        return {
            line["name"]: (float(line["x"]), float(line["y"]), float(line["z"]))
            for line in csv.DictReader(stream)
            if line["cut_by_edge"] != "1" and not line["name"].lower().startswith(OF_ONE_PATIENT)
        }
