"""Plans of supervised runs, and what becomes of a run that fails."""

from pathlib import Path

import numpy as np
import pytest

from samdesk.evaluation import radiograph_supervised as supervised
from samdesk.evaluation.radiograph_arms import errors
from samdesk.evaluation.radiograph_sets import PictureSet, read_sets
from samdesk.io.base import finish
from tests.evaluation import made_radiographs as made


@pytest.fixture
def hand(tmp_path: Path) -> PictureSet:
    return read_sets(made.write_sets(tmp_path))[2]


def test_small_training_sets_are_parts_of_larger_ones_and_differ_by_seed(hand: PictureSet) -> None:
    assert supervised.sizes(hand) == (1, 5, 6)
    one, five = (supervised.plan_for(hand, n, 0) for n in (1, 5))
    assert set(one.data) < set(five.data)
    orders = {supervised.plan_for(hand, 5, seed).data for seed in range(4)}
    assert len(orders) == 4


def test_no_test_picture_is_trained_or_chosen_on(hand: PictureSet) -> None:
    plan = supervised.plan_for(hand, 6, 0)
    test = set(plan.settings["test"])
    assert test == {str(p.path) for p in hand.pictures["test"]}
    assert not test & {*plan.data, *plan.validation}
    assert not set(plan.data) & set(plan.validation)


def test_runs_beside_each_other_come_back_in_order(hand: PictureSet, tmp_path: Path) -> None:
    plans = [(n, s, supervised.plan_for(hand, n, s)) for n in (1, 6) for s in (0, 1)]
    runs = finish(supervised.train(hand, plans, tmp_path / "out", made.Worker(), 2))
    assert [(run.n, run.seed) for run in runs] == [(1, 0), (1, 1), (6, 0), (6, 1)]
    few, all_of_them = supervised.arms_of(runs)
    assert np.allclose(errors(few, hand, (0, 1, 2)), 3.0, atol=1e-2)  # 6 px of 0.5 mm
    assert np.allclose(errors(all_of_them, hand, (0, 1, 2)), 0.5, atol=1e-2)
    assert runs[0].curve == ((10.0, 3.0),)
    assert runs[0].losses == ((10.0, 2.0),)


def test_a_crashed_run_is_told_and_the_others_count(hand: PictureSet, tmp_path: Path) -> None:
    plans = [(1, s, supervised.plan_for(hand, 1, s)) for s in (0, 1)]
    worker = made.Worker(fails=frozenset({1}))
    (arm,) = supervised.arms_of(finish(supervised.train(hand, plans, tmp_path, worker, 1)))
    assert len(arm.repeats) == 1
    assert arm.label == "supervised, 1 picture (1 seeds)"
    assert arm.failures == ("1 pictures, seed 1: The heatmap run crashed.",)


def test_predictions_that_cannot_be_read_are_a_failure(hand: PictureSet, tmp_path: Path) -> None:
    def worker(plan: object, folder: Path):  # type: ignore[no-untyped-def]
        yield from ()
        return {"predictions": "nowhere.json"}

    plans = [(1, 0, supervised.plan_for(hand, 1, 0))]
    (run,) = finish(supervised.train(hand, plans, tmp_path, worker, 1))
    assert run.places is None
    assert "cannot be read" in run.failure


def test_a_quick_look_trains_less(hand: PictureSet) -> None:
    quick = supervised.plan_for(hand, 6, 0, is_quick=True).settings["steps"]
    assert quick < supervised.plan_for(hand, 1, 0).settings["steps"]
