"""Which scans of a drop are shown without asking: a pair worth comparing, and never a guess."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from samdesk.core.ids import SeriesId
from samdesk.core.study import Series

# Fewer slices make no picture from the side.
FEW_SLICES = 8


def pair_to_open(
    found: Sequence[Series], dropped: Sequence[Path] = ()
) -> tuple[SeriesId | None, SeriesId | None]:
    """Choose a baseline and a follow-up among what was found.

    The earliest and the latest study of the first patient, of each the series with the most
    slices. Two patients are never set side by side without a click; files that name no patient
    (NIfTI and the like) were dropped to be compared.

    Args:
        found: series of a drop.
        dropped: its paths; files that name no patient are compared in this order.

    Returns:
        The series for the left and for the right; None where there is none.
    """
    candidates = [one for one in found if not one.is_apart and not one.is_picture]
    if not candidates:
        pictures = [one for one in found if not one.is_apart]
        return (pictures[0].id if pictures else None), None
    named = [one for one in candidates if one.source.kind == "dicom"]
    if named:
        candidates = [one for one in named if one.patient == named[0].patient]
        best = [_best(group) for group in _studies(candidates)]
        if len(best) == 1:
            rest = [one for one in candidates if one is not best[0] and _slices(one) >= FEW_SLICES]
            best += [_best(rest)] if rest else []
    else:
        best = sorted(candidates, key=lambda one: _rank(one, dropped))[:2]
    return best[0].id, best[-1].id if len(best) > 1 else None


def is_other_patient(one: Series | None, other: Series | None) -> bool:
    """Tell whether two series say that they are of different patients."""
    if one is None or other is None:
        return False
    return one.source.kind == other.source.kind == "dicom" and one.patient != other.patient


def _rank(series: Series, dropped: Sequence[Path]) -> int:
    """Say which of the dropped paths brought a series."""
    first = series.source.paths[0]
    places = [n for n, path in enumerate(dropped) if path == first or path in first.parents]
    return places[0] if places else len(dropped)


def _studies(series: Sequence[Series]) -> list[list[Series]]:
    """Group by study, the earliest first; those without a date keep their order at the front."""
    groups: dict[str, list[Series]] = {}
    for one in series:
        groups.setdefault(one.study, []).append(one)
    return sorted(groups.values(), key=lambda group: group[0].study_date or date.min)


def _best(series: Sequence[Series]) -> Series:
    return max(series, key=_slices)


def _slices(series: Series) -> int:
    return 0 if series.shape is None else series.shape[0]
