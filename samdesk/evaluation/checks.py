"""What is wrong with the real CT scans of an evaluation, found before it runs, in one list."""

import csv
from collections.abc import Mapping
from pathlib import Path

from samdesk.core.volume import Volume
from samdesk.errors import SamdeskError
from samdesk.evaluation.marked import misfits
from samdesk.evaluation.scans import RealScan, real_scans
from samdesk.io import registry
from samdesk.io.base import finish

COLUMNS = ("case", "file", "split", "patient_id", "pair_of", "body_range", "landmark_file")
PLACE_COLUMNS = ("name", "x", "y", "z", "kind", "cut_by_edge", "label")


def ct_problems(data: Path, *splits: str) -> list[str]:
    """Look at the scans of some splits, their masks and their landmarks.

    Args:
        data: folder with ct/manifest.csv.
        splits: that will be used.

    Returns:
        A sentence for each file that is missing or does not fit; empty where all is well.

    Raises:
        ReadError: there is no manifest.
    """
    folder = data / "ct"
    lines, problems = _lines(folder, splits)
    if problems:
        return problems
    for line in lines:
        problems += _missing(folder, line)
        if line["landmark_file"] and (folder / line["landmark_file"]).is_file():
            problems += _odd_places(folder / line["landmark_file"])
    if problems:
        return problems  # what cannot be read cannot be compared
    for scan in real_scans(data, *splits):
        problems += _misfits(scan)
    return problems


def _lines(folder: Path, splits: tuple[str, ...]) -> tuple[list[dict[str, str]], list[str]]:
    real_scans(folder.parent)  # raises where there is no manifest
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        absent = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
        if absent:
            return [], [f"ct/manifest.csv has no column {', '.join(absent)}."]
        return [line for line in reader if line["split"] in splits], []


def _missing(folder: Path, line: Mapping[str, str]) -> list[str]:
    kinds = (("file", "scan"), ("seg_file", "masks"), ("landmark_file", "landmarks"))
    return [
        f"The {kind} of {line['case']} are missing: ct/{line[column]}."
        if kind != "scan"
        else f"The scan {line['case']} is missing: ct/{line[column]}."
        for column, kind in kinds
        if line.get(column) and not (folder / line[column]).exists()
    ]


def _odd_places(path: Path) -> list[str]:
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        absent = [name for name in PLACE_COLUMNS if name not in (reader.fieldnames or ())]
        if absent:
            return [f"{path.name} has no column {', '.join(absent)}."]
        problems = []
        for row in reader:
            try:
                _ = [float(row[axis]) for axis in "xyz"]
            except (TypeError, ValueError):
                problems.append(f"{path.name}: the place {row['name']} has no three coordinates.")
        return problems


def _misfits(scan: RealScan) -> list[str]:
    """Open a scan and its masks, and compare both with what is marked."""
    try:
        volume = finish(scan.open())
        problems = misfits(scan, volume.geometry)
        if scan.masks is not None:
            masks = finish(registry.open_path(str(scan.masks))).image
            if not isinstance(masks, Volume) or masks.array.shape != volume.array.shape:
                problems.append(f"The masks of {scan.name} do not lie on the grid of that scan.")
    except SamdeskError as error:
        return [f"{scan.name} cannot be used: {error.what}"]
    return problems
