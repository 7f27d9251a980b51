"""A place is found in another scan, or it is said in a sentence why not."""

from dataclasses import replace

import numpy as np
import pytest

from samdesk.core.match import Match, Verdict
from samdesk.core.models import ModelInfo
from samdesk.core.progress import Progress
from samdesk.errors import ModelError
from samdesk.model.embedding import Embedding
from samdesk.model.matcher import Matcher
from samdesk.model.session import Session
from samdesk.model.similarity import APART_MM
from tests.model import made


def matched(
    matcher: Matcher, a: Embedding, b: Embedding, points: np.ndarray, **how: object
) -> list[Match]:
    result: list[Match] = made.finish(matcher.match_points(a, b, points, **how))  # type: ignore[arg-type]
    return result


def errors(matches: list[Match], truth: np.ndarray) -> np.ndarray:
    places = np.array([match.at_mm or (np.nan,) * 3 for match in matches])
    return np.linalg.norm(places - truth, axis=1)


@pytest.fixture(scope="module")
def part(session: Session) -> Embedding:
    """The upper part of the body: z from 10 to 90 mm."""
    return made.embedded(made.scan((32, 64, 64), center_mm=(0, 0, 50)), session)


def test_a_scan_matches_itself_to_half_a_millimeter(matcher: Matcher, template: Embedding) -> None:
    points = made.places(30)
    matches = matched(matcher, template, template, points, vote=False)
    assert np.median(errors(matches, points)) < 0.5
    assert all(match.verdict is Verdict.FOUND for match in matches)
    assert np.median([match.cycle_error_mm for match in matches]) < 1.0


def test_a_scan_shifted_and_in_other_voxels_is_matched_to_a_millimeter(
    matcher: Matcher, session: Session, template: Embedding
) -> None:
    other = made.embedded(made.scan((44, 96, 96), (4.0, 1.7, 1.7), (7.3, -4.1, 2.2)), session)
    points = made.places(20)
    matches = matched(matcher, template, other, points)
    assert np.median(errors(matches, points)) < 1.5


def test_an_oblique_left_handed_scan_gives_the_same_places(
    matcher: Matcher, session: Session, template: Embedding
) -> None:
    c, s = np.cos(0.4), np.sin(0.4)
    axes = np.array([[0.0, s, c], [0.0, c, -s], [-1.0, 0.0, 0.0]])
    other = made.embedded(made.scan((72, 72, 72), axes=axes), session)
    points = made.places(10)
    matches = matched(matcher, template, other, points, vote=False)
    # Half of a fine cell: values were interpolated in a grid that is turned by 23 degrees.
    assert np.median(errors(matches, points)) < 2.5


def test_a_place_beyond_the_scan_is_absent_with_the_nearest_place(
    matcher: Matcher, template: Embedding, part: Embedding
) -> None:
    # The part ends at z = 10 mm; this place lies 40 mm below it.
    (match,) = matched(matcher, template, part, np.array([[5.0, 4.0, -30.0]]))
    assert match.verdict is Verdict.ABSENT
    assert match.at_mm is None
    assert "mm beyond the second scan" in match.reason
    assert match.nearest_mm is not None
    assert np.allclose(match.nearest_mm, [5, 4, 11.25], atol=4)


def test_a_place_in_the_cropped_scan_is_found(
    matcher: Matcher, template: Embedding, part: Embedding
) -> None:
    points = np.array([[5.0, 4.0, 40.0], [-12.0, 8.0, 50.0]])
    matches = matched(matcher, template, part, points)
    assert errors(matches, points).max() < 3.0


def test_a_point_outside_the_template_is_unknown_with_the_millimeters(
    matcher: Matcher, template: Embedding
) -> None:
    # The scan ends at x = 80 mm.
    (match,) = matched(matcher, template, template, np.array([[164.0, 0.0, 0.0]]))
    assert match.verdict is Verdict.UNKNOWN
    assert match.reason == (
        "This point is 84 mm outside the first scan, so there is nothing to match."
    )


def test_a_point_in_the_air_is_unknown(matcher: Matcher, template: Embedding) -> None:
    (match,) = matched(matcher, template, template, np.array([[78.0, 78.0, 85.0]]))
    assert match.verdict is Verdict.UNKNOWN
    assert "in the air" in match.reason


def test_a_target_without_a_body_is_unknown(matcher: Matcher, template: Embedding) -> None:
    empty = replace(template, key="no body", body=np.zeros_like(template.body))
    (match,) = matched(matcher, template, empty, np.zeros((1, 3)))
    assert match.verdict is Verdict.UNKNOWN


def test_scans_with_little_in_common_are_never_found(
    matcher: Matcher, session: Session, template: Embedding
) -> None:
    other = made.scan(seed=11)
    noise = np.random.default_rng(0).normal(0, 150, other.array.shape)
    noise[:, :20] = noise[:, :, 44:] = -1000.0
    strange = replace(other, array=noise.astype(np.int16))
    matches = matched(
        matcher, template, made.embedded(strange, session), made.places(12), vote=False
    )
    assert not any(match.verdict is Verdict.FOUND for match in matches)
    assert all(match.reason for match in matches)


def test_alternatives_are_apart_from_the_match_and_sorted(
    matcher: Matcher, template: Embedding
) -> None:
    for match in matched(matcher, template, template, made.places(5), vote=False):
        places = np.array([match.at_mm, *(other.at_mm for other in match.alternatives)])
        values = [other.similarity for other in match.alternatives]
        assert values == sorted(values, reverse=True)
        assert np.linalg.norm(places[1:] - places[0], axis=1).min() >= APART_MM
        assert match.margin == pytest.approx(match.similarity - values[0], abs=1e-5)


def test_grey_values_refine_a_match_of_one_patient(
    matcher: Matcher, session: Session, template: Embedding
) -> None:
    volumes = made.scan(), made.scan((60, 64, 64), 2.4, (3.0, -2.0, 1.0))
    other = made.embedded(volumes[1], session)
    points = made.places(8, reach=0.3)
    plain = matched(matcher, template, other, points, vote=False)
    fine = matched(matcher, template, other, points, vote=False, same_patient=True, volumes=volumes)
    assert np.median(errors(fine, points)) < 0.7
    assert np.median(errors(fine, points)) <= np.median(errors(plain, points)) + 0.2


def test_the_prior_is_worked_out_once(matcher: Matcher, template: Embedding) -> None:
    first = matcher.prior(template, template)
    assert matcher.prior(template, template) is first
    assert all(isinstance(step, Progress) for step in matcher.prior_steps(template, template))


def test_an_embedding_of_another_model_is_refused(matcher: Matcher, template: Embedding) -> None:
    with pytest.raises(ModelError, match='made by the model "elsewhere"'):
        matcher.prior(template, replace(template, model="elsewhere"))


def test_the_similarity_map_lies_on_the_cells(matcher: Matcher, template: Embedding) -> None:
    at = (10.0, -5.0, 12.0)
    shown = matcher.similarity_map(template, template, at)
    assert shown.array.shape == template.fine_cells.shape
    best = np.array(np.unravel_index(shown.array.argmax(), shown.array.shape), dtype=float)
    # The best cell is the one nearest to the place: half a cell of 5 mm along each axis.
    assert np.abs(shown.geometry.to_mm(best[None])[0] - at).max() <= 2.6
    assert shown.array.min() >= -1.0
    assert shown.array.max() <= 1.0 + 1e-5


def test_many_places_at_once_come_with_cycle_errors(matcher: Matcher, template: Embedding) -> None:
    points = made.places(15)
    to_mm, alike, cycle = matcher.correspondences(template, template, points)
    assert np.median(np.linalg.norm(to_mm - points, axis=1)) < 0.5
    assert alike.min() > 0.9
    assert np.median(cycle) < 1.0


def test_many_places_without_a_prior_are_matched_freely(
    bank: ModelInfo, template: Embedding, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Matcher(bank)
    monkeypatch.setattr(own, "prior", lambda _a, _b: None)
    points = made.places(10)
    to_mm, _, cycle = own.correspondences(template, template, points)
    assert np.median(np.linalg.norm(to_mm - points, axis=1)) < 0.5
    assert np.median(cycle) < 1.0


def test_the_same_question_has_the_same_answer(matcher: Matcher, template: Embedding) -> None:
    points = made.places(3)
    first, second = (matched(matcher, template, template, points) for _ in range(2))
    assert [match.at_mm for match in first] == [match.at_mm for match in second]
    assert [match.p_present for match in first] == [match.p_present for match in second]


def test_a_place_whose_way_back_ends_far_off_is_never_found(
    matcher: Matcher,
    template: Embedding,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("samdesk.model.matcher._cycle_mm", lambda *words: 20.0)
    monkeypatch.setattr("samdesk.model.matcher.Calibration.probability", lambda *words: 0.99)
    match = matched(matcher, template, template, made.places(1))[0]
    assert match.verdict is Verdict.UNCERTAIN
    assert "20 mm away" in match.reason
