"""A case that was drawn once comes back the same; what is damaged is drawn again."""

from pathlib import Path

import numpy as np

from samdesk.core.volume import Volume
from samdesk.evaluation.base import Case
from samdesk.evaluation.kept import Kept
from samdesk.evaluation.stored import stored_case


def test_a_case_is_drawn_once_and_comes_back_whole(scan: Volume, tmp_path: Path) -> None:
    drawn = []
    places = np.array([[1.0, 2.0, 3.0]])

    def make() -> Case:
        drawn.append(1)
        return Case("c", scan, scan, places, places + 1, ("carina",), None, same_patient=True)

    kept = Kept(tmp_path)
    stored_case(kept, "key", make)
    again = stored_case(Kept(tmp_path), "key", make)
    assert len(drawn) == 1
    assert np.array_equal(again.target.array, scan.array)
    assert np.array_equal(again.template.geometry.affine, scan.geometry.affine)
    assert again.truth.tolist() == [[2.0, 3.0, 4.0]]
    assert (again.names, again.same_patient, again.absent is not None) == (("carina",), True, True)
    assert len(list(tmp_path.glob("volume-*.npz"))) == 1
    stored_case(kept, "another key", make)
    assert len(drawn) == 2


def test_a_lost_or_damaged_volume_is_drawn_again(scan: Volume, tmp_path: Path) -> None:
    drawn = []

    def make() -> Case:
        drawn.append(1)
        return Case("c", scan, scan, np.zeros((1, 3)), np.zeros((1, 3)))

    kept = Kept(tmp_path)
    stored_case(kept, "key", make)
    (file,) = tmp_path.glob("volume-*.npz")
    file.write_bytes(b"not a volume")
    stored_case(kept, "key", make)
    assert len(drawn) == 2
    file.unlink()
    stored_case(kept, "key", make)
    assert len(drawn) == 3
    assert np.array_equal(stored_case(kept, "key", make).template.array, scan.array)
