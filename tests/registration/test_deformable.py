"""The B-spline finds a bend that an affine cannot."""

from typing import Any

import numpy as np
import pytest

from samdesk.core.volume import Modality, Unit, Volume
from samdesk.evaluation.places import draw_in_body
from samdesk.evaluation.warps import Warp, warped_copy
from samdesk.io.base import finish
from samdesk.registration import affine, deformable
from samdesk.registration.affine import Prepared
from samdesk.registration.images import toolkit
from samdesk.registration.transform import Registration


def test_the_spline_is_better_than_the_affine_on_a_bend(body: Volume) -> None:
    rng = np.random.default_rng(3)
    low = body.geometry.corners_mm.min(axis=0) - 200
    control = rng.uniform(-14, 14, (3, 10, 11, 12))
    warp = Warp(body.geometry.center_mm, np.zeros(3), np.eye(3), control, low, 60.0)
    copy = warped_copy(body, warp, rng)
    places = draw_in_body(body, 80, rng)
    truth = warp.to_copy(places)
    inside = copy.geometry.outside_mm(truth) == 0
    straight = finish(affine.register(body, copy, 5.0))
    bent = finish(deformable.register(body, copy, 50.0, straight, 5.0))
    errors = [
        np.median(np.linalg.norm(found.map_points(places[inside]) - truth[inside], axis=1))
        for found in (straight, bent)
    ]
    assert errors[1] < 0.75 * errors[0]
    assert bent.seconds > straight.seconds
    assert bent.method == "affine + B-spline"


def test_a_refined_control_grid_bends_as_the_coarse_one_did(body: Volume) -> None:
    sitk = toolkit()

    image = affine.prepare(body, body, 8.0).fixed
    coarse = sitk.BSplineTransformInitializer(image, [2, 2, 3], 3)
    rng = np.random.default_rng(0)
    coarse.SetParameters(rng.uniform(-9, 9, len(coarse.GetParameters())).tolist())
    fine = deformable._refined(coarse, sitk.BSplineTransformInitializer(image, [4, 4, 6], 3))
    for place in draw_in_body(body, 20, rng):
        ours = np.array(fine.TransformPoint(place.tolist()))
        assert np.abs(ours - coarse.TransformPoint(place.tolist())).max() < 0.6


def test_values_that_are_no_hu_are_compared_as_they_are(
    body: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[float] = []

    def bend(pair: Prepared, base: object, lattice: object, start: object) -> Any:
        yield from ()
        seen.append(float(toolkit().GetArrayViewFromImage(pair.fixed).min()))
        return toolkit().Transform(3, toolkit().sitkIdentity), 0.0

    monkeypatch.setattr(deformable, "_bend", bend)
    still = Registration("none", 0.0, 0.0, toolkit().Transform(3, toolkit().sitkIdentity))
    mr = Volume(body.array.astype(np.float32), body.geometry, Modality.MR, Unit.NONE)
    finish(deformable.register(mr, mr, start=still, spacing_mm=8.0))
    finish(deformable.register(body, body, start=still, spacing_mm=8.0))
    assert seen[0] < -900  # as stored
    assert seen[1] == 0.0  # on the scale of soft tissue
