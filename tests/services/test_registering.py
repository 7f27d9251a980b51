"""Two scans are aligned in the background: the way there, its ends, and slices of the answer."""

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from samdesk.core.correspondence import Correspondences
from samdesk.core.geometry import Geometry
from samdesk.core.ids import SeriesId
from samdesk.core.plane import Frame, View
from samdesk.core.reading import Opened
from samdesk.core.volume import Modality, Volume
from samdesk.errors import SamdeskError
from samdesk.services.registering import Aligned, Asked, RegisteringService

A, B, C = (SeriesId(name) for name in "abc")
SHIFT = np.array((12.0, -7.0, 20.0))
N_WRONG = 9


def lattice(n_wrong: int = N_WRONG) -> Correspondences:
    """Places of a block, all shifted alike but for some that were matched wrongly."""
    axes = np.arange(0.0, 126.0, 25.0)
    fixed = np.array(np.meshgrid(axes, axes, axes)).reshape(3, -1).T
    rng = np.random.default_rng(4)
    moving = fixed + SHIFT + rng.normal(0, 0.5, fixed.shape)
    wrong = rng.choice(len(fixed), n_wrong, replace=False)
    moving[wrong] += rng.choice([-1, 1], (n_wrong, 3)) * rng.uniform(30, 60, (n_wrong, 3))
    ones = np.ones(len(fixed))
    return Correspondences(fixed, moving, 0.9 * ones, ones)


@dataclass
class Bench:
    """The service at work over the made desk, and what it told."""

    desk: Any
    service: RegisteringService
    until: Callable[[Callable[[], Any]], None]
    told: list[tuple[Any, ...]] = field(default_factory=list)

    def of(self, kind: str) -> list[tuple[Any, ...]]:
        return [words[1:] for words in self.told if words[0] == kind]

    def aligned(self, is_deformable: bool = False) -> Aligned:
        """Ask and wait for the answer."""
        before = len(self.of("aligned"))
        self.service.ask(A, B, is_deformable)
        self.until(lambda: len(self.of("aligned")) > before or self.of("failed"))
        answer: Aligned = self.of("aligned")[-1][0]
        return answer


def block(shift: Any = (0.0, 0.0, 0.0)) -> Opened:
    """A block whose values grow along x; one gray value a millimeter."""
    geometry = Geometry.aligned((26, 26, 26), (5.0, 5.0, 5.0), np.array(shift))
    x = np.arange(26, dtype=np.float32) * 5
    array = np.ascontiguousarray(np.broadcast_to(x, (26, 26, 26)))
    return Opened(Volume(array, geometry, Modality.CT))


@pytest.fixture
def bench(desk: Any, until: Callable[[Callable[[], Any]], None]) -> Bench:
    service = RegisteringService(desk.jobs, desk.volumes, desk.models, desk.matching, desk.engine)
    bench = Bench(desk, service, until)
    for name in ["aligned", "progressed", "failed", "stopped", "busy", "sliced", "dropped"]:
        getattr(service, name).connect(lambda *words, name=name: bench.told.append((name, *words)))
    desk.opened[A], desk.opened[B] = block(), block(SHIFT)
    desk.engine.lattice = lattice()
    return bench


def test_two_scans_are_opened_embedded_and_aligned(bench: Bench) -> None:
    aligned = bench.aligned()
    assert aligned.asked == Asked(A, B, is_deformable=False)
    place = np.array([[40.0, 50.0, 60.0]])
    assert_allclose(aligned.warp.to_moving(place), place + SHIFT, atol=0.5)
    assert_allclose(aligned.warp.to_fixed(place + SHIFT), place, atol=0.5)
    assert [words for (words,) in bench.of("busy")] == [True, False]
    assert bench.service.asked is None


def test_wrong_places_are_struck_out_and_the_others_say_how_well_it_fits(bench: Bench) -> None:
    aligned = bench.aligned()
    assert (~aligned.used).sum() == N_WRONG
    assert aligned.residual_mm[~aligned.used].min() > 30
    assert 0.3 < aligned.median_mm < aligned.p95_mm < 2.5
    assert aligned.least_jacobian == pytest.approx(1.0, abs=0.05)
    assert aligned.method == "SAM affine"
    assert any("were used" in note for note in aligned.notes)


def test_progress_goes_up_to_the_whole_and_names_what_is_done(bench: Bench) -> None:
    bench.aligned()
    steps = [progress for _, progress in bench.of("progressed")]
    shares = [one.share for one in steps if one.total == 100]
    assert shares == sorted(shares)
    assert {"aligning", "matching the lattice", "fitting the matches"} <= {
        one.doing for one in steps
    }


def test_a_bent_alignment_of_scans_too_flat_for_gray_values_counts_the_matches_alone(
    bench: Bench,
) -> None:
    bench.desk.opened[A] = bench.desk.opened[B] = block()
    thin = Geometry.aligned((2, 26, 26), (5.0, 5.0, 5.0))
    bench.desk.opened[B] = Opened(Volume(np.zeros((2, 26, 26), np.int16), thin, Modality.CT))
    aligned = bench.aligned(is_deformable=True)
    assert aligned.method == "SAM coarse"
    assert any("matches alone count" in note for note in aligned.notes)


def test_too_few_places_that_agree_is_a_sentence(bench: Bench) -> None:
    few = lattice()
    bench.desk.engine.lattice = Correspondences(
        few.fixed_mm, few.moving_mm, few.similarity, np.full(len(few), np.inf)
    )
    bench.service.ask(A, B)
    bench.until(lambda: bench.of("failed"))
    asked, error = bench.of("failed")[0]
    assert asked == Asked(A, B)
    assert error.code == "too-little-in-common"
    assert "too little in common" in error.what
    assert error.hint


def test_a_newer_question_takes_the_place_of_the_older(bench: Bench) -> None:
    bench.desk.engine.is_lattice_held = True
    bench.service.ask(A, B, False)
    bench.until(lambda: any(one.total == 100 for _, one in bench.of("progressed")))
    bench.desk.engine.is_lattice_held = False
    bench.service.ask(B, A, False)
    bench.until(lambda: bench.of("aligned"))
    assert [one.asked for (one,) in bench.of("aligned")] == [Asked(B, A, False)]
    assert bench.of("stopped") == [(Asked(A, B, False),)]


def test_cancel_while_the_lattice_is_matched_leaves_the_worker_free(bench: Bench) -> None:
    bench.desk.engine.is_lattice_held = True
    bench.service.ask(A, B)
    bench.until(lambda: any(one.total == 100 for _, one in bench.of("progressed")))
    bench.service.cancel()
    assert bench.of("stopped") == [(Asked(A, B),)]
    bench.service.cancel()
    assert len(bench.of("stopped")) == 1
    bench.desk.open("c")
    assert bench.of("aligned") == []
    assert [words for (words,) in bench.of("busy")] == [True, False]


def test_stopping_all_matching_stops_an_alignment_that_waits_for_an_embedding(
    bench: Bench,
) -> None:
    bench.desk.open("a", "b")
    bench.until(lambda: bench.desk.matching.is_ready(A) and bench.desk.matching.is_ready(B))
    bench.desk.matching.cancel()
    bench.desk.engine.slow.add(id(bench.desk.opened[C].image))
    bench.service.ask(A, C)
    bench.until(lambda: bench.desk.engine.running.is_set())
    bench.desk.matching.cancel()
    assert bench.of("stopped") == [(Asked(A, C),)]


def test_an_embedding_that_cannot_be_made_is_the_answer(bench: Bench) -> None:
    error = SamdeskError("All voxels of this scan have the value 0.", code="not-comparable")
    bench.desk.engine.errors[id(bench.desk.opened[B].image)] = error
    bench.service.ask(A, B)
    bench.until(lambda: bench.of("failed"))
    assert bench.of("failed") == [(Asked(A, B), error)]


def test_a_scan_that_cannot_be_read_is_the_answer(bench: Bench) -> None:
    bench.desk.opened[B] = SamdeskError("The file ends early.", code="truncated")
    bench.service.ask(A, B)
    bench.until(lambda: bench.of("failed"))
    assert bench.of("failed")[0][1].code == "truncated"


def test_a_fault_of_the_engine_is_told_as_one(bench: Bench) -> None:
    bench.desk.engine.lattice_error = ValueError("no")
    bench.service.ask(A, B)
    bench.until(lambda: bench.of("failed"))
    assert bench.of("failed")[0][1].code == "fault"


def test_another_modality_is_refused_with_its_reason(bench: Bench, made: SimpleNamespace) -> None:
    bench.desk.opened[B] = made.opened(Modality.MR)
    bench.desk.open("a", "b")
    bench.service.ask(A, B)
    bench.until(lambda: bench.of("failed"))
    error = bench.of("failed")[0][1]
    assert error.code == "not-comparable"
    assert "second scan is MR" in error.what


def test_what_is_not_open_or_the_same_twice_cannot_be_aligned(bench: Bench) -> None:
    assert bench.service.cannot_say(A, None) == "Open a second scan to align with this one."
    assert "same scan" in bench.service.cannot_say(A, A)
    assert bench.service.cannot_say(A, B) == ""


def test_a_slice_of_the_moving_scan_shows_the_tissue_of_the_fixed_one(bench: Bench) -> None:
    aligned = bench.aligned()
    fixed = bench.desk.opened[A].image
    plane = Frame.of(fixed.geometry).plane(View.AXIAL, (60.0, 60.0, 60.0))
    bench.service.ask_slice(aligned, View.AXIAL, plane)
    bench.service.ask_slice(aligned, View.AXIAL, plane)
    bench.until(lambda: bench.of("sliced"))
    told, drawn, values = bench.of("sliced")[0]
    assert told is aligned
    assert drawn == plane
    inside = values[3:-3, 3:-3]
    columns = np.arange(3, 23) * 5.0
    assert_allclose(inside, np.broadcast_to(columns, inside.shape), atol=1.0)
    bench.until(lambda: True)
    assert len(bench.of("sliced")) == 1


def test_only_the_newest_slice_of_a_view_is_drawn(bench: Bench) -> None:
    aligned = bench.aligned()
    frame = Frame.of(bench.desk.opened[A].image.geometry)
    planes = [frame.plane(View.AXIAL, (60.0, 60.0, 5.0 * n)) for n in range(12)]
    for plane in planes:
        bench.service.ask_slice(aligned, View.AXIAL, plane)
    bench.service.ask_slice(aligned, View.CORONAL, frame.plane(View.CORONAL, (60.0, 60.0, 60.0)))
    bench.until(lambda: len(bench.of("sliced")) >= 2)
    drawn = [plane for _, plane, _ in bench.of("sliced")]
    assert drawn[-2] == planes[-1]
    assert len(drawn) < len(planes)


def test_a_slice_that_goes_wrong_is_left_out_and_the_next_one_comes(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    aligned = bench.aligned()
    frame = Frame.of(bench.desk.opened[A].image.geometry)

    def broken(*_words: Any) -> Any:
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr("samdesk.services.registering.warped", broken)
        bench.service.ask_slice(aligned, View.AXIAL, frame.plane(View.AXIAL, (0.0, 0.0, 0.0)))
        bench.until(lambda: not bench.service._slicing)
    bench.service.ask_slice(aligned, View.AXIAL, frame.plane(View.AXIAL, (0.0, 0.0, 0.0)))
    bench.until(lambda: bench.of("sliced"))


def test_closing_a_scan_drops_its_alignment_and_stops_its_work(bench: Bench) -> None:
    aligned = bench.aligned()
    bench.desk.volumes.close(B)
    assert bench.of("dropped") == [("b",)]
    plane = Frame.of(bench.desk.opened[A].image.geometry).plane(View.AXIAL, (0.0, 0.0, 0.0))
    bench.service.ask_slice(aligned, View.AXIAL, plane)
    assert not bench.service._slicing
    bench.desk.engine.is_lattice_held = True
    bench.service.ask(A, B)
    bench.until(lambda: bench.service._job)
    bench.desk.volumes.close(B)
    assert bench.of("stopped")[-1] == (Asked(A, B),)


def test_an_alignment_without_any_place_has_no_residual(bench: Bench) -> None:
    aligned = bench.aligned()
    empty = np.zeros(0)
    none = Aligned(
        aligned.asked, aligned.warp, np.empty((0, 3)), np.empty((0, 3)), empty > 0, empty, 1.0, ""
    )
    assert np.isnan(none.median_mm)
    assert np.isnan(none.p95_mm)
