"""One volume laid onto another from matched places, some of them wrong."""

from dataclasses import replace

import numpy as np
import pytest

from samdesk.core.correspondence import Correspondences
from samdesk.core.geometry import Geometry, Points
from samdesk.core.volume import Modality, Unit, Volume
from samdesk.errors import GeometryError, RegistrationError, SamdeskError
from samdesk.evaluation.places import cropped, draw_in_body
from samdesk.evaluation.warps import Warp, warped_copy
from samdesk.io.base import finish
from samdesk.registration import aligned, deformable
from samdesk.registration.transform import Registration

SPACING_MM = 6.0


def bent_warp(volume: Volume) -> Warp:
    rng = np.random.default_rng(12)
    low = volume.geometry.corners_mm.min(axis=0) - 200
    control = rng.uniform(-5, 5, (3, 14, 14, 14))
    linear = np.array([[1.0, -0.08, 0.0], [0.08, 0.97, 0.0], [0.0, 0.0, 1.04]])
    return Warp(volume.geometry.center_mm, np.array([14.0, -9.0, 60.0]), linear, control, low, 50.0)


def matches_of(
    volume: Volume, warp: Warp, n: int = 220, wrong_share: float = 0.2, noise_mm: float = 1.5
) -> Correspondences:
    rng = np.random.default_rng(7)
    places = draw_in_body(volume, n, rng)
    truth = warp.to_copy(places) + rng.normal(0, noise_mm, (len(places), 3))
    wrong = rng.random(len(places)) < wrong_share
    truth[wrong] += rng.uniform(30, 80, (int(wrong.sum()), 3))
    return Correspondences(places, truth, np.full(len(places), 0.9), np.full(len(places), 2.0))


@pytest.fixture(scope="module")
def pair(body: Volume) -> tuple[Volume, Warp, Correspondences]:
    warp = bent_warp(body)
    copy = warped_copy(body, warp, np.random.default_rng(8), (1.0, 1.0))
    return copy, warp, matches_of(body, warp)


def errors_mm(found: aligned.Alignment, body: Volume, warp: Warp) -> Points:
    places = draw_in_body(body, 60, np.random.default_rng(1))
    mapped = found.registration.map_points(places)
    off: Points = np.linalg.norm(mapped - warp.to_copy(places), axis=1)
    return off


def test_affine_then_field_then_grey_values_come_ever_nearer(
    body: Volume, pair: tuple[Volume, Warp, Correspondences]
) -> None:
    copy, warp, matches = pair
    straight = finish(aligned.align(body, copy, matches, is_deformable=False))
    coarse = aligned.from_matches(body.geometry, matches)
    whole = finish(aligned.align(body, copy, matches, spacing_mm=SPACING_MM))

    means = [float(errors_mm(found, body, warp).mean()) for found in (straight, coarse, whole)]
    assert means[0] < 8.0
    assert means[1] < means[0]
    assert means[2] < means[1] + 0.2
    assert [f.registration.method for f in (straight, coarse, whole)] == [
        "SAM affine", "SAM coarse", "SAM + B-spline",
    ]  # fmt: skip
    assert min(found.least_jacobian for found in (straight, coarse, whole)) > 0
    assert whole.seconds > 0


def test_wrong_matches_are_struck_out_and_their_residuals_told(
    body: Volume, pair: tuple[Volume, Warp, Correspondences]
) -> None:
    _, warp, matches = pair
    found = aligned.from_matches(body.geometry, matches)
    off = np.linalg.norm(found.moving_mm - warp.to_copy(found.fixed_mm), axis=1)
    assert not found.used[off > 20].any()
    assert found.used[off < 4].mean() > 0.8
    assert found.residual_mm[~found.used].min() > found.residual_mm[found.used].mean()
    assert "did not fit the others" in found.notes[0]


def test_matches_that_do_not_come_back_or_were_not_found_are_left_out(
    body: Volume, pair: tuple[Volume, Warp, Correspondences]
) -> None:
    _, _, matches = pair
    cycle = matches.cycle_error_mm.copy()
    cycle[:20] = aligned.CYCLE_MM + 1
    moving = matches.moving_mm.copy()
    moving[20:30] = np.nan
    similarity = matches.similarity.copy()
    similarity[30:35] = 0.1
    poorer = Correspondences(matches.fixed_mm, moving, similarity, cycle)
    found = aligned.from_matches(body.geometry, poorer)
    assert len(found.fixed_mm) == len(matches) - 35
    assert found.n_asked == len(matches)


def test_too_few_matches_are_refused_with_their_number(body: Volume) -> None:
    few = matches_of(body, bent_warp(body), n=8)
    with pytest.raises(RegistrationError, match=r"\d+ of 8 places") as refused:
        aligned.from_matches(body.geometry, few)
    assert refused.value.code == "too-little-in-common"
    rng = np.random.default_rng(2)
    spread = rng.uniform(-90, 90, (200, 3))
    shrunk = Correspondences(spread, spread * 0.2, np.full(200, 0.9), np.zeros(200))
    with pytest.raises(RegistrationError, match="factor"):
        aligned.from_matches(body.geometry, shrunk)


def test_where_grey_values_cannot_be_compared_the_matches_alone_count(
    body: Volume, pair: tuple[Volume, Warp, Correspondences], monkeypatch: pytest.MonkeyPatch
) -> None:
    copy, _, matches = pair

    def fails(*_: object, **__: object) -> None:
        raise SamdeskError("The registration gave up: no overlap.")

    monkeypatch.setattr(deformable, "_bend", fails)
    found = finish(aligned.align(body, copy, matches))
    assert found.registration.method == "SAM coarse"
    assert "no overlap" in found.notes[-1]


def test_grey_values_that_fold_tissue_are_not_taken(
    body: Volume, pair: tuple[Volume, Warp, Correspondences], monkeypatch: pytest.MonkeyPatch
) -> None:
    copy, _, matches = pair
    start = aligned.from_matches(body.geometry, matches)

    def folds(*_: object, **__: object):  # type: ignore[no-untyped-def]
        yield from ()
        return start.registration.inner, 0.0

    monkeypatch.setattr(deformable, "_bend", folds)
    monkeypatch.setattr(aligned, "least_jacobian", lambda *_: -0.2)
    found = finish(aligned.align(body, copy, matches))
    assert found.registration.method == "SAM coarse"
    assert "fold" in found.notes[-1]


def test_the_moving_volume_is_drawn_on_the_fixed_grid(
    body: Volume, pair: tuple[Volume, Warp, Correspondences]
) -> None:
    copy, _, matches = pair
    found = aligned.from_matches(body.geometry, matches)
    moved = aligned.resampled(copy, body.geometry, found.registration)
    assert moved.array.dtype == np.int16
    assert moved.unit is Unit.HU
    inside = body.array > -200
    before = aligned.resampled(
        copy, body.geometry, replace(found.registration, inner=aligned.linear_transform(np.eye(4)))
    )
    after, blind = (
        np.corrcoef(body.array[inside], volume.array[inside])[0, 1] for volume in (moved, before)
    )
    assert after > 0.4
    assert after > blind + 0.3


def test_air_is_drawn_where_the_moving_volume_shows_nothing_and_tilted_grids_are_right(
    body: Volume,
) -> None:
    turn = np.deg2rad(20.0)
    affine = body.geometry.affine.copy()
    affine[:3, :3] = (
        np.array([[1, 0, 0], [0, np.cos(turn), -np.sin(turn)], [0, np.sin(turn), np.cos(turn)]])
        @ affine[:3, :3]
    )
    same = Registration("none", 0.0, 0.0, aligned.linear_transform(np.eye(4)))
    part = cropped(body, 10, 30)
    tilted = aligned.resampled(part, Geometry(body.geometry.shape, affine), same)
    back = aligned.resampled(tilted, body.geometry, same)
    centre = tuple(slice(n // 2 - 3, n // 2 + 4) for n in body.array.shape)
    assert np.abs(back.array[centre].astype(int) - body.array[centre]).mean() < 60
    assert (back.array[:6] == -1000).all()
    mr = Volume(body.array.astype(np.float32), body.geometry, Modality.MR, Unit.NONE)
    drawn = aligned.resampled(cropped(mr, 10, 30), body.geometry, same)
    assert drawn.array.dtype == np.float32
    assert drawn.array[0].max() == mr.array[10:31].min()


def test_correspondences_must_belong_together() -> None:
    with pytest.raises(GeometryError, match="as many"):
        Correspondences(np.zeros((3, 3)), np.zeros((2, 3)), np.zeros(3), np.zeros(3))
