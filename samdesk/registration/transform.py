"""What a registration found: where each place of the fixed volume lies in the moving one."""

from collections.abc import Generator
from dataclasses import dataclass
from threading import Thread
from typing import Any

import numpy as np

from samdesk.core.geometry import Geometry, Points
from samdesk.core.progress import Progress
from samdesk.errors import SamdeskError
from samdesk.registration.images import toolkit

# A step of a job may not keep a person waiting longer than this for a cancel.
POLL_S = 0.05
# Of a scan that was matched well, the volume of a piece of tissue changes less than this.
LEAST_VOLUME, MOST_VOLUME = 0.35, 2.9


@dataclass(frozen=True, eq=False)
class Registration:
    """A transform from the fixed volume to the moving one.

    Attributes:
        method: "affine" or "affine + B-spline".
        metric: value of the similarity of grey values at the end; smaller is better.
        seconds: time taken, resampling included.
        inner: SimpleITK transform that takes LPS mm of fixed to LPS mm of moving.
    """

    method: str
    metric: float
    seconds: float
    inner: Any

    def map_points(self, mm: Points) -> Points:
        """Take places of the fixed volume to the moving volume.

        Args:
            mm: (n, 3) LPS mm.

        Returns:
            (n, 3) LPS mm.
        """
        rows = [self.inner.TransformPoint([float(v) for v in point]) for point in np.asarray(mm)]
        return np.array(rows, dtype=np.float64).reshape(-1, 3)

    def map_grid(self, grid: Geometry) -> Points:
        """Take all voxel centers of a grid along the patient's axes to the moving volume.

        Args:
            grid: as `Geometry.aligned` makes it.

        Returns:
            (voxels, 3) LPS mm, in the order of the array.
        """
        k, j, i = grid.shape
        sk, sj, si = grid.spacing
        sitk = toolkit()
        field = sitk.TransformToDisplacementField(
            self.inner, sitk.sitkVectorFloat64, (i, j, k), grid.affine[:3, 3].tolist(),
            (si, sj, sk), np.eye(3).ravel().tolist(),
        )  # fmt: skip
        shift = np.asarray(sitk.GetArrayFromImage(field), dtype=np.float64).reshape(-1, 3)
        return grid.to_mm(np.indices(grid.shape).reshape(3, -1).T.astype(np.float64)) + shift


def execute(
    method: Any, fixed: Any, moving: Any, progress: Progress
) -> Generator[Progress, None, Any]:
    """Run one SimpleITK optimization so that a person can end it.

    The optimization runs in a thread of its own, because SimpleITK lets go of the interpreter but
    cannot yield. When the caller closes the generator, an optimizer that can be stopped is; one
    that cannot (LBFGSB) runs to its end unseen and its result is dropped.

    Args:
        method: `ImageRegistrationMethod`, ready to run.
        fixed: image whose places are mapped.
        moving: image they are mapped to.
        progress: what to yield while it runs.

    Returns:
        The optimized transform.

    Raises:
        SamdeskError: the optimizer gave up, for example because the volumes do not overlap.
    """
    sitk = toolkit()

    results: list[Any] = []
    faults: list[Exception] = []
    is_left = False

    def stop_when_left() -> None:
        if is_left:
            method.StopRegistration()

    def work() -> None:
        try:
            results.append(method.Execute(fixed, moving))
        except Exception as fault:  # noqa: BLE001 - carried to the caller's thread
            faults.append(fault)

    method.AddCommand(sitk.sitkIterationEvent, stop_when_left)
    thread = Thread(target=work, name="registration", daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(POLL_S)
            yield progress
    finally:
        is_left = thread.is_alive()
    if faults:
        raise SamdeskError(f"The registration gave up: {_last_line(faults[0])}") from faults[0]
    return results[0]


def check_volume_change(matrix: Points) -> None:
    """Refuse an affine that ran away.

    Args:
        matrix: (3, 3) linear part.

    Raises:
        SamdeskError: it is not finite, or shrinks or grows tissue beyond what bodies differ by.
    """
    change = float(np.linalg.det(matrix)) if np.isfinite(matrix).all() else float("nan")
    if not LEAST_VOLUME <= change <= MOST_VOLUME:
        raise SamdeskError(
            f"The registration ran away: it changes volumes by a factor of {change:.2f}.",
            hint="The two scans may show different parts of the body.",
        )


def _last_line(fault: Exception) -> str:
    lines = [line.strip() for line in str(fault).splitlines() if line.strip()]
    return lines[-1] if lines else type(fault).__name__
