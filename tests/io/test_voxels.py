"""Stored numbers become voxels without losing, wrapping or inventing a value."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hn

from samdesk.core.volume import Modality, Unit
from samdesk.errors import ReadError
from samdesk.io.voxels import Rescale, Stored, glance, meaning, settle

WHOLE = st.sampled_from(["i1", "u1", "<i2", ">i2", "<u2", ">u2", ">i4", "<u4", "<i8"])


@given(
    WHOLE.flatmap(lambda kind: hn.arrays(np.dtype(kind), (2, 3, 4))),
    st.sampled_from([Rescale(), Rescale(1, -1024), Rescale(2, 100), Rescale(0.5, 0.25)]),
)
def test_whole_numbers_keep_their_values(stored: Stored, rescale: Rescale) -> None:
    voxels, _ = settle(stored, rescale, "x")
    exact = stored.astype(np.float64) * rescale.slope + rescale.intercept
    assert voxels.dtype in (np.int16, np.float32)
    assert voxels.dtype.isnative
    np.testing.assert_allclose(voxels, exact, rtol=1e-6, atol=1e-3)
    if voxels.dtype == np.int16:
        assert (voxels == exact).all()


def test_int16_is_kept_without_a_copy() -> None:
    stored = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    voxels, notices = settle(stored, Rescale(), "x")
    assert np.shares_memory(voxels, stored)
    assert not notices


def test_numbers_that_are_not_finite_are_counted_and_shown_as_the_lowest() -> None:
    stored = np.linspace(-5, 5, 24).reshape(2, 3, 4)
    stored[0, 0, 0], stored[1, 1, 1], stored[1, 2, 3] = np.nan, np.inf, 1e300
    voxels, notices = settle(stored, Rescale(), "x")
    assert [(one.code, one.number) for one in notices] == [("non-finite", 3)]
    assert voxels[0, 0, 0] == voxels[1, 1, 1] == voxels.min()


def test_a_volume_without_a_finite_number_is_refused() -> None:
    with pytest.raises(ReadError) as caught:
        settle(np.full((2, 2, 2), np.nan), Rescale(), "x")
    assert caught.value.code == "no-finite-voxels"


@pytest.mark.parametrize("kind", [np.int16, np.float32])
def test_a_constant_volume_is_said(kind: type) -> None:
    _, notices = settle(np.full((2, 2, 2), 7, dtype=kind), Rescale(), "x")
    assert [(one.code, one.number) for one in notices] == [("flat-image", 7)]


def chest(low: float = -1000.0) -> Stored:
    values = np.full((4, 32, 32), low)
    values[:, 4:28, 4:28] = 40.0
    values[:, 8:14, 8:20] = -850.0
    return values + np.random.default_rng(1).normal(0, 15, values.shape)


@pytest.mark.parametrize(
    ("values", "modality"),
    [
        (chest(), Modality.CT),
        (np.where(chest(-2000.0) < -1500, -2000.0, chest(-2000.0)), Modality.CT),
        (np.abs(chest()), Modality.OTHER),
        (np.random.default_rng(2).uniform(-4096, 4096, (4, 32, 32)), Modality.OTHER),
        (np.zeros((4, 32, 32)), Modality.OTHER),
    ],
    ids=["CT", "CT with padding", "MR", "MR phase", "nothing"],
)
def test_ct_is_told_by_its_air(values: Stored, modality: Modality) -> None:
    voxels = values.astype(np.float32)
    assert meaning(voxels) == (modality, Unit.HU if modality is Modality.CT else Unit.NONE)
    raw = values.astype(">f8").tobytes()
    assert glance(raw + b"xyz", np.dtype(">f8"), Rescale()) is modality


def test_a_glance_at_nothing_tells_nothing() -> None:
    assert glance(b"", np.dtype("<i2"), Rescale()) is Modality.OTHER
    assert glance(np.full(9, np.nan).tobytes(), np.dtype("f8"), Rescale()) is Modality.OTHER
