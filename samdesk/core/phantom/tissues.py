"""Grey values of the tissues, in HU, how they vary between people and what contrast adds."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Tissue:
    """Grey values of a tissue in HU: without contrast, and what the two phases add."""

    native: float
    arterial: float = 0.0
    portal: float = 0.0

    def in_phase(self, phase: str) -> float:
        """Give the value in a phase: native, arterial or portal venous."""
        return self.native + {"arterial": self.arterial, "portal venous": self.portal}.get(phase, 0)


# Native, added in the arterial and in the portal venous phase, spread between people.
TABLE: dict[str, tuple[float, float, float, float]] = {
    "air": (-1000, 0, 0, 0), "skin": (30, 10, 15, 10), "fat": (-105, 0, 2, 6),
    "muscle": (52, 6, 14, 6), "lung": (-850, 8, 8, 30), "lung_vessel": (30, 130, 90, 15),
    "liver": (57, 12, 55, 9), "spleen": (48, 55, 70, 5), "pancreas": (38, 60, 52, 8),
    "kidney_cortex": (33, 130, 140, 10), "kidney_medulla": (28, 40, 130, 8),
    "kidney_pelvis": (4, 2, 20, 8), "adrenal": (26, 30, 40, 8), "bile": (8, 0, 2, 5),
    "urine": (4, 0, 6, 5), "stomach_wall": (40, 30, 40, 6), "stomach_content": (18, 0, 2, 14),
    "bowel": (24, 18, 26, 12), "bowel_wall": (36, 24, 36, 6), "stool": (10, 0, 2, 20),
    "myocardium": (48, 55, 62, 5), "left_blood": (42, 250, 105, 14),
    "right_blood": (42, 190, 105, 18), "venous_blood": (40, 25, 100, 12),
    "portal_blood": (40, 60, 115, 12), "thyroid": (100, 60, 60, 15), "cartilage": (95, 4, 6, 18),
    "disc": (82, 2, 4, 8), "cord": (38, 2, 4, 4), "spongy": (185, 4, 10, 32),
    "cortical": (900, 0, 0, 120), "wall": (25, 4, 6, 8), "mediastinum": (-70, 4, 8, 14),
    "lesion": (38, 20, 35, 12), "dark_lesion": (32, 4, 12, 8), "lytic": (60, 10, 20, 15),
}  # fmt: skip
GAS = ("air",)


def draw(rng: np.random.Generator) -> Mapping[str, Tissue]:
    """Draw a person's tissues."""
    dose = float(np.exp(rng.normal(0, 0.2)))
    made = {}
    for name, (native, arterial, portal, spread) in TABLE.items():
        value = native + float(np.clip(rng.standard_normal(), -2, 2)) * spread
        made[name] = Tissue(value, arterial * dose, portal * dose)
    return made


def shuffled(rng: np.random.Generator) -> dict[str, float]:
    """Draw a random grey value for each tissue; only gas, lung and bone keep their kind."""
    made = {}
    for name in TABLE:
        made[name] = float(rng.uniform(-120, 260))
    made["air"] = -1000.0
    made["lung"] = float(rng.uniform(-920, -650))
    made["fat"] = float(rng.uniform(-180, 40))
    made["spongy"] = float(rng.uniform(90, 450))
    made["cortical"] = float(rng.uniform(450, 1300))
    return made
