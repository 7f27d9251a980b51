"""Places are drawn where they are said to be."""

import numpy as np

from samdesk.core.geometry import Geometry
from samdesk.core.volume import Volume
from samdesk.evaluation.places import cropped, draw_in_body, draw_in_bone, mirrored, resampled


def block() -> Volume:
    hu = np.full((30, 40, 50), -1000, np.int16)
    hu[2:28, 8:32, 10:40] = 30
    hu[5:25, 12:18, 14:20] = 700
    hu[20, 30, 38] = 900
    return Volume(hu, Geometry.aligned((30, 40, 50), (4.0, 3.0, 3.0), (-70.0, -50.0, 10.0)))


def test_places_in_the_body_keep_their_distance_to_the_skin() -> None:
    volume = block()
    places = draw_in_body(volume, 100, np.random.default_rng(0), inset_mm=8.0)
    index = volume.geometry.to_index(places)
    assert len(places) == 100
    assert index[:, 1].min() > 9.5
    assert index[:, 1].max() < 30.5


def test_bone_is_drawn_in_bone_and_not_in_a_single_bright_voxel() -> None:
    volume = block()
    index = volume.geometry.to_index(draw_in_bone(volume, 50, np.random.default_rng(0)))
    assert (index >= np.array([4.4, 11.4, 13.4])).all()
    assert (index <= np.array([24.6, 17.6, 19.6])).all()


def test_an_empty_room_has_no_places() -> None:
    air = Volume(np.full((6, 8, 8), -1000, np.int16), Geometry.aligned((6, 8, 8), (4, 4, 4)))
    assert draw_in_body(air, 5, np.random.default_rng(0)).shape == (0, 3)
    assert draw_in_bone(air, 5, np.random.default_rng(0)).shape == (0, 3)


def test_a_crop_stays_where_it_was() -> None:
    volume = block()
    part = cropped(volume, 10, 19)
    assert part.array.shape == (10, 40, 50)
    first = part.geometry.to_mm(np.zeros((1, 3)))
    assert np.allclose(first, volume.geometry.to_mm(np.array([[10.0, 0, 0]])))


def test_a_mirrored_volume_has_left_on_the_right() -> None:
    volume = block()
    twin = mirrored(volume)
    assert twin.array[10, 14, 50 - 1 - 16] == 700
    assert np.array_equal(mirrored(twin).array, volume.array)


def test_another_grid_shows_the_same_value_at_the_same_place() -> None:
    volume = block()
    other = resampled(volume, (5.0, 2.0, 2.0), 7.3)
    place = volume.geometry.to_mm(np.array([[15.0, 15.0, 17.0]]))
    k, j, i = np.rint(other.geometry.to_index(place)[0]).astype(int)
    assert other.array[k, j, i] > 600
