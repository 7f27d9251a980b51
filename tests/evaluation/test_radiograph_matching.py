"""Templates are chosen without a mark, and their places found by a model of pictures."""

from pathlib import Path

import numpy as np
import pytest

from samdesk.core.radiograph import Radiograph
from samdesk.errors import ModelError
from samdesk.evaluation import radiograph_baselines as baselines
from samdesk.evaluation import radiograph_matching as matching
from samdesk.evaluation.kept import Kept
from samdesk.evaluation.radiograph_arms import errors
from samdesk.evaluation.radiograph_pictures import HEIGHT_PX, panel, worst
from samdesk.evaluation.radiograph_sets import Pictures, PictureSet, read_sets
from samdesk.evaluation.radiograph_templates import medoids, small_picture, typical
from samdesk.io.base import finish
from tests.evaluation import made_radiographs as made


@pytest.fixture
def hand(tmp_path: Path) -> PictureSet:
    return read_sets(made.write_sets(tmp_path / "data"))[2]


def test_the_first_template_is_the_medoid_and_the_next_cover_what_it_misses() -> None:
    similarity = np.array([
        [1.0, 0.9, 0.8, 0.0],
        [0.9, 1.0, 0.9, 0.0],
        [0.8, 0.9, 1.0, 0.05],
        [0.0, 0.0, 0.05, 1.0],
    ])  # fmt: skip
    assert medoids(similarity, [0, 1, 2, 3], 2) == [1, 3]
    assert medoids(similarity, [0, 2], 5) == [2, 0]


def test_small_pictures_do_not_feel_brightness_or_inversion() -> None:
    array = made.picture(3, (0.0, 0.0)).astype(np.float32)
    plain = small_picture(Radiograph(array))
    assert small_picture(Radiograph(40 + 3 * array)) @ plain == pytest.approx(1.0)
    assert small_picture(Radiograph(255 - array, is_inverted=True)) @ plain == pytest.approx(1.0)
    assert small_picture(Radiograph(255 - array)) @ plain < -0.9


def test_templates_have_all_points(hand: PictureSet, tmp_path: Path) -> None:
    made.changed(
        hand.folder / "landmarks.csv",
        lambda row: None if row[:2] == ["images/000.png", "h03"] else row,
    )
    lacking = read_sets(tmp_path / "data")[2]
    chosen = finish(typical(lacking, 9, Pictures()))
    assert len(chosen) == 5
    assert "images/000.png" not in [p.file for p in chosen]
    for (template,) in matching.random_templates(lacking):
        assert template.file != "images/000.png"


def test_places_are_found_and_not_sought_twice(hand: PictureSet, tmp_path: Path) -> None:
    kept, pictures = Kept(tmp_path / "kept"), Pictures()
    templates = finish(typical(hand, 3, pictures))
    bank = made.FlatBank(made.flat_info(tmp_path))
    finder = matching.Finder(bank.info, bank, pictures, kept)  # type: ignore[arg-type]
    arms = finish(matching.arms_of(hand, templates, finder, "made", with_random=True))
    assert [arm.n_marked for arm in arms] == [1, 3, 1]
    for arm in arms:
        assert np.median(errors(arm, hand, (0, 1, 2))) < 1.0
    assert len(arms[2].repeats) > 2
    ran = bank.runs
    again = matching.Finder(bank.info, bank, pictures, kept)  # type: ignore[arg-type]
    second = finish(matching.matched(hand, [templates], again, "made, 3 templates"))
    assert bank.runs == ran
    assert np.array_equal(errors(second, hand, (0, 1, 2)), errors(arms[1], hand, (0, 1, 2)))


def test_a_run_that_exports_nothing_is_an_error(hand: PictureSet, tmp_path: Path) -> None:
    def worker(plan: object, folder: Path):  # type: ignore[no-untyped-def]
        yield from ()
        return {"predictions": "x"}

    request = made.request_for(tmp_path, tmp_path / "out", worker)
    with pytest.raises(ModelError, match="exported no model"):
        finish(matching.trained(hand, None, request))


def test_the_own_model_learns_from_training_pictures_only(hand: PictureSet, tmp_path: Path) -> None:
    plan = matching.local_plan(hand, made.flat_info(tmp_path), is_quick=False)
    assert plan.data == tuple(str(p.path) for p in hand.pictures["train"])
    assert plan.start == str(tmp_path.resolve())
    assert plan.settings["dimensions"] == 2
    assert matching.local_plan(hand, None, is_quick=True).start == ""


def test_shapes_and_observers_give_the_errors_they_should(tmp_path: Path) -> None:
    _, ceph, hand = read_sets(made.write_sets(tmp_path))
    shift = baselines.mean_shape(hand)
    assert 0.1 < np.median(errors(shift, hand, (0, 1, 2))) < 2.5
    first = hand.pictures["train"][0]
    own = baselines.copied(hand, first)
    moved = hand.truth(first) - hand.truth(hand.pictures["test"][0])
    assert np.allclose(errors(own, hand, (0, 1, 2))[0, 0], 0.5 * np.linalg.norm(moved, axis=1))
    observers = baselines.observers(ceph)
    assert observers is not None
    assert np.allclose(errors(observers, ceph, (0, 1, 2)), 0.5, atol=1e-3)  # 1 px of 0.5 mm
    assert baselines.observers(hand) is None


def test_registration_follows_the_shift_and_is_kept(hand: PictureSet, tmp_path: Path) -> None:
    kept, template = Kept(tmp_path / "kept"), hand.pictures["train"][0]
    arms = finish(baselines.registered(hand, template, Pictures(), kept))
    for arm in arms:
        assert np.median(errors(arm, hand, (0, 1, 2))) < 0.6
    made_anew = finish(baselines.registered(hand, template, Pictures(), kept))
    assert [arm.seconds for arm in made_anew] == [arm.seconds for arm in arms]


def test_a_registration_that_fails_is_told_and_counts(tmp_path: Path) -> None:
    hand = read_sets(made.write_sets(tmp_path / "data"))[2]
    target = hand.pictures["test"][0]
    target.path.write_bytes(b"gone bad")
    arm, _ = finish(
        baselines.registered(hand, hand.pictures["train"][0], Pictures(), Kept(tmp_path / "k"))
    )
    assert len(arm.failures) == 1
    assert target.file in arm.failures[0]
    assert np.isinf(errors(arm, hand, (0, 1, 2))[0, 0]).all()
    assert np.isfinite(errors(arm, hand, (0, 1, 2))[0, 1:]).all()


def test_the_worst_answers_are_drawn_with_truth_and_answer(hand: PictureSet) -> None:
    template = hand.pictures["train"][0]
    arm = baselines.copied(hand, template)
    drawn = finish(worst(hand, arm, template, Pictures(), (0, 1, 2)))
    assert len(drawn) == 3
    assert drawn[0].png.startswith(b"\x89PNG")
    millimetres = [float(p.caption.split(": ")[1].split(" mm")[0]) for p in drawn]
    assert millimetres == sorted(millimetres, reverse=True)


def test_a_mark_is_drawn_where_it_is() -> None:
    picture = Radiograph(np.zeros((40, 30), np.uint8) + np.arange(30, dtype=np.uint8))
    drawn = panel(picture, ((np.array([10.0, 20.0]), (60, 220, 120)),))
    green = np.argwhere((drawn == (60, 220, 120)).all(axis=2))
    scale = HEIGHT_PX / 40
    assert np.allclose(green.mean(axis=0), [20.5 * scale - 0.5, 10.5 * scale - 0.5], atol=1.0)
