"""Small pictures of wrong answers: the template's place, the true place and the answer."""

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from samdesk.core.geometry import Points
from samdesk.core.volume import Unit, Volume
from samdesk.evaluation.base import Miss

PANEL_MM = (240.0, 320.0)
PIXEL_MM = 1.5
LOW_HU, HIGH_HU = -160.0, 240.0
GAP = 6
TRUE_COLOR, ANSWER_COLOR = (60, 220, 120), (255, 90, 70)


def picture(miss: Miss) -> bytes:
    """Draw a miss as PNG: the template, the target at the true place, the target at the answer.

    Axial slices as radiologists see them: the patient's right is on the left. Green marks the
    given or true place, red the answer; the third panel is empty where there was no answer.
    """
    panels = [_panel(miss.template, miss.place, miss.place, TRUE_COLOR)]
    panels.append(_panel(miss.target, miss.truth, miss.truth, TRUE_COLOR))
    if np.isfinite(miss.answer).all():
        panels.append(_panel(miss.target, miss.answer, miss.answer, ANSWER_COLOR))
    else:
        panels.append(np.zeros_like(panels[0]))
    gap = np.full((panels[0].shape[0], GAP, 3), 255, np.uint8)
    return png(np.concatenate([panels[0], gap, panels[1], gap, panels[2]], axis=1))


def png(pixels: NDArray[np.uint8]) -> bytes:
    """Write an (h, w, 3) picture as PNG.

    Source:
        W3C PNG specification, third edition: 11.2, color type 2, filter 0 on every row.
    """
    height, width, _ = pixels.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)], axis=1)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 6)), (b"IEND", b""))
    chunks = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _panel(
    volume: Volume, center: Points, mark: Points, color: tuple[int, int, int]
) -> NDArray[np.uint8]:
    """Cut an axial slice through a place and put a cross on it."""
    from scipy import ndimage

    height, width = (round(side / PIXEL_MM) for side in PANEL_MM)
    middle = volume.geometry.center_mm
    y = middle[1] + (np.arange(height) - height / 2) * PIXEL_MM
    x = middle[0] + (np.arange(width) - width / 2) * PIXEL_MM
    grid = np.stack(np.meshgrid(x, y, indexing="xy"), axis=-1).reshape(-1, 2)
    mm = np.column_stack([grid, np.full(len(grid), center[2])])
    index = volume.geometry.to_index(mm).T
    array = np.asarray(volume.array, np.float32)
    values = ndimage.map_coordinates(array, index, order=1, mode="constant", cval=-1000.0)
    low, high = (LOW_HU, HIGH_HU)
    if volume.unit is not Unit.HU:
        low, high = (float(v) for v in np.percentile(array, (1, 99)))
    grey = np.clip((values - low) / max(high - low, 1e-6), 0, 1).reshape(height, width)
    pixels = np.repeat((grey * 255).astype(np.uint8)[..., None], 3, axis=2)
    row = int(np.clip(round((mark[1] - y[0]) / PIXEL_MM), 0, height - 1))
    column = int(np.clip(round((mark[0] - x[0]) / PIXEL_MM), 0, width - 1))
    for reach in (*range(-9, -2), *range(3, 10)):
        pixels[np.clip(row + reach, 0, height - 1), column] = color
        pixels[row, np.clip(column + reach, 0, width - 1)] = color
    return pixels
