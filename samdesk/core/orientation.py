"""Which way things lie in the patient, in letters: R L, A P and H F."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from samdesk.core.geometry import Points

# For each axis of LPS mm, the letter towards smaller and towards larger numbers. H and F stand for
# head and feet: a lone "I" (inferior) reads as a tick mark.
LETTERS = (("R", "L"), ("A", "P"), ("F", "H"))

# A direction names a further axis only where it leans to it by more than this: sin(10 degrees).
# An upright slice with a slight tilt keeps one letter; the customary obliques show two.
LEAN = 0.1736


def letters(direction: ArrayLike) -> str:
    """Name a direction in the patient, the axis that it follows most first.

    Args:
        direction: (3,) in LPS, of any length.

    Returns:
        One to three letters such as "L" or "LP"; empty for a direction without length.
    """
    vector = np.asarray(direction, dtype=np.float64)
    length = float(np.linalg.norm(vector))
    if not np.isfinite(length) or length == 0:
        return ""
    vector = vector / length
    order = np.argsort(-np.abs(vector), kind="stable")
    named = [axis for rank, axis in enumerate(order) if rank == 0 or abs(vector[axis]) > LEAN]
    return "".join(LETTERS[axis][int(vector[axis] > 0)] for axis in named)


def opposite(name: str) -> str:
    """Name the direction that points the other way."""
    turn = {a: b for low, high in LETTERS for a, b in ((low, high), (high, low))}
    return "".join(turn[letter] for letter in name)


def position_words(at_mm: Sequence[float], decimals: int = 1) -> str:
    """Write a place with letters in place of signs: "R 30.0  A 12.0  H 20.0".

    Args:
        at_mm: (x, y, z) LPS mm.
        decimals: digits after the point.
    """
    words = []
    for value, (low, high) in zip(at_mm, LETTERS, strict=True):
        # What rounds to nothing has no side; the larger side's letter is kept so that the text
        # does not jump in length.
        rounded = round(float(value), decimals)
        words.append(f"{low if rounded < 0 else high} {abs(rounded):.{decimals}f}")
    return "  ".join(words)


def nearest_axes(columns: Points) -> tuple[int, int, int]:
    """Say which array axis runs most along the patient's x, y and z.

    Args:
        columns: (3, 3), column a is the direction in mm of array axis a (k, j, i).

    Returns:
        For x, y and z the number of the array axis; each axis is used once.
    """
    from itertools import permutations

    cosines = np.abs(columns / np.linalg.norm(columns, axis=0))

    def agreement(axes: tuple[int, ...]) -> float:
        return float(sum(cosines[n, axis] for n, axis in enumerate(axes)))

    x, y, z = max(permutations(range(3)), key=agreement)
    return x, y, z
