"""Leaderboards: algorithms of a family ranked on the same nights by paired differences.

The ranking itself is `iris_validators.ranking`; here it meets the metric that ranks a family, and
each algorithm's own figure: the mean over the conditions, combined over nights as for a verdict, so that under a single
condition the two are the same number.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from iris_contract.manifest import SETTINGS
from iris_reports.detectors import order_detectors
from iris_reports.wording import format_unit, humanize, join_words
from iris_validators.intervals import MIN_NIGHTS
from iris_validators.measurement import combine
from iris_validators.ranking import Rank, rank
from iris_validators.sample import Sample, group_samples
from iris_validators.sampling import METRICS

__all__ = ["RANKING_METRICS", "Leaderboard", "Standing", "make_leaderboards"]

RANKING_METRICS: dict[str, str] = {"ramp": "ramp.rms_over_crb", "wavelength": "wavelength.residual"}
"""Family to the metric that ranks its algorithms."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One algorithm's place, own figure with interval, and its distance to the first with interval.

    Without an interval there is no `place`: not to know which is better is not to be equal.
    """

    place: int | None
    algorithm: str
    equals: tuple[str, ...]
    value: float
    low: float | None
    high: float | None
    difference: float | None
    difference_low: float | None
    difference_high: float | None

    @property
    def remark(self) -> str:
        """Who shares the place, in words."""
        return f"equal with {join_words([humanize(name) for name in self.equals])}" if self.equals else ""


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """Standings of one family and setting, best first; `detector` is empty where the samples have but one."""

    family: str
    setting: str
    metric: str
    nights: int
    conditions: int
    standings: tuple[Standing, ...]
    detector: str = ""

    @property
    def heading(self) -> str:
        """What the ranked figure is, with its unit: the head of a column."""
        metric = METRICS[self.metric]
        return f"{metric.title}, {format_unit(metric.unit)}" if metric.unit != "1" else "Rms error ÷ bound"

    @property
    def meaning(self) -> str:
        """How to read the figure, in words."""
        best = "" if METRICS[self.metric].unit != "1" else ", 1 is the best that can be done"
        return f"less is better{best}"

    @property
    def scale(self) -> float | None:
        """The narrowest half-width of the algorithms' own intervals: the digits of that column."""
        return _find_narrowest((s.low, s.high) for s in self.standings)

    @property
    def distance_scale(self) -> float | None:
        """The narrowest half-width of the distances to the first."""
        return _find_narrowest((s.difference_low, s.difference_high) for s in self.standings)

    @property
    def unranked(self) -> str:
        """Why nobody has a place, in words; empty where they have."""
        return "" if self.nights >= MIN_NIGHTS else f"not ranked: fewer than {MIN_NIGHTS} nights"

    @property
    def leaders(self) -> list[str]:
        """Algorithms that share the first place."""
        return [standing.algorithm for standing in self.standings if standing.place == 1]


def _find_narrowest(intervals: Iterable[tuple[float | None, float | None]]) -> float | None:
    halves = [(high - low) / 2 for low, high in intervals if low is not None and high is not None]
    return min((half for half in halves if 0 < half < math.inf), default=None)


def make_leaderboards(samples: Sequence[Sample]) -> list[Leaderboard]:
    """Return the leaderboards of the samples: families that have a ranking metric, alone before chain, by detector."""
    boards = []
    for family, metric in RANKING_METRICS.items():
        own = [s for s in samples if s.metric == metric and not s.reason]
        detectors = order_detectors(s.detector for s in own)
        for setting, detector in product(SETTINGS, detectors):
            chosen = [s for s in own if (s.setting, s.detector) == (setting, detector)]
            if len({s.algorithm for s in chosen}) > 1:
                boards.append(_make(family, setting, metric, chosen, detector if len(detectors) > 1 else ""))
    return boards


def _make(family: str, setting: str, metric: str, samples: list[Sample], detector: str) -> Leaderboard:
    ranks = rank(METRICS[metric], samples, setting)
    standings = tuple(_stand(r, ranks, samples) for r in ranks)
    conditions = {s.condition for s in samples}
    nights = max((r.nights for r in ranks), default=0)
    return Leaderboard(family, setting, metric, nights, len(conditions), standings, detector)


def _stand(own: Rank, ranks: Sequence[Rank], samples: Sequence[Sample]) -> Standing:
    figure = combine(_average(sample for sample in samples if sample.algorithm == own.algorithm))
    equals = tuple(
        r.algorithm for r in ranks if _is_ranked(r) and r.place == own.place and r.algorithm != own.algorithm
    )
    first = own.algorithm == ranks[0].algorithm
    behind = (None, None, None) if first else (own.difference, own.low, own.high)
    place = own.place if _is_ranked(own) else None
    value = math.nan if figure.value is None else figure.value
    return Standing(place, own.algorithm, equals if place else (), value, figure.low, figure.high, *behind)


def _is_ranked(rank: Rank) -> bool:
    """Whether the distance to the first has an interval."""
    return rank.nights >= MIN_NIGHTS and math.isfinite(rank.merit)


def _average(samples: Iterable[Sample]) -> list[Sample]:
    """Return one sample a night, the mean over its conditions; those of a single condition as they are."""
    groups = group_samples(samples)
    if len(groups) == 1:
        return next(iter(groups.values()))
    nights: dict[int, list[Sample]] = defaultdict(list)
    for group in groups.values():
        for sample in group:
            nights[sample.night].append(sample)
    return [_merge(found) for found in nights.values()]


def _merge(night: Sequence[Sample]) -> Sample:
    values = np.array([combine(group).value for group in group_samples(night).values()], dtype=np.float64)
    return replace(night[0], condition="", value=float(values.mean()), weight=1.0, block=None)
