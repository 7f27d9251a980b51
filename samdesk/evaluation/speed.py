"""How fast: embedding, a click, a match from cold, opening a folder; each beside its peer."""

import tempfile
from collections.abc import Generator
from pathlib import Path
from time import perf_counter

import numpy as np

from samdesk.core.geometry import Geometry
from samdesk.core.progress import Progress
from samdesk.core.reading import Arrived, Opened
from samdesk.core.volume import Volume
from samdesk.errors import ReadError
from samdesk.evaluation.base import Bar, Case, Contender, Section, Setting
from samdesk.evaluation.contenders import Embeddings
from samdesk.evaluation.made import (
    FIRST_SEED,
    QUICK_SPACING,
    SPACING,
    follow_up_case,
    made_patient,
    made_scan,
)
from samdesk.io import registry
from samdesk.io.dicom.bare import read_bare
from samdesk.io.phantom_dicom import write_dicom
from samdesk.model.embedder import embed
from samdesk.model.matcher import Matcher

TORSO_SHAPE = (250, 200, 200)
TORSO_MM = 2.0
N_CLICKS = 20
N_SLICES = 300
N_PIXELS = 512
AIR_HU = -1000


class Speed:
    """Seconds and milliseconds of the main path.

    Args:
        embeddings: the model and the session that runs it.
    """

    name = "speed"
    title = "Speed"
    needs_data = False

    def __init__(self, embeddings: Embeddings) -> None:
        self._embeddings = embeddings

    def run(self, setting: Setting) -> Generator[Progress, None, Section]:
        """Time each part; warm caches of the disk, nothing else warm unless it says so."""
        started = perf_counter()
        spacing = QUICK_SPACING if setting.is_quick else SPACING
        values: dict[str, float] = {}
        yield Progress(0, 4, "embedding a torso")
        values["embed a torso of 200x200x250 at 2 mm, s"] = yield from self._embed_torso()
        yield Progress(1, 4, "clicks")
        case = follow_up_case(FIRST_SEED, spacing)
        clicks, cold_s = yield from self._clicks(case)
        values["one click, cached embeddings, median ms"] = float(np.median(clicks))
        values["one click, cached embeddings, p95 ms"] = float(np.percentile(clicks, 95))
        values["one match from cold (two embeddings, prior, vote), s"] = cold_s
        bars = [
            Bar("embed a torso", values["embed a torso of 200x200x250 at 2 mm, s"], 5.0, unit="s"),
            Bar("one click with cached embeddings", float(np.median(clicks)), 60.0, unit="ms"),
        ]
        for baseline in setting.baselines[-1:]:
            yield Progress(2, 4, baseline.label)
            seconds = yield from _seconds_of(baseline, case)
            values[f"{baseline.label} of the same pair, s"] = seconds
            ratio = seconds / cold_s
            bars.append(
                Bar(f"from cold against {baseline.label}", ratio, 10.0, at_least=True, unit="x")
            )
        yield Progress(3, 4, f"a folder of {N_SLICES} slices")
        folder = yield from _time_folder(values)
        bars += folder
        return Section(
            self.name, self.title, values=values, bars=tuple(bars),
            notes=(f"{self._embeddings.session.device_words}; folder of {N_PIXELS} x {N_PIXELS} "
                   "pixels, uncompressed.",),
            seconds=perf_counter() - started,
        )  # fmt: skip

    def _embed_torso(self) -> Generator[Progress, None, float]:
        """Give the better of two runs, so that a first allocation does not count."""
        torso = made_torso()
        seconds = []
        for _ in range(2):
            started = perf_counter()
            yield from embed(torso, self._embeddings.session)
            seconds.append(perf_counter() - started)
        return min(seconds)

    def _clicks(self, case: Case) -> Generator[Progress, None, tuple[list[float], float]]:
        """Time single questions, the prior worked out before; and the first one from cold."""
        session = self._embeddings.session
        started = perf_counter()
        a = yield from embed(case.template, session)
        b = yield from embed(case.target, session)
        matcher = Matcher(self._embeddings.info)
        yield from matcher.match_points(a, b, case.places[:1], vote=True)
        cold_s = perf_counter() - started
        clicks = []
        for place in case.places[:N_CLICKS]:
            started = perf_counter()
            yield from matcher.match_points(a, b, place[None], vote=True)
            clicks.append(1000 * (perf_counter() - started))
        return clicks, cold_s


def made_torso() -> Volume:
    """Make a made scan of exactly 200 x 200 x 250 voxels of 2 mm, cut or padded with air."""
    volume = made_scan(FIRST_SEED, 0, (TORSO_MM,) * 3).volume
    out = np.full(TORSO_SHAPE, AIR_HU, np.int16)
    k, j, i = (min(a, b) for a, b in zip(TORSO_SHAPE, volume.array.shape, strict=True))
    out[:k, :j, :i] = volume.array[:k, :j, :i]
    origin = volume.geometry.affine[:3, 3]
    return Volume(out, Geometry.aligned(TORSO_SHAPE, (TORSO_MM,) * 3, origin))


def _seconds_of(contender: Contender, case: Case) -> Generator[Progress, None, float]:
    """Time a contender on one case, from nothing known."""
    started = perf_counter()
    answers = yield from contender.answer(case)
    return max(answers.seconds, perf_counter() - started)


def _time_folder(values: dict[str, float]) -> Generator[Progress, None, list[Bar]]:
    """Write a folder of 300 slices, read it with bare pydicom and with samdesk."""
    with tempfile.TemporaryDirectory(prefix="samdesk-") as temporary:
        folder = Path(temporary) / "dicom"
        yield from write_dicom(_many_slices(), made_patient(FIRST_SEED), 0, folder)
        started = perf_counter()
        bare = read_bare(folder)
        bare_s = perf_counter() - started
        shape = bare.shape
        del bare
        started = perf_counter()
        first_s = float("nan")
        opened: Opened | None = None
        steps = registry.open_path(str(folder))
        while opened is None:
            try:
                step = next(steps)
            except StopIteration as end:
                opened = end.value
                break
            if isinstance(step, Arrived) and step.last >= step.first and first_s != first_s:
                first_s = perf_counter() - started
            yield step
        whole_s = perf_counter() - started
        if opened.image.array.shape != shape:
            raise ReadError(f"Of {shape} voxels, {opened.image.array.shape} were read.")
    values[f"{N_SLICES} slices, bare pydicom, s"] = bare_s
    values[f"{N_SLICES} slices, samdesk with all checks, s"] = whole_s
    values[f"{N_SLICES} slices, first picture, s"] = first_s
    return [Bar(f"first picture of {N_SLICES} slices", first_s, 0.5, unit="s")]


def _many_slices() -> Volume:
    """Spread a made scan over 300 slices of 512 x 512, by repeating voxels."""
    volume = made_scan(FIRST_SEED, 0, QUICK_SPACING).volume
    shape = (N_SLICES, N_PIXELS, N_PIXELS)
    index = [
        np.minimum(np.arange(n) * m // n, m - 1)
        for n, m in zip(shape, volume.array.shape, strict=True)
    ]
    array = volume.array[np.ix_(*index)]
    return Volume(array, Geometry.aligned(shape, (1.0, 0.75, 0.75)))
