"""Pairs of runs on identical draws: by how much a figure changes when one thing is done otherwise.

Two runs of one seed differ in one effect, or in the number of darks; every other draw is the same, so
most of the noise cancels in the difference night by night. The interval is Student t over nights.
Not modelled: how two changes act together; a budget of single changes need not add up.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from iris_validators.ranking import compare
from iris_validators.sample import Key, Sample, group_samples

__all__ = ["Difference", "compare_runs"]


@dataclass(frozen=True, slots=True)
class Difference:
    """Mean of a figure in both runs, and the mean difference `change` with its interval, None where there is none."""

    family: str
    metric: str
    setting: str
    algorithm: str
    condition: str
    unit: str
    before: float
    after: float
    change: float
    low: float | None
    high: float | None
    nights: int
    detector: str = ""


def compare_runs(before: Iterable[Sample], after: Iterable[Sample]) -> list[Difference]:
    """Return one difference (after - before) for everything that both runs sampled in common nights."""
    first, second = group_samples(before), group_samples(after)
    found = (_pair(key, first[key], second[key]) for key in first if key in second)
    return [difference for difference in found if difference is not None]


def _pair(key: Key, before: list[Sample], after: list[Sample]) -> Difference | None:
    first, second = _by_night(before), _by_night(after)
    nights = sorted(first.keys() & second.keys())
    if not nights:
        return None
    one, other = (np.array([values[night] for night in nights]) for values in (first, second))
    family, metric, setting, algorithm, condition, detector = key
    change = compare(other, one)
    return Difference(
        family,
        metric,
        setting,
        algorithm,
        condition,
        before[0].unit,
        float(one.mean()),
        float(other.mean()),
        *change,
        len(nights),
        detector,
    )


def _by_night(samples: list[Sample]) -> dict[int, float]:
    """Value of each night; several exposures or blocks of one average."""
    values: dict[int, list[float]] = {}
    for sample in samples:
        if not sample.reason:
            values.setdefault(sample.night, []).append(sample.value)
    return {night: float(np.mean(found)) for night, found in values.items()}
