"""Metrics stamp samples with row, kind and unit; names, kinds and specifications agree."""

import math

import pytest

from iris_contract.manifest import ManifestRow
from iris_contract.scorecard import FAMILIES
from iris_validators import METRICS, Metric
from iris_validators.sample import KINDS

ROW = ManifestRow("p", "0" * 64, "RateModel", 3, "chain", "ladder", "ramp", "ols", ("r",), ("0" * 64,), "t")
METRIC = Metric("ramp.yield", "pixels", "1", 1, "Yield")


def test_sample_carries_row_and_metric():
    sample = METRIC.sample(ROW, 0.5, "rate=2", 10)
    assert (sample.metric, sample.family, sample.kind, sample.unit) == ("ramp.yield", "ramp", "pixels", "1")
    assert (sample.algorithm, sample.setting, sample.night, sample.condition) == ("ols", "chain", 3, "rate=2")
    assert (sample.value, sample.weight, sample.reason) == (0.5, 10, "")


def test_count_and_skip():
    counted = METRIC.count(ROW, 3, 4)
    assert (counted.value, counted.k, counted.n, counted.weight) == (0.75, 3, 4, 4)
    assert METRIC.count(ROW, 0, 0).reason == "not in this run: nothing to count"
    skipped = METRIC.skip(ROW, "no table")
    assert math.isnan(skipped.value)
    assert skipped.reason == "no table"


@pytest.mark.parametrize("name", METRICS)
def test_registered_metrics_are_well_formed(name):
    metric = METRICS[name]
    assert metric.name == name
    assert metric.family in FAMILIES
    assert metric.kind in KINDS
    assert metric.title
    assert metric.unit
