"""The quick set of bad inputs comes out as its manifest says; each is opened in a child."""

import tempfile
from pathlib import Path

import pytest

from tests.io import corpus

FOLDER = corpus.data_folder() / "badinputs"
CASES = corpus.cases(FOLDER) if (FOLDER / "manifest.csv").is_file() else []
# Kinds that no part of samdesk opens yet; the day it does, their rows must be tried.
ABSENT = {"project", "model"}

pytestmark = [
    pytest.mark.realdata,
    # The first test waits for all children; each of their cases has its own limit.
    pytest.mark.timeout(600),
    pytest.mark.skipif(not CASES, reason="no corpus of bad inputs beside the repository"),
]


@pytest.fixture(scope="session")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("corpus")


@pytest.fixture(scope="session")
def results(logs: Path) -> dict[str, corpus.Result]:
    return corpus.run(CASES, FOLDER, logs)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.path)
def test_a_bad_input_comes_out_as_its_manifest_says(
    case: corpus.Case, results: dict[str, corpus.Result]
) -> None:
    result = results[case.path]
    if result.status == "absent":
        pytest.skip(f"{case.kind}: {result.why}")
    expected = " or ".join(case.accepted)
    assert result.status == "right", f"expected {expected}, got {result.got}; {result.why}"


def test_only_kinds_that_do_not_exist_yet_are_left_out(
    results: dict[str, corpus.Result],
) -> None:
    left_out = {case.kind for case in CASES if results[case.path].status == "absent"}
    assert left_out <= ABSENT


def test_no_log_names_an_invented_patient(results: dict[str, corpus.Result], logs: Path) -> None:
    assert results
    assert corpus.leaks(logs) == []


def test_nothing_of_a_bad_input_was_run_or_unpacked(results: dict[str, corpus.Result]) -> None:
    assert results
    assert not (Path(tempfile.gettempdir()) / "samdesk_pwned").exists()


def test_no_bad_input_takes_much_memory(results: dict[str, corpus.Result]) -> None:
    assert max(result.peak_mb for result in results.values()) < 500
