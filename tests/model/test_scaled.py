"""A scan half as large in voxels half as large is searched alike and told in true millimetres."""

from dataclasses import replace

import numpy as np
import pytest

from samdesk.core.geometry import Geometry
from samdesk.core.match import Verdict
from samdesk.core.models import ModelInfo
from samdesk.core.volume import Modality, Unit, Volume
from samdesk.model.embedding import Embedding
from samdesk.model.intensities import PERCENTILE
from samdesk.model.matcher import Matcher
from samdesk.model.scaled import HELD, MARK, ScaledMatcher, matcher_for, true_sentence
from samdesk.model.session import Session
from tests.model import made

HALF = 0.5


@pytest.fixture(scope="module")
def half(bank: ModelInfo) -> ModelInfo:
    """The bank of filters for MR of half the voxels."""
    return replace(bank, modality=Modality.MR, spacing_mm=1.25, intensities=PERCENTILE)


def small(volume: Volume) -> Volume:
    """The same voxels as MR of a body half as large."""
    affine = volume.geometry.affine.copy()
    affine[:3] *= HALF
    array = volume.array.astype(np.float32) * 0.3 + 300
    return Volume(array, Geometry(volume.geometry.shape, affine), Modality.MR, Unit.NONE)


@pytest.fixture(scope="module")
def template(half: ModelInfo) -> Embedding:
    return made.embedded(small(made.scan((64, 64, 64))), Session(half, "cpu", 1))


@pytest.fixture(scope="module")
def moved(half: ModelInfo) -> Embedding:
    volume = small(made.scan((48, 64, 64), center_mm=(8.0, -4.0, 10.0)))
    return made.embedded(volume, Session(half, "cpu", 1))


def test_a_model_of_ct_is_searched_in_its_own_millimetres(bank: ModelInfo, half: ModelInfo) -> None:
    assert type(matcher_for(bank)) is Matcher
    assert type(matcher_for(replace(bank, spacing_mm=2.0))) is Matcher
    assert type(matcher_for(replace(half, spacing_mm=2.5))) is Matcher
    assert type(matcher_for(half)) is ScaledMatcher


def test_places_and_way_back_are_told_in_true_millimetres(
    half: ModelInfo, template: Embedding, moved: Embedding
) -> None:
    points = made.places(12, reach=0.4) * HALF
    matches = made.finish(matcher_for(half).match_points(template, moved, points))
    found = np.array([match.at_mm or (np.nan,) * 3 for match in matches])
    assert np.median(np.linalg.norm(found - points, axis=1)) < 0.75
    assert sum(match.verdict is Verdict.FOUND for match in matches) >= 6
    assert np.median([match.cycle_error_mm for match in matches]) < 1.0
    assert not template.key.endswith(MARK)


def test_the_unscaled_search_doubts_what_fits_into_its_smallest_lengths(
    half: ModelInfo, template: Embedding, moved: Embedding
) -> None:
    points = made.places(12, reach=0.4) * HALF
    ours = made.finish(matcher_for(half).answers(template, moved, points))
    plain = made.finish(Matcher(half).answers(template, moved, points))
    assert np.mean([a.match.p_present for a in ours]) > np.mean([a.match.p_present for a in plain])


def test_many_places_at_once_are_true_too(
    half: ModelInfo, template: Embedding, moved: Embedding
) -> None:
    points = made.places(12, reach=0.4) * HALF
    to_mm, alike, cycle = matcher_for(half).correspondences(template, moved, points)
    assert np.median(np.linalg.norm(to_mm - points, axis=1)) < 1.5
    assert np.median(cycle) < 1.5
    assert alike.shape == (12,)


def test_a_place_outside_is_told_with_true_millimetres(
    half: ModelInfo, template: Embedding, moved: Embedding
) -> None:
    outside = np.array([[0.0, 0.0, 60.0]])
    far = float(template.scan.outside_mm(outside)[0])
    match = made.finish(matcher_for(half).match_points(template, moved, outside))[0]
    assert match.verdict is Verdict.UNKNOWN
    assert f"This point is {far:.0f} mm outside" in match.reason


def test_the_millimetres_of_a_sentence_are_divided() -> None:
    assert (
        true_sentence("It comes out 24 mm away, 3 of 7.", 2.0) == "It comes out 12 mm away, 3 of 7."
    )


def test_only_the_last_few_laid_out_scans_are_held(half: ModelInfo, template: Embedding) -> None:
    matcher = ScaledMatcher(half)
    for n in range(HELD + 3):
        matcher._seen(replace(template, key=f"scan {n}"))
    assert list(matcher._laid_out) == [f"scan {n}" for n in range(3, HELD + 3)]
