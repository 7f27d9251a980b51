"""What a trained network expects and promises."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from samdesk.core.ids import ModelId
from samdesk.core.volume import Modality


@dataclass(frozen=True)
class ModelInfo:
    """A model folder, as its manifest.toml says.

    Attributes:
        id: the folder's name.
        version: of the weights.
        method: "sam" and so on.
        modality: what it was trained on.
        folder: where it lies.
        file: name of the ONNX file in the folder.
        sha256, size_bytes: of that file.
        spacing_mm: edge of the cubic input voxels.
        multiple_of: every side of the input is padded to a multiple of this, with air at the end.
        dimensions: 3 for volumes, 2 for radiographs.
        long_side_px: a radiograph is resampled so that its longer side has so many pixels; 0 for
            volumes. Its cells are counted in those pixels, and `spacing_mm` means nothing.
        windows: input channels as (low, high, center, divisor) in HU:
            channel = (clip(hu, low, high) - center) / divisor.
        air_hu: padding value.
        intensities: "hu", or "percentile" where the values of the scans have no unit and are
            brought to fixed numbers by their own percentiles.
        input_name, fine_name, coarse_name: tensors of the graph: (1, channels, k, j, i), of
            radiographs (1, channels, j, i).
        fine_stride, coarse_stride: input voxels a cell along each axis.
        fine_size, coarse_size: length of the unit vectors.
        calibration: coefficients for the probability of presence and thresholds of verdicts.
        licence, data, command, commit: where the weights come from, for people.
        figures: measured accuracy by name.
    """

    id: ModelId
    version: str
    method: str
    modality: Modality
    folder: Path
    file: str
    sha256: str
    size_bytes: int
    spacing_mm: float
    multiple_of: int
    windows: tuple[tuple[float, float, float, float], ...]
    air_hu: float = -1000.0
    input_name: str = "x"
    fine_name: str = "fine"
    coarse_name: str = "coarse"
    fine_stride: int = 2
    coarse_stride: int = 8
    fine_size: int = 32
    coarse_size: int = 32
    calibration: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    licence: str = ""
    data: str = ""
    command: str = ""
    commit: str = ""
    figures: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    intensities: str = "hu"
    dimensions: int = 3
    long_side_px: int = 0
