"""The bound against dense linear algebra, published numbers and its own monotony."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from iris_validators.cramer_rao import difference_sigma, rate_bound, read_variance

EVEN = np.arange(20.0)[None] * 10
times_of = st.lists(st.floats(0.1, 50), min_size=3, max_size=12).map(lambda steps: np.cumsum([0, *steps])[None])
rates, noises = st.floats(0, 1000), st.floats(1, 50)


def dense(rate, variance, times, kept):
    """(dt' C^-1 dt)^(-1/2) with the covariance of the kept differences written out."""
    information = 0.0
    for steps, keep in zip(np.diff(times, axis=1), kept, strict=True):
        n = steps.size
        c = np.diag(rate * steps + 2 * variance) - variance * (np.eye(n, k=1) + np.eye(n, k=-1))
        dt = steps[keep]
        information += dt @ np.linalg.solve(c[np.ix_(keep, keep)], dt) if dt.size else 0
    return information**-0.5


def test_read_noise_10_and_20_reads():
    """The bound tabulated for 10 e-, 20 reads every 10 s."""
    found = rate_bound([0.02, 0.1, 0.5, 2, 10, 50], 100.0, EVEN)
    assert_allclose(found, [0.0403, 0.0459, 0.0668, 0.1139, 0.2373, 0.5177], atol=5e-5)


def test_limits_by_hand():
    """Read noise alone: 12 v / (n (n^2 - 1) dt^2). Photons alone: f / T."""
    assert_allclose(rate_bound(0.0, 121.0, EVEN) ** 2, 12 * 121 / (20 * 399 * 100), rtol=1e-12)
    assert_allclose(rate_bound(5.0, 0.0, EVEN) ** 2, 5 / 190, rtol=1e-12)


@settings(deadline=None, max_examples=50)
@given(rates, noises, times_of, st.integers(1, 3), st.data())
def test_equals_dense_algebra(rate, noise, times, groups, data):
    times = np.tile(times, (groups, 1)) * np.arange(1, groups + 1)[:, None]
    shape = (groups, times.shape[1] - 1)
    omitted = np.array(data.draw(st.lists(st.booleans(), min_size=groups * shape[1], max_size=groups * shape[1])))
    omitted = omitted.reshape(shape)
    omitted[0, 0] = False
    assert_allclose(rate_bound(rate, noise**2, times), dense(rate, noise**2, times, np.ones(shape, bool)), rtol=1e-8)
    assert_allclose(rate_bound(rate, noise**2, times, omitted[None]), dense(rate, noise**2, times, ~omitted), rtol=1e-8)


@given(rates, noises, times_of)
def test_more_noise_more_light_fewer_reads_never_help(rate, noise, times):
    variance = noise**2
    bound = rate_bound(rate, variance, times)[0]
    assert bound <= rate_bound(rate, 1.1 * variance, times)[0]
    assert bound <= rate_bound(1.1 * rate + 0.1, variance, times)[0]
    assert bound <= rate_bound(rate, variance, times[:, :-1])[0]
    assert bound > rate_bound(rate, variance, np.tile(times, (2, 1)))[0]


@given(rates, noises, times_of, st.data())
def test_an_omitted_difference_costs(rate, noise, times, data):
    omitted = np.zeros((1, 1, times.shape[1] - 1), bool)
    omitted[0, 0, data.draw(st.integers(0, times.shape[1] - 2))] = True
    assert rate_bound(rate, noise**2, times, omitted)[0] > rate_bound(rate, noise**2, times)[0]


def test_nothing_left_is_infinite():
    assert np.isinf(rate_bound([1.0], 100.0, EVEN, np.ones((1, 1, 19), bool))[0])


def test_wrong_shape_is_refused():
    with pytest.raises(ValueError, match=r"expected \(1, 1, 19\)"):
        rate_bound([1.0], 100.0, EVEN, np.ones((1, 1, 20), bool))


def test_variances_by_hand():
    assert_allclose(read_variance(11.0, 2.0), 121 + 4 / 12)
    assert_allclose(difference_sigma(10.0, 100.0, 10.0), np.sqrt(300))


def test_a_fit_with_the_true_covariance_reaches_it():
    """Monte Carlo: 20 000 ramps, rms within 4 sigma of the bound (false alarm 6e-5, seed fixed)."""
    rng, rate, v, n = np.random.default_rng(3), 3.0, 100.0, 20_000
    charge = rng.poisson(rate * 10, (n, 19)).cumsum(axis=1)
    reads = np.concatenate([np.zeros((n, 1)), charge], axis=1) + rng.normal(0, 10, (n, 20))
    c = np.diag(np.full(19, rate * 10 + 2 * v)) - v * (np.eye(19, k=1) + np.eye(19, k=-1))
    weights = np.linalg.solve(c, np.full(19, 10.0))
    estimate = np.diff(reads, axis=1) @ weights / (weights @ np.full(19, 10.0))
    ratio = np.sqrt(np.mean((estimate - rate) ** 2)) / rate_bound(rate, v, EVEN)[0]
    assert abs(ratio - 1) < 4 / np.sqrt(2 * n)
