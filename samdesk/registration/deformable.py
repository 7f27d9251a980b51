"""Affine and then a B-spline deformation by mutual information, the stronger classic baseline.

Source:
    Rueckert et al., Nonrigid registration using free-form deformations, IEEE TMI 18(8), 1999;
    LBFGSB of Byrd, Lu, Nocedal, Zhu, 1995, as in ITK.
"""

from collections.abc import Generator
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

import numpy as np

from samdesk.core.geometry import Geometry
from samdesk.core.progress import Progress
from samdesk.core.volume import Volume
from samdesk.registration import affine
from samdesk.registration.affine import BINS, SEED, SPACING_MM, Prepared, prepare
from samdesk.registration.field import Lattice, lattice_over, spline_of
from samdesk.registration.images import is_hu, shrunk, toolkit
from samdesk.registration.transform import Registration, execute

GRID_MM = 40.0


@dataclass(frozen=True)
class Level:
    """One round of the optimization.

    Attributes:
        image: shrink factor of both images.
        grid: how many of the finest control distances lie between two control points.
        share: of the voxels that are compared.
        iterations: at most.
    """

    image: int
    grid: int
    share: float
    iterations: int


COARSEST = 2
LEVELS = (Level(2, 2, 0.5, 40), Level(1, 1, 0.12, 30))
# From a start that bends already, the coarse control points have nothing left to find, and images
# of half the resolution made it worse (0.8 to 5 mm on a made body).
NEAR_LEVELS = (Level(1, 1, 0.2, 7),)
# Of 40 bins between air and metal, fat, muscle and organs would share three; on this scale they
# take most. It took a warped abdomen from 5.1 to 3.9 mm.
TISSUE = (
    (-1000.0, -600.0, -200.0, -20.0, 200.0, 400.0, 1000.0),
    (0.0, 100.0, 200.0, 350.0, 850.0, 950.0, 1000.0),
)


def register(
    fixed: Volume,
    moving: Volume,
    grid_mm: float = GRID_MM,
    start: Registration | None = None,
    spacing_mm: float = SPACING_MM,
    *,
    bend: Any = None,
) -> Generator[Progress, None, Registration]:
    """Find the affine and then the smooth deformation that take places of `fixed` to `moving`.

    Args:
        fixed: where points are known.
        moving: where they are looked for.
        grid_mm: distance of the finest control points.
        start: the affine of these two volumes, where it is known; its seconds are counted too.
        spacing_mm: of the finest images that are compared.
        bend: spline on `control_lattice` that comes before the affine of `start`; the control
            points begin with it, and the coarse ones, which have nothing left to find, are skipped.

    Returns:
        The registration; the same for the same input.

    Raises:
        SamdeskError: as in `affine.register`.
    """
    started = perf_counter() - (start.seconds if start is not None else 0.0)
    pair = prepare(fixed, moving, spacing_mm)
    if is_hu(fixed, moving):
        seen = replace(pair, fixed=_tissue(pair.fixed), moving=_tissue(pair.moving))
    else:
        seen = pair
    base = (yield from affine.fit(pair))[0] if start is None else start.inner
    lattice = control_lattice(fixed.geometry, grid_mm)
    spline, metric = yield from _bend(seen, base, lattice, bend)
    method = "affine + B-spline" if bend is None else "SAM + B-spline"
    return Registration(method, metric, perf_counter() - started, spline)


def control_lattice(geometry: Geometry, grid_mm: float = GRID_MM) -> Lattice:
    """Lay the finest control points over the fixed volume."""
    return lattice_over(geometry, grid_mm * COARSEST).refined(COARSEST)


def _bend(
    pair: Prepared, base: Any, finest: Lattice, start: Any
) -> Generator[Progress, None, tuple[Any, float]]:
    """Optimize the control points level by level, before `base`."""
    sitk = toolkit()
    levels = LEVELS if start is None else NEAR_LEVELS
    spline = None if start is None else sitk.BSplineTransform(start)
    metric = float("nan")
    for done, level in enumerate(levels):
        lattice = finest.coarsened(level.grid)
        if spline is None or tuple(spline.GetTransformDomainMeshSize()) != lattice.cells:
            flat = spline_of(lattice, np.zeros((int(np.prod(lattice.counts)), 3)))
            spline = flat if spline is None else _refined(spline, flat)
        method = _method(pair, spline, base, level.share, level.iterations)
        progress = Progress(done, len(levels), "B-spline")
        fixed, moving = shrunk(pair.fixed, level.image), shrunk(pair.moving, level.image)
        yield from execute(method, fixed, moving, progress)
        metric = float(method.GetMetricValue())
    # Of a composite the last transform is applied first: bend in the fixed volume, then go over.
    return sitk.CompositeTransform([base, spline]), metric


def _tissue(image: Any) -> Any:
    """Put HU on a scale on which soft tissue takes most of the room."""
    sitk = toolkit()
    values = np.interp(sitk.GetArrayViewFromImage(image), *TISSUE).astype(np.float32)
    out = sitk.GetImageFromArray(values)
    out.CopyInformation(image)
    return out


def _refined(coarse: Any, fine: Any) -> Any:
    """Give the same deformation on the control grid of `fine`, which lies over the same volume."""
    sitk = toolkit()
    images = []
    for ours, theirs in zip(
        coarse.GetCoefficientImages(), fine.GetCoefficientImages(), strict=True
    ):
        values = sitk.Resample(
            ours, theirs, sitk.Transform(3, sitk.sitkIdentity), sitk.sitkBSplineResamplerOrder3
        )
        images.append(sitk.BSplineDecomposition(values, 3))
    return sitk.BSplineTransform(images, 3)


def _method(pair: Prepared, spline: Any, linear: Any, share: float, iterations: int) -> Any:
    sitk = toolkit()
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(BINS)
    method.SetMetricSamplingStrategy(method.REGULAR)
    method.SetMetricSamplingPercentage(share, SEED)
    method.SetMetricFixedMask(pair.fixed_mask)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsLBFGSB(1e-5, iterations, 5, 2 * iterations, 1e7)
    method.SetMovingInitialTransform(linear)
    method.SetInitialTransform(spline, True)
    return method
