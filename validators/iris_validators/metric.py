"""Metric: the name, kind and unit of one figure of merit, and how samples of it are made.

The kind says how samples of several nights combine into a measurement (`measurement.combine`):
*mean* values scatter symmetrically about a zero point; *ratio* values are positive and scatter by
factors; *events* count things that are drawn anew every night (hits, pixel noise); *pixels* count
properties of the detector's pixels, which are the same pixels every night.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from iris_contract.manifest import ManifestRow
from iris_validators.sample import LACKING, Sample

__all__ = ["Metric", "index_metrics"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure of merit, called `family.figure`.

    `kind` is mean, ratio, events or pixels. The nearer a value lies to `best`, the higher the
    algorithm ranks. `title` is one line for tables.
    """

    name: str
    kind: str
    unit: str
    best: float
    title: str

    @property
    def family(self) -> str:
        """Family of algorithms that the metric judges."""
        return self.name.partition(".")[0]

    def sample(self, row: ManifestRow, value: float, condition: str = "all", weight: float = 1.0) -> Sample:
        """Return one night's value; `weight` is the number of data behind it."""
        return self._make(row, condition, value=float(value), weight=max(1.0, float(weight)))

    def count(self, row: ManifestRow, k: int, n: int, condition: str = "all") -> Sample:
        """Return one night's `k` out of `n`; nothing to count is lacking."""
        if n == 0:
            return self.lack(row, "nothing to count", condition)
        return self._make(row, condition, value=k / n, k=int(k), n=int(n), weight=float(n))

    def skip(self, row: ManifestRow, reason: str, condition: str = "all") -> Sample:
        """Return a sample that says why the metric does not apply."""
        return self._make(row, condition, reason=reason)

    def lack(self, row: ManifestRow, reason: str, condition: str = "all") -> Sample:
        """Return a sample that says what this night does not hold; if none does, it is NOT_MEASURED."""
        return self._make(row, condition, reason=LACKING + reason)

    def _make(
        self,
        row: ManifestRow,
        condition: str,
        *,
        value: float = float("nan"),
        k: int | None = None,
        n: int | None = None,
        weight: float = 0.0,
        reason: str = "",
    ) -> Sample:
        return Sample(
            metric=self.name,
            family=self.family,
            algorithm=row.algorithm,
            setting=row.setting,
            condition=condition,
            night=row.night,
            kind=self.kind,
            unit=self.unit,
            value=value,
            k=k,
            n=n,
            weight=weight,
            reason=reason,
            detector=row.detector,
        )


def index_metrics(*metrics: Metric) -> Mapping[str, Metric]:
    """Return metrics by name."""
    return MappingProxyType({metric.name: metric for metric in metrics})
