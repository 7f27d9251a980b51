"""A volume becomes an embedding in one pass or in slabs, and its key tells it from every other."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from samdesk.core.geometry import Geometry
from samdesk.core.models import ModelInfo
from samdesk.core.progress import Progress
from samdesk.core.volume import Modality, Volume
from samdesk.errors import ModelError, NoRoom, Stopped
from samdesk.model import embedder
from samdesk.model.cache import EmbeddingCache
from samdesk.model.embedder import body_cells, embed, slabs_of
from samdesk.model.embedding import SCALE, Embedding, key_of
from samdesk.model.session import Array, Session
from tests.model import made


def test_the_cells_lie_where_the_network_put_them(template: Embedding) -> None:
    # 72 x 64 x 64 voxels of 2.5 mm are padded to 80 x 64 x 64.
    assert template.fine.shape == (16, 40, 32, 32)
    assert template.coarse.shape == (16, 10, 8, 8)
    assert template.fine_cells.spacing == (5.0, 5.0, 5.0)
    first = template.scan.to_mm(np.zeros((1, 3)))[0]
    assert np.allclose(template.fine_cells.to_mm(np.zeros((1, 3)))[0], first + 1.25)
    assert template.size_bytes == 16 * (40 * 32 * 32 + 640) + 40 * 32 * 32


def test_rounding_to_bytes_moves_a_cosine_by_two_thousandths(
    session: Session, template: Embedding
) -> None:
    from samdesk.model import preprocess

    hu, _ = preprocess.to_network_grid(made.scan(), made.SPACING_MM, 16)
    exact = session.run(preprocess.channels(hu, session.info.windows)[None])["fine"][0]
    body = template.body
    a, b = exact[:, body], template.fine[:, body] / SCALE
    chosen = np.random.default_rng(0).integers(0, a.shape[1], (2, 2000))
    change = (a[:, chosen[0]] * a[:, chosen[1]]).sum(0) - (b[:, chosen[0]] * b[:, chosen[1]]).sum(0)
    assert np.sqrt((change**2).mean()) < 0.004
    assert abs(change.mean()) < 0.002


def test_every_step_tells_how_far_it_is(session: Session) -> None:
    steps = list(embed(made.scan((40, 32, 32)), session))
    assert all(isinstance(step, Progress) and step.doing for step in steps)
    shares = [step.share for step in steps]
    assert shares == sorted(shares)


def test_slabs_give_the_same_vectors_as_one_pass(session: Session) -> None:
    volume = made.scan((192, 32, 32))
    whole = made.embedded(volume, session)
    # 16 * 32 * 32 voxels less than the whole: two slabs.
    bound = embedder.PASS_BYTES_A_VOXEL * 160 * 32 * 32
    assert len(slabs_of((192, 32, 32), session.info, bound)) == 2

    parts = made.finish(embed(volume, session, None, bound))

    # The filters reach 8 voxels and the coarse ones 16, less than half of the overlap.
    assert np.abs(parts.fine.astype(int) - whole.fine).max() <= 1
    assert np.abs(parts.coarse.astype(int) - whole.coarse).max() <= 1


def test_slabs_cover_the_scan_once(bank: ModelInfo) -> None:
    shape = (1024, 208, 208)
    slabs = slabs_of(shape, bank)
    assert len(slabs) > 1
    assert slabs[0].start == slabs[0].keep_start == 0
    assert slabs[-1].stop == slabs[-1].keep_stop == 1024
    for one, following in pairwise(slabs):
        assert one.keep_stop == following.keep_start
        # 64 mm of overlap around the middle.
        assert (one.stop - following.start) * bank.spacing_mm >= 64
    for slab in slabs:
        assert slab.stop - slab.start <= 1024
        assert all(n % bank.multiple_of == 0 for n in (slab.start, slab.keep_start))


def test_a_scan_beyond_every_bound_is_told_before_it_begins(bank: ModelInfo) -> None:
    with pytest.raises(NoRoom, match="2000 x 4000 x 4000 mm") as error:
        slabs_of((800, 1600, 1600), bank)
    assert error.value.code == "no-room"


def test_a_pass_that_was_ended_is_begun_again(bank: ModelInfo) -> None:
    class Interrupted(Session):
        """Is stopped the first time, as by a click."""

        passes = 0

        def run(self, x: Array) -> dict[str, Array]:
            self.passes += 1
            if self.passes == 2:
                raise Stopped("stopped", code="stopped")
            return super().run(x)

    interrupted = Interrupted(bank, "cpu", 1)
    embedding = made.embedded(made.scan((40, 32, 32)), interrupted)
    # The trial, the one that was stopped, the scan again, and its mirrored twin.
    assert interrupted.passes == 4
    assert embedding.body.any()


def test_no_numbers_at_work_are_refused(bank: ModelInfo) -> None:
    class Broken(Session):
        """Answers with no numbers once it was trusted."""

        def run(self, x: Array) -> dict[str, Array]:
            outputs = super().run(x)
            if hasattr(self, "provider") and x.shape[2] != 32:
                outputs["fine"][:] = np.nan
            return outputs

    with pytest.raises(ModelError, match="no numbers"):
        made.embedded(made.scan((40, 48, 48)), Broken(bank, "cpu", 1))


def test_the_key_follows_voxels_place_and_model(bank: ModelInfo) -> None:
    volume = made.scan((40, 32, 32))
    again = Volume(volume.array.copy(), volume.geometry)
    other = volume.array.copy()
    other[20, 16, 16] += 1
    moved = Geometry(volume.geometry.shape, volume.geometry.affine + np.eye(4)[::-1] * 1e-3)

    assert key_of(volume, bank) == key_of(again, bank) == key_of(volume, bank)
    assert key_of(Volume(other, volume.geometry), bank) != key_of(volume, bank)
    assert key_of(Volume(volume.array, moved), bank) != key_of(volume, bank)
    assert key_of(volume, replace(bank, sha256="0" * 64)) != key_of(volume, bank)


def test_a_second_time_comes_from_the_cache(session: Session, tmp_path: Path) -> None:
    volume = made.scan((40, 32, 32))
    first = made.finish(embed(volume, session, EmbeddingCache(tmp_path)))
    steps = embed(volume, session, EmbeddingCache(tmp_path))
    assert next(steps).total == 1
    with pytest.raises(StopIteration) as end:
        next(steps)
    assert np.array_equal(end.value.value.fine, first.fine)


def test_a_volume_that_the_model_does_not_know_is_refused(session: Session) -> None:
    volume = made.scan((40, 32, 32))
    mr = Volume(volume.array, volume.geometry, Modality.MR)
    with pytest.raises(ModelError, match="This scan is MR") as error:
        made.embedded(mr, session)
    assert error.value.code == "not-comparable"


def test_gas_inside_is_body_and_air_beside_is_not() -> None:
    hu = np.full((32, 48, 48), -1000.0, np.float32)
    hu[:, 12:36, 12:36] = 40.0
    hu[8:24, 20:28, 20:28] = -1000.0
    body = body_cells(hu, 2)
    assert body[8, 12, 12]
    assert not body[8, 1, 1]
    # Two cells are grown around the block that begins at cell 6.
    assert body[8, 12, 4]
    assert not body[8, 12, 3]


def test_the_twin_is_what_the_mirrored_scan_shows(session: Session, template: Embedding) -> None:
    mirrored = made.embedded(made.scan(moved=lambda y: y * [-1, 1, 1]), session)
    # The grid is symmetric about x = 0, so the mirrored tissue of a place lies at -x.
    inside = template.twin_mm[np.abs(template.twin_mm) @ [1, 1, 0] < 70]
    seen = mirrored.descriptors(inside * [-1, 1, 1])
    chosen = np.abs(template.twin_mm) @ [1, 1, 0] < 70
    assert len(inside) > 50
    assert (seen * template.twin[chosen]).sum(axis=1).min() > 0.98
