"""Matching in radiographs: where places are found, what is said of them, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from samdesk.core.match import Match, Verdict
from samdesk.core.models import ModelInfo
from samdesk.core.radiograph import Radiograph
from samdesk.errors import ModelError
from samdesk.io.registry import finish
from samdesk.model import flat, flat_calibration, flat_prior
from samdesk.model.flat import FlatEmbedding, FlatMatcher, Located, combined, embed_picture
from samdesk.model.flat_calibration import FlatCalibration, FlatSigns
from samdesk.model.session import Session
from samdesk.model.shelf import Shelf
from tests.model import made, made_flat

PLACES = np.array([[60.0, 70.0], [110.0, 130.0], [150.0, 190.0], [100.25, 60.5]])
SIGNS = FlatSigns(0.9, 0.2, 1.0, 2.0, 0.5)


@pytest.fixture(scope="module")
def flat_bank(tmp_path_factory: pytest.TempPathFactory) -> ModelInfo:
    return made_flat.write_model(tmp_path_factory.mktemp("models") / "flat")


@pytest.fixture(scope="module")
def flat_session(flat_bank: ModelInfo) -> Session:
    return Session(flat_bank, "cpu", 1)


@pytest.fixture(scope="module")
def shown(flat_session: Session) -> FlatEmbedding:
    return embedded(made_flat.radiograph(), flat_session)


def embedded(picture: Radiograph, session: Session) -> FlatEmbedding:
    embedding = finish(embed_picture(picture, session))
    assert isinstance(embedding, FlatEmbedding)
    return embedding


def matches(
    session: Session, template: FlatEmbedding, target: FlatEmbedding, places: np.ndarray = PLACES
) -> list[Match]:
    answer = finish(FlatMatcher(session.info).match_points([(template, places)], target))
    assert isinstance(answer, list)
    return answer


def test_a_radiograph_against_itself_is_matched_to_a_fraction_of_a_pixel(
    flat_session: Session, shown: FlatEmbedding
) -> None:
    found = matches(flat_session, shown, shown)
    at = np.array([m.at_mm for m in found])
    assert np.linalg.norm(at[:, :2] - PLACES, axis=1).max() < 1.0
    assert (at[:, 2] == 0).all()
    assert all(m.verdict is Verdict.FOUND and m.model == "flat" for m in found)
    assert all(m.cycle_error_mm < 1.0 and m.similarity > 0.95 for m in found)


def test_a_shifted_and_larger_radiograph_is_matched_in_its_own_pixels(
    flat_session: Session, shown: FlatEmbedding
) -> None:
    # twice the pixels in each direction: the network sees both in one size
    large = made_flat.radiograph((512, 440), (12.0, -8.0), 2.0)
    target = embedded(large, flat_session)
    at = np.array([m.at_mm for m in matches(flat_session, shown, target)])[:, :2]
    assert np.linalg.norm(at - (PLACES * 2 + np.array([24.5, -15.5])), axis=1).max() < 4.0


def test_a_turned_over_grey_scale_is_turned_back(
    flat_session: Session, shown: FlatEmbedding
) -> None:
    picture = made_flat.radiograph()
    inverted = Radiograph(4000.0 - np.asarray(picture.array), is_inverted=True)
    target = embedded(inverted, flat_session)
    np.testing.assert_allclose(target.rows, shown.rows, atol=2e-3)
    at = np.array([m.at_mm for m in matches(flat_session, shown, target)])[:, :2]
    assert np.linalg.norm(at - PLACES, axis=1).max() < 1.0


def test_another_picture_is_not_found_and_its_cycle_has_no_millimeters(
    flat_session: Session, shown: FlatEmbedding
) -> None:
    other = embedded(Radiograph(made_flat.array(seed=9)), flat_session)
    found = matches(flat_session, shown, other)
    assert all(m.verdict is not Verdict.FOUND for m in found)
    back = matches(flat_session, other, shown)
    assert all(np.isnan(m.cycle_error_mm) for m in back)


def test_other_peaks_are_told_and_lie_apart(flat_session: Session, shown: FlatEmbedding) -> None:
    for match in matches(flat_session, shown, shown):
        assert 1 <= len(match.alternatives) <= 3
        assert match.alternatives[0].similarity == pytest.approx(match.similarity - match.margin)
        for other in match.alternatives:
            assert np.linalg.norm(np.subtract(other.at_mm, match.at_mm)) > 6.0


def test_a_place_that_the_template_lacks_is_unknown(
    flat_session: Session, shown: FlatEmbedding
) -> None:
    places = PLACES.copy()
    places[1] = np.nan
    found = matches(flat_session, shown, shown, places)
    assert [m.verdict for m in found] == [
        Verdict.FOUND,
        Verdict.UNKNOWN,
        Verdict.FOUND,
        Verdict.FOUND,
    ]
    assert "No template has this place" in found[1].reason


def test_three_templates_answer_by_their_median() -> None:
    def answer(x: float, similarity: float) -> Located:
        signs = FlatSigns(similarity, 0.1, 1.0, 1.0, 0.3)
        return Located(np.array([[x, 5.0]]), (signs,), ((),))

    at, best = combined([answer(10.0, 0.5), answer(12.0, 0.6), answer(90.0, 0.9)])
    assert at.tolist() == [[12.0, 5.0]]
    assert best == [1]
    # of two, the more similar one
    at, best = combined([answer(10.0, 0.5), answer(12.0, 0.6)])
    assert at.tolist() == [[12.0, 5.0]]
    missing = Located(np.full((1, 2), np.nan), (FlatSigns(0.99, 0.1, 1, 1, 0.3),), ((),))
    at, best = combined([missing, answer(10.0, 0.5)])
    assert (at.tolist(), best) == ([[10.0, 5.0]], [1])


def test_a_model_of_volumes_refuses_a_radiograph(tmp_path: Path) -> None:
    session = Session(made.write_model(tmp_path / "bank"), "cpu", 1)
    with pytest.raises(ModelError, match="knows volumes") as caught:
        embedded(made_flat.radiograph(), session)
    assert caught.value.code == "not-comparable"


def test_a_network_that_answers_nonsense_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no numbers"):
        Session(made_flat.write_model(tmp_path / "nan", nan=True), "cpu", 1)


def test_the_shelf_gives_the_flat_model_for_radiographs_only(tmp_path: Path) -> None:
    from samdesk.core.volume import Modality

    made.write_model(tmp_path / "bank")
    made_flat.write_model(tmp_path / "flat")
    shelf = Shelf([tmp_path])
    assert shelf.default(Modality.DX).id == "flat"
    assert shelf.default().id == "bank"
    assert shelf.verify("flat").dimensions == 2


def test_the_prior_follows_an_affine_and_what_bends_away_from_it() -> None:
    rng = np.random.default_rng(0)
    grid = np.stack(np.meshgrid(np.arange(0, 400, 25.0), np.arange(0, 500, 25.0)), -1).reshape(
        -1, 2
    )

    def moved(at: np.ndarray) -> np.ndarray:
        bend = np.stack([12 * np.sin(at[:, 1] / 90), np.zeros(len(at))], 1)
        return at @ np.array([[1.1, 0.05], [-0.05, 0.9]]) + [30, -20] + bend

    to = moved(grid)
    wrong = rng.random(len(grid)) < 0.4
    to[wrong] = rng.uniform(0, 500, (int(wrong.sum()), 2))
    prior = flat_prior.fit(grid, to, len(grid))
    assert prior is not None
    at = rng.uniform(60, 340, (20, 2))
    expected, weight = prior.expected(at)
    assert np.linalg.norm(expected - moved(at), axis=1).mean() < 5.0
    assert (weight > 1).all()
    # far from every pair only the affine is left
    far, nothing = prior.expected(np.array([[5000.0, 5000.0]]))
    assert nothing[0] < 1e-9
    np.testing.assert_allclose(far, flat_prior.applied(prior.affine, np.array([[5000.0, 5000.0]])))


@pytest.mark.parametrize("kind", ["few", "random", "line", "mirrored"])
def test_pairs_that_fit_nothing_give_no_prior(kind: str) -> None:
    rng = np.random.default_rng(1)
    at = rng.uniform(0, 500, (80, 2))
    if kind == "few":
        assert flat_prior.fit(at[:5], at[:5], 80) is None
    elif kind == "random":
        assert flat_prior.fit(at, rng.uniform(0, 5000, (80, 2)), 800) is None
    elif kind == "line":
        at[:, 1] = 3.0
        assert flat_prior.fit(at, at, 80) is None
    else:
        assert flat_prior.fit(at, at * [-1, 1], 80) is None


def test_a_fitted_calibration_tells_right_from_wrong_and_survives_the_manifest() -> None:
    rng = np.random.default_rng(2)
    signs, right = [], []
    for n in range(200):
        good = n % 2 == 0
        base = 0.8 if good else 0.5
        signs.append(
            FlatSigns(
                base + 0.1 * rng.random(),
                0.1 * rng.random(),
                2 + (0 if good else 60 * rng.random()),
                float("nan") if n == 3 else 5.0,
                0.3,
            )
        )
        right.append(good)
    fitted = flat_calibration.fit(signs, np.array(right))
    p = np.array([fitted.probability(s) for s in signs])
    assert p[::2].mean() > 0.8
    assert p[1::2].mean() < 0.2
    again = FlatCalibration.of(fitted.numbers())
    assert again.probability(SIGNS) == pytest.approx(fitted.probability(SIGNS))
    with pytest.raises(ValueError, match="too few"):
        flat_calibration.fit(signs, np.ones(200, bool))


def test_verdicts_follow_the_probability() -> None:
    calibration = FlatCalibration.of({})
    assert calibration.verdict(0.99) is Verdict.FOUND
    assert calibration.verdict(0.3) is Verdict.UNCERTAIN
    assert calibration.verdict(0.001) is Verdict.ABSENT


def test_an_absent_place_has_no_position(
    flat_bank: ModelInfo, shown: FlatEmbedding, monkeypatch: pytest.MonkeyPatch
) -> None:
    matcher = FlatMatcher(flat_bank)
    monkeypatch.setattr(FlatCalibration, "probability", lambda *_: 0.001)
    found = finish(matcher.match_points([(shown, PLACES)], shown))
    assert all(m.verdict is Verdict.ABSENT and m.at_mm is None for m in found)
    assert found[0].reason == flat.REASONS[Verdict.ABSENT]
