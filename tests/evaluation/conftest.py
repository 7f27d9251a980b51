"""A filter bank as model, and contenders whose answers are known."""

from collections.abc import Generator
from dataclasses import replace

import numpy as np
import pytest

from samdesk.core.match import Match, Verdict
from samdesk.core.models import ModelInfo
from samdesk.core.progress import Progress
from samdesk.core.volume import Volume
from samdesk.evaluation.base import Answers, Case
from samdesk.evaluation.contenders import Embeddings
from samdesk.model import manifest
from samdesk.model.session import Session
from tests.model import made


class Knows:
    """Answers with the truth, moved by `off_mm` along x; calls everything found."""

    def __init__(self, label: str = "knows", off_mm: float = 0.0) -> None:
        self.label = label
        self.off_mm = off_mm

    def answer(self, case: Case) -> Generator[Progress, None, Answers]:
        """Give the truth; where it is not a number, a low probability."""
        yield Progress(0, 1)
        places = case.truth + np.array([self.off_mm, 0.0, 0.0])
        return Answers(places, 0.5, tuple(_match(place) for place in places))


class Fails:
    """Gives nothing, and says why."""

    label = "fails"

    def answer(self, case: Case) -> Generator[Progress, None, Answers]:
        """Fail on every case."""
        yield Progress(0, 1)
        return Answers(np.full((len(case.places), 3), np.nan), 0.1, failure="It gave up.")


def _match(place: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Match:
    known = bool(np.isfinite(place).all())
    at_mm = (float(place[0]), float(place[1]), float(place[2])) if known else None
    verdict = Verdict.FOUND if known else Verdict.ABSENT
    return Match(verdict, at_mm, 0.9 if known else 0.1, 0.9, 0.2, 0.5 if known else 40.0)


@pytest.fixture(scope="session")
def bank(tmp_path_factory: pytest.TempPathFactory) -> ModelInfo:
    """A model folder whose network is a bank of fixed filters, of coarse voxels to be quick."""
    folder = tmp_path_factory.mktemp("models") / "bank"
    info = replace(made.write_model(folder), spacing_mm=6.0)
    manifest.write(info, folder)
    return info


@pytest.fixture(scope="session")
def embeddings(bank: ModelInfo) -> Embeddings:
    """That network, loaded."""
    return Embeddings(bank, Session(bank, "cpu", 1))


@pytest.fixture(scope="session")
def scan() -> Volume:
    """A made body that has its own pattern everywhere."""
    return made.scan((72, 64, 64), (3.0, 2.5, 2.5))
