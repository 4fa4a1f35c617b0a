"""Verdict: a measurement held against a specification.

    PASS            the interval lies inside the limits
    FAIL            it lies outside, or that of a block of a frame that stands apart, or the value is not finite
    INCONCLUSIVE    it straddles a limit, or there is no interval
    NOT_MEASURED    nothing was measured, or the run holds nothing to measure it on
    NOT_APPLICABLE  the metric has no meaning here, for a stated reason
    ERROR           the algorithm or its products could not be used

Only PASS counts as verified. A requirement over m conditions passes when every row passes at 95 %,
and fails when one fails at 1 - 0.05/m: Holm's first step (1979), so that many conditions do not make
a false FAIL likely.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from iris_validators.measurement import NOT_POSITIVE, Measurement, combine
from iris_validators.sample import LACKING, Sample
from iris_validators.specification import Specification

__all__ = ["Verdict", "judge", "judge_requirement"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One of the words above, and why."""

    word: str
    reason: str = ""


def judge(spec: Specification, measurement: Measurement | None) -> Verdict:
    """Return the verdict on one measurement, or on its absence."""
    if measurement is None:
        return Verdict("NOT_MEASURED", "no sample")
    if measurement.reason.startswith(LACKING):
        return Verdict("NOT_MEASURED", measurement.reason)
    if measurement.reason:
        return Verdict("NOT_APPLICABLE", measurement.reason)
    if measurement.value is None or not math.isfinite(measurement.value):
        return Verdict("FAIL", f"the value is {measurement.value}")
    low, high = measurement.low, measurement.high
    if measurement.method == NOT_POSITIVE and (spec.limits.low or 0) > 0:
        return Verdict("FAIL", f"0 in every night is outside the limits {spec.limits}")
    if low is None or high is None:
        return Verdict("INCONCLUSIVE", measurement.method)
    interval = f"{low:.5g} to {high:.5g}"
    outside = [value for value in measurement.apart if not spec.limits.holds(value, value)]
    if outside:
        blocks = f"{len(outside)} of {measurement.n} blocks apart from the others"
        return Verdict("FAIL", f"{blocks}: {outside[0]:.5g} is outside the limits {spec.limits}")
    if spec.limits.holds(low, high):
        return Verdict("PASS", f"{interval} is inside the limits {spec.limits}")
    if spec.limits.misses(low, high):
        return Verdict("FAIL", f"{interval} is outside the limits {spec.limits}")
    return Verdict("INCONCLUSIVE", f"{interval} straddles the limits {spec.limits}")


def judge_requirement(spec: Specification, conditions: Sequence[Sequence[Sample]]) -> Verdict:
    """Return the verdict on a specification over all its conditions, each given by its samples.

    A condition without samples is an empty sequence; it, or one that the run holds nothing to measure on,
    keeps the requirement from passing. One where the metric has no meaning does not.
    """
    rows = [judge(spec, combine(samples) if samples else None) for samples in conditions]
    open_rows = [row.word for row in rows if row.word != "NOT_APPLICABLE"]
    if not open_rows:
        return Verdict("NOT_APPLICABLE", rows[0].reason) if rows else Verdict("NOT_MEASURED", "no sample")
    if set(open_rows) == {"PASS"}:
        return Verdict("PASS", f"all {len(open_rows)} conditions pass at 95 %")
    level = 1 - 0.05 / len(open_rows)
    failed = sum(judge(spec, combine(samples, level)).word == "FAIL" for samples in conditions if samples)
    if failed:
        return Verdict("FAIL", f"{failed} of {len(open_rows)} conditions fail at {100 * level:.4g} %")
    if "NOT_MEASURED" in open_rows:
        lost = [row.reason for row in rows if row.word == "NOT_MEASURED"]
        return Verdict("NOT_MEASURED", f"{len(lost)} of {len(open_rows)} conditions were not measured: {lost[0]}")
    return Verdict(
        "INCONCLUSIVE", f"{len(open_rows) - open_rows.count('PASS')} of {len(open_rows)} conditions do not pass"
    )
