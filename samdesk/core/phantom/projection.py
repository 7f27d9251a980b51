"""Radiographs of made patients: X-rays through a CT volume from front to back."""

import numpy as np

from samdesk.core.geometry import Points
from samdesk.core.radiograph import Radiograph, Scale
from samdesk.core.volume import Modality, Volume
from samdesk.errors import GeometryError

# Attenuation of water at 70 keV in 1/mm (NIST XCOM: 0.1948 cm2/g).
WATER_PER_MM = 0.01948
# Bone absorbs the soft part of the beam more than its HU at CT energies say.
BONE_GAIN = 1.25
BONE_HU = 150.0


def radiograph(volume: Volume) -> Radiograph:
    """Send parallel rays from the front to the back and give the share that gets through.

    Args:
        volume: CT in HU on a grid along the patient's axes.

    Returns:
        A picture (j, i), float32, 0 to 1; head at the top, the patient's right at the left. It is
        marked as inverted, so that bone is drawn bright, as on film.

    Raises:
        GeometryError: the grid is oblique.

    Source:
        Beer-Lambert law; coefficients from NIST XCOM.
    """
    _check(volume)
    hu = np.clip(volume.array.astype(np.float32), -1000, 3000)
    dense = np.where(hu > BONE_HU, BONE_HU + (hu - BONE_HU) * BONE_GAIN, hu)
    through = np.float32(WATER_PER_MM) * (1 + dense / np.float32(1000))
    sk, sj, si = volume.geometry.spacing
    path = through.sum(axis=1) * np.float32(sj)
    picture = np.exp(-path)[::-1].astype(np.float32)
    return Radiograph(picture, (sk, si), Scale.CALIBRATED, is_inverted=True, modality=Modality.DX)


def on_radiograph(volume: Volume, mm: Points) -> Points:
    """Give where places of the volume fall on its radiograph.

    Args:
        volume: as given to `radiograph`.
        mm: (n, 3) places in patient mm, LPS.

    Returns:
        (n, 2) of (x, y) in pixels; 0, 0 is the centre of the first pixel.

    Raises:
        GeometryError: the grid is oblique.
    """
    _check(volume)
    index = volume.geometry.to_index(mm)
    places: Points = np.stack([index[:, 2], volume.geometry.shape[0] - 1 - index[:, 0]], axis=1)
    return places


def _check(volume: Volume) -> None:
    turned = volume.geometry.affine[:3, 2::-1]
    if not np.allclose(turned, np.diag(np.diag(turned))) or (np.diag(turned) <= 0).any():
        raise GeometryError("A radiograph can only be made of a volume along the patient's axes.")
