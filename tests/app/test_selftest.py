"""The checks of an installation: what passes here, and what each says when its part is broken."""

import json
from pathlib import Path

import pytest

from samdesk.app import cli, exit_codes, paths, selftest, selftest_match
from samdesk.app.selftest import Outcome
from samdesk.errors import ModelError, SamdeskError
from samdesk.io.dicom import pool as pools
from tests.model import made


def works() -> str:
    """Stand for a check that passes."""
    return "three of three"


def breaks() -> str:
    """Stand for a check of a part that raises what it likes."""
    raise OSError("libfoo.so.1: cannot open shared object file")


def refuses() -> str:
    """Stand for a check of a part that says what is wrong."""
    raise SamdeskError("The window is empty.", hint="Install it again.")


def test_all_passed_ends_with_zero(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(selftest, "CHECKS", (works,))
    assert cli.run(["selftest"]) == exit_codes.DONE
    first, last = capsys.readouterr().out.splitlines()
    assert first.startswith("ok     works")
    assert last == "selftest (Python installation): all 1 checks passed"


def test_one_broken_part_is_named_and_ends_with_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(selftest, "CHECKS", (works, breaks, refuses))
    assert cli.run(["selftest"]) == exit_codes.FAULT
    told = capsys.readouterr().out
    assert "libfoo.so.1" in told
    assert "The window is empty. Install it again." in told
    assert told.endswith("did not pass: breaks, refuses\n")


def test_json_holds_each_check(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(selftest, "CHECKS", (works, refuses))
    assert cli.run(["selftest", "--json"]) == exit_codes.FAULT
    told = json.loads(capsys.readouterr().out)
    assert told["passed"] is False
    assert [(check["name"], check["passed"]) for check in told["checks"]] == [
        ("works", True),
        ("refuses", False),
    ]


def test_a_bundle_says_that_it_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.frozen", True, raising=False)
    assert selftest.summary([Outcome("works", True, 0.1, "")]).startswith("selftest (bundle)")


def test_compressed_frames_are_decoded_to_the_known_ramp() -> None:
    assert selftest.check_codecs().startswith("6 right")


def test_a_decoder_that_gives_wrong_values_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    class Wrong:
        """A pool whose every answer is black."""

        def submit(self, job: pools.Job) -> int:
            return 1

        def poll(self, seconds: float) -> None:
            pass

        def take(self, ticket: int) -> pools.Answer:
            import numpy as np

            return pools.Answer(np.zeros((8, 8), np.uint16))

        def close(self) -> None:
            pass

    monkeypatch.setattr(pools, "Pool", Wrong)
    with pytest.raises(SamdeskError, match="JPEG-LS was decoded to wrong values"):
        selftest.check_codecs()


def test_a_decoder_that_gives_nothing_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools.Pool, "submit", lambda self, job: None)
    with pytest.raises(SamdeskError, match="JPEG-LS was not decoded"):
        selftest.check_codecs()


def test_simpleitk_resamples() -> None:
    assert selftest.check_registration().startswith("SimpleITK")


def test_two_processes_are_started() -> None:
    assert selftest.check_processes() == "two started, both answered"


@pytest.mark.usefixtures("qapp")
def test_the_window_is_drawn() -> None:
    assert "colors" in selftest.check_window()


@pytest.fixture
def a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have samdesk look for models in a folder with one made network."""
    made.write_model(tmp_path / "shelf" / "bank")
    (tmp_path / "shelf" / "bank" / "card.md").write_text("# Card\n", encoding="utf-8")
    monkeypatch.setattr(paths, "models_folders", lambda: (tmp_path / "shelf",))
    return tmp_path / "shelf" / "bank"


@pytest.mark.usefixtures("a_model")
def test_models_and_device_are_named() -> None:
    assert selftest.check_models().startswith("bank ")
    assert "CPUExecutionProvider" in selftest.check_device()


def test_a_damaged_model_does_not_pass(a_model: Path) -> None:
    (a_model / "manifest.toml").write_text("= not toml", encoding="utf-8")
    with pytest.raises(ModelError):
        selftest.check_models()


@pytest.fixture
def a_made_body(monkeypatch: pytest.MonkeyPatch) -> None:
    """Match in the small body that the made network was made for."""
    places = made.places(40)
    monkeypatch.setattr(selftest_match, "_made_patient", lambda: (made.scan(), places))


@pytest.mark.usefixtures("a_model", "a_made_body")
def test_a_made_patient_is_found_in_itself() -> None:
    assert "mm in itself" in selftest_match.check_match()


@pytest.mark.usefixtures("a_model", "a_made_body")
def test_matches_that_are_off_do_not_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selftest_match, "_median_error_mm", lambda matches, right_mm: 7.25)
    with pytest.raises(SamdeskError, match=r"Matches in itself are 7.2 mm off"):
        selftest_match.check_match()


def test_the_made_patient_has_enough_places_to_ask_for() -> None:
    whole, places = selftest_match._made_patient()
    part = selftest_match._shifted_part(whole)
    at = selftest_match._well_inside(part, places)
    assert selftest_match.LEAST_POINTS <= len(at) <= selftest_match.MOST_POINTS


@pytest.mark.usefixtures("a_model")
def test_a_body_that_shows_too_little_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = made.places(9) + 500.0
    monkeypatch.setattr(selftest_match, "_made_patient", lambda: (made.scan(), nowhere))
    with pytest.raises(SamdeskError, match="shows 0 points only"):
        selftest_match.check_match()
