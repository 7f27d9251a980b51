"""SAM of MR: values without a unit, scans of any size, no made patients.

The lengths of SAM (how far views are bent, which cells are too near to be negative) are those of a
body seen in voxels of 2.5 mm. A scan of MR shows a knee or a hippocampus in finer ones, and every
length shrinks with them; so the scans are laid out as if their voxels were 2.5 mm, and figures are
told in true millimetres.
"""

from collections.abc import Generator as Steps
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Generator, Tensor, nn

from samdesk.core.progress import Progress
from samdesk.core.runs import RunPlan
from samdesk.core.volume import Modality
from samdesk.errors import RunError
from samdesk.model.intensities import AIR, PERCENTILE
from samdesk.training import evaluate
from samdesk.training.base import Prepared, Provenance
from samdesk.training.data import augment_mr, scans
from samdesk.training.data.pairs import LEAST_SHARED, N_DRAWN, Pair, PairSource
from samdesk.training.data.scans import TrainingScan
from samdesk.training.data.views import View, cut
from samdesk.training.export import Promise, export
from samdesk.training.methods.sam import (
    MULTIPLE_OF,
    N_HELD_OUT_PAIRS,
    Output,
    SamMethod,
    SamSettings,
)
from samdesk.training.networks.sam import COARSE_STRIDE, FINE_STRIDE
from samdesk.training.windows import WINDOWS, windowed

# The voxels for which the lengths of SAM's settings are meant.
REFERENCE_MM = 2.5
LARGEST_SIDE = 64
SMALLEST_SIDE = 32
# What a plan need not say. Other scans show the same part here, so what looks most alike in them is
# the same place and no negative.
DEFAULTS: Mapping[str, object] = {
    "spacing_mm": 1.25,
    "pairs": 4,
    "n_negatives": 2048,
    "n_pool": 4096,
    "drop_share": 0.5,
    "phantom_share": 0.0,
    "n_places": 128,
    "shapes": (),
}


@dataclass(frozen=True)
class MrSettings(SamSettings):
    """Settings of SAM for MR.

    Attributes:
        modality: MR.
        intensities: percentile, as `model.intensities` has it.
        drawing: `shapes` empty: patches as large as each scan, 32 to 64 voxels a side.
    """

    modality: str = Modality.MR.value
    intensities: str = PERCENTILE


class MrPairSource(PairSource):
    """Draws pairs from scans of MR: patches that fit each scan, grey values changed as MR's do."""

    def _attempt(self) -> Pair | None:
        if self.weights is None:
            raise RunError("There are no scans to draw pairs from.")
        scan = self.real[int(torch.multinomial(self.weights, 1, generator=self.rng))]
        shapes = self.settings.shapes or (fitted(scan),)
        picked = torch.randint(len(scan.body), (N_DRAWN,), generator=self.rng)
        within = torch.rand(N_DRAWN, 3, generator=self.rng) - 0.5
        places = scan.body[picked] + within * self.spacing_mm
        return self._pair(scan, scan, places, places, shapes[self._int(len(shapes))])

    def _patch(self, scan: TrainingScan, view: View) -> Tensor:
        values = cut(scan.hu, scan.origin, self.spacing_mm, view, AIR)
        return augment_mr.augmented(values, self.rng)


class MrMethod(SamMethod):
    """The method sam with the setting `modality = "MR"`."""

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "MrMethod":
        """Make the method of a plan's settings.

        Raises:
            RunError: a setting that it does not have, or a value that makes no sense.
        """
        made = MrSettings.from_plan({**DEFAULTS, **settings})
        shapes = tuple((int(k), int(j), int(i)) for k, j, i in made.drawing.shapes)
        if any(side % MULTIPLE_OF or side < MULTIPLE_OF for shape in shapes for side in shape):
            raise RunError(f"The sides of a patch are multiples of {MULTIPLE_OF} voxels.")
        return cls(replace(made, drawing=replace(made.drawing, shapes=shapes)))

    def prepare(self, plan: RunPlan, folder: Path) -> Steps[Progress, None, Prepared]:
        """Bring all scans onto the network's grid; held-out pairs are drawn once."""
        mm, drawing = self.settings.spacing_mm, self.settings.drawing
        if any(item.startswith("phantom:") for item in plan.data):
            raise RunError("The made patients are CT; a model of MR learns from scans only.")
        cache = folder / "cache"
        ours = yield from _loaded(plan.data, mm, cache)

        def source(rng: Generator) -> MrPairSource:
            return MrPairSource(ours, REFERENCE_MM, drawing, rng)

        if not plan.validation:
            return Prepared(source)
        held = yield from _loaded(plan.validation, mm, cache)
        drawn = MrPairSource(held, REFERENCE_MM, drawing, Generator().manual_seed(0))
        fixed = [replace(drawn.draw(), spacing_mm=mm) for _ in range(N_HELD_OUT_PAIRS)]
        inputs = [windowed(torch.stack([pair.first, pair.second])) for pair in fixed]
        return Prepared(source, lambda network: evaluate.held_out(network, fixed, inputs))

    def outputs(self, network: nn.Module, drawn: Sequence[Pair]) -> list[Output]:
        """Run the network in full precision: on maps as small as these bf16 gives NaN at times."""
        with torch.autocast(drawn[0].first.device.type, enabled=False):
            return super().outputs(network, drawn)

    def export(
        self, network: nn.Module, plan: RunPlan, told: Provenance, folder: Path
    ) -> dict[str, Any]:
        """Write the model folder, for MR."""
        s = self.settings
        promise = Promise(
            modality=Modality.MR,
            spacing_mm=s.spacing_mm,
            multiple_of=MULTIPLE_OF,
            windows=WINDOWS,
            strides=(FINE_STRIDE, COARSE_STRIDE),
            size=s.size,
            intensities=PERCENTILE,
        )
        info, least = export(network, promise, plan, told, folder)
        return {"folder": str(info.folder), "least_cosine": round(least, 6), "sha256": info.sha256}


def _loaded(
    data: Sequence[str], spacing_mm: float, cache: Path
) -> Steps[Progress, None, list[TrainingScan]]:
    """Load scans, laid out; those with too little tissue to draw from are named and left."""
    loaded = yield from scans.load(data, spacing_mm, cache, 0, PERCENTILE)
    for scan in loaded:
        if len(scan.body) < LEAST_SHARED:
            yield Progress(0, 0, f"skipped {scan.name}: it shows too little tissue")
    usable = [laid_out(scan, spacing_mm) for scan in loaded if len(scan.body) >= LEAST_SHARED]
    if not usable:
        raise RunError(
            f"None of the scans shows enough tissue in voxels of {spacing_mm:g} mm.",
            code="nothing-to-open",
            hint="Set a smaller spacing_mm in the settings of the plan.",
        )
    return usable


def fitted(scan: TrainingScan) -> tuple[int, int, int]:
    """Give a patch that holds a small scan whole and a part of a large one, (k, j, i) voxels."""
    k, j, i = (
        min(LARGEST_SIDE, max(SMALLEST_SIDE, -(-n // MULTIPLE_OF) * MULTIPLE_OF))
        for n in scan.hu.shape
    )
    return k, j, i


def laid_out(scan: TrainingScan, spacing_mm: float) -> TrainingScan:
    """Give a scan whose places are counted as if its voxels had the reference's edge."""
    ratio = REFERENCE_MM / spacing_mm
    return replace(scan, origin=scan.origin * ratio, body=scan.body * ratio)
