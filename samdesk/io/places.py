"""Where the voxels of a file without DICOM lie: a usable affine, or none, and what to say of it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samdesk.core.geometry import Geometry
from samdesk.core.reading_notes import Notice

Matrix = NDArray[np.float64]
Spacing = tuple[float, float, float]

# Voxels outside this range are no scan of a person; micrometres reach down to a microscope's.
SMALLEST_MM, LARGEST_MM = 1e-4, 1e4
# Farther from the scanner's middle than this nothing was ever scanned (mm).
FARTHEST_MM = 1e5
# Sideways drift over the stack above which axes are not at right angles (reliability.md rule 6).
DRIFT_MM = 0.1
# Cosine between axes that the rounding of headers explains.
ROUNDING = 1e-4
# Each axis of a space by its first letter: which row of LPS, and whether it points against it.
_AXES = {"l": (0, 1), "r": (0, -1), "p": (1, 1), "a": (1, -1), "s": (2, 1), "i": (2, -1)}
# Beyond this angle from the patient's axes a stack is called oblique.
_OBLIQUE_DEGREES = 5.0


@dataclass(frozen=True)
class Place:
    """The grid of a file, and how much of it is known.

    Attributes:
        geometry: for computing; where `spacing` is None its millimetres are only pixels.
        spacing: mm along (k, j, i), None where the file has none.
        orientation: "axial", "coronal", "sagittal", with "oblique" before it; empty if unknown.
        notices: no-scale, no-orientation, sheared-stack, single-slice.
    """

    geometry: Geometry
    spacing: Spacing | None
    orientation: str
    notices: tuple[Notice, ...]


def usable_affine(affine: Matrix) -> bool:
    """Whether an affine (4 x 4, array order to mm) can be where a person was scanned."""
    if not np.isfinite(affine).all() or np.abs(affine[:3, 3]).max() > FARTHEST_MM:
        return False
    axes = affine[:3, :3]
    lengths = np.linalg.norm(axes, axis=0)
    if not all(SMALLEST_MM <= length <= LARGEST_MM for length in lengths):
        return False
    # Less than a tenth of a cube's volume: the axes lie nearly in one plane.
    return bool(abs(np.linalg.det(axes / lengths)) > 0.1)


def usable_spacing(spacing: Spacing | None) -> Spacing | None:
    """Give the spacing back if all of it can be one, else None."""
    if spacing is None or not all(np.isfinite(s) for s in spacing):
        return None
    return spacing if all(SMALLEST_MM <= s <= LARGEST_MM for s in spacing) else None


def place(
    shape: tuple[int, int, int], affine: Matrix | None, spacing: Spacing | None, why: str
) -> Place:
    """Decide what is known of a grid.

    Args:
        shape: (k, j, i).
        affine: 4 x 4, array order to LPS mm; None where the file gives none that is usable.
        spacing: mm along (k, j, i) for use without an affine.
        why: what the file lacks, as the end of a sentence; used only without an affine.
    """
    notices: list[Notice] = []
    if affine is not None and usable_affine(affine):
        geometry = Geometry(shape, affine)
        notices += _shear(geometry)
        known: Spacing | None = geometry.spacing
        orientation = orientation_of(geometry)
    else:
        known = usable_spacing(spacing)
        geometry = Geometry.aligned(shape, known or (1.0, 1.0, 1.0))
        orientation = ""
        notices.append(
            Notice("no-orientation", f"Left and right are not known: {why}. Letters are off.")
        )
        if known is None:
            notices.append(
                Notice("no-scale", "The size of a voxel is not known. Millimeters are off.")
            )
    if min(shape) == 1:
        notices.append(Notice("single-slice", "There is only one slice; no other planes.", 1))
    return Place(geometry, known, orientation, tuple(notices))


def turn_to_lps(space: str) -> Matrix | None:
    """Read the name of a space into the matrix (3, 3) that takes its x, y, z to LPS.

    Args:
        space: three letters or three words with hyphens ("left-posterior-superior"), each the
            side to which one axis grows.

    Returns:
        The matrix, or None where the words are not such a name.
    """
    words = space.strip().lower()
    letters = [word[:1] for word in words.split("-")] if "-" in words else list(words)
    if len(letters) != 3 or not all(letter in _AXES for letter in letters):
        return None
    turn = np.zeros((3, 3))
    for column, letter in enumerate(letters):
        row, sign = _AXES[letter]
        turn[row, column] = sign
    return turn if abs(np.linalg.det(turn)) == 1 else None


def orientation_of(geometry: Geometry) -> str:
    """Name the plane of the slices (j, i) by the patient axis that their normal follows."""
    axes = geometry.affine[:3, :3]
    normal = np.cross(axes[:, 2], axes[:, 1])
    normal = np.abs(normal) / np.linalg.norm(normal)
    name = ("sagittal", "coronal", "axial")[int(normal.argmax())]
    oblique = np.degrees(np.arccos(min(1.0, float(normal.max())))) > _OBLIQUE_DEGREES
    return f"oblique {name}" if oblique else name


def _shear(geometry: Geometry) -> list[Notice]:
    """Say that axes are not at right angles, as in a tilted CT; the grid keeps it."""
    axes = geometry.affine[:3, :3]
    lengths = np.linalg.norm(axes, axis=0)
    cosines = np.abs((axes / lengths).T @ (axes / lengths)) - np.eye(3)
    drift = cosines * (lengths * np.array(geometry.shape))[:, None]
    if cosines.max() <= ROUNDING or drift.max() <= DRIFT_MM:
        return []
    degrees = float(np.degrees(np.arcsin(min(1.0, float(cosines.max())))))
    return [
        Notice(
            "sheared-stack",
            f"The axes lean by {degrees:.1f} degrees; places are right, slices are resampled.",
            degrees,
        )
    ]
