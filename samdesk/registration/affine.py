"""Affine registration by mutual information, the first of the two classic baselines.

Mattes mutual information on regular samples inside the body, three resolutions, first rigid
from several starts along the patient's axis (a scan that covers a part of the other has its middle
elsewhere), then with all twelve numbers.

Source:
    Mattes et al., PET-CT image registration in the chest using free-form deformations,
    IEEE TMI 22(1), 2003; the optimizer's scales from physical shifts as in ITKv4.
"""

from collections.abc import Generator
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from samdesk.core.geometry import Points
from samdesk.core.progress import Progress
from samdesk.core.volume import Volume
from samdesk.errors import SamdeskError
from samdesk.registration.images import (
    body_mask,
    is_hu,
    mask_center_mm,
    shrunk,
    toolkit,
    working_image,
)
from samdesk.registration.transform import Registration, check_volume_change, execute

SPACING_MM = 4.0
BINS = 40
SEED = 20261121
START_STEP_MM = 25.0
STARTS_KEPT = 3
STEPS = 6


@dataclass(frozen=True, eq=False)
class Prepared:
    """Two volumes as working images with the body masks of both."""

    fixed: Any
    moving: Any
    fixed_mask: Any
    moving_mask: Any


def prepare(fixed: Volume, moving: Volume, spacing_mm: float = SPACING_MM) -> Prepared:
    """Resample both volumes and find the body in them.

    Raises:
        SamdeskError: one of them is too thin.
    """
    ours, theirs = working_image(fixed, spacing_mm), working_image(moving, spacing_mm)
    hu = is_hu(fixed, moving)
    return Prepared(ours, theirs, body_mask(ours, hu), body_mask(theirs, hu))


def register(
    fixed: Volume,
    moving: Volume,
    spacing_mm: float = SPACING_MM,
    *,
    offset_mm: Points | None = None,
) -> Generator[Progress, None, Registration]:
    """Find the affine that takes places of `fixed` to `moving`.

    Args:
        fixed: where points are known.
        moving: where they are looked for; may show a part of the body only.
        spacing_mm: of the finest images that are compared.
        offset_mm: (3,) from a place of `fixed` to its counterpart, where that is known; then it
            is the only start. Else the starts lie along the line through both bodies' middles.

    Returns:
        The registration; the same for the same input.

    Raises:
        SamdeskError: a volume is too thin, the optimizer gave up, or the result ran away.
    """
    started = perf_counter()
    pair = prepare(fixed, moving, spacing_mm)
    transform, metric = yield from fit(pair, offset_mm)
    return Registration("affine", metric, perf_counter() - started, transform)


def fit(
    pair: Prepared, offset_mm: Points | None = None
) -> Generator[Progress, None, tuple[Any, float]]:
    """Find the affine between two prepared volumes.

    Args:
        pair: of `prepare`.
        offset_mm: as in `register`.

    Returns:
        SimpleITK affine transform in LPS mm, and the metric at its end.

    Raises:
        SamdeskError: as in `register`.
    """
    sitk = toolkit()

    coarse = _level(pair, 2)
    best: tuple[float, Any] | None = None
    for rigid in _starts(coarse) if offset_mm is None else [_start(coarse, offset_mm)]:
        method = _method(coarse, rigid, 0.5, 60)
        try:
            yield from execute(method, coarse.fixed, coarse.moving, Progress(1, STEPS, "rigid"))
        except SamdeskError:
            continue  # this start left the overlap; another may not
        value = float(method.GetMetricValue())
        if best is None or value < best[0]:
            best = value, rigid
    if best is None:
        raise SamdeskError("The registration gave up: the two volumes never overlapped.")
    affine = sitk.AffineTransform(3)
    affine.SetCenter(best[1].GetCenter())
    affine.SetMatrix(best[1].GetMatrix())
    affine.SetTranslation(best[1].GetTranslation())
    metric = best[0]
    for factor, share, iterations, done in ((2, 0.5, 60, 3), (1, 0.25, 40, 5)):
        level = _level(pair, factor)
        method = _method(level, affine, share, iterations)
        yield from execute(method, level.fixed, level.moving, Progress(done, STEPS, "affine"))
        metric = float(method.GetMetricValue())
    check_volume_change(np.array(affine.GetMatrix()).reshape(3, 3))
    return affine, metric


def _level(pair: Prepared, factor: int) -> Prepared:
    """Give the pair at a coarser resolution; masks stay fine, they are asked in mm."""
    return Prepared(
        shrunk(pair.fixed, factor), shrunk(pair.moving, factor), pair.fixed_mask, pair.moving_mask
    )


def _method(pair: Prepared, transform: Any, share: float, iterations: int) -> Any:
    sitk = toolkit()

    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(BINS)
    method.SetMetricSamplingStrategy(method.REGULAR)
    method.SetMetricSamplingPercentage(share, SEED)
    method.SetMetricFixedMask(pair.fixed_mask)
    method.SetInterpolator(sitk.sitkLinear)
    # The line search finds its own step: a fixed one of 2 mm made twelve numbers run away.
    method.SetOptimizerAsConjugateGradientLineSearch(1.0, iterations, 1e-5, 10)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetInitialTransform(transform, True)
    return method


def _starts(pair: Prepared) -> list[Any]:
    """Rank rigid starts along z by the metric and give the best ones."""
    center = mask_center_mm(pair.fixed_mask)
    base = mask_center_mm(pair.moving_mask) - center
    ranked: list[tuple[float, Any]] = []
    for shift in _shifts_z(pair, base[2]):
        rigid = _start(pair, base + np.array([0.0, 0.0, shift]))
        try:
            value = _method(pair, rigid, 0.2, 1).MetricEvaluate(pair.fixed, pair.moving)
        except RuntimeError:
            continue  # no overlap at this start
        ranked.append((float(value), rigid))
    ranked.sort(key=lambda start: start[0])
    return [rigid for _, rigid in ranked[:STARTS_KEPT]]


def _start(pair: Prepared, offset_mm: Points) -> Any:
    rigid = toolkit().Euler3DTransform()
    rigid.SetCenter(mask_center_mm(pair.fixed_mask).tolist())
    rigid.SetTranslation(np.asarray(offset_mm, dtype=np.float64).tolist())
    return rigid


def _shifts_z(pair: Prepared, base_z: float) -> Points:
    """List shifts along z for which the shorter scan stays within the longer, and a step beyond."""
    spans = []
    for image in (pair.fixed, pair.moving):
        low = image.GetOrigin()[2]
        spans.append((low, low + image.GetSpacing()[2] * (image.GetSize()[2] - 1)))
    (fixed_low, fixed_high), (low, high) = spans
    ends = sorted((low - fixed_low - base_z, high - fixed_high - base_z))
    inside = np.arange(ends[0] - START_STEP_MM, ends[1] + START_STEP_MM + 1, START_STEP_MM)
    shifts: Points = np.unique(np.append(inside, 0.0))
    return shifts
