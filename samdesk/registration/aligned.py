"""One volume laid onto another from matched places: SAM-affine, SAM-coarse, then the grey values.

The affine comes from the matches that agree, so it does not matter where the scans' centers lie;
what is left of their displacements makes a smooth field; a B-spline by mutual information starts
from there (sam.md 5.4).
"""

from collections.abc import Generator
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samdesk.core.correspondence import Correspondences
from samdesk.core.geometry import Geometry, Points
from samdesk.core.progress import Progress
from samdesk.core.volume import Unit, Volume
from samdesk.errors import RegistrationError, SamdeskError
from samdesk.registration import deformable
from samdesk.registration.affine import SPACING_MM
from samdesk.registration.field import fit_field, least_jacobian
from samdesk.registration.images import AIR_HU, toolkit
from samdesk.registration.robust import (
    FEWEST,
    RobustAffine,
    applied,
    fit_affine,
    median_filtered,
    standing_alone,
)
from samdesk.registration.transform import (
    LEAST_VOLUME,
    MOST_VOLUME,
    Registration,
)

CYCLE_MM = 8.0
# A cosine is no probability, and models differ: below this nothing that came back was right.
LEAST_SIMILARITY = 0.5
# Of the places that were asked, so many must be left.
LEAST_SHARE = 0.06
CYCLE_SCALE_MM = 4.0
STEPS = 10
# What grey values make of the start and the start itself err in different ways: their mean is
# better than each. On a warp of a validation scan 3.2 mm against 3.9 and 3.8.
GREY_SHARE = 0.6


@dataclass(frozen=True, eq=False)
class Alignment:
    """A registration, with the matches it was made of.

    Attributes:
        registration: takes LPS mm of the fixed volume to LPS mm of the moving one.
        affine: 4 x 4, the robust affine of the matches, in the same direction.
        fixed_mm, moving_mm: (n, 3) the matches that came back to within 8 mm.
        used: (n,) False where a match was struck out.
        residual_mm: (n,) distance of each match from where the registration takes its place.
        n_asked: how many places were matched at all.
        bend: the SAM-coarse field, a SimpleITK B-spline that comes before the affine; None where
            the affine is all.
        least_jacobian: smallest Jacobian determinant of the whole; above 0 nothing folds.
        notes: sentences for people.
        seconds: of the registration, without the matching.
    """

    registration: Registration
    affine: NDArray[np.float64]
    fixed_mm: Points
    moving_mm: Points
    used: NDArray[np.bool_]
    residual_mm: NDArray[np.float64]
    n_asked: int
    bend: Any
    least_jacobian: float
    notes: tuple[str, ...]
    seconds: float


def align(
    fixed: Volume,
    moving: Volume,
    matches: Correspondences,
    *,
    is_deformable: bool = True,
    spacing_mm: float = SPACING_MM,
) -> Generator[Progress, None, Alignment]:
    """Lay the moving volume onto the fixed one, started from matches.

    Args:
        fixed: whose places are taken to the moving volume.
        moving: that can be resampled onto the fixed grid.
        matches: of a lattice of the fixed body in the moving volume.
        is_deformable: go on from the affine to the field and to the grey values.
        spacing_mm: of the images whose grey values are compared.

    Raises:
        RegistrationError: too few matches agree.
        SamdeskError: the grey values could not be compared.
    """
    started = perf_counter()
    yield Progress(0, STEPS, "fitting the matches")
    start = from_matches(fixed.geometry, matches, is_deformable=is_deformable)
    if not is_deformable:
        return start
    yield Progress(1, STEPS, "comparing grey values")
    linear = replace(start.registration, inner=linear_transform(start.affine))
    steps = deformable.register(fixed, moving, start=linear, spacing_mm=spacing_mm, bend=start.bend)
    try:
        found = yield from _later(steps)
    except SamdeskError as error:
        # What the matches say is still an answer; that the rest failed is said beside it.
        note = f"The grey values could not be compared, the matches alone count. {error.what}"
        return replace(start, notes=(*start.notes, note), seconds=perf_counter() - started)
    found = _mixed(found, start)
    least = least_jacobian(found.inner, deformable.control_lattice(fixed.geometry))
    notes = start.notes
    if least <= 0:
        note = f"Comparing grey values made tissue fold (Jacobian {least:.2f}): the matches count."
        return replace(start, notes=(*notes, note), seconds=perf_counter() - started)
    return replace(
        start,
        registration=found,
        residual_mm=_residuals(found, start.fixed_mm, start.moving_mm),
        least_jacobian=least,
        seconds=perf_counter() - started,
    )


def from_matches(
    geometry: Geometry, matches: Correspondences, *, is_deformable: bool = True
) -> Alignment:
    """Make the SAM-affine, and the SAM-coarse field on top of it, without any grey value.

    Args:
        geometry: of the fixed volume.
        matches: of its lattice.
        is_deformable: whether the field follows the affine.

    Raises:
        RegistrationError: too few matches agree, or what they say fits no body.
    """
    started = perf_counter()
    kept = (
        (matches.cycle_error_mm < CYCLE_MM)
        & (matches.similarity >= LEAST_SIMILARITY)
        & np.isfinite(matches.moving_mm).all(axis=1)
    )
    fixed_mm, moving_mm = matches.fixed_mm[kept], matches.moving_mm[kept]
    if kept.sum() < max(FEWEST, LEAST_SHARE * len(matches)):
        raise _too_few(int(kept.sum()), len(matches))
    weights = confidences(matches)[kept]
    found = fit_affine(fixed_mm, moving_mm, weights)
    _check(found, len(matches))
    affine = found.affine
    linear = linear_transform(affine)
    # Rests are looked at in the fixed volume: what moves a place there before the affine.
    back = np.asarray(np.linalg.inv(affine), dtype=np.float64)
    rest = applied(back, moving_mm) - fixed_mm
    used = found.used.copy()
    used[used] &= ~standing_alone(fixed_mm[used], rest[used])
    inner, bend, method = linear, None, "SAM affine"
    least = float(np.linalg.det(affine[:3, :3]))
    if is_deformable:
        bend, jacobian = fit_field(
            deformable.control_lattice(geometry),
            fixed_mm[used],
            median_filtered(fixed_mm[used], rest[used]),
            weights[used],
        )
        inner, method = toolkit().CompositeTransform([linear, bend]), "SAM coarse"
        least *= jacobian
    registration = Registration(method, float("nan"), perf_counter() - started, inner)
    n_struck = int((~used).sum())
    notes = (
        f"{int(used.sum())} of {len(matches)} places of the lattice were used; "
        f"{len(matches) - len(used)} did not come back to within {CYCLE_MM:.0f} mm, "
        f"{n_struck} did not fit the others.",
    )
    return Alignment(
        registration, affine, fixed_mm, moving_mm, used,
        _residuals(registration, fixed_mm, moving_mm), len(matches), bend, least, notes,
        perf_counter() - started,
    )  # fmt: skip


def confidences(matches: Correspondences) -> NDArray[np.float64]:
    """Give how much each match counts, (n,): less the farther off it comes back, the less alike."""
    back = 1.0 / (1.0 + (matches.cycle_error_mm / CYCLE_SCALE_MM) ** 2)
    alike = np.clip((matches.similarity - LEAST_SIMILARITY) / (1 - LEAST_SIMILARITY), 0.05, 1.0)
    out: NDArray[np.float64] = back * alike
    return out


def linear_transform(affine: NDArray[np.float64]) -> Any:
    """Make the SimpleITK transform of a 4 x 4 affine in LPS mm."""
    sitk = toolkit()

    return sitk.AffineTransform(affine[:3, :3].ravel().tolist(), affine[:3, 3].tolist())


def resampled(moving: Volume, onto: Geometry, registration: Registration) -> Volume:
    """Draw the moving volume on the grid of the fixed one.

    Args:
        moving: in any orientation.
        onto: grid of the fixed volume.
        registration: from the fixed volume to the moving one.

    Returns:
        A volume of the moving one's type and unit; air where it shows nothing.
    """
    sitk = toolkit()
    k, j, i = onto.shape

    image = sitk.GetImageFromArray(np.ascontiguousarray(moving.array, dtype=np.float32))
    air = AIR_HU if moving.unit is Unit.HU else float(moving.array.min())
    # Both images count voxels; the affines around the transform make them mm and back.
    columns = [2, 1, 0, 3]
    to_mm = linear_transform(onto.affine[:, columns])
    back = np.linalg.inv(np.vstack([moving.geometry.affine[:3][:, columns], [0, 0, 0, 1]]))
    chain = sitk.CompositeTransform([linear_transform(back), registration.inner, to_mm])
    out = sitk.Resample(
        image, (i, j, k), chain, sitk.sitkLinear, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0),
        np.eye(3).ravel().tolist(), air, sitk.sitkFloat32,
    )  # fmt: skip
    array = sitk.GetArrayFromImage(out)
    if moving.array.dtype == np.int16:
        array = np.rint(array).astype(np.int16)
    return Volume(array, onto, moving.modality, moving.unit)


def _mixed(found: Registration, start: Alignment) -> Registration:
    """Take the mean of the control points of the matches and of the grey values."""
    sitk = toolkit()
    spline = sitk.BSplineTransform(start.bend)
    bent = sitk.CompositeTransform(found.inner).GetNthTransform(1)
    ours, theirs = np.array(start.bend.GetParameters()), np.array(bent.GetParameters())
    spline.SetParameters((ours + GREY_SHARE * (theirs - ours)).tolist())
    return replace(found, inner=sitk.CompositeTransform([linear_transform(start.affine), spline]))


def _check(found: RobustAffine, n_asked: int) -> None:
    n_used = int(found.used.sum())
    if n_used < max(FEWEST, LEAST_SHARE * n_asked):
        raise _too_few(n_used, n_asked)
    change = float(np.linalg.det(found.affine[:3, :3]))
    if not LEAST_VOLUME <= change <= MOST_VOLUME:
        raise RegistrationError(
            f"The matches do not fit one body: volumes would change by a factor of {change:.2f}.",
            code="too-little-in-common",
            hint="The two scans may show different parts of the body.",
        )


def _too_few(n: int, n_asked: int) -> RegistrationError:
    return RegistrationError(
        f"The two scans have too little in common: {n} of {n_asked} places agree.",
        code="too-little-in-common",
        hint="Choose scans that show the same part of the body.",
    )


def _residuals(
    registration: Registration, fixed_mm: Points, moving_mm: Points
) -> NDArray[np.float64]:
    out: NDArray[np.float64] = np.linalg.norm(registration.map_points(fixed_mm) - moving_mm, axis=1)
    return out


def _later(
    steps: Generator[Progress, None, Registration],
) -> Generator[Progress, None, Registration]:
    """Count the steps of the grey values after those of the matches."""
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            found: Registration = end.value
            return found
        share = int(step.share * (STEPS - 2))
        yield Progress(2 + share, STEPS, step.doing)
