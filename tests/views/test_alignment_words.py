"""What is said of an alignment: its fit in a line, and what a person should look at."""

from dataclasses import replace

import numpy as np
import pytest

from samdesk.core.geometry import Geometry
from samdesk.core.ids import SeriesId
from samdesk.core.warp import Warp, node_grid
from samdesk.services.registering import Aligned, Asked
from samdesk.views import alignment_words


@pytest.fixture
def good() -> Aligned:
    nodes = node_grid(Geometry.aligned((4, 4, 4), (5.0, 5.0, 5.0)))
    mm = np.zeros((20, 3))
    return Aligned(
        Asked(SeriesId("a"), SeriesId("b")),
        Warp(np.eye(4), nodes, np.zeros((3, *nodes.shape), np.float32)),
        mm,
        mm,
        np.arange(20) < 18,
        np.where(np.arange(20) < 18, 1.5, 40.0),
        0.8,
        "SAM + B-spline",
        ("18 of 20 places were used.",),
        12.4,
    )


def test_the_line_and_the_detail_say_how_well_and_how(good: Aligned) -> None:
    assert alignment_words.chip(good) == "Median 1.5 mm · 95 % < 1.5 mm"
    assert alignment_words.detail(good) == (
        "SAM + B-spline, 12 s, least Jacobian 0.80. 18 of 20 places were used."
    )
    assert not alignment_words.is_doubtful(good)
    assert alignment_words.warning(good, is_other_patient=False) == ""


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"least_jacobian": -0.2}, "Tissue is folded somewhere (least Jacobian -0.20)"),
        ({"least_jacobian": 0.12}, "shrinks to 12 % of its volume"),
        ({"used": np.arange(20) < 8}, "12 of 20 places do not fit the others"),
        ({"residual_mm": np.full(20, 9.0)}, "compare large structures only"),
        ({"used": np.zeros(20, bool)}, "compare large structures only"),
    ],
)
def test_each_doubt_has_its_sentence(good: Aligned, change: dict[str, object], words: str) -> None:
    doubtful = replace(good, **change)  # type: ignore[arg-type]
    assert alignment_words.is_doubtful(doubtful)
    assert words in alignment_words.warning(doubtful, is_other_patient=False)


def test_two_patients_are_named_without_making_the_fit_doubtful(good: Aligned) -> None:
    assert "two patients" in alignment_words.warning(good, is_other_patient=True)


def test_the_device_is_what_the_network_runs_on_and_the_registration_on_the_cpu() -> None:
    assert alignment_words.device("CUDA") == "Matching: CUDA. Registration: CPU."
    assert alignment_words.device("") == "Registration: CPU."
