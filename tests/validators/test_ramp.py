"""Ramp metrics: an honest fit passes every specification and each fault fails the one that watches it.

Two scene rates, 49 000 pixels each, eight nights: what `quick` has. Estimates scatter by exactly the
bound. A specification of power p does not pass the honest twin with probability 1 - p, in sum less
than 2 %; seeds are fixed.
"""

from dataclasses import replace

import numpy as np
import pytest

from iris_contract import DQ
from iris_contract.errors import LayoutError
from iris_validators import sample_group

SHAPE, RATES = (256, 384), (0.5, 50.0)
SCENE = np.where(np.arange(SHAPE[1]) < 192, *RATES) * np.ones((SHAPE[0], 1))
CONDITIONS = [f"rate={rate:g}" for rate in RATES]
FIGURES = ["bias", "rms_over_crb", "pull_mean", "pull_width", "coverage_68", "coverage_95", "yield"]


@pytest.fixture(scope="module")
def good(shared_bench):
    """Rows of eight honest nights; pixels bad in truth hold nonsense."""
    detected = SCENE + 0.005
    cause = np.zeros(SHAPE, "u4")
    cause[:4] = DQ["REFERENCE_PIXEL"]
    cause[20, ::7] = DQ["HOT"]
    cause[30, ::5] = DQ["JUMP_DET"]
    bound, rows = shared_bench.bound(detected), []
    for night in range(1, 9):
        noise = np.random.default_rng(night).normal(size=SHAPE) * bound
        shared_bench.image(f"night{night}.fits", np.where(cause == 0, detected + noise, -1e6), bound)
        truth = shared_bench.truth(f"night{night}.fits", SCENE, detected=detected, cause=cause)
        rows.append(shared_bench.row(f"night{night}.fits", "RateModel", truth, night=night))
    return rows


def scale_error(factor):
    return lambda image: replace(image, err=(image.err * np.float32(factor)))


def invert_error(image):
    return replace(image, err=1 / image.err)


def forget_covariance(image):
    """Error of a straight-line fit to reads taken as independent, Poisson noise of each included."""
    times = np.arange(20) * 10.0
    weights = (times - times.mean()) / np.sum((times - times.mean()) ** 2)
    variance = np.sum(weights**2) * 121 + np.maximum(image.data, 0) * np.sum(weights**2 * times)
    return replace(image, err=np.sqrt(variance).astype("f4"))


def scale_rate(factor):
    return lambda image: replace(image, data=image.data * np.float32(factor))


def lose_error(image):
    return replace(image, err=np.full_like(image.err, np.inf))


def one_nan(image):
    data = image.data.copy()
    data[10, 10] = data[10, 300] = np.nan
    return replace(image, data=data)


def flag_a_fiftieth(image):
    dq = image.dq.copy()
    dq[:, ::50] = DQ["DO_NOT_USE"]
    return replace(image, dq=dq)


def shift(image):
    return replace(image, data=np.roll(image.data, 8, axis=1))


def test_honest_twin_passes_everything(shared_bench, good):
    verdicts = shared_bench.verdicts(good)
    assert verdicts == {(f"ramp.{f}", c): "PASS" for f in FIGURES for c in CONDITIONS}


@pytest.mark.parametrize(
    ("fault", "fails", "unmoved"),
    [
        (invert_error, ["pull_width", "coverage_68", "coverage_95"], ["bias", "rms_over_crb", "yield"]),
        (scale_error(0.8), ["pull_width", "coverage_68", "coverage_95"], ["bias", "rms_over_crb", "yield"]),
        (lose_error, ["pull_width", "coverage_68", "coverage_95", "yield"], ["bias", "rms_over_crb"]),
        (one_nan, ["bias", "rms_over_crb", "pull_mean", "pull_width"], ["coverage_68", "yield"]),
        (flag_a_fiftieth, ["yield"], ["bias", "rms_over_crb", "pull_width", "coverage_68"]),
        (shift, ["rms_over_crb", "bias"], ["yield"]),
    ],
)
def test_fault_fails_what_watches_it(shared_bench, good, fault, fails, unmoved):
    verdicts = shared_bench.verdicts(shared_bench.edit(good, fault))
    assert {verdicts[f"ramp.{f}", c] for f in fails for c in CONDITIONS} == {"FAIL"}
    assert {verdicts[f"ramp.{f}", c] for f in unmoved for c in CONDITIONS} == {"PASS"}


def test_negative_errors_break_the_layout(shared_bench, good):
    with pytest.raises(LayoutError, match="ERR must hold standard deviations"):
        shared_bench.verdicts(shared_bench.edit(good, scale_error(-1)))


def test_counts_hold_a_nan_against_the_product(shared_bench, good):
    def lose_values(image):
        return replace(image, data=np.full_like(image.data, np.nan))

    was, now = shared_bench.sample(good[:1]), shared_bench.sample(shared_bench.edit(good[:1], lose_values))
    counts = [(s.n, t.k, t.n) for s, t in zip(was, now, strict=True) if s.k is not None]
    assert counts == [(n, 0, n) for n, _, _ in counts]  # coverages and yield of every rate: all are outside
    assert len(counts) == 3 * len(CONDITIONS)


@pytest.mark.parametrize("factor", [0.98, 1.02])
def test_gain_off_by_2_percent_shows_where_photons_dominate(shared_bench, good, factor):
    verdicts = shared_bench.verdicts(shared_bench.edit(good, scale_rate(factor)))
    assert verdicts["ramp.bias", "rate=50"] == "FAIL"


def test_missing_covariance_shows_where_photons_dominate(shared_bench, good):
    verdicts = shared_bench.verdicts(shared_bench.edit(good, forget_covariance))
    assert verdicts["ramp.pull_width", "rate=50"] == "FAIL"
    assert verdicts["ramp.rms_over_crb", "rate=50"] == "PASS"


def test_exposures_of_a_night_are_pooled(shared_bench, good):
    pair = [good[0], replace(good[1], night=1)]
    together = {(s.metric, s.condition): s for s in sample_group(shared_bench.root, pair)}
    single = {(s.metric, s.condition): s for s in shared_bench.sample(pair[:1])}
    key = ("ramp.yield", "rate=50")
    assert together[key].n == 2 * single[key].n
    assert {s.night for s in together.values()} == {1}


def test_a_rate_without_good_pixels_says_so(bench):
    scene = np.where(np.arange(20) < 10, 1.0, 500.0) * np.ones((4, 1))
    cause = np.where(scene > 100, DQ["SATURATED"], 0).astype("u4")
    bench.image("a.fits", scene, np.ones((4, 20)))
    row = bench.row("a.fits", "RateModel", bench.truth("a.fits", scene, cause=cause))
    lost = [s for s in bench.sample([row]) if s.condition == "rate=500"]
    assert len(lost) == len(FIGURES)
    assert {s.reason for s in lost} == {"not in this run: no pixel is good in truth"}


def test_product_that_flags_everything_does_not_pass(bench):
    scene = np.ones((4, 20))
    rows = []
    for night in (1, 2, 3):
        bench.image(f"{night}.fits", scene, scene, dq=np.ones((4, 20), "u4"))
        rows.append(bench.row(f"{night}.fits", "RateModel", bench.truth(f"{night}.fits", scene), night=night))
    verdicts = bench.verdicts(rows)
    assert {verdicts[f"ramp.{f}", "rate=1"] for f in ("bias", "rms_over_crb", "pull_width", "yield")} == {"FAIL"}
    assert "PASS" not in verdicts.values()
