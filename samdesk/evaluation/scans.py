"""The real scans beside the repository: which there are, and what is marked in them."""

import csv
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from samdesk.core.geometry import Position
from samdesk.core.progress import Progress
from samdesk.core.volume import Volume
from samdesk.errors import ReadError
from samdesk.io import registry

# Marks of this kind are 5 to 8 mm uncertain, as the data's README says.
AUTOMATIC = "auto_lung_apex"
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
        masks: file of masks on the scan's grid, or None.
        labels: number in that file by the name of the organ.
        automatic: names of the points that a program found to some mm only (lung apices).
    """

    name: str
    path: Path
    split: str
    patient: str
    pair_of: str
    part: str
    points: dict[str, Position]
    masks: Path | None = None
    labels: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    automatic: frozenset[str] = frozenset()

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
            **_marks(folder, line),
        )
        for line in lines
        if line["split"] in splits
    ]


def _marks(folder: Path, line: Mapping[str, str]) -> dict[str, Any]:
    """Read marked places; those of organs that the edge of the scan cuts are left out."""
    masks = folder / line["seg_file"] if line.get("seg_file") else None
    if not line["landmark_file"]:
        return {"points": {}, "masks": masks}
    with (folder / line["landmark_file"]).open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    lasting = [row for row in rows if not row["name"].lower().startswith(OF_ONE_PATIENT)]
    return {
        "points": {
            row["name"]: (float(row["x"]), float(row["y"]), float(row["z"]))
            for row in lasting
            if row["cut_by_edge"] != "1"
        },
        "masks": masks,
        "labels": {row["name"]: int(row["label"]) for row in lasting if row["label"].isdigit()},
        "automatic": frozenset(row["name"] for row in lasting if row["kind"] == AUTOMATIC),
    }
