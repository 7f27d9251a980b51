"""`samdesk evaluate presence`: does the program know what a scan does not show?

Real CT that neither training nor calibration saw (split test), MR, and scans whose header lies.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from samdesk.core.match import Verdict
from samdesk.core.models import ModelInfo
from samdesk.core.progress import Progress
from samdesk.core.volume import Volume
from samdesk.errors import SamdeskError
from samdesk.evaluation import presence_cases as cases
from samdesk.evaluation.across import marked_scans
from samdesk.evaluation.arms import Said, ask
from samdesk.evaluation.base import Bar, Curves, Section, Table
from samdesk.evaluation.checks import ct_problems
from samdesk.evaluation.contenders import Embeddings
from samdesk.evaluation.evaluations import Request, needed_data, refuse_all
from samdesk.evaluation.figures import auc
from samdesk.evaluation.presence_cases import Question
from samdesk.evaluation.rivals import sam_arms
from samdesk.evaluation.scans import real_scans
from samdesk.io import registry
from samdesk.io.base import finish
from samdesk.model.calibration import expected_error
from samdesk.model.fitness import reason_against
from samdesk.model.prior import MIRRORED

RIGHT_MM, FAR_MM = 10.0, 20.0
BINS = 10
HELD = 40
# Neither shows any of a trunk.
MR_FILES = ("mr/heads_afids/images/mni2009sym.nii.gz", "mr/heads_afids/images/colin27.nii.gz")
MR_FOLDERS = ("mr/knee_pymskt",)
HEADLINE = (cases.CROPS, cases.PEOPLE, cases.PARTS)


@dataclass(frozen=True, eq=False)
class Judged:
    """The answers of some questions in one row each place.

    Attributes:
        p: (n,) probability.
        is_present: (n,) the place is in the target.
        is_right: (n,) it is, and the likeliest place is within 10 mm.
        errors: (n,) mm of given answers; infinite where none was given or the place is absent.
        verdicts: (n).
    """

    p: NDArray[np.float64]
    is_present: NDArray[np.bool_]
    is_right: NDArray[np.bool_]
    errors: NDArray[np.float64]
    verdicts: tuple[str, ...]

    def share(self, verdict: Verdict, *, of_present: bool) -> float:
        """Give the part of the present or absent places that got a verdict, in percent."""
        among = [
            word == verdict.value
            for word, is_present in zip(self.verdicts, self.is_present, strict=True)
            if bool(is_present) is of_present
        ]
        return 100 * float(np.mean(among)) if among else float("nan")


class PresenceReal:
    """Places that are not in a scan, wrong modality, wrong side."""

    name = "presence"
    title = "Present or not: crops, other body parts, MR, mirrored scans"

    def check(self, request: Request) -> None:
        """Name everything that is missing or does not fit; the model is loaded too."""
        data = needed_data(request, "ct/manifest.csv", *MR_FILES, *MR_FOLDERS)
        refuse_all(ct_problems(data, "test"), "Mend the data, or name another folder.")
        request.session(request.info())

    def run(self, request: Request) -> Generator[Progress, None, list[Section]]:
        """Ask everything, then judge the probabilities and the alarm."""
        started = perf_counter()
        data = needed_data(request)
        info = request.info()
        embeddings = Embeddings(info, request.session(info), held=HELD)
        scans = yield from marked_scans(data, "test")
        others = yield from _mr_volumes(data)
        questions = [
            *cases.crop_questions(scans),
            *cases.people_questions(scans),
            *cases.part_questions(scans, _blocks(data)),
            *cases.mr_questions(scans, others),
            *cases.side_questions(scans),
        ]
        if request.is_quick:
            questions = _few(questions)
        arm = sam_arms(embeddings)[-1]
        said = yield from ask([one.asked for one in questions], (arm,), request.kept)
        sections = [
            _presence(questions, said, info, perf_counter() - started),
            _modality(questions, said, others, info),
            _sides(questions, said),
        ]
        return sections


def _presence(
    questions: Sequence[Question], said: Sequence[Said], info: ModelInfo, seconds: float
) -> Section:
    whole = judged(questions, said, *HEADLINE)
    groups = {group: judged(questions, said, group) for group in HEADLINE}
    area = _auc(whole)
    error = expected_error(whole.p, whole.is_right, BINS)
    rows = tuple(_verdict_row(group, one) for group, one in {**groups, "all": whole}.items())
    values = {
        "present places": float(whole.is_present.sum()),
        "absent places": float((~whole.is_present).sum()),
        "threshold of found": float(info.calibration.get("found_above", float("nan"))),
        **{f"AUC, {group} alone": _auc(one) for group, one in groups.items()},
        "AUC, right against wrong or absent": auc(
            whole.p[whole.is_right], whole.p[~whole.is_right]
        ),
    }
    return Section(
        "presence", "Present or not: real CT of split test",
        values=values,
        bars=(
            Bar("AUC, present against absent", area, 0.97, at_least=True),
            Bar("calibration error (ECE)", error, 0.06),
        ),
        notes=(
            "Calibration used splits train and val and made patients; nothing here was seen. "
            "The probability is that the place is in the scan and within 10 mm; the AUC asks only "
            "for presence, the calibration error for both. Absent places of crops lie more than "
            "15 mm (warped copies: 25 mm) beyond the cut: nearer ones are neither clearly in nor "
            "clearly out.",
        ),
        seconds=seconds,
        tables=(
            Table(
                "The two kinds of mistakes at the shipped threshold",
                (
                    "", "present", "called found", "uncertain", "absent (mistake)",
                    "found but > 20 mm off", "absent", "called found (mistake)", "uncertain",
                    "absent or unknown",
                ),
                rows,
                "Left of the second count: places that are in the scan; right: those that are not.",
            ),
        ),
        curves=(_calibration_curve(whole), _roc(whole)),
    )  # fmt: skip


def _modality(
    questions: Sequence[Question],
    said: Sequence[Said],
    others: Sequence[tuple[str, Volume]],
    info: ModelInfo,
) -> Section:
    """Say what the program does with MR, and what the weights would say past the refusal."""
    forced = judged(questions, said, cases.MR)
    present = judged(questions, said, cases.CROPS, cases.PEOPLE)
    mixed = auc(present.p[present.is_present], forced.p)
    refusals = tuple((name, reason_against(volume, info) or "accepted") for name, volume in others)
    refused = [reason != "accepted" for _, reason in refusals]
    found = forced.share(Verdict.FOUND, of_present=False)
    return Section(
        "modality", "Other modality: places of CT trunks asked in MR of heads and a knee",
        values={
            "MR scans refused before matching, %": 100 * float(np.mean(refused)),
            "places asked past the refusal": float(len(forced.p)),
            "of those called found, %": found,
            "AUC, present in CT against forced MR": mixed,
        },
        bars=(Bar("MR refused by the CT weights", 100 * float(np.mean(refused)), 100.0,
                  at_least=True, unit="%"),),
        tables=(Table("What the program says of each MR scan", ("", "reason"), refusals),),
    )  # fmt: skip


def _sides(questions: Sequence[Question], said: Sequence[Said]) -> Section:
    """Count alarms on mirrored scans and on the same scans as they are."""
    answers = {one.case: one for one in said}
    rows, shares = [], {}
    for group in (cases.AS_IS, cases.MIRRORED, cases.UPSIDE_DOWN):
        ours = [answers[q.asked.name] for q in questions if q.group == group]
        alarms = [any(reason == MIRRORED for reason in one.reasons) for one in ours]
        doubts = [not one.found.any() for one in ours]
        found = np.concatenate([one.found for one in ours]) if ours else np.empty(0)
        shares[group] = 100 * float(np.mean(alarms)) if alarms else float("nan")
        called = 100 * float(found.mean()) if len(found) else float("nan")
        rows.append((
            group, str(len(ours)), f"{sum(alarms)} ({shares[group]:.0f} %)",
            f"{sum(doubts)}", f"{called:.1f} %",
        ))  # fmt: skip
    return Section(
        "sides",
        "Wrong side: scans mirrored or upside down by their header",
        values={
            "alarm's hit rate on mirrored scans, %": shares[cases.MIRRORED],
            "false alarms on the same scans as they are, %": shares[cases.AS_IS],
        },
        notes=(
            "The alarm compares how well the template fits the target as it is and mirrored "
            "(model/prior.py, handedness). There is no alarm for upside down; what counts there "
            "is that nothing is called found.",
        ),
        tables=(
            Table(
                "Pairs of scans",
                ("", "pairs", "wrong-side alarm", "nothing called found", "places called found"),
                tuple(rows),
            ),
        ),
    )


def judged(questions: Sequence[Question], said: Sequence[Said], *groups: str) -> Judged:
    """Join the answers of some groups of questions."""
    answers = {one.case: one for one in said}
    chosen = [(q, answers[q.asked.name]) for q in questions if q.group in groups]
    if not chosen:
        nothing = np.empty(0)
        return Judged(nothing, nothing.astype(bool), nothing.astype(bool), nothing, ())
    present = [np.full(len(one.errors), q.is_present) for q, one in chosen]
    p = np.concatenate([np.nan_to_num(one.p_present, nan=0.0) for _, one in chosen])
    best = np.concatenate([one.best for _, one in chosen])
    is_present = np.concatenate(present)
    return Judged(
        p=p,
        is_present=is_present,
        is_right=is_present & (best <= RIGHT_MM),
        errors=np.concatenate([one.errors for _, one in chosen]),
        verdicts=tuple(word for _, one in chosen for word in one.verdicts),
    )


def _auc(one: Judged) -> float:
    return auc(one.p[one.is_present], one.p[~one.is_present])


def _verdict_row(label: str, one: Judged) -> tuple[str, ...]:
    def cell(verdict: Verdict, *, of_present: bool) -> str:
        share = one.share(verdict, of_present=of_present)
        return "-" if share != share else f"{share:.1f} %"

    is_found = np.array([word == Verdict.FOUND.value for word in one.verdicts], dtype=bool)
    sure = is_found & one.is_present
    far = 100 * float(np.mean(one.errors[sure] > FAR_MM)) if sure.any() else float("nan")
    lost = [one.share(v, of_present=False) for v in (Verdict.ABSENT, Verdict.UNKNOWN)]
    return (
        label,
        str(int(one.is_present.sum())),
        cell(Verdict.FOUND, of_present=True),
        cell(Verdict.UNCERTAIN, of_present=True),
        cell(Verdict.ABSENT, of_present=True),
        "-" if far != far else f"{far:.1f} %",
        str(int((~one.is_present).sum())),
        cell(Verdict.FOUND, of_present=False),
        cell(Verdict.UNCERTAIN, of_present=False),
        "-" if sum(lost) != sum(lost) else f"{sum(lost):.1f} %",
    )


def _calibration_curve(one: Judged) -> Curves:
    order = np.argsort(one.p, kind="stable")
    points = [
        (float(one.p[part].mean()), float(one.is_right[part].mean()))
        for part in np.array_split(order, BINS)
        if len(part)
    ]
    return Curves(
        "Calibration: said and measured, ten bins of equal size",
        "probability that was said",
        "share that was right",
        {"measured": tuple(points), "perfect": ((0.0, 0.0), (1.0, 1.0))},
    )


def _roc(one: Judged) -> Curves:
    levels = np.concatenate([[np.inf], np.unique(one.p)[::-1]])
    present, absent = one.p[one.is_present], one.p[~one.is_present]
    points = [
        (float((absent >= level).mean()) if len(absent) else 0.0,
         float((present >= level).mean()) if len(present) else 0.0)
        for level in levels
    ]  # fmt: skip
    return Curves(
        "Present against absent: ROC", "absent above the threshold", "present above the threshold",
        {"probability": tuple(points), "chance": ((0.0, 0.0), (1.0, 1.0))},
    )  # fmt: skip


def _mr_volumes(data: Path) -> Generator[Progress, None, list[tuple[str, Volume]]]:
    found = []
    for done, name in enumerate((*MR_FILES, *MR_FOLDERS)):
        yield Progress(done, len(MR_FILES) + len(MR_FOLDERS), f"reading {Path(name).name}")
        opened = yield from registry.open_path(str(data / name))
        if not isinstance(opened.image, Volume):
            raise SamdeskError(f"{Path(name).name} is no volume.")
        found.append((Path(name).name.split(".")[0], opened.image))
    return found


def _blocks(data: Path) -> list[tuple[str, Volume]]:
    """Open the chests of split test that are blocks cut out of the body."""
    return [
        (scan.name, finish(scan.open())) for scan in real_scans(data, "test") if not scan.is_whole
    ]


def _few(questions: Sequence[Question]) -> list[Question]:
    """Keep the first two questions of each kind."""
    left: list[Question] = []
    for question in questions:
        alike = [
            q for q in left if (q.group, q.is_present) == (question.group, question.is_present)
        ]
        if len(alike) < 2:
            left.append(question)
    return left
