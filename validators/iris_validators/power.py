"""Power: how likely a run of so many nights is to verify a specification, and how many it takes.

For means (and logarithms of ratios) of nights that scatter normally by sigma about the predicted
value mu, the upper end of the t interval stays below the limit L if Z + t u < d, where Z is standard
normal, u the observed scatter over sigma (chi with n - 1 degrees of freedom) and d = (L - mu)
sqrt(n) / sigma; the probability is averaged over quantiles of u, and for two limits the chances to
miss add. For counts the Clopper-Pearson interval is inside the limits for a range of k, whose
binomial probability is summed; events that are not rare in one night must pass the t interval on the
logit as well, and the smaller power is taken. A figure of the plan, never a verdict.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import special, stats

from iris_validators.intervals import MIN_NIGHTS, count_interval
from iris_validators.measurement import combine
from iris_validators.sample import Sample
from iris_validators.sampling import METRICS
from iris_validators.specification import Limits, Prediction, Specification

__all__ = ["Plan", "find_power", "plan_measured", "plan_specification"]

DECIDED = 0.99
MOST_NIGHTS = 365
RARE = 5  # events in one night below which the logit is far from normal and Clopper-Pearson is the wider
_QUANTILES = (np.arange(2000) + 0.5) / 2000


@dataclass(frozen=True, slots=True)
class Plan:
    """What it takes to decide a specification.

    `margin` is the distance from the predicted value to the nearer limit in the metric's unit;
    `power` the chance to PASS in `nights`; `nights_needed` the fewest that reach 0.99, or None.
    """

    specification: Specification
    nights: int
    margin: float
    power: float
    nights_needed: int | None


def plan_specification(spec: Specification, nights: int = 8) -> Plan:
    """Return margin, power in `nights`, and the nights needed for a power of 0.99."""
    needed = _first(MOST_NIGHTS, lambda n: find_power(spec, n) >= DECIDED)
    margin = spec.limits.margin(spec.prediction.value)
    return Plan(spec, nights, margin, find_power(spec, nights), needed if needed <= MOST_NIGHTS else None)


def plan_measured(spec: Specification, samples: Sequence[Sample], nights: int) -> Plan | None:
    """Return the plan with the samples' own value and scatter in place of what was predicted.

    None where they do not say: fewer than three nights, no scatter, or a value that is not finite.
    """
    found = _learn(samples)
    return plan_specification(replace(spec, prediction=found), nights) if found else None


def _learn(samples: Sequence[Sample]) -> Prediction | None:
    measured = combine(samples) if samples else None
    if measured is None or not measured.has_interval or measured.value is None or measured.low is None:
        return None
    if samples[0].k is not None:
        return Prediction(measured.value, events=round(sum(s.n or 0 for s in samples if not s.reason) / measured.n))
    low, value = (
        (math.log(measured.low), math.log(measured.value))
        if samples[0].kind == "ratio"
        else (measured.low, measured.value)
    )
    scatter = (value - low) * math.sqrt(measured.n) / float(special.stdtrit(measured.n - 1, 0.975))
    return Prediction(measured.value, scatter=scatter) if scatter > 0 else None


def find_power(spec: Specification, nights: int) -> float:
    """Return the probability that `nights` nights end in PASS if the prediction holds."""
    if nights < MIN_NIGHTS:
        return 0.0
    prediction, limits = spec.prediction, spec.limits
    kind = METRICS[spec.metric].kind
    if prediction.events is not None:
        if kind == "pixels":  # the same every night
            return _count_power(prediction.value, prediction.events, limits)
        exact = _count_power(prediction.value, prediction.events * nights, limits)
        rare = prediction.events * min(prediction.value, 1 - prediction.value) < RARE
        return exact if rare else min(exact, _logit_power(prediction.value, prediction.events, nights, limits))
    if kind == "ratio":
        return _t_power(math.log(prediction.value), prediction.scatter or 0, nights, _log(limits))
    return _t_power(prediction.value, prediction.scatter or 0, nights, limits)


def _log(limits: Limits) -> Limits:
    return Limits(*(None if side is None else math.log(side) for side in (limits.low, limits.high)))


def _t_power(mean: float, scatter: float, nights: int, limits: Limits) -> float:
    missed, quantile = 0.0, special.stdtrit(nights - 1, 0.975)
    spread = np.sqrt(special.chdtri(nights - 1, _QUANTILES) / (nights - 1))
    for limit, sign in ((limits.low, -1), (limits.high, 1)):
        if limit is not None:
            distance = sign * (limit - mean) * math.sqrt(nights) / scatter
            missed += float(np.mean(special.ndtr(quantile * spread - distance)))
    return max(0.0, 1 - missed)


def _logit_power(fraction: float, events: int, nights: int, limits: Limits) -> float:
    """The t interval on the logit, whose binomial sigma in one night is (events p (1 - p))^(-1/2)."""
    low, high = (None if side is None else float(special.logit(side)) for side in (limits.low, limits.high))
    scatter = (events * fraction * (1 - fraction)) ** -0.5
    return _t_power(float(special.logit(fraction)), scatter, nights, Limits(low, high))


def _count_power(fraction: float, n: int, limits: Limits) -> float:
    least = 0 if limits.low is None else _first(n, lambda k: count_interval(k, n)[0] >= (limits.low or 0))
    above = n + 1 if limits.high is None else _first(n, lambda k: count_interval(k, n)[1] > (limits.high or 1))
    return max(0.0, float(stats.binom.cdf(above - 1, n, fraction) - stats.binom.cdf(least - 1, n, fraction)))


def _first(n: int, holds: Callable[[int], bool]) -> int:
    """Smallest k in 0..n for which a monotonic condition holds, n + 1 if for none."""
    low, high = 0, n + 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low
