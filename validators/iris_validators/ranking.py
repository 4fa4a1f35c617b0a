"""Ranking: algorithms compared on the same nights by paired differences.

The merit of a night is the distance of its value from the metric's best. Every algorithm reduced
the same exposures, so their common noise cancels in the difference of merits night by night; where
the t interval of the differences holds zero (or there are too few nights for one) two algorithms
rank equal. Ranks are given from the best down: an algorithm that equals the first of its group joins
the group, so equality is with the leader of the group and not between neighbours.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from iris_validators.intervals import MIN_NIGHTS, t_interval
from iris_validators.metric import Metric
from iris_validators.sample import Sample

__all__ = ["Rank", "compare", "rank"]

Array = npt.NDArray[np.float64]
_Values = dict[tuple[int, str], float]


@dataclass(frozen=True, slots=True)
class Rank:
    """Place of an algorithm (1 is best, equals share a place) and its mean merit (0 is perfect).

    `difference` of merits to the best algorithm, paired by night, with the interval `low`..`high`
    (None: no interval).
    """

    algorithm: str
    place: int
    merit: float
    difference: float
    low: float | None
    high: float | None
    nights: int


def compare(merits: Array, others: Array, level: float = 0.95) -> tuple[float, float | None, float | None]:
    """Return mean difference `merits` - `others` (nights,) with its paired t interval, if there is one."""
    difference = merits - others
    if difference.size < MIN_NIGHTS or not np.all(np.isfinite(difference)):
        return float(difference.mean()), None, None
    return float(difference.mean()), *t_interval(difference, level)


def rank(metric: Metric, samples: Iterable[Sample], setting: str, condition: str | None = None) -> list[Rank]:
    """Return the algorithms from best to worst in one `setting`; NaN ranks last.

    `samples` are of one detector. Over one `condition`, or the mean over all. Only nights and conditions
    that every algorithm has are compared; algorithms for which the metric does not apply are left out.
    """
    table = _collect(metric, samples, setting, condition)
    merits = {name: _find_merits(metric, values) for name, values in _share(table).items()}
    order = sorted(merits, key=lambda name: (not np.isfinite(merits[name].mean()), merits[name].mean(), name))
    ranks: list[Rank] = []
    leader = place = 0
    for number, name in enumerate(order):
        difference, low, _ = compare(merits[name], merits[order[leader]])
        broken = np.isnan(difference) and np.isfinite(merits[order[leader]].mean())
        if broken or (low is not None and low > 0):
            leader, place = number, number
        ranks.append(
            Rank(
                name, place + 1, float(merits[name].mean()), *compare(merits[name], merits[order[0]]), merits[name].size
            )
        )
    return ranks


def _collect(metric: Metric, samples: Iterable[Sample], setting: str, condition: str | None) -> dict[str, _Values]:
    """Values by algorithm, then by night and condition; several exposures of a night average."""
    table: dict[str, dict[tuple[int, str], list[float]]] = {}
    for s in samples:
        if (s.metric, s.setting) == (metric.name, setting) and condition in (None, s.condition) and not s.reason:
            table.setdefault(s.algorithm, {}).setdefault((s.night, s.condition), []).append(s.value)
    return {name: {key: float(np.mean(v)) for key, v in cells.items()} for name, cells in table.items()}


def _share(table: dict[str, _Values]) -> dict[str, Array]:
    """Values (nights, conditions) by algorithm, over what every algorithm has."""
    cells = [set(values) for values in table.values()]
    conditions = sorted(set.intersection(*({c for _, c in part} for part in cells))) if cells else []
    nights = sorted({n for part in cells for n, _ in part})
    kept = [n for n in nights if all((n, c) in part for part in cells for c in conditions)]
    if not kept or not conditions:
        return {}
    return {name: np.array([[v[n, c] for c in conditions] for n in kept]) for name, v in table.items()}


def _find_merits(metric: Metric, values: Array) -> Array:
    """Merit of each night (nights,): distance from the best, signed by the mean over nights.

    Signing by the mean, not night by night, keeps noise about the best from counting as distance.
    """
    distance = values - metric.best
    signs = np.where(distance.mean(axis=0) < 0, -1.0, 1.0)
    return np.asarray((distance * signs).mean(axis=1))
