"""The plainest way to read a folder of DICOM slices, as the peer that `samdesk bench` times.

It checks nothing and keeps no geometry, so nothing but the benchmark may use it.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def read_bare(folder: Path) -> NDArray[np.int16]:
    """Read every file of a folder with pydicom and stack the slices by position.

    Args:
        folder: of one series, without other files.

    Returns:
        (k, j, i) int16, rescaled.
    """
    import pydicom

    slices = [pydicom.dcmread(path) for path in sorted(folder.iterdir())]
    slices.sort(key=lambda data: float(data.ImagePositionPatient[2]))
    return np.stack(
        [
            (data.pixel_array * float(data.RescaleSlope) + float(data.RescaleIntercept)).astype(
                np.int16
            )
            for data in slices
        ]
    )
