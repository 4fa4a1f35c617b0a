"""Intervals cover what they promise (simulation with fixed seeds) and move the right way."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iris_validators.intervals import count_interval, fraction_interval, log_t_interval, t_interval

TRIALS = 4000
# a true coverage of 95 % falls outside this band with probability 6e-5 (4 sigma of a binomial)
BAND = 4 * np.sqrt(0.95 * 0.05 / TRIALS)
values = st.lists(st.floats(-1e3, 1e3), min_size=3, max_size=12).filter(lambda v: np.std(v) > 1e-6)


def covered(intervals, truth):
    return np.mean([low <= truth <= high for low, high in intervals])


@pytest.mark.parametrize("nights", [3, 5, 8])
def test_t_covers_95_percent(nights):
    draws = np.random.default_rng(nights).normal(2.0, 3.0, (TRIALS, nights))
    assert abs(covered(map(t_interval, draws), 2.0) - 0.95) < BAND


def test_log_t_covers_95_percent_of_widths():
    """Widths of 50 pulls over 8 nights; their geometric mean is e^E[log s]."""
    draws = np.random.default_rng(1).normal(0, 1, (TRIALS, 8, 50)).std(axis=2, ddof=1)
    assert abs(covered(map(log_t_interval, draws), np.exp(np.log(draws).mean())) - 0.95) < BAND


@pytest.mark.parametrize(("p", "n"), [(0.5, 40), (0.99, 60), (2e-4, 4000)])
@pytest.mark.parametrize("persistent", [False, True])
def test_fractions_cover_at_least_95_percent(p, n, persistent):
    rng = np.random.default_rng(7)
    k = rng.binomial(n, p, (TRIALS, 1 if persistent else 8)) * np.ones((1, 8), int)
    intervals = [fraction_interval(row, np.full(8, n), persistent=persistent)[:2] for row in k]
    assert covered(intervals, p) > 0.95 - BAND


def test_counting_the_same_pixels_every_night_is_not_more_evidence():
    """Treating a persistent population as new every night covers far too little: why `pixels` exists."""
    k = np.random.default_rng(7).binomial(40, 0.5, (TRIALS, 1)) * np.ones((1, 8), int)
    assert covered([fraction_interval(row, np.full(8, 40))[:2] for row in k], 0.5) < 0.7


def test_wider_of_two_where_nights_scatter():
    k, n = [10, 90, 20, 80, 15, 85, 30, 70], [100] * 8
    low, high, method = fraction_interval(k, n)
    exact = count_interval(400, 800)
    assert method == "t on logit over nights"
    assert low < exact[0] < exact[1] < high


def test_clopper_pearson_by_hand():
    """No failure in n: the lower end is 0.025^(1/n), so 0.99 needs 368; none at all: 0 and its mirror."""
    assert count_interval(368, 368)[0] == pytest.approx(0.025 ** (1 / 368))
    assert count_interval(368, 368)[0] > 0.99 > count_interval(367, 367)[0]
    assert count_interval(0, 50) == pytest.approx((0, 1 - 0.025 ** (1 / 50)))


def test_t_half_width_at_8_nights_is_0_84_sigma():
    x = np.random.default_rng(0).normal(size=8)
    low, high = t_interval(x)
    assert (high - low) / 2 / x.std(ddof=1) == pytest.approx(0.836, abs=1e-3)


def test_logarithm_of_nothing_positive_is_nan():
    assert np.isnan(log_t_interval([1.0, 0.0, 2.0])).all()


@given(values, st.floats(0.5, 0.98), st.floats(0.001, 0.019))
def test_higher_level_is_wider_and_holds_the_mean(x, level, more):
    low, high = t_interval(x, level)
    wider = t_interval(x, level + more)
    assert wider[0] < low <= np.mean(x) <= high < wider[1]


@given(values, st.floats(-10, 10), st.floats(0.1, 10))
def test_t_follows_shift_and_scale(x, shift, scale):
    low, high = t_interval(x)
    moved = t_interval(np.array(x) * scale + shift)
    assert np.allclose(moved, (low * scale + shift, high * scale + shift), rtol=1e-6, atol=1e-6)


@given(st.integers(0, 50), st.integers(1, 50))
def test_counts_mirror_and_stay_in_range(k, more):
    n = k + more
    low, high = count_interval(k, n)
    assert 0 <= low <= k / n <= high <= 1
    assert count_interval(n - k, n) == pytest.approx((1 - high, 1 - low), abs=1e-9)
