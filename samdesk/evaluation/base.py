"""What a benchmark must offer, and the few kinds of thing that all of them speak of."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from samdesk.core.geometry import Points
from samdesk.core.match import Match
from samdesk.core.progress import Progress
from samdesk.core.volume import Volume
from samdesk.evaluation.figures import Figures


@dataclass(frozen=True, eq=False)
class Case:
    """Two volumes and places whose true counterpart is known.

    Attributes:
        name: of the pair, without anything of a person.
        template, target: where the places are given, and where they are looked for.
        places: (n, 3) LPS mm in the template.
        truth: (n, 3) LPS mm in the target.
        names: of the places; empty where they have none.
        absent: (m, 3) LPS mm in the template, whose counterpart lies outside the target.
        same_patient: whether both show one person.
    """

    name: str
    template: Volume
    target: Volume
    places: Points
    truth: Points
    names: tuple[str, ...] = ()
    absent: Points | None = None
    same_patient: bool = False


@dataclass(frozen=True, eq=False)
class Answers:
    """What one contender said of one case.

    Attributes:
        places: (n, 3) LPS mm in the target; NaN where it gave none.
        seconds: for the whole case from cold.
        matches: the full answers, where the contender has them.
        failure: why it gave nothing at all, as a sentence; else empty.
        best: (n, 3) LPS mm, the likeliest place whatever the verdict; None where not told.
    """

    places: Points
    seconds: float
    matches: tuple[Match, ...] = ()
    failure: str = ""
    best: Points | None = None


class Contender(Protocol):
    """Something that finds places of one volume in another."""

    label: str

    def answer(self, case: Case) -> Generator[Progress, None, Answers]:
        """Find the case's places; a failure is an answer too and never raises."""


@dataclass(frozen=True)
class Bar:
    """A number that was promised, beside the number that was measured.

    Attributes:
        text: what was promised.
        measured: in the bar's unit; None where it could not be measured.
        limit: the promise.
        at_least: whether more is better.
        unit: "mm", "%", "s", "ms", "x" or empty.
    """

    text: str
    measured: float | None
    limit: float
    at_least: bool = False
    unit: str = ""

    @property
    def is_met(self) -> bool:
        """Whether the number holds; a number that is missing does not."""
        if self.measured is None or self.measured != self.measured:
            return False
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit


@dataclass(frozen=True)
class Row:
    """A line of a section's table: who, and its figures."""

    label: str
    figures: Figures
    seconds: float | None = None
    failures: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Miss:
    """One of the worst answers, with what is needed to draw it."""

    case: str
    name: str
    error_mm: float
    template: Volume
    target: Volume
    place: Points
    truth: Points
    answer: Points


@dataclass(frozen=True)
class Table:
    """Cells as they are to be read, with a line of head.

    Attributes:
        title: over it.
        head: names of the columns; the first column is text, the others are numbers.
        rows: as many cells each as the head has.
        note: below it, whose figures are foreign or what is uncertain.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True)
class Boxes:
    """Box plots side by side: quartiles, whiskers at the 5th and 95th percentile.

    Attributes:
        title: over them.
        unit: of the values, "mm".
        series: values of each box by its label; what is infinite is counted beside the box.
    """

    title: str
    unit: str
    series: Mapping[str, tuple[float, ...]]


@dataclass(frozen=True)
class Curves:
    """Lines in one pair of axes.

    Attributes:
        title: over them.
        x, y: what the axes show, unit included.
        series: (x, y) points of each line by its label, in the order in which they are joined.
    """

    title: str
    x: str
    y: str
    series: Mapping[str, tuple[tuple[float, float], ...]]


@dataclass(frozen=True)
class Picture:
    """A finished picture of one case, such as one of the worst.

    Attributes:
        caption: case, place, error.
        png: the file's bytes.
    """

    caption: str
    png: bytes


@dataclass(frozen=True)
class Section:
    """What one benchmark measured.

    Attributes:
        name: short, for the JSON.
        title: for people.
        rows: the table of errors; may be empty.
        values: further numbers by name, unit in the name.
        bars: promises beside the measured numbers.
        notes: sentences: what was left out and why, what the numbers do not say.
        misses: the worst answers, worst first.
        seconds: the benchmark took.
        tables, boxes, curves: further tables and plots, in this order.
        pictures: finished pictures of the worst, worst first.
    """

    name: str
    title: str
    rows: tuple[Row, ...] = ()
    values: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    bars: tuple[Bar, ...] = ()
    notes: tuple[str, ...] = ()
    misses: tuple[Miss, ...] = ()
    seconds: float = 0.0
    tables: tuple[Table, ...] = ()
    boxes: tuple[Boxes, ...] = ()
    curves: tuple[Curves, ...] = ()
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True, eq=False)
class Setting:
    """What a benchmark may use.

    Attributes:
        contenders: samdesk's ways of answering, plainest first; the last is the one that counts.
        baselines: registrations to compare with; empty where they are switched off.
        data: folder of real scans, or None.
        is_quick: a few small cases, for a look.
    """

    contenders: tuple[Contender, ...]
    baselines: tuple[Contender, ...]
    data: Path | None
    is_quick: bool = False


class Benchmark(Protocol):
    """One thing that is measured."""

    name: str
    title: str
    needs_data: bool

    def run(self, setting: Setting) -> Generator[Progress, None, Section]:
        """Measure; the same numbers for the same weights, scans and machine, seconds apart."""
