"""Grey values without a unit, brought to fixed numbers, so that windows mean something in them.

The values of MR have no zero and no unit: the same tissue is 80 in one scan and 900 in the next.
Three values of the scan itself are therefore put in fixed places and the rest between them:

    no signal -> -1000,   the body's first percentile -> -800,   its last -> 800

so that the air beside the body lies where it lies in CT, and the windows of the network's input
hold dark, middle and bright tissue. Training and use call the same function.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samdesk.core.volume import Volume

HU = "hu"
PERCENTILE = "percentile"
KINDS = (HU, PERCENTILE)

AIR, DARK, BRIGHT = -1000.0, -800.0, 800.0
# Above the last percentile values go on with the same slope, to here.
BRIGHTEST = 1600.0
# Below this part of the way from no signal to the brightest tissue there is noise and no body.
BODY_SHARE = 0.1
LOWEST, LAST = 0.1, 99.0
# So many voxels are enough for a percentile.
SAMPLE = 200_000
# On cells: a mean below this is air. Air of CT lies at -1000 +- 30 HU, lung at -850; the darkest
# tissue of MR at -800, and the noise of its air below it.
AIR_BELOW = {HU: -950.0, PERCENTILE: -850.0}
# On voxels: what training takes for the body.
BODY_ABOVE = {HU: -400.0, PERCENTILE: -780.0}


@dataclass(frozen=True)
class Scale:
    """The three values of a scan that get fixed numbers.

    Attributes:
        air: no signal.
        dark, bright: first and last percentile of the body.
    """

    air: float
    dark: float
    bright: float

    @classmethod
    def of(cls, volume: Volume) -> "Scale":
        """Read the three values off a volume; a volume of one value gives three that differ."""
        array = volume.array
        step = max(1, round((array.size / SAMPLE) ** (1 / 3)))
        sample = np.asarray(array[::step, ::step, ::step], np.float64)
        air, top = (float(v) for v in np.percentile(sample, (LOWEST, LAST)))
        body = sample[sample > air + BODY_SHARE * (top - air)]
        if not len(body):
            return cls(air, air + 1.0, air + 2.0)
        dark, bright = (float(v) for v in np.percentile(body, (100 - LAST, LAST)))
        # of a mask, say, whose body has one value
        return cls(air, dark, bright if bright > dark else 2 * dark - air)

    def fixed(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Bring values of the scan to the fixed numbers, -1000 to 1600.

        Args:
            values: of any shape, in the scan's own numbers.
        """
        slope = (BRIGHTEST - BRIGHT) / (BRIGHT - DARK)
        knots = (self.air, self.dark, self.bright, self.bright + slope * (self.bright - self.dark))
        out = np.interp(values, knots, (AIR, DARK, BRIGHT, BRIGHTEST))
        return np.asarray(out, np.float32)
