"""The benchmarks of `samdesk bench match`, in the order in which they run."""

from collections.abc import Generator
from pathlib import Path

from samdesk.core.models import ModelInfo
from samdesk.core.progress import Progress
from samdesk.errors import SamdeskError
from samdesk.evaluation.base import Bar, Benchmark, Section, Setting
from samdesk.evaluation.contenders import Embeddings, baseline_contenders, samdesk_contenders
from samdesk.evaluation.formats import Formats
from samdesk.evaluation.phantoms import Across, FollowUp, Mirror, Presence, SelfMatch
from samdesk.evaluation.real import AcrossPatients, Bone, Warps
from samdesk.evaluation.speed import Speed
from samdesk.model.session import Session

BENCHMARKS: tuple[Benchmark, ...] = (
    Warps(),
    Bone(),
    AcrossPatients(),
    FollowUp(),
    Across(),
    Presence(),
    Mirror(),
    SelfMatch(),
    Formats(),
)


def run_all(
    info: ModelInfo,
    session: Session,
    *,
    data: Path | None,
    is_quick: bool = False,
    with_registration: bool = True,
    only: frozenset[str] = frozenset(),
) -> Generator[Progress, None, list[Section]]:
    """Run every benchmark that has what it needs, one after the other.

    Args:
        info: of the model.
        session: that runs it.
        data: folder of real scans, or None: then only made patients are measured.
        is_quick: a few small cases.
        with_registration: compare with SimpleITK, which takes most of the time.
        only: names of the benchmarks wanted; empty for all.

    Returns:
        A section for each; one that could not be measured says why and meets no promise.
    """
    embeddings = Embeddings(info, session)
    baselines = baseline_contenders() if with_registration else ()
    setting = Setting(samdesk_contenders(embeddings), baselines, data, is_quick)
    benchmarks = [b for b in (Speed(embeddings), *BENCHMARKS) if not only or b.name in only]
    benchmarks = [b for b in benchmarks if data is not None or not b.needs_data]
    sections: list[Section] = []
    for done, benchmark in enumerate(benchmarks):
        steps = benchmark.run(setting)
        while True:
            try:
                step = next(steps)
            except StopIteration as end:
                sections.append(end.value)
                break
            except SamdeskError as error:
                sections.append(_not_measured(benchmark, error))
                break
            yield _of_whole(step, done, len(benchmarks), benchmark.title)
    return sections


def _not_measured(benchmark: Benchmark, error: SamdeskError) -> Section:
    """Put a benchmark that could not run into the report, so that the others are not lost."""
    bar = Bar("measured at all", None, 0.0)
    note = f"Not measured: {error.what}"
    return Section(benchmark.name, benchmark.title, bars=(bar,), notes=(note,))


def _of_whole(step: Progress, done: int, total: int, title: str) -> Progress:
    """Say how far the whole is, and what is being done in the part."""
    inner = step.share * 100
    return Progress(int(done * 100 + inner), total * 100, f"{title}: {step.doing}")
