"""Marks that do not fit their pictures are named before anything runs."""

from pathlib import Path

import numpy as np
import pytest

from samdesk.errors import ReadError
from samdesk.evaluation.radiograph_sets import observer_places, read_sets
from tests.evaluation import made_radiographs as made


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return made.write_sets(tmp_path)


def test_points_are_grouped_as_the_tables_say(data: Path) -> None:
    jsrt, ceph, hand = read_sets(data)
    assert jsrt.points == ("right_lung_00", "heart_00", "right_lung_04", "left_lung_08")
    assert jsrt.groups == {"key points": (0, 1), "heart and lung contours": (2, 3)}
    assert list(ceph.groups.values()) == [(0, 1, 2)]
    assert [len(hand.pictures[s]) for s in ("train", "val", "test")] == [6, 2, 3]


def test_truth_is_what_was_marked(data: Path) -> None:
    hand = read_sets(data)[2]
    first = hand.pictures["train"][0]
    shift = hand.truth(first) - made.places(2, 3, (0.0, 0.0))
    assert np.allclose(shift, shift[0], atol=2e-3)


def test_each_observer_is_read_apart(data: Path) -> None:
    ceph = read_sets(data)[1]
    a, b = observer_places(ceph).values()
    file = ceph.pictures["test"][0].file
    assert np.allclose(a[file] - b[file], [1.0, 0.0])
    assert observer_places(read_sets(data)[0]) == {}


def test_missing_sets_are_all_named(tmp_path: Path) -> None:
    with pytest.raises(ReadError) as caught:
        read_sets(tmp_path)
    for name in ("jsrt/manifest.csv", "ceph/manifest.csv", "hand/manifest.csv"):
        assert name in caught.value.what
    assert caught.value.code == "files-missing"


def test_marks_outside_their_picture_are_named(data: Path) -> None:
    folder = data / "xray" / "hand"

    def far(row: list[str]) -> list[str]:
        return [*row[:2], "500", row[3]] if row[:2] == ["images/003.png", "h02"] else row

    made.changed(folder / "landmarks.csv", far)
    with pytest.raises(ReadError, match=r"images/003\.png \(h02\)"):
        read_sets(data)


def test_missing_pictures_and_unmarked_ones_are_named_together(data: Path) -> None:
    (data / "xray" / "hand" / "images" / "001.png").unlink()
    made.changed(
        data / "xray" / "jsrt" / "landmarks.csv",
        lambda row: None if row[0] == "images/002.png" else row,
    )
    with pytest.raises(ReadError) as caught:
        read_sets(data)
    assert "images/001.png" in caught.value.what
    assert "images/002.png" in caught.value.what
    assert caught.value.what.startswith("2 things")


def test_a_picture_without_a_spacing_is_named(data: Path) -> None:
    made.changed(
        data / "xray" / "ceph" / "manifest.csv",
        lambda row: [*row[:2], "unknown", *row[3:]] if row[0] == "images/004.png" else row,
    )
    with pytest.raises(ReadError, match=r"no pixel size.*images/004\.png"):
        read_sets(data)


def test_a_training_picture_without_some_points_is_no_template(data: Path) -> None:
    made.changed(
        data / "xray" / "hand" / "landmarks.csv",
        lambda row: None if row[:2] == ["images/000.png", "h03"] else row,
    )
    hand = read_sets(data)[2]
    assert dict(hand.incomplete) == {"images/000.png": 1}
    assert [p.file for p in hand.templates] == [f"images/{n:03d}.png" for n in range(1, 6)]
    assert np.isnan(hand.truth(hand.pictures["train"][0])[2]).all()


def test_a_set_in_which_every_template_lacks_points_is_refused(data: Path) -> None:
    made.changed(
        data / "xray" / "hand" / "landmarks.csv",
        lambda row: None if row[1] == "h03" and row[0] < "images/006.png" else row,
    )
    with pytest.raises(ReadError, match="none can be the template"):
        read_sets(data)


def test_an_empty_split_is_named(data: Path) -> None:
    made.changed(
        data / "xray" / "ceph" / "manifest.csv",
        lambda row: [row[0], "train", *row[2:]] if row[1] == "val" else row,
    )
    with pytest.raises(ReadError, match="no picture of split val"):
        read_sets(data)


def test_a_picture_of_another_size_than_its_manifest_says_is_named(data: Path) -> None:
    made.changed(
        data / "xray" / "jsrt" / "manifest.csv",
        lambda row: [*row[:3], "90", row[4]] if row[0] == "images/005.png" else row,
    )
    (data / "xray" / "hand" / "images" / "001.png").write_bytes(b"no picture")
    with pytest.raises(ReadError, match=r"another size.*images/005\.png.*images/001\.png"):
        read_sets(data)
