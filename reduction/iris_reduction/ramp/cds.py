"""Correlated double sampling: last usable read minus first, over the time between them.

Optimal where photon noise dominates, and takes two reads' noise whatever the number of reads
(Garnett & Forrest 1993, SPIE 1946). Not modelled: jumps.
"""

from __future__ import annotations

import numpy as np

from iris_reduction.ramp.linear import make_linear_fitter
from iris_reduction.ramp.protocol import Float64, RampFitter

__all__ = ["cds"]


def weigh_ends(times: Float64) -> Float64:
    """Return the weights 1/s (n,) of reads at `times` s (n,), n >= 2."""
    weights = np.zeros(len(times))
    weights[0], weights[-1] = -1.0, 1.0
    weights /= times[-1] - times[0]
    return weights


cds: RampFitter = make_linear_fitter(weigh_ends)
"""Fit ramps by their first and last usable read; arguments, units and errors as `RampFitter`."""
