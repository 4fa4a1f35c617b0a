"""Generalised least squares against dense algebra over reads, and its jump rejection."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iris_contract.dq import DQ, has
from iris_reduction.ramp.gls import (
    CHANGE,
    FOUND,
    LANES,
    ROWS,
    WORK,
    _find_faint,
    _fit_one,
    _guess_rate,
    _load,
    _sweep_backward,
    _sweep_forward,
    _take_differences,
    _test_all,
    _weigh_reads,
    gls,
)

EVEN = np.arange(20.0)[None] * 10.0
UNEVEN = np.array([[0.0, 2, 3, 7, 8, 15, 30, 31, 60, 100]])
SEVERAL = np.array([[0.0, 5, 10, 15, 20, 25], [1.0, 2, 4, 8, 16, 32], [0.5, 9, 11, 20, 22, 40]])
RTOL = 1e-5


def electrons(data: dict[str, Any], pixel: int = 0, usable: np.ndarray | None = None) -> list:
    """Return [(times, electrons)] of the usable reads of each ramp that has two of them."""
    reads, gain = data["reads"][0, pixel].astype(float), float(data["gain"][0, pixel])
    usable = np.ones(reads.shape, bool) if usable is None else usable
    return [(t[u], gain * r[u]) for t, r, u in zip(data["times"], reads, usable, strict=True) if u.sum() > 1]


def assert_equal_fit(fit, pixel, oracle):
    """Rates within 1e-5 of themselves or their error; chi2 per degree of freedom is of order one."""
    assert fit.rate[0, pixel] == pytest.approx(oracle.rate, rel=RTOL, abs=RTOL * oracle.error)
    assert fit.error[0, pixel] == pytest.approx(oracle.error, rel=RTOL)
    if oracle.freedom:
        assert fit.chi2[0, pixel] == pytest.approx(oracle.chi2 / oracle.freedom, rel=10 * RTOL, abs=10 * RTOL)
    else:
        assert np.isnan(fit.chi2[0, pixel])


@pytest.mark.parametrize("times", [EVEN, UNEVEN, SEVERAL, UNEVEN[:, :2], UNEVEN[:, :3]], ids=str)
@pytest.mark.parametrize("rate", [0.0, 0.02, 2.0, 50.0, 500.0])
def test_equals_dense_algebra(times, rate, dense, ramps):
    data = ramps(3, rate, times, 70)  # more than one tile, the last one not full
    fit = gls(**data, jump_sigma=np.inf)
    for pixel in (0, 1, 63, 64, 69):
        assert_equal_fit(fit, pixel, dense(electrons(data, pixel), 10.0))


@pytest.mark.parametrize("times", [EVEN, UNEVEN, SEVERAL], ids=str)
def test_reads_left_out_equal_dense_algebra_without_them(times, dense, ramps):
    data = ramps(4, 5.0, times, 8)
    read_dq = np.zeros(data["reads"].shape, np.uint8)
    read_dq[0, 0, 0, 0] = DQ["DO_NOT_USE"]
    read_dq[0, 1, 0, 2:4] = DQ["DO_NOT_USE"]
    read_dq[0, 2, 0, 4] = DQ["SATURATED"]
    read_dq[0, 3, 0, [1, 5]] = DQ["DO_NOT_USE"], DQ["SATURATED"]
    read_dq[0, 4, -1, -1] = DQ["OUTLIER"]  # no reason to leave a read out
    fit = gls(**data, read_dq=read_dq, jump_sigma=np.inf)
    left_out = np.zeros(read_dq[0].shape, bool)
    left_out[0, 0, 0] = left_out[1, 0, 2] = left_out[1, 0, 3] = left_out[3, 0, 1] = True
    left_out[2, 0, 4:] = left_out[3, 0, 5:] = True
    for pixel in range(8):
        assert_equal_fit(fit, pixel, dense(electrons(data, pixel, ~left_out[pixel]), 10.0, full=times))
    assert np.flatnonzero(has(fit.dq, "SATURATED")).tolist() == [2, 3]


def test_a_ramp_saturated_at_once_leaves_the_others(dense, ramps):
    data = ramps(5, 5.0, SEVERAL, 3)
    read_dq = np.zeros(data["reads"].shape, np.uint8)
    read_dq[0, 0, 0, 1:], read_dq[0, 1, :2, 0], read_dq[0, 2, :, 0] = (DQ["SATURATED"],) * 3
    fit = gls(**data, read_dq=read_dq)
    assert_equal_fit(fit, 0, dense(electrons(data, 0)[1:], 10.0))
    assert_equal_fit(fit, 1, dense(electrons(data, 1)[2:], 10.0))
    assert np.isnan([fit.rate[0, 2], fit.error[0, 2]]).all()
    assert fit.dq[0, 2] == DQ["SATURATED"] | DQ["DO_NOT_USE"]


def test_one_difference_has_rate_and_error_in_closed_form(ramps):
    data = ramps(6, 3.0, EVEN[:, :2], 5)
    fit = gls(**data)
    rate = 2.0 * np.diff(data["reads"][0, :, 0], axis=-1)[:, 0] / 10.0
    np.testing.assert_allclose(fit.rate[0], rate, rtol=RTOL)
    np.testing.assert_allclose(fit.error[0], np.sqrt(np.maximum(rate, 0) * 10 + 2 * 10.0**2) / 10.0, rtol=RTOL)
    assert np.isnan(fit.chi2).all()
    assert not fit.dq.any()


@pytest.mark.parametrize(
    ("times", "jumps"),
    [(EVEN, [(0, 7)]), (EVEN, [(0, 1), (0, 19)]), (EVEN, [(0, 9), (0, 10)]), (SEVERAL, [(1, 3), (2, 3)])],
    ids=str,
)
def test_jumps_are_repaired_as_if_their_amplitudes_were_fitted(times, jumps, dense, ramps):
    data = ramps(7, 5.0, times, 6)
    for group, read in jumps:
        data["reads"][0, 2, group, read:] += 1500.0
    fit = gls(**data)
    assert [(j["Y"], j["X"], j["GROUP"], j["READ"]) for j in fit.jumps] == [(0, 2, g, k) for g, k in jumps]
    assert np.flatnonzero(has(fit.dq, "JUMP_DET")).tolist() == [2]
    oracle = dense(electrons(data, 2), 10.0, jumps)
    assert_equal_fit(fit, 2, oracle)
    np.testing.assert_allclose(fit.jumps["AMPLITUDE"], oracle.amplitudes, rtol=RTOL)


def test_a_jump_across_a_missing_read_lies_at_the_next_usable_one(dense, ramps):
    data = ramps(8, 1.0, EVEN, 1)
    data["reads"][0, 0, 0, 5:] += 500.0
    read_dq = np.zeros(data["reads"].shape, np.uint8)
    read_dq[..., 5:7] = DQ["DO_NOT_USE"]
    fit = gls(**data, read_dq=read_dq)
    assert fit.jumps["READ"].tolist() == [7]
    usable = read_dq[0, 0] == 0
    assert_equal_fit(fit, 0, dense(electrons(data, 0, usable), 10.0, [(0, 5)], full=EVEN))


@pytest.mark.parametrize("charge", [0.0, 1500.0])
@pytest.mark.parametrize("jumps", [[(0, 2)], [(0, 1), (1, 4)], [(2, 3), (2, 4)]], ids=str)
def test_flagged_jumps_are_repaired_whatever_their_charge_and_listed_where_they_stand_out(jumps, charge, dense, ramps):
    """With 0 e- a test at 8 sigma lists none; the noise of the fitted amplitude has 15 e-."""
    data = ramps(14, 5.0, SEVERAL, 3)
    read_dq = np.zeros(data["reads"].shape, np.uint8)
    for group, read in jumps:
        data["reads"][0, 1, group, read:] += charge
        read_dq[0, 1, group, read] = DQ["JUMP_DET"]
    fit = gls(**data, read_dq=read_dq, jump_sigma=8.0)
    assert_equal_fit(fit, 1, dense(electrons(data, 1), 10.0, jumps))
    assert np.flatnonzero(has(fit.dq, "JUMP_DET")).tolist() == [1]
    assert [(j["X"], j["GROUP"], j["READ"]) for j in fit.jumps] == [(1, g, k) for g, k in jumps if charge]


def test_a_flagged_read_that_is_left_out_passes_its_jump_on(dense, ramps):
    data = ramps(15, 5.0, EVEN, 1)
    data["reads"][0, 0, 0, 5:] += 500.0
    read_dq = np.zeros(data["reads"].shape, np.uint8)
    read_dq[..., 5] = DQ["JUMP_DET"] | DQ["DO_NOT_USE"]
    usable = read_dq[0, 0] == 0
    oracle = dense(electrons(data, 0, usable), 10.0, [(0, 5)], full=EVEN)
    assert_equal_fit(gls(**data, read_dq=read_dq), 0, oracle)


def drops_by_refits(dense, series):
    """Drop of chi2 for each difference omitted, every fit with the weights of the complete one."""
    full = dense(series, 10.0)
    weight_rate = dense(series, 10.0, fits=1).rate
    places = [(group, read) for group, (t, _) in enumerate(series) for read in range(1, len(t))]
    return np.array([full.chi2 - dense(series, 10.0, [p], 1, weight_rate).chi2 for p in places])


@pytest.mark.parametrize("times", [EVEN, UNEVEN, SEVERAL], ids=str)
@pytest.mark.parametrize("rate", [0.1, 20.0])
def test_one_omit_drops_of_chi2_equal_dense_refits(times, rate, dense, ramps):
    data = ramps(9, rate, times, LANES)
    ngroups, nreads = times.shape
    steps = np.diff(times, axis=1).astype(np.float32)
    tile, weights = np.zeros(ngroups * nreads * LANES, np.float32), _weigh_reads(times)
    trail, state = np.zeros(ngroups * nreads * 3 * LANES, np.float32), np.ones(ROWS * LANES, np.float32)
    _load(data["reads"][0].reshape(-1), data["gain"][0], data["read_noise"][0] ** 2, tile, state)
    _guess_rate(weights, tile, state)
    _sweep_forward(steps, tile, trail, state)
    for pixel in (0, 5, 63):
        expected = drops_by_refits(dense, electrons(data, pixel))
        work, where = np.zeros((WORK, ngroups * nreads + 1)), np.zeros(ngroups * nreads, np.int64)
        usable, jumped, faint = np.ones(times.shape, bool), np.zeros(times.shape, bool), _find_faint(times)
        n = _take_differences(data["reads"][0, pixel], usable, jumped, times, faint, 2.0, work, where)
        fitted, norm, _ = _fit_one(work, n, 100.0)
        worst = _test_all(work, n, fitted, norm)
        np.testing.assert_allclose(work[CHANGE, :n] / 100.0, expected, rtol=RTOL, atol=1e-6)
        assert worst == np.argmax(expected)
        ordered = np.sort(expected)
        for count in (0, 1, 3):  # a limit between two drops lets exactly `count` of them through
            limit = 2 * ordered[-1] if not count else (ordered[-count] + ordered[-count - 1]) / 2
            _sweep_backward(steps, tile, trail, state, np.float32(limit))
            assert state[FOUND + pixel] == count


@pytest.mark.parametrize("saturated", [3, 5])
def test_two_differences_are_never_tested(saturated, ramps):
    """Neither where there are no more reads, nor where the others are saturated."""
    data = ramps(10, 1.0, EVEN[:, :saturated], 4)
    data["reads"][..., 1:] += 5000.0
    read_dq = np.zeros(data["reads"].shape, np.uint8)
    read_dq[..., 3:] = DQ["SATURATED"]
    fit = gls(**data, read_dq=read_dq)
    assert not len(fit.jumps)
    assert (fit.chi2 > 100).all()


def test_infinite_threshold_rejects_nothing(ramps):
    data = ramps(11, 1.0, EVEN, 4)
    data["reads"][..., 9:] += 5000.0
    assert not len(gls(**data, jump_sigma=np.inf).jumps)


@pytest.mark.parametrize("rate", [0.02, 50.0])
def test_statistics_of_rates_errors_and_chi2(rate, known_rate_bound, ramps):
    """40 000 ramps; each comparison allows 4.5 standard deviations (false alarms 7e-6 each)."""
    n = 40_000
    fit = gls(**ramps(12, rate, EVEN, n))
    crb, error = known_rate_bound(EVEN[0], rate, 10.0), fit.rate[0] - rate
    assert abs(error.mean() / crb) < 0.005 + 4.5 / np.sqrt(n)
    assert np.sqrt(np.mean(error**2)) / crb < 1.005 + 4.5 / np.sqrt(2 * n)
    assert abs(np.std(error / fit.error[0]) - 1) < 0.03 + 4.5 / np.sqrt(2 * n)
    assert abs(fit.chi2.mean() - 1) < 0.01 + 4.5 * np.sqrt(2 / 18 / n)
    assert has(fit.dq, "JUMP_DET").mean() < 2e-4 + 4.5 * np.sqrt(2e-4 / n)


def test_jump_completeness(ramps):
    """4000 jumps of 7 sigma of their own amplitude (known within 0.5 %): 99.4 % exceed 4.5 sigma."""
    n = 4000
    data = ramps(13, 2.0, EVEN, n)
    data["reads"][0, :, 0, 10:] += 7.0 * 11.3 / 2.0
    fit = gls(**data)
    found = np.zeros(n, bool)
    found[fit.jumps["X"][fit.jumps["READ"] == 10]] = True
    assert found.mean() > 0.99
    assert np.median(fit.jumps["AMPLITUDE"]) == pytest.approx(7 * 11.3, abs=4.5 * 11.3 * 1.25 / np.sqrt(n))


@given(st.integers(0, 2**32), st.floats(0.0, 300.0), st.integers(2, 12), st.integers(1, 3), st.floats(0.5, 40.0))
def test_any_spacing_equals_dense_algebra(dense, seed, rate, nreads, ngroups, noise):
    rng = np.random.default_rng(seed)
    times = rng.uniform(0.5, 30.0, (ngroups, nreads)).cumsum(axis=1)
    reads = rate * times + rng.normal(0, noise + np.sqrt(rate), (1, 1, ngroups, nreads)) + 900
    plane = np.ones((1, 1), np.float32)
    data = {"reads": reads.astype(np.float32), "times": times, "gain": plane}
    fit = gls(**data, read_noise=plane * np.float32(noise), jump_sigma=np.inf)
    assert_equal_fit(fit, 0, dense(electrons(data), float(np.float32(noise))))
