"""Ordinary least squares: the slope of an unweighted straight line through the reads.

Optimal where read noise dominates. Its error bar is not the usual residual one, which misses that
reads share their photons, but the exact variance of that slope (Vacca et al. 2004, PASP 116, 352,
section 4). Not modelled: jumps.
"""

from __future__ import annotations

from iris_reduction.ramp.linear import make_linear_fitter
from iris_reduction.ramp.protocol import Float64, RampFitter

__all__ = ["ols"]


def weigh_line(times: Float64) -> Float64:
    """Return the weights 1/s (n,) of reads at `times` s (n,), n >= 2."""
    centred = times - times.mean()
    weights: Float64 = centred / (centred @ centred)
    return weights


ols: RampFitter = make_linear_fitter(weigh_line)
"""Fit ramps by unweighted straight lines; arguments, units and errors as `RampFitter`."""
