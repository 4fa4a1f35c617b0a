"""Fitters with fixed weights: closed forms, exact error bars, and a control whose error bars are wrong."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from iris_contract.dq import DQ
from iris_reduction.ramp import RAMP_FITTERS
from iris_reduction.ramp.cds import weigh_ends
from iris_reduction.ramp.linear import _describe, make_linear_fitter
from iris_reduction.ramp.mcds import weigh_means
from iris_reduction.ramp.ols import weigh_line

EVEN = np.arange(20.0)[None] * 10.0
UNEVEN = np.array([[0.0, 2, 3, 7, 8, 15, 30, 31, 60, 100], [1.0, 3, 4, 8, 9, 10, 11, 12, 13, 14]])
WEIGHTS = {"cds": weigh_ends, "mcds": weigh_means, "ols": weigh_line}
LINEAR = pytest.mark.parametrize("name", sorted(WEIGHTS))


def covariance(times, rate, noise):
    return rate * np.minimum.outer(times, times) + noise**2 * np.eye(len(times))


@pytest.mark.parametrize("weigh", WEIGHTS.values(), ids=WEIGHTS)
@given(gaps=arrays(float, st.integers(2, 30), elements=st.floats(0.1, 100.0)))
def test_weights_remove_the_pedestal_and_give_unit_slope(weigh, gaps):
    times = gaps.cumsum()
    weights = weigh(times)
    assert weights.sum() == pytest.approx(0, abs=1e-12 * np.abs(weights).sum())
    assert weights @ times == pytest.approx(1)
    _, read, photon = _describe(times, weigh)
    assert read * 7.0**2 + photon * 3.0 == pytest.approx(weights @ covariance(times, 3.0, 7.0) @ weights, rel=1e-9)


def test_mcds_takes_at_most_half_of_the_reads():
    assert np.count_nonzero(weigh_means(np.arange(20.0))) == 8
    assert np.count_nonzero(weigh_means(np.arange(5.0))) == 4
    np.testing.assert_array_equal(weigh_means(np.array([1.0, 3.0])), [-0.5, 0.5])


def test_ols_is_the_line_of_polyfit(ramps):
    data = ramps(1, 5.0, UNEVEN[:1], 6)
    fit = RAMP_FITTERS["ols"](**data)
    slopes = np.polyfit(UNEVEN[0], 2.0 * data["reads"][0, :, 0].T.astype(float), 1)[0]
    np.testing.assert_allclose(fit.rate[0], slopes, rtol=1e-5)


@LINEAR
def test_ramps_are_combined_with_inverse_variance(name, ramps):
    data = ramps(2, 30.0, UNEVEN, 6)
    fit = RAMP_FITTERS[name](**data)
    weights = [WEIGHTS[name](t) for t in UNEVEN]
    for pixel in range(6):
        slopes = np.array([2.0 * w @ data["reads"][0, pixel, g].astype(float) for g, w in enumerate(weights)])
        rate = 0.0
        for _ in range(3):
            variances = np.array(
                [w @ covariance(t, max(rate, 0), 10.0) @ w for w, t in zip(weights, UNEVEN, strict=True)]
            )
            rate = (slopes / variances).sum() / (1 / variances).sum()
        assert fit.rate[0, pixel] == pytest.approx(rate, rel=1e-5)
        assert fit.error[0, pixel] == pytest.approx((1 / variances).sum() ** -0.5, rel=1e-5)
        assert fit.chi2[0, pixel] == pytest.approx(((slopes - rate) ** 2 / variances).sum(), rel=1e-4)


@LINEAR
def test_left_out_reads_are_as_if_never_taken(name, ramps):
    data = ramps(3, 8.0, UNEVEN, 5)
    read_dq = np.zeros(data["reads"].shape, np.uint8)
    read_dq[..., 0, 3], read_dq[..., 1, 6] = DQ["DO_NOT_USE"], DQ["SATURATED"]
    fit = RAMP_FITTERS[name](**data, read_dq=read_dq)
    kept = [np.delete(np.arange(10), 3), np.arange(6)]
    slopes, variances = [], []
    for g, k in enumerate(kept):
        w = WEIGHTS[name](UNEVEN[g, k])
        slopes.append(2.0 * data["reads"][0, :, g][:, k].astype(float) @ w)
        variances.append(
            np.array([w @ covariance(UNEVEN[g, k], max(r, 0), 10.0) @ w for r in fit.rate[0].astype(float)])
        )
    slopes, precision = np.array(slopes), 1 / np.array(variances)
    np.testing.assert_allclose(fit.rate[0], (slopes * precision).sum(0) / precision.sum(0), rtol=1e-3)
    np.testing.assert_allclose(fit.error[0], precision.sum(0) ** -0.5, rtol=1e-3)


@LINEAR
def test_no_jump_is_rejected_and_a_single_ramp_has_no_chi2(name, ramps):
    data = ramps(4, 1.0, EVEN, 3)
    data["reads"][..., 10:] += 5000.0
    fit = RAMP_FITTERS[name](**data)
    assert fit.jumps is None
    assert not fit.dq.any()
    assert np.isnan(fit.chi2).all()


@LINEAR
@pytest.mark.parametrize("rate", [0.02, 2.0, 50.0, 500.0])
def test_pulls_have_unit_width(name, rate, ramps):
    """20 000 ramps; 3 % plus 4.5 standard deviations, false alarms 7e-6 each."""
    fit = RAMP_FITTERS[name](**ramps(5, rate, EVEN, 20_000))
    pulls = (fit.rate[0] - rate) / fit.error[0]
    assert abs(pulls.std() - 1) < 0.03 + 4.5 / np.sqrt(2 * 20_000)


def test_error_bars_without_read_to_read_covariance_are_caught(ramps):
    """Negative control: the same line with reads taken as independent, Var(s_i) = s^2 + R t_i."""
    fit = make_linear_fitter(weigh_line)(**ramps(5, 50.0, EVEN, 20_000))
    weights, t = weigh_line(EVEN[0]), EVEN[0]
    wrong = np.sqrt((weights**2 * (10.0**2 + np.maximum(fit.rate[0], 0)[:, None] * t)).sum(axis=1))
    pulls = (fit.rate[0] - 50.0) / wrong
    assert abs(pulls.std() - 1) > 0.5
