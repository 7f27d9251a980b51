"""`samdesk evaluate mr`: a model trained here on MR, beside registration and the CT weights.

The MR sets are for local use: their licences let nothing that learned from them ship. The model is
made by the same command that measures it, from scans of split train only, or named with --model.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np

from samdesk.core.models import ModelInfo
from samdesk.core.progress import Progress
from samdesk.core.runs import RunPlan
from samdesk.core.volume import Modality, Unit, Volume
from samdesk.errors import SamdeskError, UsageError
from samdesk.evaluation import landmark_tables as tables
from samdesk.evaluation import mr_sets as sets
from samdesk.evaluation.arms import Arm, Asked, Said, ask
from samdesk.evaluation.base import Answers, Bar, Case, Section, Table
from samdesk.evaluation.contenders import Depth, Embeddings, Samdesk
from samdesk.evaluation.evaluations import Request, needed_data, refuse_all
from samdesk.evaluation.figures import summarize
from samdesk.evaluation.rivals import Baseline
from samdesk.evaluation.tables import number
from samdesk.model.fitness import reason_against
from samdesk.model.shelf import Shelf
from samdesk.registration import affine, deformable
from samdesk.registration.transform import Registration

MINUTES, QUICK_MINUTES = 6.0, 0.3
N_PAIRS = {sets.HIPPOCAMPUS: 12, sets.HEARTS: 6}
QUICK_PAIRS = 2
TRAINED_ON = (sets.HIPPOCAMPUS, sets.HEARTS)
MODEL = "mr-local"
LICENCE = (
    "local use only: the hippocampus set and the hearts come without a licence statement that "
    "allows shipping; this model may not leave the machine"
)
SINGLE, WHOLE, FORCED_CT = "MR model, one pass", "MR model, prior and vote", "CT weights, forced"
BEST = "MR model, likeliest place whatever its verdict"
MIDDLE = "same place from the scans' middles"
AFFINE, SPLINE = "SimpleITK affine", "affine + B-spline"
NEEDED = (
    "mr/hippocampus/manifest.csv", "mr/la2018/manifest.csv", "mr/heads_afids/manifest.csv",
    "mr/heads_afids/landmarks.csv", "mr/knee_pymskt/manifest.csv",
)  # fmt: skip
HINT = "Mend the data, or name its folder with --data or in the variable SAMDESK_DATA."


@dataclass(frozen=True)
class Part:
    """One set as it is asked.

    Attributes:
        name, title: of the section.
        spacing_mm, grid_mm: of the registrations, as fine as the scans of the set are worth.
        near_mm: two distances that the table counts within.
        note: what the figures do not say.
        is_crop: the scans were cut around what they show, so registrations start from their
            middles; the program's own start looks for the body, and there is none.
    """

    name: str
    title: str
    spacing_mm: float
    grid_mm: float
    near_mm: tuple[float, float]
    note: str
    is_crop: bool = False


PARTS = {
    sets.HIPPOCAMPUS: Part(
        sets.HIPPOCAMPUS, "Hippocampus across people (1 mm crops, split test)", 1.0, 10.0,
        (2.5, 5.0),
        "The crops were cut around the hippocampus, so its place in the crop says much: the row "
        f'"{MIDDLE}" looks at no voxel at all.',
        is_crop=True,
    ),
    sets.HEARTS: Part(
        sets.HEARTS, "Left atrium across people (1.25 mm crops, split test)", 2.0, 20.0,
        (5.0, 10.0),
        "Four scans, six pairs; the source cut the scans around the atrium and does not say how "
        "they lie. Voxels of 1.25 mm are the challenge's value.",
        is_crop=True,
    ),
    sets.HEADS: Part(
        sets.HEADS, "Heads: 32 points, Colin 27 and the MNI 2009 template", 3.0, 30.0, (5.0, 10.0),
        "Two scans, so intervals say little. Both are split test: the model never saw a whole "
        "head, only crops around the hippocampus.",
    ),
    sets.KNEE: Part(
        sets.KNEE, "Knee: known warps and crops of one scan", 2.0, 20.0, (5.0, 10.0),
        "One knee (split test) and two bent, cropped, recolored copies of it: invariance to the "
        "warp only. The model never saw a knee.",
    ),
}  # fmt: skip


class Mr:
    """A model of MR trained here, by its figures."""

    name = "mr"
    title = "MR: a model trained here, registration, and the CT weights"

    def check(self, request: Request) -> None:
        """Name everything that is missing or does not fit; the models are loaded too."""
        if request.is_made_only:
            raise UsageError(
                "There are no made patients in MR, so --made leaves nothing to measure.",
                code="usage",
                hint="Leave --made away.",
            )
        data = needed_data(request, *NEEDED)
        refuse_all(problems(data, request.is_quick), HINT)
        request.session(Shelf(request.models).default(Modality.CT))
        if request.model:
            request.session(_named(request))

    def run(self, request: Request) -> Generator[Progress, None, list[Section]]:
        """Train where no model was named, then measure set by set."""
        data = needed_data(request, *NEEDED)
        started = perf_counter()
        ct = Shelf(request.models).default(Modality.CT)
        info, training = yield from _model(request, data)
        sections = [_refusals(ct, data, info, training, perf_counter() - started)]
        ours = None if info is None else Embeddings(info, request.session(info), held=8)
        theirs = Embeddings(ct, request.session(ct), held=8)
        for name, part in PARTS.items():
            asked = cases(data, name, request.is_quick)
            sections.append((yield from _section(request, part, asked, ours, theirs)))
        return sections


def problems(data: Path, is_quick: bool = False) -> list[str]:
    """Name scans that are missing and masks that do not fit, a sentence each."""
    found = []
    for name in TRAINED_ON:
        for one in sets.marked(data, name, "test"):
            found += [
                f"{name} holds no {file.name}."
                for file in (one.image, one.mask)
                if not file.is_file()
            ]
    if found:
        return found
    try:
        sets.read(data / "mr" / sets.KNEE)  # its warps take a minute, and always fit
        for name in (sets.HIPPOCAMPUS, sets.HEARTS, sets.HEADS):
            for asked in cases(data, name, is_quick):
                asked.make()
    except SamdeskError as error:
        found.append(error.what)
    return found


def cases(data: Path, name: str, is_quick: bool) -> list[Asked]:
    """Give the cases of a set."""
    if name == sets.HEADS:
        return sets.heads(data)
    if name == sets.KNEE:
        return sets.knee(data, sets.KNEE_SEEDS[:1] if is_quick else sets.KNEE_SEEDS)
    scans = sets.marked(data, name, "test")
    most = QUICK_PAIRS if is_quick else N_PAIRS[name]
    return [sets.across(a, b) for a, b in sets.pairs(scans, most)]


def plan_of(data: Path, minutes: float, seed: int = 0) -> RunPlan:
    """Write the plan of the local model: split train of two sets, watched on split val."""
    files = {
        split: tuple(
            str(one.image) for name in TRAINED_ON for one in sets.marked(data, name, split)
        )
        for split in ("train", "val")
    }
    return RunPlan(
        method="sam",
        data=files["train"],
        validation=files["val"],
        settings={"modality": Modality.MR.value, "pairs": 2},
        minutes=minutes,
        seed=seed,
        name=MODEL,
        licence=LICENCE,
    )


def _named(request: Request) -> ModelInfo:
    info = request.info(Modality.MR)
    if info.modality is not Modality.MR:
        raise UsageError(
            f"The model {info.id} was trained on {info.modality.value}, not on MR.",
            code="usage",
            hint="Leave --model away, and the command trains one.",
        )
    return info


def _model(request: Request, data: Path) -> Generator[Progress, None, tuple[ModelInfo | None, str]]:
    """Give the model that is judged, and how it was made or why there is none."""
    if request.model:
        info = _named(request)
        return info, f"The model {info.id} was named; made by: {info.command or 'not stated'}."
    plan = plan_of(data, QUICK_MINUTES if request.is_quick else MINUTES)
    try:
        values = yield from request.run_worker(plan, request.out / "training")
        folder = Path(str(values["folder"]))
        info = Shelf([folder.parent]).get(folder.name)
    except SamdeskError as error:
        return None, f"The training FAILED, so the MR model has no figures: {error.what}"
    figures = ", ".join(f"{name} {value:g}" for name, value in info.figures.items())
    return info, (
        f"Trained in this run for {plan.minutes:g} minutes of wall time on {len(plan.data)} scans "
        f"of split train ({', '.join(TRAINED_ON)}); on warps of split val: {figures}."
    )


def _refusals(
    ct: ModelInfo, data: Path, mr: ModelInfo | None, training: str, seconds: float
) -> Section:
    """Tell what the program says when MR is put to the CT weights, and CT to the MR model."""
    knee = sets.read(data / "mr" / sets.KNEE)
    crop = sets.marked(data, sets.HIPPOCAMPUS, "test")[0]
    asked: list[tuple[str, Volume, ModelInfo]] = [
        ("knee, DICOM that says MR", knee, ct),
        ("hippocampus, NIfTI that does not say", sets.read(crop.image), ct),
    ]
    if mr is not None:
        values = np.linspace(-1000, 1000, knee.array.size).reshape(knee.array.shape)
        made = Volume(values.astype(np.int16), knee.geometry, Modality.CT, Unit.HU)
        asked += [
            ("a volume in HU", made, mr),
            ("hippocampus, NIfTI that does not say", sets.read(crop.image), mr),
        ]
    rows = tuple(
        (what, str(info.id), reason_against(volume, info) or "answers")
        for what, volume, info in asked
    )
    return Section(
        "refusals", "What each model is asked about, and the model's making",
        notes=(training, LICENCE[0].upper() + LICENCE[1:] + "."),
        tables=(Table("Asked about", ("scan", "model", "what the program says"), rows),),
        seconds=seconds,
    )  # fmt: skip


def _section(
    request: Request,
    part: Part,
    asked: Sequence[Asked],
    ours: Embeddings | None,
    theirs: Embeddings,
) -> Generator[Progress, None, Section]:
    started = perf_counter()
    rivals = (
        Arm(Middle(), "middle"), *_registrations(part),
        Arm(ForcedCt(theirs), f"sam {theirs.info.sha256}"),
    )  # fmt: skip
    arms = rivals if ours is None else (*_our_arms(ours), *rivals)
    said = yield from ask(asked, arms, request.kept)
    said = [*said, *tables.as_best(said, WHOLE, BEST)]
    notes = [part.note]
    if ours is None:
        notes.append("The MR model could not be trained: its rows are missing.")
    bars = tuple(
        Bar(
            f"median of the MR model below {label}",
            _median(said, BEST) if ours is not None else None,
            _median(said, label),
            unit="mm",
        )
        for label in (MIDDLE, AFFINE, SPLINE, FORCED_CT)
    )
    return Section(
        part.name, part.title, bars=bars, notes=tuple(notes),
        seconds=perf_counter() - started,
        tables=(
            side_by_side(part, said), tables.by_place("By place", said),
        ),
        boxes=(tables.boxes_of(part.title, said),),
        pictures=() if ours is None else tables.worst_pictures(
            [one for one in said if one.label == WHOLE and np.isfinite(one.errors).all()],
            asked, WHOLE, request.kept, 2,
        ),
    )  # fmt: skip


def side_by_side(part: Part, said: Sequence[Said]) -> Table:
    """Lay all arms beside each other, with the distances that mean something in this set."""
    near, far = part.near_mm
    rows = []
    for label in tables.labels_of(said):
        errors = tables.errors_of(said, label)
        figures = summarize(errors)
        of_arm = [one for one in said if one.label == label]
        rows.append(
            (
                label, str(figures.n), str(figures.n_answered), number(figures.median_mm),
                number(figures.mean_mm), number(figures.p95_mm),
                f"{tables.share_within(errors, near):.0f} %",
                f"{tables.share_within(errors, far):.0f} %",
                number(float(np.mean([one.seconds for one in of_arm]))),
                str(sum(bool(one.failure) for one in of_arm)),
            )
        )  # fmt: skip
    failures = [f"{one.label}, {one.case}: {one.failure}" for one in said if one.failure]
    head = (
        "", "places", "answered", "median mm", "mean mm", "p95 mm", f"<= {near:g} mm",
        f"<= {far:g} mm", "s a case", "cases failed",
    )  # fmt: skip
    note = "A place without an answer counts as infinitely wrong in every column but the mean."
    return Table(part.title, head, tuple(rows), " ".join([note, part.note, *failures]))


class Middle:
    """Looks at no voxel: the same place, counted from the middle of each scan."""

    label = MIDDLE

    def answer(self, case: Case) -> Generator[Progress, None, Answers]:
        """Shift the places by the distance of the scans' middles."""
        yield Progress(0, 1, self.label)
        shift = case.target.geometry.center_mm - case.template.geometry.center_mm
        return Answers(case.places + shift, 0.0)


class ForcedCt:
    """The CT weights on MR that is called CT, with values where HU would have them.

    The program refuses this; here it is done to know what the refusal is worth.

    Args:
        embeddings: of the CT model.
    """

    label = FORCED_CT

    def __init__(self, embeddings: Embeddings) -> None:
        self._samdesk = Samdesk(embeddings, Depth.VOTE)
        self._held: list[tuple[Volume, Volume]] = []

    def answer(self, case: Case) -> Generator[Progress, None, Answers]:
        """Match the disguised volumes; the likeliest place counts, whatever was said of it."""
        disguised = Case(
            case.name, self._disguised(case.template), self._disguised(case.target),
            case.places, case.truth, case.names,
        )  # fmt: skip
        answers = yield from self._samdesk.answer(disguised)
        best = answers.places if answers.best is None else answers.best
        return Answers(best, answers.seconds, answers.matches, best=best)

    def _disguised(self, volume: Volume) -> Volume:
        for known, disguised in self._held:
            if known is volume:
                return disguised
        made = sets.as_ct(volume)
        self._held = [*self._held, (volume, made)][-4:]
        return made


def _our_arms(embeddings: Embeddings) -> tuple[Arm, ...]:
    arms = []
    for depth, label in ((Depth.PLAIN, SINGLE), (Depth.VOTE, WHOLE)):
        contender = Samdesk(embeddings, depth)
        contender.label = label
        arms.append(Arm(contender, f"sam {embeddings.info.sha256}"))
    return tuple(arms)


def _registrations(part: Part) -> tuple[Arm, ...]:
    """Give affine and B-spline at the set's own resolution; the second starts from the first."""
    held: list[tuple[Case, Registration]] = []

    def linear(case: Case) -> Generator[Progress, None, Registration]:
        if not held or held[0][0] is not case:
            middles = case.target.geometry.center_mm - case.template.geometry.center_mm
            found = yield from affine.register(
                case.template, case.target, part.spacing_mm,
                offset_mm=middles if part.is_crop else None,
            )  # fmt: skip
            held[:] = [(case, found)]
        return held[0][1]

    def bent(case: Case) -> Generator[Progress, None, Registration]:
        start = yield from linear(case)
        return (
            yield from deformable.register(
                case.template, case.target, part.grid_mm, start, part.spacing_mm
            )
        )

    recipe = (
        f"{part.spacing_mm:g} mm, {affine.BINS} bins, {part.grid_mm:g} mm, {deformable.LEVELS}, "
        f"{part.is_crop}"
    )
    return Arm(Baseline(AFFINE, linear), recipe), Arm(Baseline(SPLINE, bent), recipe)


def _median(said: Sequence[Said], label: str) -> float:
    return tables.median_of(tables.errors_of(said, label))
