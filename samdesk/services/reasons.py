"""When a question has no answer, and the sentence that says why."""

import numpy as np

from samdesk.core.geometry import Position
from samdesk.core.match import Match, Verdict
from samdesk.core.models import ModelInfo
from samdesk.core.reading import Opened
from samdesk.core.volume import Modality, Unit, Volume

# Half a body part would lie between two slices that are further apart.
MOST_SPACING_MM = 10.0
# A point on the rim of the last voxel is inside.
OUTSIDE_MM = 1e-3


def cannot_embed(opened: Opened, info: ModelInfo | None) -> str:
    """Say why a model cannot look at this scan; empty where it can.

    Args:
        opened: the scan.
        info: the model for its modality, or None where there is none.
    """
    image = opened.image
    if not isinstance(image, Volume):
        return "This is a radiograph; the installed models know volumes."
    if info is None:
        kind = modality(opened)
        return f"No installed model knows {_kind(kind)}.{_next_step(kind)}"
    if any(notice.code == "no-scale" for notice in opened.notices):
        return "The file states no spacing, so this scan has no millimeters to match in."
    if min(image.geometry.shape) < 2:
        return "This scan has a single slice; a match needs the surroundings on all sides."
    widest = max(image.geometry.spacing)
    if widest > MOST_SPACING_MM:
        return (
            f"The slices of this scan are {widest:.1f} mm apart; the model needs "
            f"{MOST_SPACING_MM:.0f} mm or less."
        )
    return ""


def cannot_match(
    baseline: Opened, follow_up: Opened, at_mm: Position, info: ModelInfo | None
) -> str:
    """Say why a question about two scans has no answer; empty where it has one.

    Args:
        baseline: the scan in which the place is.
        follow_up: the scan that is searched.
        at_mm: the place in the baseline, (x, y, z) LPS mm.
        info: the model for the baseline's modality, or None where there is none.
    """
    reason = cannot_embed(baseline, info)
    if reason:
        return reason
    first, second = modality(baseline), modality(follow_up)
    # A file that does not say what made it may be MR, and nothing else that a model knows.
    may_be_alike = first is second or {first, second} == {Modality.MR, Modality.OTHER}
    if info is not None and not may_be_alike:
        return f"The model knows {_kind(info.modality)}; the second scan is {_kind(second)}."
    reason = cannot_embed(follow_up, info)
    if reason:
        return reason
    assert isinstance(baseline.image, Volume)  # noqa: S101 - cannot_embed looked
    outside = float(baseline.image.geometry.outside_mm(np.array([at_mm]))[0])
    if outside > OUTSIDE_MM:
        return (
            f"This point is {outside:.0f} mm outside the first scan, so there is nothing to match."
        )
    return ""


def modality(opened: Opened) -> Modality:
    """Give what made a scan; a file without the word whose values are HU counts as CT."""
    image = opened.image
    if image.modality is Modality.OTHER and isinstance(image, Volume) and image.unit is Unit.HU:
        return Modality.CT
    return image.modality


def unknown(reason: str, model: str = "") -> Match:
    """Give the match that says that there is no answer, and why."""
    return Match(
        verdict=Verdict.UNKNOWN,
        at_mm=None,
        p_present=0.0,
        similarity=0.0,
        margin=0.0,
        cycle_error_mm=0.0,
        reason=reason,
        model=model,
    )


def _kind(made_by: Modality) -> str:
    return "this kind of scan" if made_by is Modality.OTHER else made_by.value


def _next_step(made_by: Modality) -> str:
    """Say how to get a model, where the program can make one."""
    if made_by not in (Modality.MR, Modality.OTHER):
        return ""
    return " `samdesk train --method sam --modality MR` makes one of your own MR scans."
