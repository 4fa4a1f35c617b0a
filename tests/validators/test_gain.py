"""Gain per output: right to 0.2 % passes, 2 % in one output fails there and nowhere else."""

import numpy as np
import pytest

from iris_contract import Subarray

REGION = Subarray(1, 1, 256, 40)
TRUE = np.repeat([1.95, 2.0, 2.05, 2.1], 64) * np.ones((40, 1))


def judge_gains(bench, factors):
    bench.as_built(REGION, gain=TRUE)
    rows = []
    for night in range(1, 9):
        error = 1 + np.random.default_rng(night).normal(0, 0.002, 4)
        rows.append(bench.reference("gain", night, REGION, "gain", DATA=TRUE * np.repeat(error * factors, 64)))
    verdicts = bench.verdicts(rows)
    return [verdicts["gain.relative_error", f"output={n}"] for n in range(4)]


@pytest.mark.parametrize("factor", [0.98, 1.02, np.nan])
def test_two_percent_in_one_output(bench, factor):
    assert judge_gains(bench, [1, 1, factor, 1]) == ["PASS", "PASS", "FAIL", "PASS"]


def test_value_by_hand(bench):
    bench.as_built(REGION, gain=TRUE)
    row = bench.reference("gain", 1, REGION, "gain", DATA=TRUE * 1.01)
    assert [s.value for s in bench.sample([row])] == pytest.approx([0.01] * 4, rel=1e-4)
    assert [s.weight for s in bench.sample([row])] == [36 * 60, 36 * 64, 36 * 64, 36 * 64]
