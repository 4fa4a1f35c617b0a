"""Filters: edges, series, and where a band begins and ends."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iris_contract.errors import InputError
from iris_contract.instrument import load_instrument
from iris_contract.lenslet import load_passband

FILTERS = load_instrument().filters
NARROW = [name for name, f in FILTERS.items() if f.kind == "narrow5"]
names = st.sampled_from(sorted(FILTERS))


@pytest.mark.parametrize("name", FILTERS)
def test_band_ends_at_half_its_peak_at_cut_on_and_cut_off(name):
    """The leak and the far edge move half of the peak by some 1e-3 of the width of an edge."""
    f, (low, high) = FILTERS[name], load_passband(name).half
    assert low == pytest.approx(1e3 * f.cut_on, abs=0.02)
    assert high == pytest.approx(1e3 * f.cut_off, abs=0.02)


@pytest.mark.parametrize("name", NARROW)
def test_edges_of_five_percent_filters_are_one_percent_wide(name):
    passband, f = load_passband(name), FILTERS[name]
    inner, outer = passband.support(0.9 * 0.9), passband.support(0.1 * 0.9)
    assert inner[0] - outer[0] == pytest.approx(0.01 * 1e3 * f.cut_on, rel=2e-3)
    assert outer[1] - inner[1] == pytest.approx(0.01 * 1e3 * f.cut_off, rel=2e-3)


@pytest.mark.parametrize("name", [name for name, f in FILTERS.items() if f.kind == "line"])
def test_filters_for_single_lines_still_pass_the_line(name):
    """Edges of a quarter of the band: both are half a band, 2 widths or 8.8 logistic scales, from the middle."""
    f = FILTERS[name]
    middle = float(load_passband(name).transmission(500 * (f.cut_on + f.cut_off)))
    assert middle == pytest.approx(0.9 * (1 - 2 * np.exp(-8.8)), rel=2e-3)


def test_peak_and_leak():
    passband = load_passband("KN3")
    assert passband.names == ("KN3",)
    assert passband.transmission(np.array([2177.0, 1500.0, 2900.0])) == pytest.approx([0.9, 1e-4, 1e-4], rel=1e-3)
    assert load_passband("Kbb+KN3").transmission(2177.0) == pytest.approx(0.81, rel=1e-3)
    assert load_passband("Kbb+KN3").transmission(1500.0) == pytest.approx(1e-8)


@given(st.lists(names, min_size=1, max_size=3), st.randoms(use_true_random=False), st.floats(700, 2600))
def test_filters_in_series_multiply_in_any_order(chosen, random, wavelength):
    shuffled = random.sample(chosen, len(chosen))
    found = float(load_passband("+".join(chosen)).transmission(wavelength))
    assert found == pytest.approx(float(load_passband("+".join(shuffled)).transmission(wavelength)), rel=1e-14)
    assert found == pytest.approx(np.prod([float(load_passband(n).transmission(wavelength)) for n in chosen]))


@given(names, st.floats(0, 4000))
def test_transmission_lies_between_leak_and_peak(name, wavelength):
    assert 1e-4 <= float(load_passband(name).transmission(wavelength)) <= 0.9


@given(names, st.floats(2e-4, 0.5), st.floats(1.01, 1.7))
def test_support_is_where_the_threshold_is_met_and_shrinks_with_it(name, threshold, factor):
    passband = load_passband(name)
    ends = passband.support(threshold)
    assert passband.transmission(np.array(ends)) == pytest.approx([threshold, threshold], rel=1e-6)
    inner = passband.support(factor * threshold)
    assert ends[0] < inner[0] < inner[1] < ends[1]


def test_default_support_is_where_a_neighbour_still_sends_a_thousandth():
    assert load_passband("HN3").support() == load_passband("HN3").support(1e-3)


def test_broad_filter_before_a_narrow_one_leaves_its_band_where_it_is():
    assert load_passband("Kbb+KN3").half == pytest.approx(load_passband("KN3").half, abs=1e-3)


def test_dark_passes_nothing_and_has_no_ends():
    dark = load_passband("dark")
    assert dark.names == ("dark",)
    assert dark.transmission(np.ones((2, 3))).tolist() == [[0.0] * 3] * 2
    for ask in (dark.support, lambda: dark.half):
        with pytest.raises(InputError, match="FILTER='dark': has no two ends"):
            ask()


@pytest.mark.parametrize(("name", "threshold"), [("KN3", 0.95), ("KN3", 1e-5), ("HN1+KN3", 1e-3)])
def test_a_threshold_that_nothing_or_everything_meets_is_refused(name, threshold):
    with pytest.raises(InputError, match="has no two ends"):
        load_passband(name).support(threshold)


@pytest.mark.parametrize("name", ["Q", "", "Kbb+", "through"])
def test_unknown_filters_are_refused(name):
    with pytest.raises(InputError, match="no such filter"):
        load_passband(name)
