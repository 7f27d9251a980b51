"""The shipped model for radiographs does what its card says, on projections of made patients."""

from pathlib import Path

import numpy as np
import pytest

from samdesk.core.match import Verdict
from samdesk.core.phantom import projection
from samdesk.core.phantom.patient import make_patient
from samdesk.core.phantom.render import render
from samdesk.core.volume import Modality
from samdesk.errors import ModelError
from samdesk.io.registry import finish
from samdesk.model.flat import FlatMatcher, embed_picture
from samdesk.model.session import Session
from samdesk.model.shelf import Shelf

MODELS = Path(__file__).resolve().parents[2] / "models"
SEED = 84_311

pytestmark = pytest.mark.slow


def test_places_of_one_date_are_found_at_the_next() -> None:
    try:
        info = Shelf([MODELS]).default(Modality.DX)
    except ModelError as error:
        pytest.skip(f"no shipped model: {error.what}")
    assert (info.dimensions, info.long_side_px) == (2, 512)
    assert info.size_bytes < 10_000_000
    assert "NIH Clinical Center" in (info.folder / "card.md").read_text(encoding="utf-8")
    patient = make_patient(SEED, n_timepoints=2)
    session = Session(info, "cpu", 1)
    pictures, places = [], []
    for date in range(2):
        scan = render(patient, date, spacing_mm=(6.0, 4.5, 4.5))
        pictures.append(projection.radiograph(scan.volume))
        inside = {
            name: mm
            for name, mm in scan.points.items()
            if scan.volume.geometry.outside_mm(np.array([mm]))[0] <= 0
        }
        px = projection.on_radiograph(scan.volume, np.array(list(inside.values())))
        places.append(dict(zip(inside, px, strict=True)))
    names = sorted(set(places[0]) & set(places[1]))
    first, second = (finish(embed_picture(picture, session)) for picture in pictures)
    at, truth = (np.array([one[name] for name in names]) for one in places)
    found = finish(FlatMatcher(info).match_points([(first, at)], second))
    placed = [m.at_mm is not None for m in found]
    assert np.mean(placed) > 0.7
    error = [
        np.linalg.norm(np.array(m.at_mm[:2]) - t)
        for m, t in zip(found, truth, strict=True)
        if m.at_mm is not None
    ]
    # pixels of 4.5 and 6 mm; a place is drawn over all that lies before and behind it
    assert np.median(error) < 4.0
    assert any(m.verdict is Verdict.FOUND for m in found)
