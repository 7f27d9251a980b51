"""A made network and embedded scans of a made body, shared by the tests of this room."""

from pathlib import Path

import pytest

from samdesk.core.models import ModelInfo
from samdesk.model.embedding import Embedding
from samdesk.model.matcher import Matcher
from samdesk.model.session import Session
from tests.model import made


@pytest.fixture(scope="session")
def bank(tmp_path_factory: pytest.TempPathFactory) -> ModelInfo:
    """A model folder whose network is a bank of fixed filters."""
    return made.write_model(tmp_path_factory.mktemp("models") / "bank")


@pytest.fixture(scope="session")
def session(bank: ModelInfo) -> Session:
    """That network, loaded."""
    return Session(bank, "cpu", 1)


@pytest.fixture(scope="session")
def template(session: Session) -> Embedding:
    """A scan of the made body, embedded."""
    return made.embedded(made.scan(), session)


@pytest.fixture(scope="session")
def matcher(bank: ModelInfo) -> Matcher:
    """A matcher that keeps its key matrices and priors through the tests."""
    return Matcher(bank)


@pytest.fixture
def own_model(tmp_path: Path) -> ModelInfo:
    """A model folder that a test may damage."""
    return made.write_model(tmp_path / "models" / "own")
