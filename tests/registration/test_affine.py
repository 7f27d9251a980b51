"""The affine baseline finds what was done to a volume, and says when it cannot."""

import numpy as np
import pytest

from samdesk.core.geometry import Geometry, Points
from samdesk.core.volume import Volume
from samdesk.errors import SamdeskError
from samdesk.evaluation.places import cropped, draw_in_body
from samdesk.evaluation.warps import Warp, warped_copy
from samdesk.io.base import finish
from samdesk.registration import affine
from samdesk.registration.images import toolkit
from samdesk.registration.transform import check_volume_change, execute

# Coarser than in use: the tests ask whether it is right, the benchmarks how exact.
SPACING_MM = 5.0


def straight_warp(volume: Volume) -> Warp:
    turn = np.deg2rad(6.0)
    about_z = [[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]]
    linear = np.array(about_z) @ np.diag([1.05, 0.97, 1.04])
    low = volume.geometry.corners_mm.min(axis=0) - 200
    return Warp(
        volume.geometry.center_mm, np.array([14.0, -9.0, 30.0]), linear,
        np.zeros((3, 14, 14, 14)), low, 50.0,
    )  # fmt: skip


def error_mm(found: Points, truth: Points) -> float:
    return float(np.median(np.linalg.norm(found - truth, axis=1)))


def test_a_known_affine_of_a_crop_is_found_within_a_millimetre(body: Volume) -> None:
    warp = straight_warp(body)
    copy = warped_copy(body, warp, np.random.default_rng(8))
    places = draw_in_body(body, 60, np.random.default_rng(1))
    truth = warp.to_copy(places)
    inside = copy.geometry.outside_mm(truth) == 0
    found = finish(affine.register(body, copy, SPACING_MM))
    assert error_mm(found.map_points(places[inside]), truth[inside]) < 1.0
    assert found.seconds > 0
    assert found.method == "affine"


def test_the_same_input_gives_the_same_affine(body: Volume) -> None:
    part = cropped(body, 8, 33)
    first, second = (finish(affine.register(body, part, SPACING_MM)) for _ in range(2))
    places = np.array([[0.0, 0.0, 0.0], [40.0, -20.0, 30.0]])
    assert np.allclose(first.map_points(places), second.map_points(places), atol=1e-6)


def test_a_left_handed_stored_volume_is_registered_in_patient_millimetres(body: Volume) -> None:
    affine_ = body.geometry.affine.copy()
    affine_[:3, 3] += affine_[:3, 2] * (body.array.shape[2] - 1)
    affine_[:3, 2] *= -1
    flipped = Volume(body.array[:, :, ::-1].copy(), Geometry(body.array.shape, affine_))
    places = draw_in_body(body, 30, np.random.default_rng(2))
    found = finish(affine.register(body, flipped, SPACING_MM))
    assert error_mm(found.map_points(places), places) < 0.5


def test_a_volume_of_two_slices_is_refused_with_its_size(body: Volume) -> None:
    with pytest.raises(SamdeskError, match="too thin"):
        finish(affine.register(body, cropped(body, 5, 6)))


def test_an_affine_that_shrinks_a_body_to_nothing_is_a_failure() -> None:
    with pytest.raises(SamdeskError, match="ran away"):
        check_volume_change(np.diag([0.4, 0.4, 0.4]))
    with pytest.raises(SamdeskError, match="ran away"):
        check_volume_change(np.full((3, 3), np.nan))
    check_volume_change(np.eye(3))


def test_volumes_that_never_overlap_are_a_failure_and_not_a_crash(body: Volume) -> None:
    pair = affine.prepare(body, body)
    method = affine._method(pair, _far_away(), 0.2, 5)
    with pytest.raises(SamdeskError, match="gave up"):
        finish(execute(method, pair.fixed, pair.moving, affine.Progress(0, 1)))


def test_a_closed_registration_stops_its_optimizer(body: Volume) -> None:
    steps = affine.register(body, body)
    next(steps)
    steps.close()
    with pytest.raises(StopIteration):
        next(steps)


def _far_away() -> object:
    sitk = toolkit()

    return sitk.Euler3DTransform((0.0, 0.0, 0.0), 0.0, 0.0, 0.0, (5000.0, 0.0, 0.0))
