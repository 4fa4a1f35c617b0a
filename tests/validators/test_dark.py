"""Master dark: the honest one passes, one 20 times too large, a wrong ERR and NaN fail."""

import numpy as np
import pytest

from iris_contract import DQ, Subarray

REGION = Subarray(1, 1, 400, 300)
SIGMA = 0.014
ALL = {"mean_bias", "chi2", "residual", "yield"}


def judge_darks(bench, change):
    rng = np.random.default_rng(0)
    dark = np.exp(rng.normal(np.log(0.005), 0.3, REGION.shape))
    bad = np.zeros(REGION.shape, "u4")
    bad[50, ::9] = DQ["HOT"]
    bench.as_built(REGION, dark=dark, bad=bad)
    rows = []
    for night in range(1, 9):
        noise = np.random.default_rng(night).normal(0, SIGMA, REGION.shape)
        data = np.where(bad == 0, dark + noise, 1e3)
        planes = {"DATA": data, "ERR": np.full(REGION.shape, SIGMA), "DQ": np.zeros(REGION.shape)}
        rows.append(bench.reference("dark", night, REGION, "dark", **(planes | change(planes))))
    return {name.removeprefix("dark."): word for (name, _), word in bench.verdicts(rows).items()}


def one_nan(planes):
    return {"DATA": np.where(np.arange(400) == 200, np.nan, planes["DATA"])}


def flag(planes):
    return {"DQ": np.where(np.arange(400) % 50 == 5, DQ["DO_NOT_USE"], 0) * np.ones((300, 1))}


def flag_nan(planes):
    lost = np.arange(400) == 200
    return {"DATA": np.where(lost, np.nan, planes["DATA"]), "DQ": lost * np.ones((300, 1))}


@pytest.mark.parametrize(
    ("change", "failing"),
    [
        (lambda planes: {}, set()),
        (lambda planes: {"DATA": planes["DATA"] * 20}, {"mean_bias", "chi2", "residual"}),
        (lambda planes: {"ERR": planes["ERR"] * 0.8}, {"chi2"}),
        (lambda planes: {"ERR": 1 / planes["ERR"]}, {"chi2"}),
        (lambda planes: {"DATA": planes["DATA"] - 0.001}, {"mean_bias"}),
        (one_nan, {"mean_bias", "chi2", "residual"}),
        (flag, {"yield"}),
        (flag_nan, set()),
    ],
    ids=["honest", "x 20", "error x 0.8", "inverted error", "offset", "NaN", "flagged", "flagged NaN"],
)
def test_verdicts(bench, change, failing):
    assert judge_darks(bench, change) == {name: "FAIL" if name in failing else "PASS" for name in ALL}


def test_coupled_pixels_are_judged_by_what_they_show(bench):
    """A dark that holds its neighbours' share is right if truth says that they are coupled, and wrong if not."""
    dark, shown = np.full((2, *REGION.shape), 0.005, "f4")
    shown[::7, ::7] += 0.2
    verdicts = {}
    for name, flaws in (("coupled", {"dark_shown": shown}), ("not coupled", {})):
        bench.as_built(REGION, dark=dark, **flaws)
        noise = [np.random.default_rng(n).normal(0, SIGMA, REGION.shape) for n in range(8)]
        planes = {"ERR": np.full(REGION.shape, SIGMA), "DQ": np.zeros(REGION.shape)}
        rows = [bench.reference("dark", n + 1, REGION, "dark", DATA=shown + noise[n], **planes) for n in range(8)]
        verdicts[name] = {metric: word for (metric, _), word in bench.verdicts(rows).items()}
    assert set(verdicts["coupled"].values()) == {"PASS"}
    assert verdicts["not coupled"]["dark.chi2"] == "FAIL"
