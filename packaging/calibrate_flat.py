"""Fit the probabilities of a model for radiographs and write them into its manifest.

    .venv/bin/python packaging/calibrate_flat.py models/sam-xray [--data DIR] [--dry-run]

Templates of JSRT's split train are matched in the pictures of split val, whole and with a part cut
away; what is right is known from the marked points. No picture of split test is opened, and none
was trained on.
"""

import argparse
import csv
import os
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from samdesk.core.radiograph import Radiograph
from samdesk.io.picture_sets import read_list
from samdesk.io.registry import finish
from samdesk.model import flat_calibration, manifest
from samdesk.model.calibration import area_under_curve, expected_error
from samdesk.model.flat import FlatMatcher, embed_picture
from samdesk.model.flat_calibration import FlatSigns
from samdesk.model.session import Session

N_TEMPLATES = 4
# A match is right within this part of the longer side: 14 mm of a chest film.
RIGHT_SHARE = 0.04
SEED = 7

Places = NDArray[np.float64]


def main() -> None:
    """Match, fit, tell the figures of a fit on the other half, and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("SAMDESK_DATA", "data")))
    parser.add_argument("--dry-run", action="store_true")
    asked = parser.parse_args()
    info = manifest.read(asked.model)
    signs, right, number = examples(Session(info, "cpu"), asked.data / "xray" / "jsrt")
    p = np.zeros(len(signs))
    for half in (0, 1):
        fitted = flat_calibration.fit(
            [s for s, n in zip(signs, number, strict=True) if n % 2 != half],
            right[number % 2 != half],
        )
        chosen = number % 2 == half
        p[chosen] = fitted.probabilities(
            np.array([s.features() for s, c in zip(signs, chosen, strict=True) if c])
        )
    fitted = flat_calibration.fit(signs, right)
    figures = {
        "calibration_examples": float(len(signs)),
        "calibration_right": round(float(right.mean()), 4),
        "calibration_auc": round(area_under_curve(p, right), 4),
        "calibration_ece": round(expected_error(p, right), 4),
    }
    print(figures, fitted.numbers())
    for name, chosen in (
        ("found", p >= fitted.found_above),
        ("absent", p < fitted.absent_below),
    ):
        print(
            name, int(chosen.sum()), "right", float(right[chosen].mean()) if chosen.any() else "-"
        )
    if not asked.dry_run:
        figures = {**info.figures, **figures}
        manifest.write(replace(info, calibration=fitted.numbers(), figures=figures), asked.model)


def examples(
    session: Session, folder: Path
) -> tuple[list[FlatSigns], NDArray[np.bool_], NDArray[np.int64]]:
    """Give the signs of matches, whether each was right, and the number of its target."""
    marks: dict[str, dict[str, tuple[float, float]]] = defaultdict(dict)
    with (folder / "landmarks_key.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            marks[row["image"]][row["name"]] = float(row["x"]), float(row["y"])
    listed = [one for one in read_list(folder) if one.file in marks]
    names = sorted({name for each in marks.values() for name in each})
    rng = np.random.default_rng(SEED)
    train = [one for one in listed if one.split == "train"]
    chosen = [train[n] for n in rng.permutation(len(train))[:N_TEMPLATES]]
    templates = [
        (finish(embed_picture(finish(one.open()), session)), places(marks[one.file], names))
        for one in chosen
    ]
    matcher = FlatMatcher(session.info)
    signs: list[FlatSigns] = []
    right: list[bool] = []
    number: list[int] = []
    for n, one in enumerate(one for one in listed if one.split == "val"):
        picture = finish(one.open())
        for part, shift in (picture, np.zeros(2)), cut(picture, rng):
            target = finish(embed_picture(part, session))
            truth = places(marks[one.file], names) - shift
            size = np.array(part.array.shape[::-1])
            inside = ((truth >= 0) & (truth <= size - 1)).all(axis=1)
            for template, at in templates:
                found = matcher.locate(template, at, target)
                miss = np.linalg.norm(found.at_px - truth, axis=1)
                signs += found.signs
                right += list(inside & (miss <= RIGHT_SHARE * max(part.array.shape)))
                number += [n] * len(names)
    return signs, np.array(right), np.array(number)


def places(marks: dict[str, tuple[float, float]], names: list[str]) -> Places:
    """Give the (n, 2) places of a picture in the order of the names, NaN for none."""
    return np.array([marks.get(name, (np.nan, np.nan)) for name in names])


def cut(picture: Radiograph, rng: np.random.Generator) -> tuple[Radiograph, Places]:
    """Keep the upper, lower, left or right part, 45 to 65 percent; and what was cut away first."""
    rows, columns = picture.array.shape
    share, side = rng.uniform(0.45, 0.65), int(rng.integers(4))
    j, i = (round(n * (1 - share)) for n in (rows, columns))
    box = [(0, 0, columns, rows - j), (0, j, columns, rows), (0, 0, columns - i, rows)]
    left, top, right, bottom = [*box, (i, 0, columns, rows)][side]
    part = np.array(picture.array[top:bottom, left:right])
    kept = Radiograph(part, picture.pixel_mm, picture.scale, picture.is_inverted, picture.modality)
    return kept, np.array([left, top], np.float64)


if __name__ == "__main__":
    main()
