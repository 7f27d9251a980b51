"""The match with known answer of `samdesk selftest`: a made patient in itself and in its part."""

from typing import TYPE_CHECKING

import numpy as np

from samdesk.app import paths
from samdesk.core.geometry import Geometry, Points
from samdesk.core.volume import Volume
from samdesk.errors import SamdeskError

if TYPE_CHECKING:
    from samdesk.core.match import Match

# The network's cells are 4 mm wide or more; a self-match lies far inside one.
SELF_MM = 1.0
SHIFTED_MM = 6.0
SHIFT_MM = (7.3, -5.1, 11.7)
CUT_SHARE = 6
LEAST_POINTS = 5
MOST_POINTS = 8
# Places nearer to the border of the part than this are not asked: their surroundings are cut away.
BORDER_MM = 25.0
SEED = 7
SPACING_MM = (4.0, 4.0, 4.0)


def check_match() -> str:
    """Match a made patient with itself and with a shifted part of itself."""
    from samdesk.io.base import finish
    from samdesk.model.embedder import embed
    from samdesk.model.matcher import Matcher
    from samdesk.model.session import Session
    from samdesk.model.shelf import Shelf

    session = Session(Shelf(paths.models_folders()).default())
    whole, places = _made_patient()
    part = _shifted_part(whole)
    at = _well_inside(part, places)
    matcher = Matcher(session.info)
    whole_embedding = finish(embed(whole, session))
    part_embedding = finish(embed(part, session))
    words = []
    for name, target, shift, bound in (
        ("itself", whole_embedding, (0.0, 0.0, 0.0), SELF_MM),
        ("a shifted part", part_embedding, SHIFT_MM, SHIFTED_MM),
    ):
        matches = finish(matcher.match_points(whole_embedding, target, at, vote=True))
        middle = _median_error_mm(matches, at + shift)
        if not middle <= bound:
            raise SamdeskError(f"Matches in {name} are {middle:.1f} mm off; {bound} is the most.")
        words.append(f"{middle:.2f} mm in {name}")
    return f"median error of {len(at)} points: {', '.join(words)}"


def _made_patient() -> tuple[Volume, Points]:
    """Draw a made patient, and give the places that are known in it, (n, 3) mm."""
    from samdesk.core.phantom.patient import make_patient
    from samdesk.core.phantom.render import render

    scan = render(make_patient(SEED), 0, spacing_mm=SPACING_MM)
    return scan.volume, np.array(list(scan.points.values()))


def _shifted_part(whole: Volume) -> Volume:
    """Cut away the lowest slices and say that the rest lies elsewhere."""
    cut = whole.geometry.shape[0] // CUT_SHARE
    affine = whole.geometry.affine.copy()
    affine[:3, 3] += affine[:3, 0] * cut + np.array(SHIFT_MM)
    k, j, i = whole.geometry.shape
    array = np.ascontiguousarray(whole.array[cut:], dtype=np.float32)
    return Volume(array, Geometry((k - cut, j, i), affine), whole.modality, whole.unit)


def _well_inside(part: Volume, points_mm: Points) -> Points:
    """Give the places of the whole, (n, 3), that the part shows too, away from its border."""
    index = part.geometry.to_index(points_mm + SHIFT_MM)
    room = BORDER_MM / np.array(part.geometry.spacing)
    far = np.array(part.geometry.shape) - 1 - room
    inside: Points = points_mm[((index > room) & (index < far)).all(axis=1)]
    if len(inside) < LEAST_POINTS:
        raise SamdeskError(f"The made patient shows {len(inside)} points only.")
    return inside[:: -(-len(inside) // MOST_POINTS)]


def _median_error_mm(matches: "list[Match]", right_mm: Points) -> float:
    """Give the median distance to the right places; a point that was not found counts as far."""
    errors = [
        np.inf if match.at_mm is None else float(np.linalg.norm(np.subtract(match.at_mm, right)))
        for match, right in zip(matches, right_mm, strict=True)
    ]
    return float(np.median(errors))
