"""Multiple correlated double sampling: mean of the last k reads minus mean of the first k.

k is 4, or half the usable reads where there are fewer than eight (Fowler & Gatley 1990, ApJ 353,
L33). Divided by the difference of the mean times. Not modelled: jumps.
"""

from __future__ import annotations

import numpy as np

from iris_reduction.ramp.linear import make_linear_fitter
from iris_reduction.ramp.protocol import Float64, RampFitter

__all__ = ["mcds"]

SAMPLES = 4


def weigh_means(times: Float64) -> Float64:
    """Return the weights 1/s (n,) of reads at `times` s (n,), n >= 2."""
    k = min(SAMPLES, len(times) // 2)
    weights = np.zeros(len(times))
    weights[:k], weights[-k:] = -1.0 / k, 1.0 / k
    weights /= times[-k:].mean() - times[:k].mean()
    return weights


mcds: RampFitter = make_linear_fitter(weigh_means)
"""Fit ramps by the means of their first and last usable reads; arguments, units and errors as `RampFitter`."""
