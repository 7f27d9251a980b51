"""Diffeomorphic demons bend one made body onto another, and stop when nobody waits."""

import threading

import numpy as np

from samdesk.core.geometry import Points
from samdesk.core.volume import Volume
from samdesk.evaluation.places import cropped, draw_in_body
from samdesk.evaluation.warps import Warp, warped_copy
from samdesk.io.base import finish
from samdesk.registration import affine, demons


def bent(body: Volume) -> tuple[Volume, Points, Points]:
    """Give a bent copy with places and their counterparts; its grey values are as they were."""
    rng = np.random.default_rng(3)
    low = body.geometry.corners_mm.min(axis=0) - 200
    control = rng.uniform(-14, 14, (3, 10, 11, 12))
    warp = Warp(body.geometry.center_mm, np.zeros(3), np.eye(3), control, low, 60.0)
    copy = warped_copy(body, warp, rng)
    places = draw_in_body(body, 80, rng)
    truth = warp.to_copy(places)
    inside = copy.geometry.outside_mm(truth) == 0
    return copy, places[inside], truth[inside]


def test_demons_are_better_than_the_affine_on_a_bend(body: Volume) -> None:
    copy, places, truth = bent(body)
    straight = finish(affine.register(body, copy, 5.0))
    found = finish(demons.register(body, copy, straight, 5.0))
    errors = [
        np.median(np.linalg.norm(way.map_points(places) - truth, axis=1))
        for way in (straight, found)
    ]
    assert errors[1] < 0.8 * errors[0]
    assert found.seconds > straight.seconds
    assert found.method == "affine + demons"


def test_nothing_pulls_where_the_other_scan_shows_nothing(body: Volume) -> None:
    half = cropped(body, 0, 22)
    found = finish(demons.register(body, half, spacing_mm=5.0))
    places = draw_in_body(body, 60, np.random.default_rng(5))
    beyond = places[half.geometry.outside_mm(places) > 20]
    assert len(beyond) > 5
    assert np.linalg.norm(found.map_points(beyond) - beyond, axis=1).max() < 6.0


def test_a_caller_who_leaves_is_heard(body: Volume) -> None:
    steps = demons.register(body, body, finish(affine.register(body, body, 8.0)), 2.5)
    next(steps)
    steps.close()
    left = [thread for thread in threading.enumerate() if thread.name == "registration"]
    for thread in left:
        thread.join(5.0)
    assert not any(thread.is_alive() for thread in left)
