"""Affine and then a B-spline deformation by mutual information, the stronger classic baseline.

Source:
    Rueckert et al., Nonrigid registration using free-form deformations, IEEE TMI 18(8), 1999;
    LBFGSB of Byrd, Lu, Nocedal, Zhu, 1995, as in ITK.
"""

from collections.abc import Generator
from time import perf_counter
from typing import Any

from samdesk.core.progress import Progress
from samdesk.core.volume import Volume
from samdesk.registration import affine
from samdesk.registration.affine import BINS, SEED, SPACING_MM, Prepared, prepare
from samdesk.registration.images import shrunk, toolkit
from samdesk.registration.transform import Registration, execute

GRID_MM = 40.0
# Coarse to fine: shrink factor of images and control grid alike, share of voxels sampled, steps.
LEVELS = ((2, 0.5, 40), (1, 0.12, 30))


def register(
    fixed: Volume,
    moving: Volume,
    grid_mm: float = GRID_MM,
    start: Registration | None = None,
    spacing_mm: float = SPACING_MM,
) -> Generator[Progress, None, Registration]:
    """Find the affine and then the smooth deformation that take places of `fixed` to `moving`.

    Args:
        fixed: where points are known.
        moving: where they are looked for.
        grid_mm: distance of the finest control points.
        start: the affine of these two volumes, where it is known; its seconds are counted too.
        spacing_mm: of the finest images that are compared.

    Returns:
        The registration; the same for the same input.

    Raises:
        SamdeskError: as in `affine.register`.
    """
    started = perf_counter() - (start.seconds if start is not None else 0.0)
    pair = prepare(fixed, moving, spacing_mm)
    linear = (yield from affine.fit(pair))[0] if start is None else start.inner
    spline, metric = yield from _bend(pair, linear, grid_mm)
    return Registration("affine + B-spline", metric, perf_counter() - started, spline)


def _bend(
    pair: Prepared, linear: Any, grid_mm: float
) -> Generator[Progress, None, tuple[Any, float]]:
    """Optimize the control points, first on a grid and images twice as coarse."""
    sitk = toolkit()
    lengths = [n * s for n, s in zip(pair.fixed.GetSize(), pair.fixed.GetSpacing(), strict=True)]
    coarsest = [max(1, round(length / (grid_mm * LEVELS[0][0]))) for length in lengths]
    spline = sitk.BSplineTransformInitializer(pair.fixed, coarsest, 3)
    metric = float("nan")
    for done, (factor, share, iterations) in enumerate(LEVELS):
        if done:
            finer = [n * LEVELS[0][0] // factor for n in coarsest]
            spline = _refined(spline, sitk.BSplineTransformInitializer(pair.fixed, finer, 3))
        method = _method(pair, spline, linear, share, iterations)
        progress = Progress(done, len(LEVELS), "B-spline")
        fixed, moving = shrunk(pair.fixed, factor), shrunk(pair.moving, factor)
        yield from execute(method, fixed, moving, progress)
        metric = float(method.GetMetricValue())
    # Of a composite the last transform is applied first: bend in the fixed volume, then go over.
    return sitk.CompositeTransform([linear, spline]), metric


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
