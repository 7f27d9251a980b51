"""Affine and then diffeomorphic demons on the grey values, the third classic baseline.

Source:
    Vercauteren, Pennec, Perchant, Ayache: Diffeomorphic demons: efficient non-parametric image
    registration, NeuroImage 45(1), 2009; the filter of that name in ITK. Three resolutions, as is
    usual; where the moving volume shows nothing the fixed one is put, so that nothing pulls there.
"""

from collections.abc import Generator
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from samdesk.core.progress import Progress
from samdesk.core.volume import Volume
from samdesk.registration import affine
from samdesk.registration.affine import SPACING_MM, Prepared, prepare
from samdesk.registration.images import shrunk, toolkit
from samdesk.registration.transform import Registration, execute

# Shrink factor and most iterations, coarse to fine.
LEVELS = ((4, 40), (2, 30), (1, 15))
SMOOTH_FIELD_VOXELS = 1.5
SMOOTH_UPDATE_VOXELS = 1.0
LONGEST_STEP_VOXELS = 2.0
# Beyond these no tissue differs from tissue; air and metal would outweigh all organs.
LOW_HU, HIGH_HU = -1000.0, 400.0


@dataclass(frozen=True, eq=False)
class _Filter:
    """ITK's filter in the shape of a registration method that `execute` can run and stop."""

    inner: Any
    start: Any

    def Execute(self, fixed: Any, moving: Any) -> Any:  # noqa: N802 - SimpleITK's name
        return self.inner.Execute(fixed, moving, self.start)

    def AddCommand(self, event: Any, command: Any) -> None:  # noqa: N802
        self.inner.AddCommand(event, command)

    def StopRegistration(self) -> None:  # noqa: N802
        self.inner.Abort()


def register(
    fixed: Volume,
    moving: Volume,
    start: Registration | None = None,
    spacing_mm: float = SPACING_MM,
) -> Generator[Progress, None, Registration]:
    """Find the affine and then the diffeomorphic field that take places of `fixed` to `moving`.

    Args:
        fixed: where points are known; CT in HU, or of the same grey values as `moving`.
        moving: where they are looked for.
        start: a registration of these two volumes, where one is known; its seconds count too.
        spacing_mm: of the finest images that are compared.

    Returns:
        The registration; the metric is the mean squared difference at the end.

    Raises:
        SamdeskError: as in `affine.register`.
    """
    started = perf_counter() - (start.seconds if start is not None else 0.0)
    pair = prepare(fixed, moving, spacing_mm)
    base = (yield from affine.fit(pair))[0] if start is None else start.inner
    ours, theirs = _compared(pair, base)
    field: Any = None
    metric = float("nan")
    for done, (factor, iterations) in enumerate(LEVELS):
        level, there = shrunk(ours, factor), shrunk(theirs, factor)
        method = _Filter(_demons(iterations), _field_on(level, field))
        field = yield from execute(method, level, there, Progress(done, len(LEVELS), "demons"))
        metric = float(method.inner.GetMetric())
    sitk = toolkit()
    # Of a composite the last transform is applied first: bend in the fixed volume, then go over.
    bend = sitk.DisplacementFieldTransform(sitk.Cast(field, sitk.sitkVectorFloat64))
    whole = sitk.CompositeTransform([base, bend])
    return Registration("affine + demons", metric, perf_counter() - started, whole)


def _compared(pair: Prepared, base: Any) -> tuple[Any, Any]:
    """Put the moving volume on the fixed grid; where it shows nothing, the fixed one stands."""
    sitk = toolkit()
    ours = sitk.Clamp(pair.fixed, sitk.sitkFloat32, LOW_HU, HIGH_HU)
    theirs = sitk.Clamp(pair.moving, sitk.sitkFloat32, LOW_HU, HIGH_HU)
    shown = sitk.Image(theirs.GetSize(), sitk.sitkUInt8) + 1
    shown.CopyInformation(theirs)
    inside = sitk.Resample(shown, ours, base, sitk.sitkNearestNeighbor, 0, sitk.sitkUInt8)
    there = sitk.Resample(theirs, ours, base, sitk.sitkLinear, LOW_HU, sitk.sitkFloat32)
    weight = sitk.Cast(inside, sitk.sitkFloat32)
    return ours, there * weight + ours * (1.0 - weight)


def _demons(iterations: int) -> Any:
    sitk = toolkit()
    demons = sitk.DiffeomorphicDemonsRegistrationFilter()
    demons.SetNumberOfIterations(iterations)
    demons.SetSmoothDisplacementField(True)
    demons.SetStandardDeviations(SMOOTH_FIELD_VOXELS)
    demons.SetSmoothUpdateField(True)
    demons.SetUpdateFieldStandardDeviations(SMOOTH_UPDATE_VOXELS)
    demons.SetMaximumUpdateStepLength(LONGEST_STEP_VOXELS)
    return demons


def _field_on(image: Any, field: Any) -> Any:
    """Bring the field of the coarser level to this one, or begin with none."""
    sitk = toolkit()
    if field is None:
        empty = sitk.Image(image.GetSize(), sitk.sitkVectorFloat64, 3)
        empty.CopyInformation(image)
        return empty
    # Outside the coarser grid the nearest known displacement goes on.
    resample = sitk.ResampleImageFilter()
    resample.SetReferenceImage(image)
    resample.SetInterpolator(sitk.sitkLinear)
    resample.SetUseNearestNeighborExtrapolator(True)
    return resample.Execute(field)
