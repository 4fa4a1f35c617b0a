"""Measurement: the samples of all nights combined into a value with an interval.

    mean     Student t over nights
    ratio    t over nights on the logarithm
    events   Clopper-Pearson on all events, or t on the logit over nights: the wider
    pixels   the same, with Clopper-Pearson on one night's pixels: they are the same every night

Samples of spatial blocks of a single night (one full frame) take t over blocks and say so in
`method`; their pixels are not the same. With several nights the blocks of each are merged. NaN in one
night makes the value NaN. Not modelled: correlation between nights.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from iris_validators.intervals import MIN_BLOCKS, MIN_NIGHTS, fraction_interval, log_t_interval, t_interval
from iris_validators.sample import LACKING, Sample

__all__ = ["APART", "NOT_POSITIVE", "SAME", "Measurement", "combine"]

NOT_POSITIVE = "no interval: the ratio is positive in no night"
"""The method where a ratio of more than one datum is 0 in every night: there is no logarithm, but no doubt either."""
SAME = "no interval: all blocks hold one and the same number"
"""The method where blocks repeat what is common to the frame, and so do not tell how far off it is."""

APART = 10.0
"""Of 16 normal blocks one lies so far off with a probability below 3e-4, whether all hold as many data or up to a
thousand times more than others, and whether they scatter by these numbers or all alike (simulated: 5e-5 to 2.6e-4);
with tails of Student t of 5 degrees it is 0.3 to 0.7 %."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """A value with the interval `low`..`high` at `level`, from `n` nights or blocks by `method`.

    `low` and `high` are None where there is no interval. A non-empty `reason` says why the metric
    does not apply; the value is then None. `apart` are the values of blocks that do not belong to the others: a mean
    over sixteen blocks hides a fault of one place.
    """

    value: float | None
    low: float | None
    high: float | None
    method: str
    n: int
    level: float = 0.95
    reason: str = ""
    apart: tuple[float, ...] = ()

    @property
    def has_interval(self) -> bool:
        """Whether there is an interval to judge."""
        return self.low is not None and self.high is not None


@dataclass(frozen=True, slots=True)
class _Realisation:
    """One night or block after its samples have been merged."""

    value: float
    k: float
    n: float
    weight: float


def _merge(samples: Sequence[Sample]) -> _Realisation:
    """Merge the samples of one night: counts add, squares of ratios and values average by weight."""
    if samples[0].k is not None:
        k, n = sum(s.k or 0 for s in samples), sum(s.n or 0 for s in samples)
        return _Realisation(k / n, k, n, n)
    values, weights = np.array([[s.value, s.weight] for s in samples]).T
    if samples[0].kind == "ratio":
        return _Realisation(float(np.sqrt(np.average(values**2, weights=weights))), 0, 0, float(weights.sum()))
    return _Realisation(float(np.average(values, weights=weights)), 0, 0, float(weights.sum()))


def _value(kind: str, nights: Sequence[_Realisation]) -> float:
    values = np.array([night.value for night in nights])
    if kind in ("events", "pixels"):
        return sum(night.k for night in nights) / sum(night.n for night in nights)
    if kind == "ratio" and np.all(values > 0):
        return float(np.exp(np.log(values).mean()))
    return float(values.mean())


def _interval(kind: str, nights: Sequence[_Realisation], level: float, blocks: bool) -> tuple[float, float, str]:
    values = [night.value for night in nights]
    if kind in ("events", "pixels"):
        counts = [night.k for night in nights], [night.n for night in nights]
        return fraction_interval(*counts, level, persistent=kind == "pixels" and not blocks)
    if kind == "ratio":
        return *log_t_interval(values, level), "t on log over nights"
    return *t_interval(values, level), "t over nights"


def _agree(values: Sequence[float]) -> bool:
    """Tell whether blocks hold one and the same number, as those of a reference with one number per output do."""
    return bool(np.ptp(values) <= 1e-6 * np.abs(values).max())


def _find_apart(kind: str, blocks: Sequence[_Realisation]) -> tuple[float, ...]:
    """Return the values that lie more than APART scaled median deviations from the median, ratios in the logarithm.

    So far off they must be both as they are and in units of what their number of data leaves of normal scatter: a block
    that holds few data scatters more, and one that holds many no less where the scatter has another cause. Counts are
    left out: a block that holds few has steps of its own.
    """
    values = np.array([block.value for block in blocks])
    if kind not in ("mean", "ratio") or (kind == "ratio" and not np.all(values > 0)):
        return ()
    scale = np.log(values) if kind == "ratio" else values
    away = np.abs(scale - np.median(scale))
    weighed = away * np.sqrt([block.weight for block in blocks])
    far = [part > APART * 1.4826 * np.median(part) for part in (away, weighed)]
    return tuple(float(v) for v in values[far[0] & far[1]])


def combine(samples: Sequence[Sample], level: float = 0.95) -> Measurement:
    """Return the measurement that samples of one key make; raises ValueError if keys differ.

    Samples with a reason are left out; if all have one, the measurement carries the first, what is lacking before all.
    """
    if len({s.key for s in samples}) != 1:
        raise ValueError("combine takes samples of one metric, algorithm, setting, condition and detector")
    kept = sorted((s for s in samples if not s.reason), key=lambda s: s.order)
    if not kept:
        reasons = sorted((s.reason for s in samples), key=lambda reason: not reason.startswith(LACKING))
        return Measurement(None, None, None, "", 0, level, reasons[0])
    blocks = len({s.night for s in kept}) == 1 and all(s.block is not None for s in kept)
    nights = [_merge(list(g)) for _, g in groupby(kept, key=lambda s: s.block if blocks else s.night)]
    value, kind = _value(kept[0].kind, nights), kept[0].kind
    needed, noun = (MIN_BLOCKS, "blocks") if blocks else (MIN_NIGHTS, "nights")
    if len(nights) < needed:
        return Measurement(value, None, None, f"no interval below {needed} {noun}", len(nights), level)
    if kind == "ratio" and value <= 0 and any(s.weight > 1 for s in kept):
        return Measurement(value, None, None, NOT_POSITIVE, len(nights), level)
    if blocks and kind in ("mean", "ratio") and _agree([block.value for block in nights]):
        return Measurement(value, None, None, SAME, len(nights), level)
    found = _interval(kind, nights, level, blocks) if math.isfinite(value) else (math.nan, math.nan, "not finite")
    low, high, method = found
    if math.isnan(low) or math.isnan(high):
        return Measurement(value, None, None, f"no interval: {method}", len(nights), level)
    method = method.replace("nights", noun)
    method += ", blocks" if blocks and noun not in method else ""
    return Measurement(value, low, high, method, len(nights), level, apart=_find_apart(kind, nights) if blocks else ())
