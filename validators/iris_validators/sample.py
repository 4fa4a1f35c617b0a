"""Sample: what one night says about one metric under one condition.

A sample is a value, or counts `k` of `n`, or the reason why there is none. Nights are the
realisations; several samples of one night (two exposures) are merged by weight, never counted twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

__all__ = ["KINDS", "LACKING", "Sample", "group_samples"]

KINDS: tuple[str, ...] = ("mean", "ratio", "events", "pixels")
LACKING = "not in this run: "
"""How a reason begins where the metric has a meaning, but the run holds nothing to measure it on."""
Key = tuple[str, str, str, str, str, str]


@dataclass(frozen=True, slots=True)
class Sample:
    """One number, or counts, for one night, setting and condition.

    `kind` is explained in `metric`. `value` is NaN where the product is; NaN is kept and fails.
    `weight` is the number of data behind `value`. `block` numbers the spatial blocks of a single
    full frame and is None where nights are the realisations. `detector` is empty in a run that has
    but one. A non-empty `reason` says why the
    metric does not apply, or, after LACKING, what the run lacks; value, k and n then mean nothing.
    Raises ValueError for another kind.
    """

    metric: str
    family: str
    algorithm: str
    setting: str
    condition: str
    night: int
    kind: str
    unit: str
    value: float
    k: int | None = None
    n: int | None = None
    weight: float = 1.0
    block: int | None = None
    reason: str = ""
    detector: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind={self.kind!r}: must be one of {', '.join(KINDS)}")

    @property
    def key(self) -> Key:
        """Family, metric, setting, algorithm, condition, detector: what samples must share to be combined."""
        return self.family, self.metric, self.setting, self.algorithm, self.condition, self.detector

    @property
    def order(self) -> tuple[Key, int, int]:
        """Sort key that makes a list of samples independent of how it was gathered."""
        return self.key, self.night, -1 if self.block is None else self.block


def group_samples(samples: Iterable[Sample]) -> dict[Key, list[Sample]]:
    """Return samples by key, keys and nights in order."""
    ordered = sorted(samples, key=lambda s: s.order)
    return {key: list(group) for key, group in groupby(ordered, key=lambda s: s.key)}
