"""Registration of two radiographs: affine, then a B-spline, by mutual information.

Places are pixels (x, y) of the picture's own grid; 0, 0 is the centre of the first pixel.

Source:
    Mattes et al., PET-CT image registration in the chest using free-form deformations,
    IEEE TMI 22(1), 2003; Rueckert et al., IEEE TMI 18(8), 1999.
"""

from collections.abc import Generator
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samdesk.core.progress import Progress
from samdesk.core.radiograph import Radiograph
from samdesk.errors import SamdeskError
from samdesk.registration.images import toolkit
from samdesk.registration.transform import execute

LONG_SIDE_PX = 256
BINS = 32
SEED = 20261121
# Shrink factor, share of pixels sampled, steps.
AFFINE_LEVELS = ((4, 1.0, 60), (2, 0.5, 40))
SPLINE_LEVELS = ((4, 1.0, 40, 5), (2, 0.6, 40, 10))
# Between two pictures of one kind an area changes less than this.
LEAST_AREA, MOST_AREA = 0.25, 4.0
# Fewer pixels than this leave nothing for a gradient.
THINNEST_PX = 16

Places = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FlatRegistration:
    """A transform from the fixed picture to the moving one.

    Attributes:
        method: "affine" or "affine + B-spline".
        metric: similarity of grey values at the end; smaller is better.
        seconds: time taken, resampling included.
        inner: SimpleITK transform that takes pixels (x, y) of fixed to those of moving.
    """

    method: str
    metric: float
    seconds: float
    inner: Any

    def map_points(self, px: Places) -> Places:
        """Take (n, 2) pixels (x, y) of the fixed picture to those of the moving one."""
        rows = [self.inner.TransformPoint([float(v) for v in at]) for at in np.asarray(px)]
        return np.array(rows, dtype=np.float64).reshape(-1, 2)


def register(
    fixed: Radiograph, moving: Radiograph
) -> Generator[Progress, None, tuple[FlatRegistration, FlatRegistration]]:
    """Find the affine, and then the smooth deformation, that take places of `fixed` to `moving`.

    Args:
        fixed: where points are known.
        moving: where they are looked for; a picture of the same part of the body.

    Returns:
        Affine, and affine + B-spline; the same for the same input.

    Raises:
        SamdeskError: a picture is too small, the optimizer gave up, or the affine ran away.
    """
    started = perf_counter()
    ours, theirs = _working(fixed), _working(moving)
    linear = yield from _affine(ours, theirs)
    affine = FlatRegistration("affine", linear[1], perf_counter() - started, linear[0])
    spline, metric = yield from _bend(ours, theirs, linear[0])
    seconds = perf_counter() - started
    return affine, FlatRegistration("affine + B-spline", metric, seconds, spline)


def _working(picture: Radiograph) -> Any:
    """Give the picture with its percentiles at 0 and 1, so large that its long side is 256."""
    sitk = toolkit()
    values = np.asarray(picture.array, np.float32)
    if min(values.shape) < THINNEST_PX:
        raise SamdeskError(
            f"A picture of {values.shape[1]} x {values.shape[0]} pixels is too small to register."
        )
    low, high = (float(v) for v in np.percentile(values, (1, 99)))
    values = np.clip((values - low) / max(high - low, 1e-6), -0.1, 1.1)
    image = sitk.GetImageFromArray(-values if picture.is_inverted else values)
    step = max(values.shape) / LONG_SIDE_PX
    if step <= 1:
        return image
    smooth = sitk.SmoothingRecursiveGaussian(image, 0.4 * step)
    size = [max(1, round(n / step)) for n in image.GetSize()]
    spacing = [n / m for n, m in zip(image.GetSize(), size, strict=True)]
    origin = [(s - 1) / 2 for s in spacing]
    return sitk.Resample(
        smooth, size, sitk.Transform(), sitk.sitkLinear, origin, spacing,
        [1.0, 0.0, 0.0, 1.0], 0.0, sitk.sitkFloat32,
    )  # fmt: skip


def _affine(fixed: Any, moving: Any) -> Generator[Progress, None, tuple[Any, float]]:
    sitk = toolkit()
    transform = sitk.AffineTransform(2)
    centers = [
        np.array(image.TransformContinuousIndexToPhysicalPoint([(n - 1) / 2 for n in size]))
        for image, size in ((fixed, fixed.GetSize()), (moving, moving.GetSize()))
    ]
    transform.SetCenter(centers[0].tolist())
    transform.SetTranslation((centers[1] - centers[0]).tolist())
    lengths = [
        np.array(image.GetSize()) * np.array(image.GetSpacing()) for image in (fixed, moving)
    ]
    # Pictures of other sizes show the part at another size: start from the ratio of long sides.
    ratio = float(lengths[1].max() / lengths[0].max())
    transform.SetMatrix([ratio, 0.0, 0.0, ratio])
    metric = float("nan")
    for done, (factor, share, iterations) in enumerate(AFFINE_LEVELS):
        method = _method(share)
        method.SetOptimizerAsConjugateGradientLineSearch(1.0, iterations, 1e-5, 10)
        method.SetOptimizerScalesFromPhysicalShift()
        method.SetInitialTransform(transform, True)
        progress = Progress(done, len(AFFINE_LEVELS) + len(SPLINE_LEVELS), "affine")
        yield from execute(method, _shrunk(fixed, factor), _shrunk(moving, factor), progress)
        metric = float(method.GetMetricValue())
    change = float(np.linalg.det(np.array(transform.GetMatrix()).reshape(2, 2))) / ratio**2
    if not LEAST_AREA <= change <= MOST_AREA:
        raise SamdeskError(
            f"The registration ran away: it changes areas by a factor of {change:.2f}.",
            hint="The two pictures may show different parts of the body.",
        )
    return transform, metric


def _bend(fixed: Any, moving: Any, linear: Any) -> Generator[Progress, None, tuple[Any, float]]:
    sitk = toolkit()
    spline: Any = None
    metric = float("nan")
    for done, (factor, share, iterations, cells) in enumerate(SPLINE_LEVELS):
        grid = sitk.BSplineTransformInitializer(fixed, [cells, cells], 3)
        spline = grid if spline is None else _refined(spline, grid)
        method = _method(share)
        method.SetOptimizerAsLBFGSB(1e-5, iterations, 5, 2 * iterations, 1e7)
        method.SetMovingInitialTransform(linear)
        method.SetInitialTransform(spline, True)
        total = len(AFFINE_LEVELS) + len(SPLINE_LEVELS)
        progress = Progress(len(AFFINE_LEVELS) + done, total, "B-spline")
        yield from execute(method, _shrunk(fixed, factor), _shrunk(moving, factor), progress)
        metric = float(method.GetMetricValue())
    # Of a composite the last transform is applied first: bend in the fixed one, then go over.
    return sitk.CompositeTransform([linear, spline]), metric


def _refined(coarse: Any, fine: Any) -> Any:
    """Give the same deformation on the control grid of `fine`."""
    sitk = toolkit()
    images = []
    pairs = zip(coarse.GetCoefficientImages(), fine.GetCoefficientImages(), strict=True)
    for ours, theirs in pairs:
        values = sitk.Resample(
            ours, theirs, sitk.Transform(2, sitk.sitkIdentity), sitk.sitkBSplineResamplerOrder3
        )
        images.append(sitk.BSplineDecomposition(values, 3))
    return sitk.BSplineTransform(images, 3)


def _method(share: float) -> Any:
    sitk = toolkit()
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(BINS)
    method.SetMetricSamplingStrategy(method.REGULAR)
    method.SetMetricSamplingPercentage(share, SEED)
    method.SetInterpolator(sitk.sitkLinear)
    return method


def _shrunk(image: Any, factor: int) -> Any:
    sitk = toolkit()
    smooth = sitk.SmoothingRecursiveGaussian(image, 0.5 * factor * image.GetSpacing()[0])
    return sitk.Shrink(smooth, [min(factor, max(1, n // 8)) for n in image.GetSize()])
