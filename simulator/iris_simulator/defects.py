"""Bad pixels: which pixels are defective, how badly, and what class the design limits put them in.

Defects are single pixels, scattered at random, of one class each. Their severities keep clear of the
class limits, so that a calibration of ordinary depth can decide every class; the border cases of a
real detector, clusters, telegraph noise and drift between nights are not modelled.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from iris_contract import DQ, Detector

__all__ = ["FRACTIONS", "NOISY_REFERENCE", "classify", "inflict"]

Plane = npt.NDArray[np.float64]

FRACTIONS: dict[str, float] = {"DEAD": 0.005, "LOW_QE": 0.005, "HOT": 0.005, "WARM": 0.005}
"""Share of the light-sensitive pixels in each class [C]: 2 % in all."""
BAD_REFERENCE_FRACTION = 0.03
"""Share of the reference pixels that are bad [C]: about 120 in a corner of 512 x 512."""
NOISY_REFERENCE = 3.0
"""A reference pixel is bad above this multiple of the design's read noise [C]."""

DEAD_RESPONSE = (0.0, 0.6)  # multiples of dead_response_limit
LOW_RESPONSE = (1.8, 0.8)  # multiples of dead_ and low_response_limit
HOT_DARK = (1.4, 30.0)  # multiples of hot_limit
WARM_DARK = (1.6, 0.75)  # multiples of warm_limit and hot_limit
BAD_REFERENCE_NOISE = (5.0, 20.0)  # multiples of read_noise


def _between(degree: Plane, low: float, high: float) -> Plane:
    return low + (high - low) * degree


def _between_logarithms(degree: Plane, low: float, high: float) -> Plane:
    return np.asarray(low * (high / low) ** degree)


def inflict(
    detector: Detector,
    reference: npt.NDArray[np.bool_],
    chance: Plane,
    degree: Plane,
    dark: Plane,
    flat: Plane,
    noise: Plane,
) -> None:
    """Make some pixels defective, in place.

    Planes (ny, nx): `reference` true on reference pixels; `chance` and `degree` uniform in (0, 1)
    choose class and severity; `dark` e-/s, `flat` relative, `noise` e- are those of healthy pixels.
    """
    edges = np.cumsum(list(FRACTIONS.values()))
    number = np.searchsorted(edges, chance, side="right")
    hit = {name: (number == n) & ~reference for n, name in enumerate(FRACTIONS)}
    dead, low = detector.dead_response_limit, detector.low_response_limit
    hot, warm = detector.hot_limit, detector.warm_limit

    def put(plane: Plane, where: npt.NDArray[np.bool_], values: Plane) -> None:
        plane[where] = values[where]

    put(flat, hit["DEAD"], _between(degree, DEAD_RESPONSE[0] * dead, DEAD_RESPONSE[1] * dead))
    put(flat, hit["LOW_QE"], _between(degree, LOW_RESPONSE[0] * dead, LOW_RESPONSE[1] * low))
    put(dark, hit["HOT"], _between_logarithms(degree, HOT_DARK[0] * hot, HOT_DARK[1] * hot))
    put(dark, hit["WARM"], _between_logarithms(degree, WARM_DARK[0] * warm, WARM_DARK[1] * hot))
    multiple = _between_logarithms(degree, *BAD_REFERENCE_NOISE)
    put(noise, reference & (chance < BAD_REFERENCE_FRACTION), multiple * detector.read_noise)


def classify(
    detector: Detector,
    reference: npt.NDArray[np.bool_],
    dark: npt.NDArray[np.floating],
    flat: npt.NDArray[np.floating],
    noise: npt.NDArray[np.floating],
) -> npt.NDArray[np.uint32]:
    """Return the DQ bits (ny, nx) that the design limits give to true `dark`, `flat` and `noise`.

    Reference pixels carry REFERENCE_PIXEL, and BAD_REF_PIXEL if noisy; others DEAD, LOW_QE, HOT, WARM.
    """
    bits = np.zeros(reference.shape, dtype=np.uint32)
    light = ~reference
    dead = flat < detector.dead_response_limit
    hot = dark > detector.hot_limit
    bits[light & dead] |= DQ["DEAD"]
    bits[light & ~dead & (flat < detector.low_response_limit)] |= DQ["LOW_QE"]
    bits[light & hot] |= DQ["HOT"]
    bits[light & ~hot & (dark > detector.warm_limit)] |= DQ["WARM"]
    bits[reference] |= DQ["REFERENCE_PIXEL"]
    bits[reference & (noise > NOISY_REFERENCE * detector.read_noise)] |= DQ["BAD_REF_PIXEL"]
    return bits
