"""A volume keeps its array and grid together and cannot be written to."""

import numpy as np
import pytest

from samdesk.core.geometry import Geometry
from samdesk.core.volume import Modality, Unit, Volume
from samdesk.errors import GeometryError

GRID = Geometry.aligned((2, 3, 4), (1.0, 1.0, 1.0))


def test_a_volume_is_ct_in_hounsfield_units_unless_said_otherwise() -> None:
    volume = Volume(np.zeros((2, 3, 4), dtype=np.int16), GRID)
    assert (volume.modality, volume.unit) == (Modality.CT, Unit.HU)


def test_an_array_of_another_shape_than_its_grid_is_refused() -> None:
    with pytest.raises(GeometryError, match="its grid"):
        Volume(np.zeros((4, 3, 2), dtype=np.int16), GRID)


def test_the_array_is_read_only_and_not_copied() -> None:
    array = np.zeros((2, 3, 4), dtype=np.int16)
    volume = Volume(array, GRID)
    with pytest.raises(ValueError, match="read-only"):
        volume.array[0, 0, 0] = 1
    assert np.shares_memory(array, volume.array)
    array[0, 0, 0] = 1  # the reader that fills it still can
