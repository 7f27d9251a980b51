"""A made body with pattern everywhere, small enough to register in a second."""

import numpy as np
import pytest
from scipy import ndimage

from samdesk.core.geometry import Geometry
from samdesk.core.volume import Volume


@pytest.fixture(scope="session")
def body() -> Volume:
    """An oval body of soft blobs with two spheres of bone, air around it, 5 mm voxels."""
    shape = (40, 36, 44)
    grid = Geometry.aligned(shape, (5.0, 5.0, 5.0), (-107.5, -87.5, -97.5))
    k, j, i = np.indices(shape)
    x, y, z = (i - 21.5) * 5, (j - 17.5) * 5, (k - 19.5) * 5
    rng = np.random.default_rng(4)
    pattern = ndimage.gaussian_filter(rng.normal(size=shape), 2.2)
    hu = 40 + 900 * pattern
    hu[(x - 35) ** 2 + (y - 10) ** 2 + (z - 20) ** 2 < 18**2] = 600
    hu[(x + 30) ** 2 + (y + 15) ** 2 + (z + 40) ** 2 < 14**2] = 800
    hu[(x / 92) ** 2 + (y / 70) ** 2 + (z / 130) ** 2 > 1] = -1000
    return Volume(np.rint(ndimage.gaussian_filter(hu, 0.6)).astype(np.int16), grid)
