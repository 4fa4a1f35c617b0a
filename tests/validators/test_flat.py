"""Flat: scale is a convention, output steps stand apart, a shifted or noisy flat fails."""

import numpy as np
import pytest

from iris_contract import Subarray

REGION = Subarray(1, 1, 512, 200)
SIGMA = 0.0016
ALL = {"residual", "output_step", "chi2", "yield"}
STEPS = np.repeat(1 + 0.02 * np.array([1, -1, 1, -1, 1, -1, 1, -1]), 64)


def judge_flats(bench, change):
    true = np.exp(np.random.default_rng(0).normal(0, 0.01, REGION.shape)).astype("f4")
    bench.as_built(REGION, flat=true)
    rows = []
    for night in range(1, 9):
        data = true + np.random.default_rng(night).normal(0, SIGMA, REGION.shape)
        planes = {"DATA": data, "ERR": np.full(REGION.shape, SIGMA)}
        rows.append(bench.reference("flat", night, REGION, "flat", **(planes | change(planes))))
    return {name.removeprefix("flat."): word for (name, _), word in bench.verdicts(rows).items()}


def noisier(planes):
    more = np.random.default_rng(9).normal(0, 0.004, REGION.shape)
    return {"DATA": planes["DATA"] + more, "ERR": np.hypot(planes["ERR"], 0.004)}


@pytest.mark.parametrize(
    ("change", "failing"),
    [
        (lambda planes: {}, set()),
        (lambda planes: {"DATA": planes["DATA"] * 1.1, "ERR": planes["ERR"] * 1.1}, set()),
        (lambda planes: {"DATA": planes["DATA"] * STEPS}, {"output_step"}),
        (lambda planes: {"DATA": np.roll(planes["DATA"], 8, axis=1)}, {"residual", "chi2"}),
        (noisier, {"residual"}),
        (lambda planes: {"ERR": planes["ERR"] * 0.8}, {"chi2"}),
        (lambda planes: {"DATA": np.where(np.arange(512) == 99, np.nan, planes["DATA"])}, ALL - {"yield"}),
        (lambda planes: {"DQ": (np.arange(512) % 32 == 9) * np.ones((200, 1))}, {"yield"}),
    ],
    ids=["honest", "other scale", "steps", "shifted", "noisier", "error x 0.8", "NaN", "flagged"],
)
def test_verdicts(bench, change, failing):
    assert judge_flats(bench, change) == {name: "FAIL" if name in failing else "PASS" for name in ALL}
